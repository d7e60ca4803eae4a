"""What every engine must do, and what the local one does with memory and turns."""

from __future__ import annotations

import threading
import time
from fractions import Fraction
from functools import partial

import pytest

from conviqt_cli.batch import memory
from conviqt_cli.batch.engine import Control
from conviqt_cli.batch.local_engine import LocalEngine
from conviqt_cli.batch.memory import Budget, video_bytes
from conviqt_cli.batch.ray_engine import RayEngine, Slots, connect
from conviqt_cli.batch.shared_encoder import PrioritySemaphore
from conviqt_cli.batch.worker import Task
from conviqt_cli.errors import BundleError, LimitError
from conviqt_cli.scoring.settings import ScoringSettings
from conviqt_cli.video.probe import VideoInfo
from tests.batch.fake_scorers import (
    FakeEncoder,
    FakeScorer,
    damaged_model,
    deadly,
    failing,
    happened,
    overlapping,
    stopped,
    wait_for,
)


def local(score, jobs=1):
    return LocalEngine([FakeScorer(score)], jobs, identify=False)


def ray(score, jobs=1, cpus=2):
    return RayEngine(Task(partial(FakeScorer, score), jobs, identify=False), Slots(cpus, 0), connect())


#: What every engine must do is tested on each of these: functions that make an engine from a score function and jobs.
ENGINES = (local, ray)


@pytest.fixture(params=ENGINES, ids=lambda make: make.__name__)
def make_engine(request):
    if request.param is ray:
        request.getfixturevalue("ray_cluster")
    return request.param


def run(engine, sources, control=None):
    return {record.result.source: record.result for record in engine.run(sources, control or Control())}


def test_a_video_that_fails_in_any_way_is_a_row(make_engine):
    results = run(make_engine(failing, 2), "abcd")
    assert {s: r.code for s, r in results.items()} == {
        "a": "decode_failed", "b": "internal", "c": "limit", "d": "decode_failed",
    }  # fmt: skip
    assert results["b"].reason == "b: ValueError: two lines"


def test_a_damaged_model_is_no_videos_fault(make_engine):
    with pytest.raises(BundleError):
        run(make_engine(damaged_model), ["a", "b"])


def test_the_next_video_is_decoded_while_this_one_is_scored(make_engine, tmp_path):
    names = [str(tmp_path / name) for name in "ab"]
    assert set(run(make_engine(overlapping), names)) == set(names)


def test_stopping_finishes_what_has_begun_and_begins_nothing_else(make_engine, tmp_path):
    control = Control()

    def stop():
        assert wait_for(tmp_path / "stop")
        control.stop()
        happened(tmp_path / "stopping")

    threading.Thread(target=stop, daemon=True).start()
    names = [str(tmp_path / name) for name in ("first", "second", "third")]
    assert list(run(make_engine(stopped), names, control)) == names[:1]


def test_names_are_drawn_as_there_is_room_for_them(make_engine):
    drawn = 0

    def names():
        nonlocal drawn
        for drawn in range(1, 1001):
            yield f"{drawn}"

    records = make_engine(failing).run(names(), Control())
    next(records)
    assert drawn < 40
    records.close()


def test_a_worker_that_dies_loses_nothing_and_doubles_nothing(ray_cluster, tmp_path):
    names = [str(tmp_path / f"{name}.mp4") for name in ("a", "b", "once", "c", "poison", "d", "e", "f")]
    records = list(ray(deadly, cpus=1).run(names, Control()))
    assert sorted(record.result.source for record in records) == sorted(names)
    codes = {record.result.source: record.result.code for record in records}
    assert {name for name, code in codes.items() if code == "internal"} == {names[4]}


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
