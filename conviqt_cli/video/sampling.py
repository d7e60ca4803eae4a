"""Which frames are looked at: sampling plans, and clips of 16 consecutive frames cut from the stream."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from conviqt_cli.errors import UsageError
from conviqt_cli.video.decode import Frame

#: Frames per clip, as published (CONVIQT, section III-B).
CLIP_LENGTH = 16

#: The sparse default. See ``benchmarks/sampling.py`` for the measurement behind the figures: of a short video hardly
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
    """``dense``, ``sparse`` or ``every:SECONDS``; raises :class:`UsageError` for anything else."""
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


@dataclass(frozen=True)
class Clip:
    """Consecutive frames that are judged together, the last one repeated up to ``CLIP_LENGTH`` where the video ends.

    ``repeated`` counts those repetitions. ``start`` and ``end`` are seconds: from the first frame's time to the end of
    the last frame.
    """

    frames: tuple[Frame, ...]
    repeated: int = 0

    @property
    def start(self) -> float:
        """Seconds at which the first frame is shown."""
        return self.frames[0].time

    @property
    def end(self) -> float:
        """Seconds at which the last frame ceases to be shown."""
        return self.frames[-1].time + self.frames[-1].duration


def clips(frames: Iterable[Frame], plan: SamplingPlan, duration: float | None) -> Iterator[Clip]:
    """Cut a stream into clips by ``plan``; ``duration`` is the video's length in seconds, if known.

    The last clip always ends at the last frame, overlapping the one before where it must, so that no ending goes
    unseen. A video shorter than ``CLIP_LENGTH`` frames gives one clip, padded. Holds at most 2 * ``CLIP_LENGTH``
    frames.
    """
    period = plan.period_for(duration)
    recent: deque[Frame] = deque(maxlen=CLIP_LENGTH)
    gathered: list[Frame] = []
    collecting = True
    next_start = 0.0
    last_clip_end = -1
    for frame in frames:
        recent.append(frame)
        if len(recent) == 1:
            next_start = frame.time
        if not collecting and frame.time >= next_start - 1e-6:
            collecting = True
        if not collecting:
            continue
        gathered.append(frame)
        if len(gathered) == CLIP_LENGTH:
            yield Clip(tuple(gathered))
            last_clip_end = frame.index
            if period > 0:
                # Where the plan's next start has passed already, the next clip follows at once.
                next_start = max(next_start + period, frame.time)
                collecting = False
            gathered = []
    if recent and recent[-1].index != last_clip_end:
        tail = tuple(recent)
        missing = CLIP_LENGTH - len(tail)
        yield Clip(tail + tail[-1:] * missing, repeated=missing)
