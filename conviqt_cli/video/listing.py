"""What ffmpeg lists of an input before it decodes anything: its streams, read by the structure of the listing.

ffmpeg prints the listing of an input, indented by sections (programs, groups of streams, streams, and below each its
metadata and side data), and after it the same of its own output. How deep a stream stands depends on its version and on
what the file groups; what does not is that a section ends where the indentation returns to that of its heading. ffmpeg
gives no machine-readable list of an input's streams (ffprobe does, but comes with few of the places that ffmpeg is had
from); and another reader of containers numbers streams in its own way.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from conviqt_cli.video.messages import Line

_INPUT = re.compile(r"^Input #0, (\S+), from ")
_STREAM = re.compile(
    r"^ +Stream #0:(?P<index>\d+)(?:\[0x(?P<id>[0-9a-f]+)\])?(?:\([^)]*\))?: (?P<kind>\w+): (?P<text>.*)$"
)
_GROUP = re.compile(r"^ +Stream group #0:\d+(?:\[\S+?\])?(?:\([^)]*\))?: (?P<kind>[^:]+):")
_DURATION = re.compile(r"^  Duration: (\d+):(\d+):([\d.]+)")
_SIZE = re.compile(r", (\d+)x(\d+)\b")
_BITS = re.compile(r"\((\d+) bpc\b")
_DISPOSITION = re.compile(r"\(([a-z ]+)\)")
_ROTATION = re.compile(r"^display ?matrix: rotation of (-?[\d.]+) degrees", re.IGNORECASE)
_DOLBY = re.compile(r"^DOVI configuration record: .*?profile: (\d+),.*?compatibility id: (\d+)")

#: Pictures that go with a video and are none themselves.
_COMPANIONS = {"attached pic", "timed thumbnails", "still image"}


@dataclass(frozen=True)
class ListedStream:
    """One stream of the input.

    ``id`` is the container's own number for it, ``None`` where it has none. ``kind`` is ``Video``, ``Audio`` and so on,
    ``codec`` ffmpeg's name of the format. ``width`` and ``height`` are pixels as coded, 0 when unknown. ``bits`` are
    those used of each component, where its format could hold more, else ``None``. ``metadata`` has its keys in lower
    case. ``side_data`` are ffmpeg's own lines.
    """

    index: int
    id: int | None
    kind: str
    codec: str
    width: int
    height: int
    bits: int | None
    dispositions: frozenset[str]
    metadata: dict[str, str]
    side_data: tuple[str, ...]

    @property
    def is_video(self) -> bool:
        """Whether it moves, as far as the listing tells: cover art and the like do not."""
        return self.kind == "Video" and not self.dispositions & _COMPANIONS

    @property
    def rotation(self) -> int | None:
        """Clockwise turn in degrees that the file asks for; ``None`` when it asks for none."""
        found = next((match for text in self.side_data if (match := _ROTATION.match(text))), None)
        return None if found is None else round(-float(found[1])) % 360

    @property
    def dolby_vision(self) -> tuple[int, int] | None:
        """Dolby Vision profile, and what its base layer is compatible with (0: nothing), or ``None``."""
        found = next((match for text in self.side_data if (match := _DOLBY.match(text))), None)
        return None if found is None else (int(found[1]), int(found[2]))


@dataclass(frozen=True)
class Listing:
    """An input: its ``container`` in ffmpeg's words, ``duration`` in seconds (``None``: unknown), its streams.

    ``groups`` are the kinds of stream groups: ``Tile Grid``, ``Track Reference`` and so on.
    """

    container: str
    duration: float | None
    streams: tuple[ListedStream, ...]
    groups: tuple[str, ...] = ()

    @property
    def videos(self) -> tuple[ListedStream, ...]:
        """Streams that are no cover art, in the order of the file."""
        return tuple(stream for stream in self.streams if stream.is_video)

    def stream(self, index: int) -> ListedStream | None:
        """The stream of that number."""
        return next((stream for stream in self.streams if stream.index == index), None)

    @classmethod
    def parse(cls, lines: Iterable[Line]) -> Listing | None:
        """The listing of the first input among ffmpeg's messages, or ``None`` where it could not open any."""
        section = list(_input_section(lines))
        if not section:
            return None
        container = _INPUT.match(section[0])
        assert container is not None
        duration = next((_seconds(match) for text in section if (match := _DURATION.match(text))), None)
        groups = [match["kind"].strip() for text in section if (match := _GROUP.match(text))]
        streams: dict[int, ListedStream] = {}
        metadata: int | None = None
        for at, text in enumerate(section):
            if metadata is not None and _depth(text) <= metadata:
                metadata = None
            # What stands below "Metadata:" comes out of the file and may look like anything.
            if metadata is None and text.strip() == "Metadata:":
                metadata = _depth(text)
            header = _STREAM.match(text) if metadata is None else None
            if header:
                found = _stream(header, list(_below(section, at)))
                streams.setdefault(found.index, found)
        ordered = sorted(streams.values(), key=lambda stream: stream.index)
        return cls(container[1].rstrip(","), duration, tuple(ordered), tuple(groups))


def _input_section(lines: Iterable[Line]) -> Iterator[str]:
    """Lines of the first input's listing; it ends where a line is not indented.

    A line without a level continues the one before it: it comes out of the file, not from ffmpeg.
    """
    inside = False
    for line in lines:
        if line.who or not line.level:
            continue
        if not inside:
            inside = bool(_INPUT.match(line.text))
        elif not _depth(line.text):
            return
        if inside:
            yield line.text


def _below(section: list[str], at: int) -> Iterator[tuple[int, str]]:
    """Depth and text of the lines that belong to the heading at ``at``."""
    own = _depth(section[at])
    for text in section[at + 1 :]:
        if _depth(text) <= own:
            return
        yield _depth(text), text.strip()


def _stream(header: re.Match[str], below: list[tuple[int, str]]) -> ListedStream:
    text = header["text"]
    size, bits = _SIZE.search(text), _BITS.search(text)
    metadata: dict[str, str] = {}
    side_data: list[str] = []
    kind, within = "", 0
    for depth, line in below:
        if kind and depth <= within:
            kind = ""
        if not kind:
            if line.lower() in ("metadata:", "side data:"):
                kind, within = line.lower(), depth
        elif kind == "side data:":
            side_data.append(line)
        else:
            key, _, value = line.partition(":")
            metadata.setdefault(key.strip().lower(), value.strip())
    return ListedStream(
        index=int(header["index"]),
        id=None if header["id"] is None else int(header["id"], 16),
        kind=header["kind"],
        codec=text.split()[0].rstrip(","),
        width=int(size[1]) if size else 0,
        height=int(size[2]) if size else 0,
        bits=int(bits[1]) if bits else None,
        dispositions=frozenset(_DISPOSITION.findall(_tail(text))),
        metadata=metadata,
        side_data=tuple(side_data),
    )


def _tail(text: str) -> str:
    """The dispositions, which stand in brackets at the end of a heading."""
    match = re.search(r"(?: \([a-z ]+\))+$", text)
    return match[0] if match else ""


def _depth(text: str) -> int:
    return len(text) - len(text.lstrip(" "))


def _seconds(match: re.Match[str]) -> float | None:
    return int(match[1]) * 3600 + int(match[2]) * 60 + float(match[3]) or None
