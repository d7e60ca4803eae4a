"""Files that real tools stumble over: the right part, the right span, the right size. Skips without shared data."""

from __future__ import annotations

import numpy as np
import pytest

from conviqt_cli.plans.schedule import schedule
from conviqt_cli.plans.time_plan import parse_plan
from conviqt_cli.video.probe import probe
from conviqt_cli.video.timeline import read_timeline


@pytest.fixture(scope="module")
def field(shared):
    folder = shared / "data" / "field"
    if not folder.is_dir():
        pytest.skip("no field data here")
    return folder


def looked_at(path, **part):
    """What is settled for a file, and its clips: first and last frame, and the pixels of the first."""
    found = schedule(probe(str(path), smallest=1), parse_plan("sparse"), **part)
    with found.open(60) as stream:
        clips = [(clip.frames[0].index, clip.frames[-1].index, clip.frames[0].pixels) for clip in found.clips(stream)]
    return found, clips, stream.report


@pytest.mark.parametrize(
    "name",
    [
        "A_start_lands_at_next_key_frame.ts",
        "A_start_fails_in_elementary_stream.h264",
        "A_start_is_two_frames_early.avi",
    ],
)
def test_a_part_is_the_same_in_every_container(field, name):
    part = {"start": 1.0, "duration": 0.6}
    _, expected, _ = looked_at(field / "A_start_reference.mp4", **part)
    _, found, _ = looked_at(field / name, **part)
    assert [clip[:2] for clip in found] == [clip[:2] for clip in expected] == [(25, 39)]
    assert np.array_equal(found[0][2], expected[0][2])


@pytest.mark.parametrize("name", ["B_length_from_a_stray_subtitle.mkv", "B_length_from_longer_audio.mp4"])
def test_the_stated_length_does_not_count(field, name):
    plan = parse_plan("sparse")
    expected = schedule(probe(str(field / "B_length_reference.mp4")), plan)
    found = schedule(probe(str(field / name)), plan)
    assert found.windows == expected.windows and len(found.windows) == 9 and found.length == expected.length == 6.0


def test_an_unfinished_recording_is_sampled_as_the_finished_one(field):
    plan = parse_plan("sparse")
    one = schedule(probe(str(field / "B_length_unknown_unfinished_recording.mkv")), plan)
    other = schedule(probe(str(field / "B_length_known_same_packets.mkv")), plan)
    assert one.windows == other.windows and one.length == other.length


def test_both_of_two_joined_recordings_are_seen(field):
    found, clips, report = looked_at(field / "C_joined_recordings_second_unseen.webm")
    assert report.jumps == 1 and found.timeline.end == pytest.approx(10.0)
    assert len(clips) == 11 and [clip[0] for clip in clips[:3]] == [0, 25, 50]


def test_a_last_frame_is_held_as_long_as_the_file_says(field):
    found, clips, _ = looked_at(field / "E_last_frame_held_8_seconds.mp4")
    assert found.timeline.end == pytest.approx(9.56) and [clip[:2] for clip in clips] == [(0, 15), (16, 31), (24, 39)]


@pytest.mark.parametrize("name", ["E_call_recording_grows.ts", "E_call_recording_begins_with_8x8.ts"])
def test_the_size_shown_most_of_the_time_is_scored(field, name):
    found, _, report = looked_at(field / name)
    assert (found.info.width, found.info.height) == (192, 108) and report.format_changes == 1
    assert found.info.sample_aspect == 1


def test_times_never_go_back(field):
    for path in sorted(field.glob("*.*")):
        if path.suffix != ".md":
            timeline = read_timeline(probe(str(path), smallest=1))
            assert (np.diff(timeline.times) >= 0).all() and (timeline.durations >= 0).all(), path
