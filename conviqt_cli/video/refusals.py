"""Why a local file holds no pictures that can be read: encrypted, a playlist, a header or a segment on its own.

ffmpeg decodes encrypted pictures as if they were damaged, and says of a playlist only that its data is invalid. The
file's own first bytes, and the boxes of an MP4, say more.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from conviqt_cli.video import ffmpeg

#: Why encrypted pictures have no score.
ENCRYPTED = "encrypted (protected by DRM): give a copy without encryption"

#: Bytes at the beginning of a file that are looked at.
_HEAD = 1 << 16

#: Boxes looked at, in all levels together: a damaged file may claim any number.
_MAX_BOXES = 10_000

#: What may stand before the root of an XML document.
_XML = rb"(<\?xml[^>]*>\s*)?(<!DOCTYPE[^>]*>\s*)?(<!--((?!-->).)*-->\s*)*"

_PLAYLISTS = (
    ("an HLS playlist", re.compile(rb"#EXTM3U.*^#EXT-X-", re.DOTALL | re.MULTILINE)),
    ("an M3U playlist", re.compile(rb"#EXTM3U")),
    ("a DASH manifest", re.compile(_XML + rb"<MPD\b", re.DOTALL)),
    ("a Smooth Streaming manifest", re.compile(_XML + rb"<SmoothStreamingMedia\b", re.DOTALL)),
    ("a list of files for ffmpeg", re.compile(rb"ffconcat version")),
    ("a PLS playlist", re.compile(rb"\[playlist\]", re.IGNORECASE)),
    ("an ASX playlist", re.compile(rb"<asx\b|\[Reference\]", re.IGNORECASE)),
    ("an XSPF playlist", re.compile(_XML + rb"<playlist\b", re.IGNORECASE | re.DOTALL)),
    ("a SMIL playlist", re.compile(_XML + rb"<smil\b", re.IGNORECASE | re.DOTALL)),
    ("a cue sheet", re.compile(rb"((REM|PERFORMER|TITLE|CATALOG)\b[^\n]*\n\s*)*FILE\s+\S")),
    ("a Blu-ray playlist", re.compile(rb"MPLS0\d00")),
    ("a DVD index", re.compile(rb"DVDVIDEO-V(MG|TS)")),
)  # fmt: skip

#: Of these, ffmpeg opens what they refer to when it is given a URL.
_OPENED_BY_URL = {"an HLS playlist", "a DASH manifest", "a list of files for ffmpeg"}

#: Endings of playlists that may hold nothing but names.
_BARE_LISTS = {".m3u": "an M3U playlist", ".m3u8": "an M3U playlist"}

#: What a box of an MP4, as a file or as a segment, may begin with.
_FIRST_BOXES = frozenset(
    {b"ftyp", b"styp", b"moov", b"moof", b"sidx", b"free", b"skip", b"mdat", b"wide", b"emsg", b"prft"}
)
#: Boxes on the way to the descriptions of tracks, and the descriptions that say a track is encrypted.
_CONTAINERS = frozenset({b"moov", b"trak", b"mdia", b"minf", b"stbl"})
_PROTECTED = frozenset({b"encv", b"enca", b"drmi", b"drms"})

#: ContentEncryption, within a ContentEncoding, within the ContentEncodings of a Matroska track.
_MATROSKA_ENCRYPTION = re.compile(rb"\x6d\x80.{0,16}\x62\x40.{0,64}\x50\x35", re.DOTALL)


def explain(source: str) -> str | None:
    """What ``source`` is, where that is why it cannot be read, and what to give instead; one clause, or ``None``."""
    if ffmpeg.is_url(source):
        return None
    with suppress(OSError, ValueError), Path(source).open("rb") as file:
        head = file.read(_HEAD)
        return _playlist(source, head) or _boxes_explained(file, head) or _scrambled(head, file.seek(0, 2))
    return None


def encrypted_tracks(source: str) -> set[int]:
    """Track numbers of an MP4 or MOV file whose pictures or sound are encrypted; none for a URL."""
    if ffmpeg.is_url(source):
        return set()
    with suppress(OSError, ValueError), Path(source).open("rb") as file:
        return _encrypted(file)
    return set()


def _playlist(source: str, head: bytes) -> str | None:
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    name = next((name for name, pattern in _PLAYLISTS if pattern.match(text)), None)
    path = Path(source)
    if name is None and path.suffix.lower() in _BARE_LISTS and b"\0" not in head:
        name = _BARE_LISTS[path.suffix.lower()]
    if name is None:
        return None
    if b"#EXT-X-KEY:METHOD=" in text and b"#EXT-X-KEY:METHOD=NONE" not in text:
        return f"{name} of encrypted segments, not a video: give its own URL, or a copy without encryption"
    if name in _OPENED_BY_URL:
        return f"{name}, not a video: give the files that it names, or the playlist as a URL: file://{path.absolute()}"
    return f"{name}, not a video: give the files that it names"


def _boxes_explained(file: BinaryIO, head: bytes) -> str | None:
    """What the boxes of an MP4, or the elements of a WebM, say."""
    together = "join the two into one file (initialisation segment first), or give the playlist or manifest as a URL"
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        if _MATROSKA_ENCRYPTION.search(head):
            return ENCRYPTED
        alone = len(head) < _HEAD and b"\x1f\x43\xb6\x75" not in head
        return f"only a header, such as an initialisation segment, without pictures: {together}" if alone else None
    if head[4:8] not in _FIRST_BOXES:
        return None
    if _encrypted(file):
        return ENCRYPTED
    kinds = [kind for kind, _, _ in _boxes(file, 0, file.seek(0, 2))]
    if b"moov" in kinds and not {b"mdat", b"moof"} & set(kinds):
        return f"only a header, such as an initialisation segment, without pictures: {together}"
    if b"moof" in kinds and b"moov" not in kinds:
        return f"a segment without its initialisation segment: {together}"
    return None


def _encrypted(file: BinaryIO) -> set[int]:
    found: set[int] = set()
    track, left = 0, _MAX_BOXES
    spans = [(0, file.seek(0, 2))]
    while spans and left:
        first, end = spans.pop()
        inside = []
        for kind, at, stop in _boxes(file, first, end):
            left = max(0, left - 1)
            if kind == b"tkhd":
                track = _track_number(file, at)
            elif kind == b"stsd":
                # Eight bytes of version and count come before the entries.
                if any(entry in _PROTECTED for entry, _, _ in _boxes(file, at + 8, stop)):
                    found.add(track)
            elif kind in _CONTAINERS:
                inside.append((at, stop))
        spans += reversed(inside)
    return found


def _boxes(file: BinaryIO, first: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Kind, first byte of the content and end of each box between two places of the file."""
    for _ in range(_MAX_BOXES):
        file.seek(first)
        head = file.read(16)
        size, kind = int.from_bytes(head[:4], "big"), head[4:8]
        content = first + 8
        if size == 1:
            size, content = int.from_bytes(head[8:16], "big"), first + 16
        stop = end if size == 0 else first + size
        if len(head) < 8 or stop < content or content > end:
            return
        yield kind, content, min(stop, end)
        first = stop


def _track_number(file: BinaryIO, at: int) -> int:
    """Of a ``tkhd`` box: after its version and two times, of 4 bytes each in version 0, else 8."""
    file.seek(at)
    content = file.read(24)
    where = 12 if content[:1] == b"\0" else 20
    return int.from_bytes(content[where : where + 4], "big")


def _scrambled(head: bytes, size: int) -> str | None:
    """Scrambled packets of a transport stream; bytes without any order, as an encrypted segment has."""
    for length, first in ((188, 0), (192, 4), (204, 0)):
        packets = [head[at : at + 4] for at in range(first, len(head) - 4, length)]
        if len(packets) >= 4 and all(packet[0] == 0x47 for packet in packets):
            return ENCRYPTED if any(packet[3] & 0xC0 for packet in packets) else None
    start = head[:4096]
    even = len(start) >= 1024 and max(map(start.count, range(256))) < 5 * len(start) / 256 + 8
    if even and size % 16 == 0:
        return "without any known structure: if it is a segment of an encrypted HLS stream, give the playlist's URL"
    return None
