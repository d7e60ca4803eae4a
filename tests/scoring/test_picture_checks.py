"""Blank, frozen and test pictures are named; whatever lives is not."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

from conviqt_cli.plans.clips import Clip
from conviqt_cli.scoring.picture_checks import PictureChecks
from conviqt_cli.video.decode import FrameStream
from conviqt_cli.video.picture import RgbPicture
from conviqt_cli.video.probe import probe


def notes_of(path: Path) -> dict[str, str]:
    checks = PictureChecks()
    with FrameStream(probe(str(path))) as stream:
        frames = list(stream)
    for first in range(0, len(frames), 16):
        checks.see(Clip(tuple(frames[first : first + 16])))
    return {note.code: note.text for note in checks.notes()}


@pytest.fixture(scope="module")
def film(sample, ffmpeg, tmp_path_factory):
    """Make a copy of the sample through a filter."""

    def make(filters: str, *options: str, frames: int = 50) -> Path:
        path: Path = tmp_path_factory.mktemp("checks") / "a.mkv"
        options = options or ("-c:v", "libx264", "-preset", "veryfast")
        command = [ffmpeg, "-v", "error", "-i", sample, "-vf", f"scale=192:108,{filters}", "-frames:v", str(frames)]
        subprocess.run([*command, "-an", *options, "-pix_fmt", "yuv420p", path], check=True)
        return path

    return make


#: The first frame for ever: a frozen video, or what a camera on a tripod is pointed at.
STILL = "trim=end_frame=1,loop=-1:1:0,setpts=N/25/TB"


@pytest.mark.parametrize(
    ("colour", "named"),
    [("black", "black"), ("white", "white"), ("gray", "grey"), ("0x2040C0", "a single colour")],
)
def test_one_colour_is_blank_and_nothing_else(film, colour, named):
    notes = notes_of(film(f"drawbox=w=192:h=108:c={colour}:t=fill", frames=20))
    assert notes == {"blank": f"the picture is blank ({named}) from beginning to end"}


def test_noise_on_black_is_blank_all_the_same(film):
    assert set(notes_of(film("drawbox=w=192:h=108:c=black:t=fill,noise=alls=6:allf=t", frames=20))) == {"blank"}


def test_a_blank_stretch_is_named_with_its_times(film):
    notes = notes_of(film("drawbox=w=192:h=108:c=black:t=fill:enable='lt(n,25)'"))
    assert notes == {"blank": "the picture is blank (black) from 0.00 to 1.00 s"}


@pytest.mark.parametrize("source", ["smptebars", "smptehdbars", "pal75bars", "pal100bars"])
def test_colour_bars(make_video, tmp_path, source):
    path = make_video(tmp_path / "a.mp4", source=source, size="320x180")
    assert notes_of(path) == {"test_pattern": "the picture is a test pattern (colour bars) from beginning to end"}


@pytest.mark.parametrize(
    "options", [("-c:v", "libx264"), ("-c:v", "mjpeg", "-q:v", "3"), ("-c:v", "libx264", "-g", "12")]
)
def test_frozen(film, options):
    assert notes_of(film(STILL, *options)) == {"frozen": "the picture stands still from beginning to end"}


def test_a_frozen_second_is_named_with_its_times(film):
    notes = notes_of(film("loop=25:1:20,setpts=N/25/TB", "-c:v", "libx264", "-crf", "18"))
    (text,) = notes.values()
    assert set(notes) == {"frozen"} and "s" in text
    start, end = (float(part) for part in text.removesuffix(" s").split(" from ")[1].split(" to "))
    assert (start, end) == pytest.approx((0.8, 1.84), abs=0.13)


@pytest.mark.parametrize(
    "filters",
    [
        f"{STILL},noise=alls=7:allf=t",
        # A slow pan, half a pixel a frame.
        "trim=end_frame=1,loop=-1:1:0,setpts=N/25/TB,scale=384:216,crop=192:108:n:0",
        # A recorded screen: nothing but a cursor of 2 x 12 pixels, blinking.
        f"{STILL},drawbox=x=50:y=40:w=2:h=12:c=white:t=fill:enable='lt(mod(n,12),6)'",
        "null",
    ],
)
def test_what_lives_is_not_frozen(film, filters):
    assert notes_of(film(filters, "-c:v", "libx264", "-crf", "18")) == {}


def test_a_picture_of_one_frame_is_not_frozen(film):
    (frame,) = frames_of(film("null", frames=1))
    checks = PictureChecks()
    checks.see(Clip((frame,) * 16, repeated=15))
    assert list(checks.notes()) == []


def frames_of(path: Path):
    with FrameStream(probe(str(path))) as stream:
        return list(stream)


def test_frozen_across_clips_that_lie_apart(film):
    frames = frames_of(film(STILL, frames=60))
    checks = PictureChecks()
    for first in (0, 40):
        checks.see(Clip(tuple(frames[first : first + 16])))
    assert [note.code for note in checks.notes()] == ["frozen"]
    moving = PictureChecks()
    for frame in frames[:32]:
        moved = RgbPicture(np.roll(frame.pixels, frame.index, 1))
        moving.see(Clip((type(frame)(frame.index, frame.time, frame.duration, moved),)))
    assert list(moving.notes()) == []
