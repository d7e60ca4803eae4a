"""A short run of the fuzz harness; ``python -m benchmarks.fuzz`` is the long one."""

from benchmarks import fuzz
from conviqt_cli.batch.one_video import score_one
from conviqt_cli.scoring.results import FailedScore


def test_damaged_clips_are_scored_or_refused_and_nothing_else(monkeypatch):
    few = ("mp4-h264", "mkv-hevc", "avi-mpeg4", "ts-mpeg2")
    monkeypatch.setattr(fuzz, "CLIPS", {name: fuzz.CLIPS[name] for name in few})
    outcomes, problems = fuzz.run(cases=20, seed=3)
    assert problems == []
    # Both kinds of outcome came up, or the cases were none.
    assert outcomes["scored"] and outcomes["failed: unreadable"] + outcomes["failed: decode_failed"]


def test_the_harness_sees_what_must_not_be(monkeypatch):
    few = ("avi-mjpeg",)
    monkeypatch.setattr(fuzz, "CLIPS", {name: fuzz.CLIPS[name] for name in few})

    def flattering(scorer, source):
        result = score_one(scorer, source)
        if "case." not in source:
            return result
        return FailedScore(source, "internal", "boom")

    monkeypatch.setattr(fuzz, "score_one", flattering)
    outcomes, problems = fuzz.run(cases=2, seed=1)
    assert outcomes == {"failed: internal": 2} and all("boom" in problem for problem in problems)
