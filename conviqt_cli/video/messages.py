"""What ffmpeg prints on stderr, read into facts.

Lines arrive as ``[component @ 0x...] [level] text`` (``-loglevel level+...``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fractions import Fraction

_LINE = re.compile(r"^(?:\[(?P<who>[^\]]*?)(?: @ 0x[0-9a-f]+)\] )*\[(?P<level>[a-z]+)\] ?(?P<text>.*)$")
_FRAME = re.compile(r"^n: *(?P<n>\d+) pts: *\S+ pts_time:(?P<time>\S+)")
_DURATION = re.compile(r" duration_time:(?P<duration>[0-9.e+-]+)")
_PICTURE = re.compile(r" fmt:(?P<fmt>\S+).* sar:(?P<sar>\d+/\d+) s:(?P<w>\d+)x(?P<h>\d+) i:(?P<interlaced>\S)")
_COLOUR = re.compile(
    r"^color_range:(?P<range>\S+) color_space:(?P<space>\S+) color_primaries:(?P<primaries>\S+) color_trc:(?P<trc>\S+)"
)
_READ = re.compile(
    r"Input stream #\d+:\d+ \(video\): (?P<packets>\d+) packets read .*?; (?P<frames>\d+) frames decoded"
    r"(?:; (?P<errors>\d+) decode errors)?"
)

#: Demuxer messages that mean the file stops before its own index or headers say it should.
_CUT_SHORT = ("partial file", "File ended prematurely", "Truncating packet of size")


@dataclass(frozen=True)
class Line:
    """One message: the component that speaks (``h264``, ``in#0/mov,mp4``), its level, its text."""

    who: str
    level: str
    text: str

    @classmethod
    def parse(cls, raw: str) -> Line:
        """Read one line of stderr; what has no level counts as ``info``."""
        match = _LINE.match(raw.rstrip())
        if not match:
            return cls("", "info", raw.rstrip())
        return cls(match["who"] or "", match["level"], match["text"].rstrip())


@dataclass(frozen=True)
class FrameFacts:
    """What showinfo says of one frame: ``time`` and ``duration`` in seconds (``None`` when the stream has no clock)."""

    time: float | None
    duration: float | None
    pixel_format: str
    sample_aspect: Fraction
    width: int
    height: int
    interlaced: bool

    @classmethod
    def parse(cls, line: Line) -> FrameFacts | None:
        """Read a showinfo frame line, or ``None`` for any other line."""
        if "showinfo" not in line.who:
            return None
        frame, picture = _FRAME.match(line.text), _PICTURE.search(line.text)
        if not frame or not picture:
            return None
        duration = _DURATION.search(line.text)
        numerator, denominator = (int(part) for part in picture["sar"].split("/"))
        return cls(
            time=_number(frame["time"]),
            duration=_number(duration["duration"]) if duration else None,
            pixel_format=picture["fmt"],
            sample_aspect=Fraction(numerator, denominator) if numerator and denominator else Fraction(1),
            width=int(picture["w"]),
            height=int(picture["h"]),
            interlaced=picture["interlaced"] in "TB",
        )


def parse_colour(line: Line) -> dict[str, str] | None:
    """``range``, ``space``, ``primaries`` and ``trc`` of a showinfo colour line; ``None`` for any other line."""
    match = _COLOUR.match(line.text) if "showinfo" in line.who else None
    return match.groupdict() if match else None


@dataclass
class DecoderLog:
    """Trouble reported while decoding, counted as it streams by; memory stays constant."""

    cut_short: str | None = None
    damaged: int = 0
    packets: int | None = None
    frames: int | None = None
    errors: int = 0
    last_error: str | None = None
    fatal: list[str] = field(default_factory=list)

    def add(self, line: Line) -> None:
        """Take one line into account."""
        read = _READ.search(line.text)
        if read:
            self.packets, self.frames = int(read["packets"]), int(read["frames"])
            self.errors = int(read["errors"] or 0)
            return
        if "corrupt decoded frame" in line.text or ("concealing" in line.text and "errors" in line.text):
            self.damaged += 1
        demuxer = line.who.startswith("in#")
        if demuxer and any(mark in line.text for mark in _CUT_SHORT):
            self.cut_short = line.text
        # Only a transport stream loses packets on its way; elsewhere a packet is incomplete because the file ends.
        if demuxer and "mpegts" not in line.who and "/" in line.who and line.text.startswith("Packet corrupt"):
            self.cut_short = self.cut_short or "the last packet is incomplete"
        if line.level in ("error", "fatal"):
            self.last_error = line.text
            if demuxer or line.level == "fatal" or not line.who:
                self.fatal = [*self.fatal[-3:], line.text]


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:  # NOPTS
        return None
