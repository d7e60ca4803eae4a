"""Which packets are decoded and which frames are converted, as expressions that ffmpeg understands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from conviqt_cli.arrays import Indices
from conviqt_cli.video.timeline import Timeline

#: Longest expression handed to ffmpeg, in characters; the system takes no argument of 128 KiB.
MAX_EXPRESSION = 100_000

#: Packets that are rather decoded than skipped between two stretches.
_SHORT_GAP = 8


@dataclass(frozen=True)
class Selection:
    """Frames of a timeline to decode.

    ``kept`` is an expression of ``n``, a packet's number, that is 0 where a packet need not be decoded; ``select`` one
    for ffmpeg's filter of that name. ``frames`` (m,) are the frames selected, ascending.
    """

    frames: Indices
    kept: str | None
    select: str | None


def select(timeline: Timeline, ranges: Sequence[tuple[int, int]] | None) -> Selection:
    """Select the frames of ``ranges``, pairs of a first and a last frame that may overlap; ``None``: all of them."""
    every = np.arange(len(timeline))
    if ranges is None:
        return Selection(every, "1" if timeline.stamped else None, None)
    wanted = np.zeros(len(timeline), bool)
    for first, last in ranges:
        wanted[first : last + 1] = True
    frames = every[wanted]
    if not timeline.stamped:
        # The filter would count from 0 again where the picture changes its size.
        return Selection(frames, None, None)
    numbers = np.sort(timeline.packets[frames])
    stretches: list[tuple[int, int]] = []
    for first, last in runs(numbers, 1):
        entry = int(timeline.keys[np.searchsorted(timeline.keys, first, side="right") - 1])
        if stretches and entry <= stretches[-1][1] + _SHORT_GAP:
            stretches[-1] = (stretches[-1][0], max(last, stretches[-1][1]))
        else:
            stretches.append((entry, last))
    kept = _fitting(_between("n", stretches), "1")
    return Selection(frames, kept, _fitting(_between("pts", runs(numbers, 1)), None))


def runs(numbers: Indices, step: int) -> list[tuple[int, int]]:
    """First and last of each run of ascending ``numbers`` that are at most ``step`` apart."""
    breaks = np.flatnonzero(np.diff(numbers) > step)
    firsts = numbers[np.concatenate([[0], breaks + 1])]
    lasts = numbers[np.concatenate([breaks, [len(numbers) - 1]])]
    return [(int(first), int(last)) for first, last in zip(firsts, lasts, strict=True)]


def _between(name: str, ranges: Sequence[tuple[int, int]]) -> str:
    """Whether ``name`` lies in one of ``ranges``, ascending and apart: a search by halves.

    ffmpeg takes no expression nested deeper than 100, and a plain sum of n terms is n deep.
    """
    if len(ranges) == 1:
        return f"between({name},{ranges[0][0]},{ranges[0][1]})"
    middle = len(ranges) // 2
    left, right = _between(name, ranges[:middle]), _between(name, ranges[middle:])
    return f"if(lt({name},{ranges[middle][0]}),{left},{right})"


def _fitting(expression: str, otherwise: str | None) -> str | None:
    return expression if len(expression) <= MAX_EXPRESSION else otherwise
