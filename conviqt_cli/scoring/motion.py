"""What changes from frame to frame: frames shown twice while the picture moves, and cuts from one scene to another.

A video into which a frame was put twice at regular distances has been converted from a lower frame rate, or was
animated at one; where it happens irregularly, frames came late or were lost, and the movement stutters.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace

from conviqt_cli.scoring.events import CUT, Event, event
from conviqt_cli.video.decode import Frame

#: A picture moves when its pixels differ by more than this on average (0 to 255) from the frame before.
_MOVING = 1.0

#: Longest row of equal frames that is a stutter, in frames; longer ones are frozen stretches.
_LONGEST = 12

#: Repeated frames this close together, in seconds, belong to one stretch; one of fewer frames is not worth a word.
_TOGETHER, _FEWEST = 1.6, 2

#: So many repeated frames, this share of which lies at the most common distance, are a regular cadence.
_REGULAR, _REGULAR_SHARE = 6, 0.75

#: At a cut the picture differs by this much on average, and so many times more than a frame earlier or later.
_CUT, _TIMES = 20.0, 4.0


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
        self._moved = False
        self._changes: list[tuple[float, float]] = []

    def interrupt(self) -> None:
        """The next frame has none before it that it could be compared with."""
        self._still, self._moved, self._changes = None, False, []

    def see(self, frame: Frame, change: float, still: bool) -> None:
        """``change`` is the mean difference (0 to 255) from the frame just before, ``still`` whether it is none."""
        self._see_cut(frame.time, change)
        if still:
            since = self._still or _Repeat(frame.index, frame.time, frame.time, 0)
            self._still = replace(since, end=frame.time + frame.duration, count=since.count + 1)
            return
        moving = change > _MOVING
        if self._still and self._moved and moving and self._still.count <= _LONGEST:
            self._repeats.append(self._still)
        self._still, self._moved = None, moving

    def events(self) -> Iterator[Event]:
        """Stretches with repeated frames, and cuts, each in order of time."""
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
        self._changes = [*self._changes[-2:], (time, change)]
        if len(self._changes) == 3:
            (_, before), (middle, largest), (_, after) = self._changes
            if largest > _CUT and largest > _TIMES * max(before, after):
                self._cuts.append(middle)


def _stutter(group: list[_Repeat]) -> Iterator[Event]:
    count = sum(each.count for each in group)
    if count < _FEWEST:
        return
    start, end = group[0].start, group[-1].end
    distances = [later.index - each.index for each, later in itertools.pairwise(group)]
    if len(group) >= _REGULAR:
        usual = max(set(distances), key=distances.count)
        if distances.count(usual) >= _REGULAR_SHARE * len(distances):
            what = f"every {_ordinal(usual)} frame repeats the one before (converted from a lower frame rate)"
            yield event("cadence", what, start, end)
            return
    frames = f"{count} frames repeat the one before"
    yield event("repeated_frames", f"the movement stutters ({frames}: dropped or late frames)", start, end)


def _ordinal(number: int) -> str:
    return {2: "second", 3: "third"}.get(number, f"{number}th")
