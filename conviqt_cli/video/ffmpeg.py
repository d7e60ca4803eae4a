"""The ffmpeg binary: which one, how it is called, what its messages mean.

This is the only module that imports ffmpeg-python (an argument-list builder without a maintainer), so that it can be
replaced in one place. ffmpeg runs without a shell and with its protocols limited to what was asked for: a local file
is handed over as an open descriptor, so neither its name nor a playlist inside it can make ffmpeg open anything else.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from conviqt_cli.errors import ConviqtError, InputError

#: Oldest ffmpeg with the ``fd:`` protocol.
MINIMUM_VERSION = (6, 0)

#: Largest picture decoded, in pixels: 8K (8192 x 4320) fits, a decompression bomb does not.
MAX_PIXELS = 8192 * 4320

_URL = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]+://")
_VERSION = re.compile(r"^ffmpeg version n?(\d+)\.(\d+)")


@dataclass(frozen=True)
class Ffmpeg:
    """One usable binary: ``path``, and ``version`` as ffmpeg prints it."""

    path: str
    version: str


def is_url(source: str | os.PathLike[str]) -> bool:
    """Whether ``source`` is a URL for ffmpeg to open, rather than a path."""
    return bool(_URL.match(os.fspath(source)))


@lru_cache(maxsize=1)
def find_ffmpeg() -> Ffmpeg:
    """The binary in use: ``$CONVIQT_FFMPEG``, else ``ffmpeg`` on the PATH if new enough, else imageio-ffmpeg's.

    Raises :class:`ConviqtError` when ``$CONVIQT_FFMPEG`` does not work, or when there is none at all.
    """
    chosen = os.environ.get("CONVIQT_FFMPEG")
    if chosen:
        found = _version_of(chosen)
        if found is None:
            raise ConviqtError(f"CONVIQT_FFMPEG={chosen}: not a working ffmpeg; correct the path or unset it")
        if found < MINIMUM_VERSION:
            wanted = ".".join(map(str, MINIMUM_VERSION))
            raise ConviqtError(f"CONVIQT_FFMPEG={chosen}: too old, {wanted} or newer is needed; update it or unset it")
        return _describe(chosen)
    on_path = shutil.which("ffmpeg")
    if on_path and (_version_of(on_path) or (0, 0)) >= MINIMUM_VERSION:
        return _describe(on_path)
    import imageio_ffmpeg

    try:
        return _describe(imageio_ffmpeg.get_ffmpeg_exe())
    except (RuntimeError, OSError):
        raise ConviqtError("no ffmpeg 6.0 or newer found; install one or set CONVIQT_FFMPEG to its path") from None


def _banner(binary: str) -> str:
    try:
        done = subprocess.run([binary, "-version"], capture_output=True, timeout=30, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else ""


def _version_of(binary: str) -> tuple[int, int] | None:
    """Major and minor version; a build from a development tree (no number) counts as new."""
    banner = _banner(binary)
    if not banner.startswith("ffmpeg version"):
        return None
    match = _VERSION.match(banner)
    return (int(match[1]), int(match[2])) if match else (999, 0)


def _describe(binary: str) -> Ffmpeg:
    words = _banner(binary).split(maxsplit=3)
    return Ffmpeg(path=binary, version=words[2] if len(words) > 2 else "unknown")


@contextmanager
def opened(source: str) -> Iterator[tuple[dict[str, Any], str, tuple[int, ...]]]:
    """Open ``source`` for one ffmpeg call: yields ffmpeg's input options, its input name, and descriptors to pass on.

    Raises :class:`InputError` for a path that is missing, a folder, empty or not permitted.
    """
    if is_url(source):
        yield _url_options(source), source, ()
        return
    path = Path(source)
    try:
        if path.is_dir():
            raise InputError(f"{source}: is a folder, not a video")
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except FileNotFoundError:
        raise InputError(f"{source}: no such file") from None
    except PermissionError:
        raise InputError(f"{source}: no permission to read it") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{source}: cannot be opened ({getattr(error, 'strerror', None) or error})") from None
    try:
        if not path.is_file():
            raise InputError(f"{source}: not a regular file")
        if os.fstat(descriptor).st_size == 0:
            raise InputError(f"{source}: the file is empty")
        yield {"protocol_whitelist": "fd", "fd": descriptor}, "fd:", (descriptor,)
    finally:
        os.close(descriptor)


def _url_options(url: str) -> dict[str, Any]:
    """Input options that keep a URL from reaching local files, and a dead server from hanging the run."""
    scheme = url.split(":", 1)[0].lower()
    if scheme in ("http", "https"):
        return {"protocol_whitelist": "http,https,tcp,tls,crypto,data,httpproxy", "rw_timeout": 30_000_000}
    if scheme == "file":
        return {"protocol_whitelist": "file,crypto,data"}
    return {"protocol_blacklist": "file,fd,pipe,concat,concatf,subfile"}


def probe_command(options: dict[str, Any], name: str) -> list[str]:
    """Decode one frame of the first real video stream and report what it is, writing no picture."""
    return _command(options, name, "0:V:0", {"frames:v": 1, "vf": "showinfo=checksum=0", "f": "null"}, "info", "-")


def decode_command(
    options: dict[str, Any],
    name: str,
    stream: int,
    filters: list[str],
    start: float,
    duration: float | None,
    clock: int,
) -> list[str]:
    """Decode one stream, frame for frame and in order, through ``filters``, to raw RGB on stdout.

    The descriptor ``clock`` gets a line a frame, before its picture: time stamp and time base. Messages on stderr
    cannot carry the times, as ffmpeg's threads write into each other's lines there.
    """
    options = dict(options)
    if start > 0:
        options["ss"] = f"{start:.6f}"
    if duration is not None:
        options["t"] = f"{duration:.6f}"
    output = {
        "vf": ",".join(filters),
        # Never duplicate or drop a frame to reach a constant rate.
        "fps_mode": "passthrough",
        "f": "rawvideo",
        "pix_fmt": "rgb24",
        "stats_enc_pre": f"pipe:{clock}",
        "stats_enc_pre_fmt": "{ptsi} {tbi}",
    }
    return _command(options, name, f"0:{stream}", output, "verbose", "pipe:1")


def _command(
    options: dict[str, Any], name: str, stream: str, output: dict[str, Any], loglevel: str, target: str
) -> list[str]:
    import ffmpeg

    options = {"max_pixels": MAX_PIXELS, **options}
    node = ffmpeg.input(name, **options)
    node = ffmpeg.output(node, target, map=stream, an=None, sn=None, dn=None, **output)
    node = node.global_args("-hide_banner", "-nostdin", "-nostats", "-loglevel", f"level+{loglevel}")
    command: list[str] = node.compile(cmd=find_ffmpeg().path)
    return command
