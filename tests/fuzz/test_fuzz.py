"""A short run of the fuzz harness; ``benchmarks/fuzz.py`` is the long one."""

import importlib.util
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def fuzz():
    path = Path(__file__).resolve().parents[2] / "benchmarks" / "fuzz.py"
    spec = importlib.util.spec_from_file_location("fuzz", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["fuzz"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["fuzz"]


def test_damaged_clips_are_scored_or_refused_and_nothing_else(fuzz, monkeypatch):
    few = ("mp4-h264", "mkv-hevc", "avi-mpeg4", "ts-mpeg2")
    monkeypatch.setattr(fuzz, "CLIPS", {name: fuzz.CLIPS[name] for name in few})
    outcomes, problems = fuzz.run(cases=20, seed=3)
    assert problems == []
    # Both kinds of outcome came up, or the cases were none.
    assert outcomes["scored"] and outcomes["failed: unreadable"] + outcomes["failed: decode_failed"]


def test_the_harness_sees_what_must_not_be(fuzz, monkeypatch):
    few = ("avi-mjpeg",)
    monkeypatch.setattr(fuzz, "CLIPS", {name: fuzz.CLIPS[name] for name in few})
    real = fuzz.score_one

    def flattering(scorer, source, span):
        result = real(scorer, source, span)
        if "case." not in source:
            return result
        return fuzz.FailedScore(source, "internal", "boom")

    monkeypatch.setattr(fuzz, "score_one", flattering)
    outcomes, problems = fuzz.run(cases=2, seed=1)
    assert outcomes == {"failed: internal": 2} and all("boom" in problem for problem in problems)
