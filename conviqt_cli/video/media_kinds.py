"""Whether a file is meant to be a video: by its ending, and where that says nothing by its first bytes."""

from __future__ import annotations

import os
from enum import Enum
from pathlib import Path


class Kind(Enum):
    """What a file is, as far as can be told without decoding it."""

    VIDEO = "video"
    OTHER = "other"
    UNKNOWN = "unknown"


_VIDEO_ENDINGS = """
3g2 3gp 3gpp amv asf av1 avc avi avs2 avs3 bik bk2 cavs cdxl dav dif divx dnxhd drc dv dvr-ms evo f4p f4v flc fli flv
gxf h261 h263 h264 h265 h266 hevc imf insv ismv ivf jpv k3g lrv lvf m1v m2p m2t m2ts m2v m4v mj2 mjpeg mjpg mk3d mkv
mov mp2v mp4 mp4v mpe mpeg mpg mpv mpv2 mqv mvc mxf nsv nut obu ogm ogv qt rm rmvb skm smk svi tod tp trp ty vc1 vdr
viv vivo vob vp8 vp9 vro vvc webm wm wmv wtv xesc xmv y4m yuv4mpeg
"""
_AUDIO_ENDINGS = """
aac ac3 aif aiff alac amr ape au caf dsf dts eac3 flac gsm m4a m4b mid midi mka mp2 mp3 oga ogg opus ra spx tta voc wav
weba wma wv
"""
_PICTURE_ENDINGS = """
apng arw avif bmp cr2 cr3 dng dpx eps exr gif hdr heic heif ico jfif jp2 jpeg jpg jxl nef pam pbm pcx pgm png pnm ppm
psd raf raw rw2 svg tga tif tiff webp xcf
"""
_COMPANION_ENDINGS = """
ass idx lrc sbv smi srt ssa stl sub sup ttml usf vtt asx cue ffconcat ffcat m3u m3u8 mpd mpls pls sdp wpl xspf bdmv bup
clpi edl fcpxml ifo nfo prproj thm xmp
"""
_OTHER_ENDINGS = """
7z bash bat bz2 c cfg conf cpp csv css db dll doc docx exe gz h htm html ini ipynb iso jar java js json jsonl jsx lock
log md mjs mat ndjson npy npz odt par2 pdf pickle pkl ppt pptx pt pth py pyc rar rs rst rtf safetensors sfv sh so sql
sqlite tar tex tgz toml torrent tsv tsx txt url whl xls xlsx xml xz yaml yml zip zst crdownload part partial tmp
"""
_VIDEO = frozenset(_VIDEO_ENDINGS.split())
_PICTURES = frozenset(_PICTURE_ENDINGS.split())
_OTHER = frozenset((_AUDIO_ENDINGS + _PICTURE_ENDINGS + _COMPANION_ENDINGS + _OTHER_ENDINGS).split())

#: Where a container or elementary stream gives itself away: offset, bytes.
_SIGNATURES = (
    (4, b"ftyp"),  # MP4, MOV
    (4, b"moov"),
    (4, b"mdat"),
    (4, b"wide"),
    (0, b"\x1a\x45\xdf\xa3"),  # Matroska, WebM
    (8, b"AVI "),
    (0, b"FLV\x01"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11"),  # ASF
    (0, b"\x00\x00\x01\xba"),  # MPEG program stream
    (0, b"\x00\x00\x01\xb3"),  # MPEG video
    (0, b"\x00\x00\x00\x01"),  # H.264, HEVC, VVC
    (0, b".RMF"),
    (0, b"YUV4MPEG2"),
    (0, b"DKIF"),  # IVF
    (0, b"\x06\x0e\x2b\x34"),  # MXF
    (0, b"nut/multimedia"),
    (0, b"OggS"),
    (0, b"\xb7\xd8\x00\x20\x37\x49\xda\x11"),  # WTV
)


def kind_by_name(name: str) -> Kind:
    """By the ending alone."""
    ending = _ending(name)
    if ending in _VIDEO:
        return Kind.VIDEO
    return Kind.OTHER if ending in _OTHER else Kind.UNKNOWN


def is_picture(name: str) -> bool:
    """Whether a name ends as those of still pictures do."""
    return _ending(name) in _PICTURES


def _ending(name: str) -> str:
    return os.path.splitext(name)[1].lower().removeprefix(".")  # noqa: PTH122


def kind_by_bytes(path: Path) -> Kind:
    """By the first bytes; a file that cannot be read has none, and is no video. Of ``.ts`` all but text is one."""
    try:
        with path.open("rb") as file:
            head = file.read(4096)
    except (OSError, ValueError):
        head = b""
    if path.suffix.lower() in (".ts", ".mts"):
        return Kind.OTHER if _is_text(head) else Kind.VIDEO
    if any(head[offset:].startswith(mark) for offset, mark in _SIGNATURES):
        return Kind.VIDEO
    # MPEG transport stream: a sync byte at each packet, of 188, 192 or 204 bytes.
    for size, first in ((188, 0), (192, 4), (204, 0)):
        if len(head) > first + 4 * size and all(head[first + n * size] == 0x47 for n in range(4)):
            return Kind.VIDEO
    return Kind.OTHER


def _is_text(head: bytes) -> bool:
    """Whether the bytes are characters; an empty file is text."""
    return not any(byte < 9 or 13 < byte < 32 for byte in head)
