"""Videos made for measuring: their content does not matter, their size, length and detail do."""

from __future__ import annotations

import subprocess
from pathlib import Path

from conviqt_cli.errors import ConviqtError
from conviqt_cli.video.ffmpeg import find_ffmpeg


def make_video(folder: Path, height: int, seconds: float, fps: int) -> Path:
    """A video of 16:9 with motion and detail, in H.264 or else MPEG-4; raises :class:`ConviqtError` for neither."""
    width = 2 * round(height * 8 / 9)
    path = folder / f"{height}_{seconds:g}.mp4"
    source = f"mandelbrot=size={width}x{height}:rate={fps}:end_scale=0.05,noise=alls=8:allf=t,format=yuv420p"
    command = [find_ffmpeg().path, "-v", "error", "-y", "-f", "lavfi", "-i", source, "-t", f"{seconds:g}"]
    for codec in (["libx264", "-preset", "veryfast"], ["mpeg4", "-q:v", "4"]):
        done = subprocess.run([*command, "-c:v", *codec, str(path)], stdin=subprocess.DEVNULL, capture_output=True)
        if done.returncode == 0:
            return path
    raise ConviqtError(f"ffmpeg cannot make a video to measure with: {done.stderr.decode(errors='replace').strip()}")
