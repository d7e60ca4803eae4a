"""Fake resolution is said where interpolation left its trace, and of nothing else."""

from __future__ import annotations

import subprocess

import pytest

from conviqt_cli.plans.clips import Clip
from conviqt_cli.scoring.native_size import NativeSize, periods
from conviqt_cli.video.decode import FrameStream
from conviqt_cli.video.probe import probe

TEXTURE = "noise=alls=60:allf=t,gblur=sigma=0.8"


@pytest.mark.parametrize(
    ("filters", "lines"),
    [
        (f"scale=400:240,{TEXTURE},scale=720:432:flags=bicubic", 240),
        (f"scale=400:240,{TEXTURE},scale=720:432:flags=bilinear", 240),
        (f"scale=360:216,{TEXTURE},scale=720:432:flags=bicubic", 216),
        (f"scale=180:108,{TEXTURE},scale=720:432:flags=neighbor", 108),
        # Native, sharp and soft; made smaller by 4/3, which leaves a line of its own.
        (f"scale=720:432,{TEXTURE}", None),
        (f"scale=720:432,{TEXTURE},gblur=sigma=1.5", None),
        ("scale=960:576,noise=alls=60:allf=t,scale=720:432:flags=area", None),
    ],
)
def test_lines_that_a_picture_was_made_of(sample, ffmpeg, tmp_path, filters, lines):
    path = tmp_path / "a.mkv"
    command = [ffmpeg, "-v", "error", "-i", sample, "-vf", filters, "-frames:v", "4", "-an", "-c:v", "libx264"]
    subprocess.run([*command, "-crf", "16", "-pix_fmt", "yuv420p", path], check=True)
    info = probe(str(path))
    native = NativeSize(info.height)
    with FrameStream(info) as stream:
        for frame in stream:
            native.add(frame.time, frame.time + frame.duration, periods(Clip((frame,))))
    found = [event.text for event in native.events()]
    assert native.lines == lines
    assert found == ([] if lines is None else [f"the picture looks like {lines}p or less scaled up to 432p"])
