"""What ffmpeg prints on stderr, read into facts.

Lines arrive as ``[component @ 0x...] [level] text`` (``-loglevel level+...``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

#: Where another message begins. ffmpeg's threads share stderr, and showinfo writes its line in pieces, so a whole
#: message of another component can stand in the middle of a line.
_BEGIN = re.compile(r"(?<=.)(?=\[[^\[\]@]+ @ 0x[0-9a-f]+\] (?:\[[^\[\]@]+ @ 0x[0-9a-f]+\] )*\[[a-z]+\])(?<!\] )")
_LINE = re.compile(r"^(?:\[(?P<who>[^\]]*?)(?: @ 0x[0-9a-f]+)\] )*\[(?P<level>[a-z]+)\] ?(?P<text>.*)$")
_FRAME = re.compile(r"^n: *\d+ pts: *(?P<stamp>-?\d+|NOPTS)")
_PICTURE = re.compile(r" fmt:(?P<fmt>\S+).* sar:(?P<sar>\d+/\d+) s:(?P<w>\d+)x(?P<h>\d+) i:(?P<interlaced>\S)")
_COLOUR = re.compile(r"\bcolor_(?P<property>range|space|primaries|trc):(?P<value>\S+)")
_COLOUR_NAMES = (
    "unknown", "reserved", "tv", "pc", "gbr", "bt709", "fcc", "bt470bg", "bt470m", "smpte170m", "smpte240m", "ycgco",
    "ycgco-re", "ycgco-ro", "bt2020nc", "bt2020c", "smpte2085", "chroma-derived-nc", "chroma-derived-c", "ictcp",
    "ipt-c2", "film", "bt2020", "smpte428", "smpte431", "smpte432", "ebu3213", "linear", "log100", "log316",
    "iec61966-2-4", "bt1361e", "iec61966-2-1", "bt2020-10", "bt2020-12", "smpte2084", "arib-std-b67",
)  # fmt: skip
_READ = re.compile(
    r"Input stream #\d+:\d+ \(video\): (?P<packets>\d+) packets read .*?; (?P<frames>\d+) frames decoded"
    r"(?:; (?P<errors>\d+) decode errors)?"
)

_REPAIRED = "corrupt decoded frame"
_HANDED_ON = re.compile(r"^decoder -> (?:.* )?(?:frame_)?pts:(?P<stamp>-?\d+|NOPTS)")

_LEAST_ALPHA = re.compile(r"lavfi\.signalstats\.YMIN=(\d+)")

#: Least alpha, of 255, of a frame without transparent pixels.
_OPAQUE = 250

#: Demuxer messages that mean the file stops before its own index or headers say it should.
_CUT_SHORT = ("partial file", "File ended prematurely", "Truncating packet of size")


@dataclass(frozen=True)
class Line:
    """One message: the component that speaks (``h264``, ``in#0/mov,mp4``), its level, its text."""

    who: str
    level: str
    text: str

    @classmethod
    def read(cls, said: bytes) -> list[Line]:
        """All messages of an ffmpeg that has ended, in order."""
        return [line for raw in said.decode("utf-8", "replace").splitlines() for line in cls.split(raw)]

    @classmethod
    def split(cls, raw: str) -> list[Line]:
        """The messages in one line of stderr, in order."""
        return [cls.parse(part) for part in _BEGIN.split(raw)]

    @classmethod
    def parse(cls, raw: str) -> Line:
        """Read one message; what continues the line before it has no level."""
        match = _LINE.match(raw.rstrip())
        if not match:
            return cls("", "", raw.rstrip())
        return cls(match["who"] or "", match["level"], match["text"].rstrip())


@dataclass(frozen=True)
class FrameFacts:
    """What showinfo says of one frame: its pixel format, the shape of a pixel, its size as displayed, its time stamp.

    ``stamp`` is in units of the stream, ``None`` where there is none.
    """

    pixel_format: str
    sample_aspect: Fraction
    width: int
    height: int
    interlaced: bool
    stamp: int | None = None

    @classmethod
    def among(cls, lines: Iterable[Line]) -> list[FrameFacts]:
        """Those of every frame that the lines speak of, in order."""
        return [facts for line in lines if (facts := cls.parse(line))]

    @classmethod
    def parse(cls, line: Line) -> FrameFacts | None:
        """Read a showinfo frame line, or ``None`` for any other line."""
        frame, picture = _FRAME.match(line.text), _PICTURE.search(line.text)
        if "showinfo" not in line.who or not frame or not picture:
            return None
        numerator, denominator = (int(part) for part in picture["sar"].split("/"))
        return cls(
            pixel_format=picture["fmt"],
            sample_aspect=Fraction(numerator, denominator) if numerator and denominator else Fraction(1),
            width=int(picture["w"]),
            height=int(picture["h"]),
            interlaced=picture["interlaced"] in "TB",
            stamp=None if frame["stamp"] == "NOPTS" else int(frame["stamp"]),
        )


def parse_colour(lines: list[Line]) -> dict[str, str]:
    """``range``, ``space``, ``primaries`` and ``trc`` of the first frame that showinfo speaks of."""
    found: dict[str, str] = {}
    for line in lines:
        for match in _COLOUR.finditer(line.text):
            # Another thread's message may follow a name without a gap.
            known = [name for name in _COLOUR_NAMES if match["value"].startswith(name)]
            found.setdefault(match["property"], max(known, key=len, default="unknown"))
    return found


def repaired_frames(lines: Iterable[Line]) -> list[int]:
    """Stamps of the frames that the decoder repaired, in the order they are shown.

    Where ffmpeg reports its time stamps (``-debug_ts``), the thread that says a frame is corrupt says next which one it
    is, so that no other thread can come between.
    """
    stamps, corrupt = [], False
    for line in lines:
        handed_on = _HANDED_ON.search(line.text)
        if _REPAIRED in line.text:
            corrupt = True
        elif handed_on:
            if corrupt and handed_on["stamp"] != "NOPTS":
                stamps.append(int(handed_on["stamp"]))
            corrupt = False
    return stamps


@dataclass
class DecoderLog:
    """Trouble reported while decoding, counted as it streams by; memory stays constant."""

    cut_short: str | None = None
    corrupt: int = 0
    concealed: int = 0
    packets: int | None = None
    frames: int | None = None
    errors: int = 0
    reconfigured: int = 0
    last_error: str | None = None
    fatal: str | None = None
    watched: int = 0
    flagged: int = 0
    transparent: bool = False

    @property
    def damaged(self) -> int:
        """How many frames the decoder repaired; not every decoder marks those frames, too."""
        return self.corrupt or self.concealed

    @property
    def interlaced(self) -> float:
        """Share of the watched frames that say they are interlaced."""
        return self.flagged / self.watched if self.watched else 0.0

    def add(self, line: Line) -> None:
        """Take one line into account."""
        read = _READ.search(line.text)
        if read:
            self.packets, self.frames = int(read["packets"]), int(read["frames"])
            self.errors = int(read["errors"] or 0)
            return
        if line.level == "info" and self._watch(line):
            return
        if line.text.startswith("Reconfiguring filter graph"):
            self.reconfigured += 1
        self.corrupt += _REPAIRED in line.text
        self.concealed += "concealing" in line.text and "errors" in line.text
        demuxer = line.who.startswith("in#")
        # Before 8.0 a demuxer speaks under its own name ("mov,mp4,..."), not as "in#0/mov,mp4,...".
        if any(mark in line.text for mark in _CUT_SHORT):
            self.cut_short = line.text
        # Only a transport stream loses packets on its way; elsewhere a packet is incomplete because the file ends.
        if "mpegts" not in line.who and line.text.startswith("Packet corrupt"):
            self.cut_short = self.cut_short or "the last packet is incomplete"
        if line.level in ("error", "fatal"):
            self.last_error = line.text
            if demuxer or line.level == "fatal" or not line.who:
                self.fatal = line.text

    def _watch(self, line: Line) -> bool:
        """Take a message about a watched frame into account; whether it was one."""
        frame = FrameFacts.parse(line)
        if frame is not None:
            self.watched, self.flagged = self.watched + 1, self.flagged + frame.interlaced
            return True
        alpha = _LEAST_ALPHA.search(line.text) if "metadata" in line.who else None
        if alpha is not None:
            self.transparent |= int(alpha[1]) < _OPAQUE
        return alpha is not None or "showinfo" in line.who
