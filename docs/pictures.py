"""Make the pictures of the documentation anew, from real runs on the sample: ``python -m docs.pictures``.

Pages are photographed by Chromium (``chromium`` on the PATH, or the program that CHROMIUM names); without it only the
plot is made. Numbers are those of ``--precision fp32``, which are the same on every processor.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import imageio_ffmpeg

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "pictures"
SAMPLE = ROOT / "tests" / "media" / "sample.mp4"

#: Colours of a picture: text and flat areas need no more, and photographs stay recognisable.
_COLOURS = 96

#: Rate factors of the ladder that ``compare`` is shown on.
_LADDER = (18, 30, 36, 44)


def main() -> None:
    """Run the commands in a temporary folder, and keep what they draw."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        video = folder / "sample.mp4"
        shutil.copyfile(SAMPLE, video)
        _conviqt(folder, "score", video.name, "--report", "video.html", "--plot", "timeline.png")
        _shrunk(folder / "timeline.png", FOLDER / "timeline.png")
        browser = os.environ.get("CHROMIUM") or shutil.which("chromium")
        if browser is None:
            sys.exit("no chromium: only the plot was made")
        _photograph(browser, folder / "video.html", FOLDER / "report.png", 880, 1180)
        ladder = [_encode(video, folder / f"crf{factor}.mp4", factor) for factor in _LADDER]
        _conviqt(folder, "compare", *(path.name for path in ladder), "--html", "compare.html")
        _photograph(browser, folder / "compare.html", FOLDER / "compare.png", 880, 720)
        _conviqt(folder, "score", *(path.name for path in ladder), "--report", "folder.html")
        _photograph(browser, folder / "folder.html", FOLDER / "folder.png", 880, 640)


def _conviqt(folder: Path, command: str, *arguments: str) -> None:
    line = [sys.executable, "-m", "conviqt_cli", command, *arguments]
    line += ["--precision", "fp32", "--device", "cpu", "--quiet"]
    paths = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": paths}
    subprocess.run(line, cwd=folder, check=True, stdout=subprocess.DEVNULL, env=environment)


def _encode(video: Path, to: Path, factor: int) -> Path:
    """The clean first two seconds of the sample, encoded."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-t", "2", "-i", str(video)]
    command += ["-crf", str(factor), str(to)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return to


def _photograph(browser: str, page: Path, to: Path, width: int, height: int) -> None:
    raw = page.with_suffix(".png")
    subprocess.run(
        [
            browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--screenshot={raw}",
            f"--window-size={width},{height}", page.as_uri(),
        ],
        check=True, capture_output=True,
    )  # fmt: skip
    _shrunk(raw, to)


def _shrunk(picture: Path, to: Path) -> None:
    from PIL import Image

    with Image.open(picture) as image:
        image.convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE).save(to, optimize=True)


if __name__ == "__main__":
    main()
