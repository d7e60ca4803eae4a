"""Blank, frozen and test pictures are named; whatever lives is not."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

from conviqt_cli.plans.clips import Clip
from conviqt_cli.scoring.events import Event
from conviqt_cli.scoring.picture_checks import PictureChecks, Sights
from conviqt_cli.video.decode import FrameStream
from conviqt_cli.video.picture import RgbPicture
from conviqt_cli.video.probe import probe


class Looking(PictureChecks):
    """Checks that look at the clips themselves."""

    def __init__(self) -> None:
        super().__init__()
        self._sights = Sights()

    def see(self, clip: Clip) -> None:
        for sight in self._sights.of(clip):
            self.add(sight)


def notes_of(path: Path) -> dict[str, str]:
    checks = Looking()
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


#: Moves 2 pixels a frame, so that no compression can take the movement for none.
PAN = "trim=end_frame=1,loop=-1:1:0,setpts=N/25/TB,scale=384:216,crop=192:108:2*n:0"
LOSSLESS = ("-c:v", "ffv1")

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


@pytest.mark.parametrize(("until", "found"), [(20, ["frozen"]), (0, [])])
def test_a_standstill_amid_movement_is_frozen_although_each_frame_is_refined(film, until, found):
    # As x264 does at CRF 10; without movement before it, the same is what a camera on a tripod sees.
    checks, rng = Looking(), np.random.default_rng(0)
    frame, *_ = frames_of(film("null", *LOSSLESS, frames=1))
    for number in range(48):
        pixels = np.roll(frame.pixels, 3 * min(number, until), 1)
        pixels = np.clip(pixels + (rng.random(pixels.shape[:2]) < 0.02)[..., None] * 2, 0, 255).astype(np.uint8)
        checks.see(Clip((type(frame)(number, number / 25, 0.04, RgbPicture(pixels)),)))
    assert [each.code for each in checks.events()] == found


def test_a_slow_movement_after_a_quick_one_is_not_frozen(film):
    # 12 pixels a frame for a second, then a thirtieth of a pixel.
    place = "if(lt(n,24),12*n,288+(n-24)/30)"
    still = f"trim=end_frame=1,loop=-1:1:0,setpts=N/25/TB,scale=768:432,crop=192:108:'{place}'"
    assert notes_of(film(f"{still},noise=alls=2:allf=t", *LOSSLESS)) == {}


def test_a_picture_of_one_frame_is_not_frozen(film):
    (frame,) = frames_of(film("null", frames=1))
    checks = Looking()
    checks.see(Clip((frame,) * 16, repeated=15))
    assert list(checks.notes()) == []


def frames_of(path: Path):
    with FrameStream(probe(str(path))) as stream:
        return list(stream)


def test_frozen_across_clips_that_lie_apart(film):
    frames = frames_of(film(STILL, frames=60))
    checks = Looking()
    for first in (0, 40):
        checks.see(Clip(tuple(frames[first : first + 16])))
    assert [note.code for note in checks.notes()] == ["frozen"]
    moving = Looking()
    for frame in frames[:32]:
        moved = RgbPicture(np.roll(frame.pixels, frame.index, 1))
        moving.see(Clip((type(frame)(frame.index, frame.time, frame.duration, moved),)))
    assert list(moving.notes()) == []


def events_of(path: Path, *firsts: int) -> list[Event]:
    frames = frames_of(path)
    checks = Looking()
    for first in firsts or range(0, len(frames), 16):
        checks.see(Clip(tuple(frames[first : first + 16])))
    return list(checks.events())


def test_events_have_times_and_say_about_where_a_gap_hides_them(film):
    path = film("loop=25:1:20,setpts=N/25/TB", "-c:v", "libx264", "-crf", "18")
    (frozen,) = events_of(path)
    assert (frozen.code, frozen.about, frozen.throughout) == ("frozen", False, False)
    assert (frozen.start, frozen.end) == pytest.approx((0.8, 1.84), abs=0.13)
    # The first clip ends before the picture stops, the second begins when it has stood for a while.
    (seen,) = events_of(path, 0, 25)
    assert seen.about and seen.start == pytest.approx(1.0) and "about 1.00 to" in seen.text
    (still,) = events_of(film(STILL))
    assert still.throughout and still.text == "the picture stands still from beginning to end"


def test_a_stutter_is_named_and_an_even_movement_is_not(film):
    assert events_of(film(PAN, *LOSSLESS)) == []
    # Of frames 20 to 25 each shows frame 20; later, 34 and 36 are dropped.
    stutter = film(f"{PAN},select='not(between(n,21,25)+eq(n,34)+eq(n,36))',fps=25", *LOSSLESS, frames=50)
    (found,) = events_of(stutter)
    assert found.code == "repeated_frames" and found.text.startswith("the movement stutters (7 frames repeat")
    assert (found.start, found.end) == pytest.approx((0.84, 1.48), abs=0.05)


def test_a_lower_frame_rate_inside_is_a_cadence(film):
    (found,) = events_of(film(f"{PAN},fps=12.5,fps=25", *LOSSLESS))
    assert (found.code, found.text.split(" (")[0]) == ("cadence", "every second frame repeats the one before")
    (found,) = events_of(film(f"{PAN},fps=25/3,fps=25", "-c:v", "libx264", "-crf", "12"))
    assert found.text.startswith("2 of every 3 frames repeat the one before")


def test_a_cut_is_found_and_a_flash_is_none(film):
    cut = film(f"{PAN},negate=enable='gte(n,24)'", *LOSSLESS)
    (found,) = events_of(cut)
    assert found.code == "cut" and found.start == pytest.approx(0.96)
    assert events_of(film(f"{PAN},negate=enable='eq(n,24)'", *LOSSLESS)) == []
    # The last frame but one is the first of a scene of two.
    (late,) = events_of(film(f"{PAN},negate=enable='gte(n,48)'", *LOSSLESS))
    assert late.code == "cut" and late.start == pytest.approx(1.92)
