"""What a terminal shows of scores: headline, timeline, worst segments, warnings, and names that cannot harm it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from fractions import Fraction

import pytest
from rich.console import Console

from conviqt_cli.quality.scale import ACR, Scale
from conviqt_cli.report.batch_report import batch_summary, printable
from conviqt_cli.report.score_report import clock, colour, full_report, summary
from conviqt_cli.scorefiles.record import Entry
from conviqt_cli.scorefiles.tally import Tally
from conviqt_cli.scoring.events import Event, event
from conviqt_cli.scoring.results import FailedScore, Interval, ModelInfo, Note, SegmentScore, VideoScore
from conviqt_cli.scoring.settings import ScoringSettings
from conviqt_cli.video.probe import VideoInfo

INFO = VideoInfo(
    "a.mp4", 1920, 1080, Fraction(25), 12.0, "h264", "mov", "yuv420p", 8, "bt709", False, "tv", "bt709", "bt709"
)
SEGMENTS = tuple(SegmentScore(4.0 * i, 4.0 * i + 1, quality) for i, quality in enumerate((4.6, 1.4, 3.2)))
SCORE = VideoScore(
    "a.mp4", 3.07, ACR, SEGMENTS, INFO, ModelInfo("base", "c" * 64, "enc:1", "bundled", False),
    ScoringSettings(device="cpu", precision="fp32"), 48, 1.5, Interval(2.5, 3.6, 0.9),
    warnings=(Note("bars", "black bars are left out"),),
)  # fmt: skip


def shown(renderable, width=80):
    console = Console(width=width, color_system=None)
    with console.capture() as capture:
        console.print(renderable)
    return capture.get()


def test_one_video_in_full():
    text = shown(full_report(SCORE))
    assert "quality  3.07  fair   90 % interval 2.50 to 3.60" in text
    assert "1920x1080, 25 fps, 0:12.00, h264" in text
    assert "warning  black bars are left out" in text
    worst = [line.split()[:4] for line in text.splitlines() if " to " in line and line.strip().startswith("0:")]
    assert [each[3] for each in worst] == ["1.40", "3.20", "4.60"]
    bars = next(line for line in text.splitlines() if "▁" in line or "█" in line).strip()
    assert bars[0] == "█" and "▁" in bars and bars[0] > bars[-1] > min(bars)


def test_events_are_listed_and_not_said_again_as_warnings():
    frozen = event("frozen", "the picture stands still", 1.0, 2.0, about=True)
    events = (frozen, *(Event("cut", float(n), float(n), "the scene changes") for n in range(3)))
    text = shown(full_report(replace(SCORE, events=events, warnings=(Note("frozen", "the picture stands still"),))))
    assert "event    the picture stands still from about 1.00 to 2.00 s" in text
    assert "warning" not in text and "scene changes" not in text


def test_where_nothing_is_bad_no_worst_segments_are_listed():
    even = tuple(replace(each, quality=4.0 + 0.1 * n) for n, each in enumerate(SEGMENTS))
    text = shown(full_report(replace(SCORE, quality=4.1, segments=even)))
    assert "  Good (4.1)\n" in text and "worst segments" not in text
    assert "Fair (3.1); worse from 4.0 s to 5.0 s" in shown(full_report(SCORE))


def test_a_single_segment_needs_no_timeline():
    text = shown(full_report(replace(SCORE, segments=SEGMENTS[:1])))
    assert "quality over time" not in text and "worst segments" not in text


def test_several_videos_are_a_line_each_and_failures_say_why():
    text = shown(summary([SCORE, FailedScore("b.mp4", "unreadable", "b.mp4: not a video")]))
    assert "3.07" in text and "0:04.00" in text and "b.mp4: not a video" in text
    assert "quality: 1 (bad) to 5 (excellent), higher is better" in text


def test_a_run_is_summed_up_with_the_worst_first():
    qualities = [4.0, 1.5, 3.0]
    entries = [Entry(f"{each}.mp4", each, None, None, (), None) for each in qualities]
    entries.append(Entry("bad.mp4", None, "decode_failed", "cut", (), None))
    text = shown(batch_summary(Tally(5, Counter({"not a video": 2}), entries)))
    for wanted in ("3  scored", "1  failed: damaged or cut short", "2  skipped: not a video", "1  not scored yet"):
        assert wanted in text
    worst = [line.split()[1] for line in text.splitlines() if line.strip().endswith(".0.mp4") or "1.5.mp4" in line]
    assert worst == ["1.5.mp4", "3.0.mp4", "4.0.mp4"]


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00.00"), (59.999, "1:00.00"), (3723.5, "1:02:03.50")])
def test_times(seconds, text):
    assert clock(seconds) == text


def test_colours_follow_the_direction_of_the_scale():
    worse = Scale("DMOS", 0.0, 100.0, higher_is_better=False)
    assert colour(ACR, 1.0) == colour(worse, 100.0) == "red"
    assert colour(ACR, 5.0) == colour(worse, 0.0) == "bright_green"
    assert colour(Scale("MOS", None, None), 3.0) == ""


def test_names_cannot_control_the_terminal():
    assert printable("a\x1b[2J\n.mp4") == "a\\x1b[2J\\n.mp4"
