"""What changes from frame to frame: frames shown twice while the picture moves, and cuts from one scene to another.

A video into which a frame was put twice at regular distances has been converted from a lower frame rate, or was
animated at one; where it happens irregularly, frames came late or were lost, and the movement stutters.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from conviqt_cli.scoring.events import CUT, Event, event

#: A picture moves when its pixels differ by more than this on average (0 to 255) from the frame before.
_MOVING = 1.0

#: Longest row of equal frames that is a stutter, in frames; longer ones are frozen stretches.
_LONGEST = 12

#: Repeated frames this close together, in seconds, belong to one stretch; of fewer frames nothing is said.
_TOGETHER, _FEWEST = 1.6, 3

#: So many repeated frames, this share of which lies at the most common distance, are a regular cadence.
_REGULAR, _REGULAR_SHARE = 6, 0.75

#: At a cut the picture differs by this much on average, and so many times more than in either frame before and after.
_CUT, _TIMES, _AROUND = 20.0, 4.0, 2

#: How many of the changes before tell how much a picture moves.
_RECENT = 5


class Moment(Protocol):
    """A frame: its number, and when it is shown, in seconds."""

    @property
    def index(self) -> int:
        """Counted from 0."""

    @property
    def time(self) -> float:
        """When it appears."""

    @property
    def duration(self) -> float:
        """How long it stays."""


@dataclass(frozen=True)
class _Repeat:
    """``count`` frames from number ``index`` on, shown ``start`` to ``end`` seconds, that repeat the one before."""

    index: int
    start: float
    end: float
    count: int


class Motion:
    """Takes the change of each frame of a video, in order."""

    def __init__(self) -> None:
        self._repeats: list[_Repeat] = []
        self._cuts: list[float] = []
        self._still: _Repeat | None = None
        self._changes: list[tuple[float, float]] = []
        self._recent: list[float] = []

    @property
    def steady(self) -> bool:
        """Whether the last frame that did not repeat the one before moved, about as much as lately: no cut, no halt."""
        return self._moved and self.level / 2 <= self._recent[-1] <= _TIMES * self.level

    @property
    def level(self) -> float:
        """How much the picture changed from frame to frame lately (0 to 255), repeated frames aside."""
        return float(np.median(self._recent)) if self._recent else 0.0

    @property
    def _moved(self) -> bool:
        return bool(self._recent) and self._recent[-1] > _MOVING

    def interrupt(self) -> None:
        """The next frame has none before it that it could be compared with."""
        self._last_cut()
        self._still, self._changes, self._recent = None, [], []

    def see(self, frame: Moment, change: float, still: bool) -> None:
        """``change`` is the mean difference (0 to 255) from the frame just before, ``still`` whether it is none."""
        self._see_cut(frame.time, change)
        if still:
            since = self._still or _Repeat(frame.index, frame.time, frame.time, 0)
            self._still = replace(since, end=frame.time + frame.duration, count=since.count + 1)
            return
        if self._still and self._moved and change > _MOVING and self._still.count <= _LONGEST:
            self._repeats.append(self._still)
        self._still = None
        self._recent = [*self._recent[1 - _RECENT :], change]

    def events(self) -> Iterator[Event]:
        """Stretches with repeated frames, and cuts, each in order of time."""
        self._last_cut()
        group: list[_Repeat] = []
        for each in self._repeats:
            if group and each.start - group[-1].end > _TOGETHER:
                yield from _stutter(group)
                group = []
            group.append(each)
        yield from _stutter(group)
        for time in self._cuts:
            yield Event(CUT, time, time, f"the scene changes at {time:.2f} s")

    def _see_cut(self, time: float, change: float) -> None:
        self._changes = [*self._changes[-2 * _AROUND :], (time, change)]
        if len(self._changes) > 1 + _AROUND:
            self._add_cut(len(self._changes) - 1 - _AROUND)

    def _last_cut(self) -> None:
        """There may be a cut just before the end, where a single frame follows."""
        if len(self._changes) > 2:
            self._add_cut(len(self._changes) - 2)

    def _add_cut(self, place: int) -> None:
        time, largest = self._changes[place]
        around = self._changes[max(0, place - _AROUND) : place] + self._changes[place + 1 : place + 1 + _AROUND]
        if largest > max(_CUT, _TIMES * max(change for _, change in around)) and time not in self._cuts and place > 0:
            self._cuts.append(time)


def _stutter(group: list[_Repeat]) -> Iterator[Event]:
    count = sum(each.count for each in group)
    if count < _FEWEST:
        return
    start, end = group[0].start, group[-1].end
    each_time = Counter(each.count for each in group).most_common(1)[0][0]
    distances = [later.index - each.index for each, later in itertools.pairwise(group)]
    if len(group) >= _REGULAR:
        usual = max(set(distances), key=distances.count)
        if distances.count(usual) >= _REGULAR_SHARE * len(distances):
            many = f"{each_time} of every {usual} frames repeat"
            which = f"every {_ordinal(usual)} frame repeats" if each_time == 1 else many
            what = f"{which} the one before (converted from a lower frame rate)"
            yield event("cadence", what, start, end)
            return
    frames = f"{count} frames repeat the one before"
    yield event("repeated_frames", f"the movement stutters ({frames}: dropped or late frames)", start, end)


def _ordinal(number: int) -> str:
    return {2: "second", 3: "third"}.get(number, f"{number}th")
