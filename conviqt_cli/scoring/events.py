"""Events: stretches of a video in which something is to be seen that its quality alone does not tell."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

#: The code of a cut, the one event that is no fault of the picture.
CUT = "cut"


@dataclass(frozen=True)
class Event:
    """Something that lasts from ``start`` to ``end`` seconds: ``code`` for programs, ``text`` for people.

    ``about`` says that start or end lies in a gap between two clips, so that it is known to the length of the gap only.
    ``throughout`` says that it lasts from the first to the last frame that was looked at.
    """

    code: str
    start: float
    end: float
    text: str
    about: bool = False
    throughout: bool = False


def event(code: str, what: str, start: float, end: float, about: bool = False, throughout: bool = False) -> Event:
    """An event whose text says ``what`` and when.

    >>> event("frozen", "the picture stands still", 1.0, 2.0, about=True).text
    'the picture stands still from about 1.00 to 2.00 s'
    """
    when = "from beginning to end" if throughout else f"from {'about ' * about}{start:.2f} to {end:.2f} s"
    return Event(code, start, end, f"{what} {when}", about and not throughout, throughout)


class Coverage:
    """Which part of a video was looked at, and where it has gaps."""

    def __init__(self) -> None:
        self.start, self.end = 0.0, 0.0
        self._last: int | None = None
        self._edges: set[float] = set()

    def add(self, index: int, time: float, end: float) -> bool:
        """The next frame, by its number and times; returns whether it directly follows the one before."""
        follows = self._last is not None and index == self._last + 1
        if self._last is None:
            self.start = time
        elif not follows:
            self._edges |= {self.end, time}
        self._last, self.end = index, end
        return follows

    def vague(self, start: float, end: float) -> bool:
        """Whether a stretch begins or ends at a gap."""
        return start in self._edges or end in self._edges


def runs(found: Iterable[tuple[float, float, bool]]) -> Iterator[tuple[float, float]]:
    """Start and end of each row of clips, given as start, end and whether it counts, for which that holds."""
    current: tuple[float, float] | None = None
    for start, end, counts in found:
        if counts:
            current = (start if current is None else current[0], end)
        elif current is not None:
            yield current
            current = None
    if current is not None:
        yield current
