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

#: Oldest ffmpeg with bitstream filters between file and decoder.
MINIMUM_VERSION = (7, 0)

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
            raise ConviqtError(f"CONVIQT_FFMPEG={chosen}: not a working ffmpeg; correct the path or unset the variable")
        if found < MINIMUM_VERSION:
            wanted, own = (".".join(map(str, version)) for version in (MINIMUM_VERSION, found))
            raise ConviqtError(
                f"CONVIQT_FFMPEG={chosen}: {own} is too old; update it to {wanted} or newer, or unset the variable"
            )
        return _describe(chosen)
    on_path = shutil.which("ffmpeg")
    if on_path and (_version_of(on_path) or (0, 0)) >= MINIMUM_VERSION:
        return _describe(on_path)
    import imageio_ffmpeg

    try:
        return _describe(imageio_ffmpeg.get_ffmpeg_exe())
    except (RuntimeError, OSError):
        raise ConviqtError("no ffmpeg 7.0 or newer found; install one or set CONVIQT_FFMPEG to its path") from None


@lru_cache(maxsize=16)
def has_filters(*names: str) -> bool:
    """Whether the ffmpeg in use was built with all these filters."""
    command = [find_ffmpeg().path, "-hide_banner", "-filters"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=30, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired):
        return False
    lines = (line.split() for line in done.stdout.decode("utf-8", "replace").splitlines())
    return set(names) <= {words[1] for words in lines if len(words) > 2}


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
        pattern = any(character in source for character in "*?")
        raise InputError(f"{source}: no such file{', and none that matches' if pattern else ''}") from None
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


def probe_command(
    options: dict[str, Any], name: str, first_packet: int = 0, stream: int | None = None, decoder: str | None = None
) -> list[str]:
    """Decode two frames of one stream (``None``: of the first that is no cover art) and report what they are.

    No picture is written. Packets before ``first_packet`` are not decoded. ``decoder`` is the one to use in place of
    ffmpeg's own choice.
    """
    options = with_decoder(options, decoder)
    if first_packet:
        options["bsf:v"] = f"noise=drop='lt(n,{first_packet})'"
    which = "0:V:0" if stream is None else f"0:{stream}"
    return _command(options, name, which, {"frames:v": 2, "vf": "showinfo=checksum=0", "f": "null"}, "info", "-")


def header_command(options: dict[str, Any], name: str, stream: int) -> list[str]:
    """Copy one packet of a stream into a QuickTime file on stdout, for the sake of that file's header."""
    output = {"c": "copy", "frames:v": 1, "f": "mov", "movflags": "empty_moov", "strict": "experimental"}
    return _command(options, name, f"0:{stream}", output, "error", "pipe:1")


def all_packets_command(options: dict[str, Any], name: str, streams: list[int]) -> list[str]:
    """List the packets of several streams on stdout, as framecrc prints them; it numbers the streams from 0."""
    output = {"c": "copy", "copyinkf": None, "f": "framecrc"}
    return _command(options, name, [f"0:{stream}" for stream in streams], output, "error", "pipe:1")


def thumbnails_command(
    options: dict[str, Any], name: str, stream: int, keys_only: bool, step: int, count: int, size: tuple[int, int]
) -> list[str]:
    """Every ``step``-th frame of a stream, or of its key frames, ``count`` in all, as small grey pictures on stdout."""
    options = {**options, **({"skip_frame": "nokey"} if keys_only else {})}
    chosen = f"select='not(mod(n,{step}))',scale={size[0]}:{size[1]}:flags=area,format=gray"
    output = {"vf": chosen, "fps_mode": "passthrough", "frames:v": count, "f": "rawvideo"}
    return _command(options, name, f"0:{stream}", output, "error", "pipe:1")


def frames_command(options: dict[str, Any], name: str, stream: int, packets: list[int]) -> list[str]:
    """Decode the packets of the given numbers alone and report what their frames are, writing no picture.

    A frame's stamp is the number of its packet, but in bare streams, whose frames have none.
    """
    kept = "+".join(f"eq(n,{number})" for number in packets)
    options = {**options, **_numbered(kept)}
    return _command(options, name, f"0:{stream}", {"vf": "showinfo=checksum=0", "f": "null"}, "info", "-")


#: Where packets_command puts a packet's time: its presentation time above the first figure, or where it has none, its
#: time of decoding above the second, or where it has neither, the third. A double holds all of them exactly.
_PRESENTED, _DECODED, _UNKNOWN = 1 << 50, 1 << 51, 1 << 52


def packets_command(options: dict[str, Any], name: str, stream: int) -> list[str]:
    """List the packets of one stream on stdout as framecrc prints them; read their times by :func:`packet_stamps`.

    Decoding times are replaced by plain numbers and presentation times are moved out of their way: ffmpeg would
    "correct" a clock that goes back before it printed it.
    """
    presented = f"if(eq(PTS,NOPTS),if(eq(DTS,NOPTS),{_UNKNOWN},DTS+{_DECODED}),PTS+{_PRESENTED})"
    output = {"c": "copy", "copyinkf": None, "bsf:v": f"setts=dts=N:pts='{presented}'", "f": "framecrc"}
    return _command({**options, "copyts": None}, name, f"0:{stream}", output, "warning", "pipe:1")


def packet_stamps(printed: int) -> tuple[float, float]:
    """Presentation time, and decoding time where that is unknown, in the stream's own units; NaN for what is not."""
    unknown = float("nan")
    if printed >= _UNKNOWN:
        return unknown, unknown
    limit = (_PRESENTED + _DECODED) // 2
    return (unknown, float(printed - _DECODED)) if printed > limit else (float(printed - _PRESENTED), unknown)


def with_decoder(options: dict[str, Any], decoder: str | None, threads: int | None = None) -> dict[str, Any]:
    """Input options that also say which decoder to use, and with how many threads, where that is not left to ffmpeg."""
    chosen = {"threads": threads, "c:v": decoder}
    return {**options, **{key: value for key, value in chosen.items() if value}}


def decode_command(
    options: dict[str, Any],
    name: str,
    stream: int,
    filters: list[str],
    clock: int,
    start: float = 0.0,
    duration: float | None = None,
    kept: str | None = None,
    pixel_format: str = "rgb24",
) -> list[str]:
    """Decode one stream, frame for frame and in order, through ``filters``, to raw pictures on stdout.

    The descriptor ``clock`` gets a line a frame, before its picture: time stamp and time base. Messages on stderr
    cannot carry the times, as ffmpeg's threads write into each other's lines there.

    With ``kept``, an expression of packet numbers (``n``), a frame's stamp is the number of its packet, whatever the
    file's clock does, and packets for which the expression is 0 are not decoded.
    """
    options = dict(options)
    if start > 0:
        options["ss"] = f"{start:.6f}"
    if duration is not None:
        options["t"] = f"{duration:.6f}"
    if kept is not None:
        options = {**options, **_numbered(kept)}
        filters = [*filters, "setpts=N"]
    output = {
        "vf": ",".join(filters),
        # Never duplicate or drop a frame to reach a constant rate.
        "fps_mode": "passthrough",
        "enc_time_base": "filter",
        "f": "rawvideo",
        "pix_fmt": pixel_format,
        "stats_enc_pre": f"pipe:{clock}",
        "stats_enc_pre_fmt": "{ptsi} {tbi}",
    }
    return _command(options, name, f"0:{stream}", output, "verbose", "pipe:1")


def repairs_command(options: dict[str, Any], name: str, stream: int, kept: str) -> list[str]:
    """Decode a stream as :func:`decode_command` does, but for what ffmpeg says of each frame (``-debug_ts``) alone."""
    options = {**options, **_numbered(kept), "debug_ts": None}
    return _command(options, name, f"0:{stream}", {"fps_mode": "passthrough", "f": "null"}, "info", "-")


def look_command(
    options: dict[str, Any], name: str, stream: int, filters: list[str], start: float, frames: int, keys: bool = False
) -> list[str]:
    """Decode up to ``frames`` frames from ``start`` seconds on, through ``filters``, to raw RGB on stdout, silently.

    With ``keys``, only key frames from the last one before ``start`` on: quick, since nothing else is decoded.
    """
    if keys:
        options = {**options, "noaccurate_seek": None, "skip_frame": "nokey"}
    if start > 0:
        options = {**options, "ss": f"{start:.6f}"}
    output = {
        "vf": ",".join(filters), "fps_mode": "passthrough", "frames:v": frames, "f": "rawvideo", "pix_fmt": "rgb24",
    }  # fmt: skip
    return _command(options, name, f"0:{stream}", output, "quiet", "pipe:1")


def still_command(options: dict[str, Any], name: str, stream: int, filters: list[str], start: float) -> list[str]:
    """Decode the frame shown at ``start`` seconds, through ``filters``, to one JPEG file on stdout, silently."""
    if start > 0:
        options = {**options, "ss": f"{start:.6f}"}
    output = {"vf": ",".join(filters), "frames:v": 1, "f": "image2pipe", "c:v": "mjpeg", "q:v": 4, "map_metadata": -1}
    return _command(options, name, f"0:{stream}", output, "quiet", "pipe:1")


def _numbered(kept: str) -> dict[str, Any]:
    """Input options that make a frame's stamp the number of its packet, and drop packets that ``kept`` does not want.

    Numbers are out of order where frames are; without a decoding time ffmpeg does not mistrust them for that.
    """
    return {"bsf:v": f"setts=pts=N:dts=NOPTS,noise=drop='not({kept})'", "copyts": None}


def _command(
    options: dict[str, Any], name: str, stream: str | list[str], output: dict[str, Any], loglevel: str, target: str
) -> list[str]:
    import ffmpeg

    options = {"max_pixels": MAX_PIXELS, **options}
    node = ffmpeg.input(name, **options)
    first, *others = [stream] if isinstance(stream, str) else stream
    node = ffmpeg.output(node, target, map=first, an=None, sn=None, dn=None, **output)
    node = node.global_args("-hide_banner", "-nostdin", "-nostats", "-loglevel", f"level+{loglevel}")
    command: list[str] = node.compile(cmd=find_ffmpeg().path)
    at = command.index("-map")
    return [*command[:at], *(part for other in (first, *others) for part in ("-map", other)), *command[at + 2 :]]
