"""ffmpeg: which one is used, and whether it decodes what people have."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator

from conviqt_cli.doctor.check import Check, State
from conviqt_cli.errors import ConviqtError
from conviqt_cli.video.ffmpeg import Ffmpeg, find_ffmpeg, has_filters

#: Codecs by the names people know, each with the decoders of ffmpeg that read it.
CODECS = {
    "H.264": ("h264",),
    "HEVC": ("hevc",),
    "VP9": ("vp9", "libvpx-vp9"),
    "AV1": ("libdav1d", "av1", "libaom-av1"),
    "MPEG-2": ("mpeg2video",),
    "MPEG-4": ("mpeg4",),
    "ProRes": ("prores",),
}

_OTHER = "update ffmpeg, or unset CONVIQT_FFMPEG to use the one that was installed with conviqt"


def ffmpeg() -> Iterator[Check]:
    """The binary, its decoders, its filters for HDR."""
    try:
        binary = find_ffmpeg()
    except ConviqtError as error:
        text, _, cure = str(error).partition("; ")
        yield Check("ffmpeg", State.PROBLEM, text, cure or "install ffmpeg 7.0 or newer")
        return
    on_path = shutil.which("ffmpeg")
    passed_over = f"; {on_path} is too old and not used" if on_path and on_path != binary.path else ""
    yield Check("ffmpeg", State.OK, f"{binary.version} ({binary.path}){passed_over}")
    known = _decoders(binary)
    missing = [codec for codec, names in CODECS.items() if not known.intersection(names)]
    if missing:
        found = f"no decoder for {', '.join(missing)}: such videos cannot be scored"
        yield Check("decoders", State.PROBLEM, found, _OTHER)
    else:
        yield Check("decoders", State.OK, ", ".join(CODECS))
    if has_filters("zscale", "tonemap"):
        yield Check("HDR", State.OK, "zscale and tonemap: HDR video is tone-mapped")
    else:
        yield Check("HDR", State.WARNING, "no zscale or tonemap: HDR video is scored without tone mapping", _OTHER)


def _decoders(binary: Ffmpeg) -> set[str]:
    command = [binary.path, "-hide_banner", "-decoders"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=30, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired):
        return set()
    lines = (line.split() for line in done.stdout.decode("utf-8", "replace").splitlines())
    return {words[1] for words in lines if len(words) > 2 and words[0].startswith("V")}
