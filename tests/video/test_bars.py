"""Black bars: found where there are some, to the pixel, and nowhere else."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

from conviqt_cli.video.bars import Bars, find_bars
from conviqt_cli.video.picture import Rectangle, RgbPicture
from conviqt_cli.video.probe import probe


def bars_in(path: Path) -> Bars:
    info = probe(str(path))
    return find_bars(info, 0.0, 0.04 if info.frame_count == 1 else info.duration, 60)


def corners(area: Rectangle) -> tuple[int, int, int, int]:
    return area.x, area.y, area.x + area.width, area.y + area.height


@pytest.fixture(scope="module")
def film(sample, ffmpeg, tmp_path_factory):
    """Make a copy of the sample, 320x180, through a filter."""

    def make(name: str, filters: str, crf: int = 26, frames: int = 25) -> Path:
        path: Path = tmp_path_factory.mktemp("bars") / name
        graph = f"scale=320:180,{filters}"
        options = ["-frames:v", str(frames), "-an", "-c:v", "libx264", "-preset", "veryfast", "-crf", str(crf)]
        subprocess.run(
            [ffmpeg, "-v", "error", "-i", sample, "-vf", graph, *options, "-pix_fmt", "yuv420p", path], check=True
        )
        return path

    return make


@pytest.mark.parametrize(
    ("crf", "filters", "expected"),
    [
        (22, "pad=320:240:0:30", (0, 30, 320, 210)),
        (38, "scale=240:180,pad=320:180:40:0", (40, 0, 280, 180)),
        (22, "crop=102:180,pad=320:180:108:0", (108, 0, 210, 180)),
        (38, "scale=240:134,pad=320:180:40:22", (40, 22, 280, 156)),
        (22, "pad=320:240:0:30:0x101010", (0, 30, 320, 210)),
    ],
)
def test_the_rectangle_inside(film, crf, filters, expected):
    found = bars_in(film("a.mp4", filters, crf))
    assert len(found.areas) == 1
    assert np.abs(np.subtract(corners(found.areas[0]), expected)).max() <= 2
    assert found.areas[0].x % 2 == found.areas[0].y % 2 == 0


def test_bars_that_come_and_go_are_followed_by_clip(film):
    path = film("a.mp4", "pad=320:240:0:30,drawbox=h=240:w=320:c=gray:t=fill:enable='gte(n,12)'")
    found = bars_in(path)
    assert [corners(area) for area in found.areas] == [(0, 30, 320, 210)]
    dark, light = np.zeros((240, 320, 3), np.uint8), np.full((240, 320, 3), 128, np.uint8)
    boxed = dark.copy()
    boxed[30:210] = 128
    assert found.area([RgbPicture(boxed), RgbPicture(dark)]) == found.areas[0]
    assert found.area([RgbPicture(boxed), RgbPicture(light)]) is None


@pytest.mark.parametrize(
    "filters",
    [
        "null",
        "vignette=PI/2.2",
        # A night: the upper half black but for its noise, above a ragged skyline.
        "geq=lum='if(lt(Y,70+25*sin(X/9)),16+6*random(1),lum(X,Y))':cb=128:cr=128",
        # A bright window in a dark room, not in the middle.
        "geq=lum='if(between(X,30,150)*between(Y,20,130),lum(X,Y),17)':cb=128:cr=128",
        # End titles.
        "geq=lum='if(between(X,100,220)*lt(mod(Y+3*N,40),8),235,16)':cb=128:cr=128",
        # A title that stands.
        "drawbox=w=320:h=180:c=black:t=fill,drawbox=x=60:y=84:w=200:h=12:c=white:t=fill",
        # Half of the frame is off.
        "drawbox=x=160:w=160:h=180:c=black:t=fill",
        "fade=in:0:20",
    ],
)
def test_dark_pictures_have_no_bars(film, filters):
    assert bars_in(film("a.mp4", filters, 22)).areas == ()


def test_titles_at_the_end_take_nothing_from_the_picture(film):
    path = film("a.mp4", "drawbox=w=320:h=180:c=black:t=fill:enable='gte(n,15)'")
    assert bars_in(path).areas == ()


def test_a_still_picture(make_video, tmp_path):
    boxed = make_video(tmp_path / "a.png", size="320x180", frames=1, filters="pad=320:240:0:30")
    assert [corners(area) for area in bars_in(boxed).areas] == [(0, 30, 320, 210)]
    assert bars_in(make_video(tmp_path / "b.png", size="320x180", frames=1)).areas == ()
