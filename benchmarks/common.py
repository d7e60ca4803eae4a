"""What several benchmarks need: where things lie, one way to call ffmpeg, and arrays that are computed once."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from conviqt_cli.files import write_whole
from conviqt_cli.video.ffmpeg import find_ffmpeg

ROOT = Path(__file__).resolve().parent.parent

#: The clip that travels with the tests.
SAMPLE = ROOT / "tests" / "media" / "sample.mp4"

#: Data that is not part of the repository: ``$CONVIQT_SHARED``, or ``shared`` beside the checkout.
SHARED = Path(os.environ.get("CONVIQT_SHARED", ROOT.parent / "shared"))


def run_ffmpeg(*arguments: str) -> bytes:
    """Run ffmpeg, overwriting its output files; returns its stdout. Raises ``CalledProcessError`` when it fails."""
    command = [find_ffmpeg().path, "-v", "error", "-y", *arguments]
    return subprocess.run(command, check=True, stdin=subprocess.DEVNULL, capture_output=True).stdout


def cached_array(path: Path, compute: Callable[[], NDArray[Any]]) -> NDArray[Any]:
    """The array stored at ``path`` (``.npy``); computed and stored first if it is not there."""
    if not path.exists():
        with write_whole(path) as temporary, temporary.open("wb") as file:
            np.save(file, compute())
    array: NDArray[Any] = np.load(path)
    return array
