"""Clips of 16 consecutive frames, cut from a stream of frames: by windows decided beforehand, or as the frames come."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from conviqt_cli.plans.time_plan import CLIP_LENGTH, SamplingPlan, Window
from conviqt_cli.video.decode import Frame


@dataclass(frozen=True)
class Clip:
    """Consecutive frames that are judged together, the last one repeated up to ``CLIP_LENGTH`` where the video ends.

    ``repeated`` counts those repetitions. ``start`` and ``end`` are seconds: from the first frame's time to the end of
    the last frame. ``thins`` says that too many clips came before this one: every second of those, beginning with the
    second, does not count any more.
    """

    frames: tuple[Frame, ...]
    repeated: int = 0
    thins: bool = False

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

    Of a video that turns out longer than ``duration`` says, every second clip is given up and those that follow lie
    twice as far apart, each time that they become a tenth more than the plan allows (:attr:`Clip.thins`).
    """
    limit = None if plan.max_clips is None else (plan.max_clips + max(2, plan.max_clips // 10)) // 2 * 2
    counted, first_start = 0, 0.0
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
            clip = Clip(tuple(gathered), thins=counted == limit)
            if not counted:
                first_start = clip.start
            if clip.thins:
                # Slow videos have clips that lie further apart than was planned.
                period = 2 * max(period, (clip.start - first_start) / counted)
                counted //= 2
            counted += 1
            yield clip
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


def cut(frames: Iterable[Frame], windows: Sequence[Window]) -> Iterator[Clip]:
    """Clips for ``windows``, in their order; ``frames`` need not hold more than theirs.

    A frame that is missing, because the decoder could not make it, is replaced by the one before it, as a player leaves
    that one standing; a window without any frame gives no clip. Holds at most 2 * ``CLIP_LENGTH`` frames.
    """
    waiting = deque(windows)
    recent: deque[Frame] = deque()
    for frame in frames:
        while waiting and frame.index > waiting[0].last:
            yield from _filled(recent, waiting.popleft())
        if not waiting:
            continue
        while recent and recent[0].index < waiting[0].first:
            recent.popleft()
        if frame.index >= waiting[0].first:
            recent.append(frame)
        if frame.index == waiting[0].last:
            yield from _filled(recent, waiting.popleft())
    for window in waiting:
        yield from _filled(recent, window)


def _filled(recent: Iterable[Frame], window: Window) -> Iterator[Clip]:
    inside = {frame.index: frame for frame in recent if window.first <= frame.index <= window.last}
    if not inside:
        return
    frames, shown = [], next(iter(inside.values()))
    for number in range(window.first, window.last + 1):
        shown = inside.get(number, shown)
        frames.append(shown)
    missing = CLIP_LENGTH - len(frames)
    yield Clip(tuple(frames + frames[-1:] * missing), repeated=missing)
