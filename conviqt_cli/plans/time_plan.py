"""Which frames are looked at: sampling plans, and the clips of 16 consecutive frames that they choose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from conviqt_cli.arrays import Floats
from conviqt_cli.errors import UsageError

#: Frames per clip, as published (CONVIQT, section III-B).
CLIP_LENGTH = 16

#: The sparse default. ``python -m benchmarks.sampling`` is the measurement behind the figures: of a short video hardly
#: a clip can be spared, of a long one most.
SPARSE_PERIOD = 1.0
SPARSE_MIN_CLIPS = 8
SPARSE_MAX_CLIPS = 120


@dataclass(frozen=True)
class Window:
    """One clip, by the numbers of its first and last frame (both included), counted from 0."""

    first: int
    last: int


@dataclass(frozen=True)
class SamplingPlan:
    """Where clips begin: one every ``period`` seconds (0: back to back), about ``min_clips`` to ``max_clips`` of them.

    A short video is sampled more densely, back to back if need be, so as to give ``min_clips``; of a long one, clips
    lie further apart, evenly, so as not to exceed ``max_clips``. The plan depends on the video alone, never on the
    device.
    """

    name: str
    period: float
    max_clips: int | None = None
    min_clips: int | None = None

    def period_for(self, duration: float | None) -> float:
        """Seconds from one clip's start to the next, for a video of ``duration`` seconds (``None``: unknown)."""
        period = self.period
        if duration and self.min_clips:
            period = min(period, duration / self.min_clips)
        if duration and self.max_clips:
            period = max(period, duration / self.max_clips)
        return period

    def expected_frames(self, duration: float, fps: float) -> int:
        """How many frames will be looked at of a video of ``duration`` seconds at a constant ``fps``."""
        times = np.arange(max(1, round(duration * fps))) / fps
        return len({at for each in self.windows(times, 1 / fps) for at in range(each.first, each.last + 1)})

    def windows(self, times: Floats, typical: float) -> list[Window]:
        """The clips of a video whose frames are shown at ``times`` (n,), ascending seconds, ``typical`` s apart.

        The last clip always ends at the last frame, overlapping the one before where it must, so that no ending goes
        unseen. A video shorter than ``CLIP_LENGTH`` frames is one clip.
        """
        last_frame = len(times) - 1
        period = self.period_for(float(times[-1] - times[0]) + typical)
        found: list[Window] = []
        first, due = 0, float(times[0])
        while first + CLIP_LENGTH - 1 <= last_frame:
            last = first + CLIP_LENGTH - 1
            found.append(Window(first, last))
            # Where the plan's next start has passed already, the next clip follows at once.
            due = max(due + period, float(times[last]))
            first = max(last + 1, int(np.searchsorted(times, due - 1e-6)))
        if not found or found[-1].last != last_frame:
            found.append(Window(max(0, last_frame - CLIP_LENGTH + 1), last_frame))
        return found

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready settings."""
        return {
            "name": self.name,
            "clip_frames": CLIP_LENGTH,
            "period_s": self.period,
            "min_clips": self.min_clips,
            "max_clips": self.max_clips,
        }


DENSE = SamplingPlan("dense", 0.0)
SPARSE = SamplingPlan("sparse", SPARSE_PERIOD, SPARSE_MAX_CLIPS, SPARSE_MIN_CLIPS)


def parse_plan(text: str) -> SamplingPlan:
    """``dense``, ``sparse`` or ``every:SECONDS``; raises :class:`UsageError` for anything else.

    >>> parse_plan("sparse").period_for(60.0)  # seconds from one clip's start to the next
    1.0
    >>> parse_plan("sparse").period_for(3600.0)  # an hour takes no more than 120 clips
    30.0
    """
    if text == "dense":
        return DENSE
    if text == "sparse":
        return SPARSE
    kind, _, value = text.partition(":")
    if kind == "every":
        try:
            period = float(value)
        except ValueError:
            period = -1.0
        if 0 < period < float("inf"):
            return SamplingPlan(text, period)
    raise UsageError(f"sampling {text}: choose dense, sparse, or every:SECONDS (such as every:5)", setting="sampling")
