"""How training calls ffmpeg: run to its end, with a time limit, its own message in the error."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

import imageio_ffmpeg

from conviqt_cli.errors import InputError


def run(
    arguments: Sequence[str],
    *,
    seconds: float,
    given: bytes = b"",
    program: str | None = None,
    level: str = "error",
    tolerant: bool = False,
) -> subprocess.CompletedProcess[bytes]:
    """ffmpeg with ``arguments`` and ``given`` on its stdin; stdout and stderr are in the result.

    ``program`` is imageio-ffmpeg's own binary unless told otherwise, whatever is on the PATH: that one has libvmaf and
    every encoder of the bank. ``tolerant`` takes what came out of an ffmpeg that failed on the way. Raises
    :class:`InputError` when it fails or is not done after ``seconds``.
    """
    command = [program or imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-nostdin", "-y", "-v", level]
    try:
        done = subprocess.run([*command, *arguments], input=given, capture_output=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        raise InputError(f"ffmpeg did not finish within {seconds:g} s") from None
    if done.returncode != 0 and not (tolerant and done.stdout):
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise InputError(f"ffmpeg failed: {(lines or ['no message'])[-1]}")
    return done
