"""A video in parts: what is to be scored is settled once for all of it, so that its parts can be encoded anywhere.

The clips come from the whole video's packets, and a part is a range of them. Together the parts give the same clip
vectors, warnings and events as the video in one piece:

- Squares move from frame to frame, so a clip keeps its number in the whole video.
- What changes from one clip to the next is seen by decoding the last clip before a part as well.
- Where decoding does not go smoothly, counts of a part do not add up to those of the whole. Then parts are refused
  (:class:`NotDivisible`), and the video is to be scored in one piece.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from conviqt_cli.plans.schedule import Schedule
from conviqt_cli.scoring.findings import SeenClip
from conviqt_cli.scoring.settings import Span
from conviqt_cli.video.bars import Bars
from conviqt_cli.video.decode import DecodeReport


class NotDivisible(Exception):
    """The parts of this video do not add up to the whole; score it in one piece."""


@dataclass(frozen=True)
class Part:
    """A range of a video's clips: from number ``first`` to before number ``stop``, counted from 0."""

    first: int
    stop: int


@dataclass(frozen=True)
class Prepared:
    """A video as it will be scored: which part of it (``span``), which clips (``schedule``), inside which ``bars``.

    ``seconds`` is how long it took to settle that.
    """

    source: str
    span: Span
    schedule: Schedule
    bars: Bars
    seconds: float = 0.0

    def at(self, source: str) -> Prepared:
        """The same of a copy of the video, which lies elsewhere."""
        info = replace(self.schedule.info, source=source)
        return replace(self, source=source, schedule=replace(self.schedule, info=info))

    def divided(self, seconds: float) -> list[Part]:
        """As many parts as leave none much longer than ``seconds``; none for a video that is as short, or no file."""
        windows, length = self.schedule.windows, self.schedule.length
        if windows is None or length is None or length <= seconds:
            return []
        count = min(len(windows), int(np.ceil(length / seconds)))
        bounds = np.linspace(0, len(windows), count + 1).round().astype(int)
        # Overlapping clips share features, so they stay together.
        inner = [int(at) for at in bounds[1:-1] if windows[at].first > windows[at - 1].last]
        edges = [0, *inner, len(windows)]
        return [Part(first, stop) for first, stop in itertools.pairwise(edges)] if inner else []

    def only(self, part: Part) -> Schedule:
        """The schedule of a part: its clips, after the one before them, if there is one."""
        assert self.schedule.windows is not None
        return replace(self.schedule, windows=self.schedule.windows[max(0, part.first - 1) : part.stop])


@dataclass(frozen=True)
class Encoded:
    """Clips of a video as vectors (n, 2048), with their times in seconds (n,), and what was learnt on the way.

    ``frames`` went through the network, ``repeated`` is how often the last clip repeats its last frame. ``seen`` is
    what the clips of a part showed; of a whole video it is summed up already, and empty here. ``seconds`` is how long
    it took.
    """

    vectors: NDArray[np.float32]
    start: NDArray[np.float64]
    end: NDArray[np.float64]
    frames: int
    repeated: int
    report: DecodeReport
    seen: tuple[SeenClip, ...] = ()
    seconds: float = 0.0


def joined(prepared: Prepared, parts: Sequence[Encoded]) -> Encoded:
    """The parts of a video, in order, as one; raises :class:`NotDivisible`."""
    reports = [part.report for part in parts]
    windows = prepared.schedule.windows or ()
    troubled = any(each.lost or each.damaged or each.format_changes for each in reports)
    # Of some frames it was watched whether they are marked as interlaced; the share of all is known where all agree.
    mixed = len({each.interlaced for each in reports}) > 1 or reports[0].interlaced not in (0.0, 1.0)
    if troubled or mixed or sum(len(part.vectors) for part in parts) != len(windows):
        raise NotDivisible(prepared.source)
    report = replace(
        reports[-1],
        frames=sum(each.frames for each in reports),
        end=max(each.end for each in reports),
        transparent=any(each.transparent for each in reports),
    )
    return Encoded(
        np.concatenate([part.vectors for part in parts]),
        np.concatenate([part.start for part in parts]),
        np.concatenate([part.end for part in parts]),
        sum(part.frames for part in parts),
        parts[-1].repeated,
        report,
        tuple(seen for part in parts for seen in part.seen),
        sum((part.seconds for part in parts), prepared.seconds),
    )
