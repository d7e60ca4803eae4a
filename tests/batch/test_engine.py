"""The local engine: one bad video stops no other, order of turns, memory, and ending early."""

import threading
import time
from fractions import Fraction

import numpy as np
import pytest

from conviqt_cli.batch.engine import Control
from conviqt_cli.batch.local_engine import LocalEngine
from conviqt_cli.batch.memory import Budget, video_bytes
from conviqt_cli.batch.shared_encoder import Turnstile
from conviqt_cli.errors import BundleError, DecodeError, LimitError
from conviqt_cli.scoring.results import FailedScore, ModelInfo
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
        self.encoder, self.admit, self._score = FakeEncoder(), None, score

    def model_info(self):
        return ModelInfo("m", "c", "e", "bundled", False)

    def settings(self, start, duration):
        return {"device": "cpu"}

    def score(self, source, start, duration, progress):
        return self._score(self, source)


def run(score, sources, jobs=1, control=None):
    engine = LocalEngine([FakeScorer(score)], jobs, identify=False)
    return {record.result.source: record.result for record in engine.run(sources, control or Control())}


def test_a_video_that_fails_in_any_way_is_a_row():
    errors = {"a": DecodeError("a: cut"), "b": ValueError("two\nlines"), "c": MemoryError(), "d": DecodeError("d")}

    def score(scorer, source):
        raise errors[source]

    results = run(score, list(errors), jobs=2)
    assert {s: r.code for s, r in results.items()} == {
        "a": "decode_failed", "b": "internal", "c": "limit", "d": "decode_failed",
    }  # fmt: skip
    assert results["b"].reason == "b: ValueError: two lines"


def test_a_damaged_model_is_no_videos_fault():
    def score(scorer, source):
        raise BundleError("damaged")

    with pytest.raises(BundleError):
        run(score, ["a", "b"])


def test_the_next_video_is_decoded_while_this_one_is_judged():
    decoding = threading.Event()

    def score(scorer, source):
        if source == "a":
            scorer.encoder.spatial(np.zeros(1))
            # Judging the first goes on until the second is being decoded; without overlap it never is.
            assert decoding.wait(30)
        else:
            decoding.set()
        return FailedScore(source, "x", "")

    assert set(run(score, ["a", "b"])) == {"a", "b"}


def test_stopping_finishes_what_has_begun_and_begins_nothing_else():
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

    assert list(run(score, ["first", "second", "third"], control=control)) == ["first"]


def test_turns_go_to_the_earliest_video():
    turnstile, order, threads = Turnstile(1), [], []

    def work(number):
        with turnstile.turn(number):
            order.append(number)

    with turnstile.turn(0):
        for number in (3, 1, 2):
            threads.append(threading.Thread(target=work, args=(number,)))
            threads[-1].start()
        while len(turnstile._waiting) < 3:
            time.sleep(0.001)
    for thread in threads:
        thread.join(30)
    assert order == [1, 2, 3]


def video(width, height):
    return VideoInfo(
        "v", width, height, Fraction(25), 1.0, "h264", "mov", "yuv420p", 8, "bt709", True, "tv", "unknown", "unknown"
    )


def test_memory_is_shared_out_and_what_never_fits_fails():
    need = video_bytes(video(1920, 1080), FakeEncoder())
    budget, order = Budget(int(need * 1.5)), []
    with pytest.raises(LimitError, match="--memory"), budget.hold(video(7680, 4320), 16 * need):
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
