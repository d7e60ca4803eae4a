"""Which frames are looked at: sampling plans, and clips of 16 consecutive frames cut from the stream."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from conviqt_cli.errors import UsageError

#: Frames per clip, as published (CONVIQT, section III-B).
CLIP_LENGTH = 16

#: The sparse default. ``python -m benchmarks.sampling`` is the measurement behind the figures: of a short video hardly
#: a clip can be spared, of a long one most.
SPARSE_PERIOD = 1.0
SPARSE_MIN_CLIPS = 8
SPARSE_MAX_CLIPS = 120


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
        """About how many frames will be looked at; exact for a constant frame rate, for progress and estimates."""
        frames = max(1, round(duration * fps))
        step = max(float(CLIP_LENGTH), self.period_for(duration) * fps)
        whole = int(max(0, frames - CLIP_LENGTH) // step) + 1
        covered_to = (whole - 1) * step + CLIP_LENGTH
        return min(frames, whole * CLIP_LENGTH + round(min(max(0.0, frames - covered_to), CLIP_LENGTH)))

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
    raise UsageError(f"--sampling {text}: choose dense, sparse, or every:SECONDS (for example every:5)")
