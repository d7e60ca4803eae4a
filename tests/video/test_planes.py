"""Planes converted in part give what ffmpeg gives for the whole picture."""

from __future__ import annotations

import numpy as np
import pytest

from conviqt_cli.video.colour import has_planes
from conviqt_cli.video.decode import FrameStream
from conviqt_cli.video.planes import Planes
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
        flat = [frame.pixels for frame in stream]
    for expected, picture in zip(whole[1:], flat, strict=True):
        planes = Planes.of(picture, info.height, info.width)
        for x, y, width, height in ((0, 0, 98, 66), (13, 7, 32, 30), (66, 33, 32, 33)):
            part = planes.rgb(x, y, width, height, info.matrix, info.range == "pc")
            apart = np.abs(part.astype(int) - expected[y : y + height, x : x + width])
            assert apart.max() <= 2 and apart.mean() < 0.05
