"""The local engine: one bad video stops no other, order of turns, memory, and ending early."""

import copy
import threading
import time
from fractions import Fraction

import numpy as np
import pytest

from conviqt_cli.batch import memory
from conviqt_cli.batch.engine import Control
from conviqt_cli.batch.local_engine import LocalEngine
from conviqt_cli.batch.memory import Budget, video_bytes
from conviqt_cli.batch.shared_encoder import PrioritySemaphore
from conviqt_cli.errors import BundleError, DecodeError, LimitError
from conviqt_cli.scoring.results import FailedScore, ModelInfo
from conviqt_cli.scoring.settings import ScoringSettings
from conviqt_cli.video.probe import VideoInfo


class FakeEncoder:
    device, backend, precision, encoder_id = "cpu", "torch", "fp32", "e"

    def spatial(self, frames):
        return frames

    def temporal(self, features):
        return features

    def batch_frames(self, height, width):
        return 1


class FakeScorer:
    """Scores by calling what the test says, with the encoder that the engine put in."""

    def __init__(self, score):
        self.encoder, self.settings, self._score = FakeEncoder(), ScoringSettings(device="cpu"), score

    def model_info(self):
        return ModelInfo("m", "c", "e", "bundled", False)

    def sharing(self, encoder, admit):
        shared = copy.copy(self)
        shared.encoder = encoder
        return shared

    def score(self, source, progress):
        return self._score(self, source)


def local(score, jobs):
    return LocalEngine([FakeScorer(score)], jobs, identify=False)


#: What every engine must do is tested on each of these: functions that make an engine from a score function and jobs.
ENGINES = (local,)


@pytest.fixture(params=ENGINES, ids=lambda make: make.__name__)
def make_engine(request):
    return request.param


def run(make_engine, score, sources, jobs=1, control=None):
    engine = make_engine(score, jobs)
    return {record.result.source: record.result for record in engine.run(sources, control or Control())}


def test_a_video_that_fails_in_any_way_is_a_row(make_engine):
    errors = {"a": DecodeError("a: cut"), "b": ValueError("two\nlines"), "c": MemoryError(), "d": DecodeError("d")}

    def score(scorer, source):
        raise errors[source]

    results = run(make_engine, score, list(errors), jobs=2)
    assert {s: r.code for s, r in results.items()} == {
        "a": "decode_failed", "b": "internal", "c": "limit", "d": "decode_failed",
    }  # fmt: skip
    assert results["b"].reason == "b: ValueError: two lines"


def test_a_damaged_model_is_no_videos_fault(make_engine):
    def score(scorer, source):
        raise BundleError("damaged")

    with pytest.raises(BundleError):
        run(make_engine, score, ["a", "b"])


def test_the_next_video_is_decoded_while_this_one_is_scored(make_engine):
    decoding = threading.Event()

    def score(scorer, source):
        if source == "a":
            scorer.encoder.spatial(np.zeros(1))
            # Judging the first goes on until the second is being decoded; without overlap it never is.
            assert decoding.wait(30)
        else:
            decoding.set()
        return FailedScore(source, "x", "")

    assert set(run(make_engine, score, ["a", "b"])) == {"a", "b"}


def test_stopping_finishes_what_has_begun_and_begins_nothing_else(make_engine):
    control, decoded = Control(), threading.Event()

    def score(scorer, source):
        if source == "first":
            scorer.encoder.spatial(np.zeros(1))
            assert decoded.wait(30)
            control.stop()
        else:
            decoded.set()
            assert control.stopping.wait(30)
            scorer.encoder.spatial(np.zeros(1))
        return FailedScore(source, "x", "")

    assert list(run(make_engine, score, ["first", "second", "third"], control=control)) == ["first"]


def test_turns_go_to_the_earliest_video():
    semaphore, order, threads = PrioritySemaphore(1), [], []

    def work(number):
        with semaphore.acquire(number):
            order.append(number)

    with semaphore.acquire(0):
        for number in (3, 1, 2):
            threads.append(threading.Thread(target=work, args=(number,)))
            threads[-1].start()
        while len(semaphore._waiting) < 3:
            time.sleep(0.001)
    for thread in threads:
        thread.join(30)
    assert order == [1, 2, 3]


def video(width, height):
    return VideoInfo(
        "v", width, height, Fraction(25), 1.0, "h264", "mov", "yuv420p", 8, "bt709", True, "tv", "unknown", "unknown"
    )


def test_memory_that_a_control_group_already_uses_is_not_available(monkeypatch, tmp_path):
    for name, text in (("max", str(10 << 20)), ("current", str(7 << 20)), ("unlimited", "max")):
        (tmp_path / name).write_text(text)
    groups = ((tmp_path / "max", tmp_path / "current"), (tmp_path / "unlimited", tmp_path / "current"))
    monkeypatch.setattr(memory, "_GROUPS", groups)
    assert memory.available() == 3 << 20


def test_memory_is_shared_out_and_what_never_fits_fails():
    need = video_bytes(video(1920, 1080), FakeEncoder(), ScoringSettings())
    budget, order = Budget(int(need * 1.5)), []
    with pytest.raises(LimitError, match="memory limit"), budget.hold(video(7680, 4320), 16 * need):
        pass

    def second():
        with budget.hold(video(1920, 1080), need):
            order.append("second")

    thread = threading.Thread(target=second)
    with budget.hold(video(1920, 1080), need):
        thread.start()
        thread.join(0.05)
        order.append("first")
    thread.join(30)
    assert order == ["first", "second"]
