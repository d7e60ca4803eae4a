"""Planes converted in part give what ffmpeg gives for the whole picture."""

from __future__ import annotations

import numpy as np
import pytest

from conviqt_cli.video.colour import has_planes
from conviqt_cli.video.decode import FrameStream
from conviqt_cli.video.picture import Rectangle, RgbPicture
from conviqt_cli.video.probe import probe
from conviqt_cli.video.timeline import read_timeline


@pytest.mark.parametrize("range_", ["tv", "pc"])
@pytest.mark.parametrize("matrix", ["bt709", "smpte170m", "bt2020nc"])
def test_any_part_is_what_ffmpeg_makes_of_it(make_video, tmp_path, matrix, range_):
    # Blurred noise: every colour, and no edge that only an infinitely long filter could follow.
    filters = f"noise=alls=100,gblur=sigma=3,format=yuv420p,setparams=colorspace={matrix}:range={range_}"
    path = make_video(tmp_path / "a.mkv", "-c:v", "ffv1", source="testsrc", size="98x66", frames=3, filters=filters)
    info = probe(str(path))
    assert has_planes(info)
    timeline = read_timeline(info)
    with FrameStream(info, timeline=timeline) as stream:
        whole = [frame.pixels for frame in stream]
    with FrameStream(info, timeline=timeline, windows=[(1, 2)], pixel_format="yuv420p") as stream:
        planar = [frame.picture for frame in stream]
    for expected, picture in zip(whole[1:], planar, strict=True):
        for area in (Rectangle(0, 0, 98, 66), Rectangle(13, 7, 32, 30), Rectangle(66, 33, 32, 33)):
            for part in (picture.rgb(area), picture.part(area).rgb()):
                apart = np.abs(part.astype(int) - area.of(expected))
                assert apart.max() <= 2 and apart.mean() < 0.05
        inside = Rectangle(13, 7, 84, 58)
        reference = RgbPicture(expected).part(inside)
        assert np.abs(picture.part(inside).luma(2, 3).astype(int) - reference.luma(2, 3)).mean() < 12
        assert np.abs(picture.part(inside).sample(2, 3).astype(int) - reference.sample(2, 3)).mean() < 12
