"""Light that flickers: brightness that goes up and down several times a second while the picture stays what it is.

What moves in a picture brightens some of its blocks and darkens others; light changes whole rows of blocks alike. Rows
are followed one by one, since under a rolling shutter light that pulses with the mains wanders down the picture.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from conviqt_cli.arrays import Floats, block_means

#: Blocks of a picture down and across.
ROWS, COLUMNS = 12, 8

#: Added to brightness (0 to 255) before its logarithm is taken, so that coding noise in the dark is no light.
_DARK = 8.0

#: A row brightens or darkens when this share of its blocks does so, each by at least half of what the middle one does.
_ALIKE = 0.75

#: The least swing that counts, as a share of brightness; one of less than a third of it is none.
_SWING = 0.03

#: The brightness turns at least so often, each time within so many seconds, in at least this share of the rows.
_TURNS, _WITHIN, _SHARE = 4, 0.6, 0.5

#: No swing lasts longer than this many times the others.
_LONGEST = 1.5

#: Stretches with no more than so many seconds between them that were looked at are one.
_TOGETHER = 0.5


def light(luma: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Logarithm of the brightness of each block of a picture (h, w), as (ROWS, COLUMNS), or fewer of a tiny one."""
    found: NDArray[np.float32] = np.log(block_means(luma, ROWS, COLUMNS) + _DARK).astype(np.float32)
    return found


class Flicker:
    """Takes the light of each frame of a video, in order."""

    def __init__(self) -> None:
        self._before: NDArray[np.float32] | None = None
        self._level: Floats = np.zeros(0)
        self._rows: list[_Row] = []
        self._last = 0.0
        self._gaps: list[tuple[float, float]] = []

    def interrupt(self) -> None:
        """The next frame has none before it that it could be compared with."""
        self._before = None
        for row in self._rows:
            row.close()

    def see(self, time: float, light: NDArray[np.float32]) -> None:
        """``light`` of the frame that appears at ``time``, in seconds."""
        if self._before is None or self._before.shape != light.shape:
            self.interrupt()
            self._gaps.append((self._last, time))
            self._level = np.zeros(len(light))
            self._rows += [_Row() for _ in range(len(light) - len(self._rows))]
        else:
            self._level = self._level + _change(light - self._before)
        self._before, self._last = light, time
        for row, level in zip(self._rows, self._level.tolist(), strict=False):
            row.see(time, level)

    def stretches(self) -> list[tuple[float, float]]:
        """Start and end, in seconds, of what flickers, in order of time; gaps between clips that do are included."""
        self.interrupt()
        found: list[tuple[float, float]] = []
        for start, end in _shared(self._rows):
            if found and start - found[-1][1] - self._missed(found[-1][1], start) <= _TOGETHER:
                found[-1] = (found[-1][0], end)
            else:
                found.append((start, end))
        return found

    def _missed(self, start: float, end: float) -> float:
        """Seconds between two times that were not looked at."""
        return sum(max(0.0, min(end, until) - max(start, since)) for since, until in self._gaps)


@dataclass
class _Turn:
    """Where brightness turns: its value, and when it first came near it and last was near it, in seconds."""

    value: float
    first: float
    last: float

    def see(self, time: float, value: float, up: bool) -> bool:
        """The next frame, on the way ``up`` or down; returns whether brightness has turned back from here."""
        beyond = value - self.value if up else self.value - value
        if beyond > _SWING / 3:
            self.first = time
        if beyond > 0:
            self.value = value
        if beyond > -_SWING / 3:
            self.last = time
        return beyond <= -_SWING


@dataclass
class _Row:
    """The turns of one row of blocks; ``found`` are stretches, as start and end in seconds."""

    found: list[tuple[float, float]] = field(default_factory=list)
    _high: _Turn | None = None
    _low: _Turn | None = None
    _count: int = 0
    _start: float = 0.0
    _second: float = 0.0
    _end: float = 0.0

    def see(self, time: float, level: float) -> None:
        """The next frame."""
        if self._high is None and self._low is None:
            self._high, self._low = _Turn(level, time, time), _Turn(level, time, time)
        high, low = self._high, self._low
        # Before the first swing both ends are open; afterwards the one that brightness moves to.
        if high is not None and high.see(time, level, up=True):
            self._turned(high)
            self._high, self._low = None, _Turn(level, time, time)
        elif low is not None and low.see(time, level, up=False):
            self._turned(low)
            self._high, self._low = _Turn(level, time, time), None

    def close(self) -> None:
        """No further frame follows."""
        self._finish()
        self._high = self._low = None

    def _turned(self, turn: _Turn) -> None:
        if self._count and turn.first - self._end <= _WITHIN:
            if self._count == 1:
                self._second = turn.first
            self._count, self._end = self._count + 1, turn.first
            return
        self._finish()
        self._count, self._start, self._end = 1, turn.last, turn.last

    def _finish(self) -> None:
        pending = self._high or self._low
        if self._count >= _TURNS:
            # Before the first swing and after the last, light may drift: no swing lasts much longer than the others.
            longest = _LONGEST * (self._end - self._second) / (self._count - 2)
            start = max(self._start, self._second - longest)
            self.found.append((start, min(self._end + longest, pending.first) if pending else self._end))
        self._count = 0


def _change(change: NDArray[np.float32]) -> Floats:
    """By how much each row brightens (rows,), of how its blocks do (rows, columns); 0 where they disagree."""
    middle = np.median(change, axis=1)
    alike = (change * np.sign(middle)[:, None] >= np.abs(middle)[:, None] / 2).mean(axis=1)
    found: Floats = np.where(alike >= _ALIKE, middle, 0.0).astype(np.float64)
    return found


def _shared(rows: list[_Row]) -> Iterator[tuple[float, float]]:
    """Stretches in which enough of the rows flicker at once."""
    steps = sorted(step for row in rows for start, end in row.found for step in ((start, 1), (end, -1)))
    count, since = 0, 0.0
    for time, step in steps:
        before, count = count, count + step
        enough = max(1.0, _SHARE * len(rows))
        if before < enough <= count:
            since = time
        elif count < enough <= before and time > since:
            yield since, time
