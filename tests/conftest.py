"""Shared fixtures: media made on the spot, the real command line, and the shared data where there is any."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent
SAMPLE = ROOT / "tests" / "media" / "sample.mp4"


@pytest.fixture(scope="session")
def sample() -> Path:
    """The clip that travels with the tests: 100 frames, clean, then compressed hard."""
    return SAMPLE


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of shared data ($CONVIQT_SHARED, else ``shared`` beside the checkout); skips without it."""
    folder = Path(os.environ.get("CONVIQT_SHARED", ROOT.parent / "shared"))
    if not (folder / "parity").is_dir():
        pytest.skip("no shared data here (set CONVIQT_SHARED)")
    return folder


@pytest.fixture(scope="session")
def diagnosing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The default bundle with a made-up diagnosis head, which always sees blur of level 3 (64 %), then noise."""
    from conviqt_cli.model.bundle import open_bundle
    from conviqt_cli.quality.diagnosis import DiagnosisHead
    from conviqt_cli.training.heads.assembly import seal

    bundle, folder = open_bundle(), tmp_path_factory.mktemp("diagnosing") / "bundle"
    shutil.copytree(bundle.folder, folder)
    flat = np.zeros((4, 2048))
    chances = np.log([0.05, 0.64, 0.1, 0.21])
    head = DiagnosisHead(
        ("pristine", "blur", "flicker", "noise"), flat, chances, flat, np.array([0.0, 3.1, 1.0, 2.0]),
        bundle.encoder_id, {"labels": "made up"},
    )  # fmt: skip
    head.save(folder / "diagnosis.safetensors")
    seal(folder, {"diagnosis": "diagnosis.safetensors"})
    return folder


@pytest.fixture(scope="session")
def ffmpeg() -> str:
    """An ffmpeg binary with every encoder that the tests use."""
    binary: str = imageio_ffmpeg.get_ffmpeg_exe()
    return binary


@pytest.fixture(scope="session")
def make_video(ffmpeg: str) -> Callable[..., Path]:
    """Make a small video: ``make_video(path, *encoder_options, size=..., rate=..., frames=..., filters=...)``."""

    def make(
        path: Path,
        *options: str,
        source: str = "testsrc2",
        size: str = "96x64",
        rate: str = "25",
        frames: int = 20,
        filters: str = "null",
    ) -> Path:
        if not options and path.suffix != ".png":
            options = ("-c:v", "libx264", "-pix_fmt", "yuv420p")
        lavfi = f"{source}=s={size}:r={rate}"
        command = [ffmpeg, "-v", "error", "-y", "-f", "lavfi", "-i", lavfi, "-frames:v", str(frames), "-vf", filters]
        subprocess.run([*command, *options, str(path)], check=True, stdin=subprocess.DEVNULL)
        return path

    return make


@pytest.fixture(scope="session")
def conviqt() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the real command line: ``conviqt("score", path)`` returns the finished process, output as text."""

    def run(*arguments: object, timeout: float = 300, **options: object) -> subprocess.CompletedProcess[str]:
        command = [
            sys.executable,
            "-m",
            "conviqt_cli",
            *(os.fspath(a) if isinstance(a, Path) else str(a) for a in arguments),
        ]
        options.setdefault("cwd", ROOT)
        options.setdefault("env", {**os.environ, "NO_COLOR": "1", "COLUMNS": "100"})
        return subprocess.run(
            command, capture_output=True, text=True, errors="surrogateescape", timeout=timeout,
            stdin=subprocess.DEVNULL, **options,
        )  # type: ignore[call-overload]  # fmt: skip

    return run
