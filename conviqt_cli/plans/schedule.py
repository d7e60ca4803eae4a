"""What will be looked at in one video: settled before it is decoded, from the times of its own packets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from conviqt_cli.plans.clips import Clip, clips, cut
from conviqt_cli.plans.picture_plan import WHOLE, PicturePlan
from conviqt_cli.plans.time_plan import SamplingPlan, Window
from conviqt_cli.video.decode import MAX_FRAMES, FrameStream, PixelFormat, too_many_frames
from conviqt_cli.video.probe import VideoInfo, check_size
from conviqt_cli.video.sizes import settle_size
from conviqt_cli.video.timeline import Timeline, read_timeline


@dataclass(frozen=True)
class Schedule:
    """The part of a video that is asked for, and the clips that a plan takes from it.

    ``part`` is the first and last frame on ``timeline``, ``windows`` the clips; both are ``None`` where the packets
    cannot be read beforehand (a URL), and ``windows`` where they carry no presentation times. ``length`` is the seconds
    scored, ``frames`` how many frames the picture plan looks at: both ``None`` where unknown.
    """

    info: VideoInfo
    plan: SamplingPlan
    start: float
    duration: float | None
    length: float | None
    frames: int | None
    timeline: Timeline | None = None
    part: tuple[int, int] | None = None
    windows: Sequence[Window] | None = None

    def open(
        self,
        timeout: float,
        threads: int | None = None,
        max_frames: int = MAX_FRAMES,
        pixel_format: PixelFormat = "rgb24",
    ) -> FrameStream:
        """A stream of the frames that :meth:`clips` needs; arguments as of :class:`FrameStream`."""
        if self.timeline is None:
            return FrameStream(
                self.info, self.start, self.duration, timeout, threads, max_frames, pixel_format=pixel_format
            )
        assert self.part is not None
        chosen = [self.part] if self.windows is None else [(window.first, window.last) for window in self.windows]
        return FrameStream(
            self.info,
            timeout=timeout,
            threads=threads,
            max_frames=max_frames,
            timeline=self.timeline,
            windows=chosen,
            pixel_format=pixel_format,
        )

    @property
    def wanted_frames(self) -> int | None:
        """How many frames :meth:`open` hands out if all can be decoded; ``None`` where unknown."""
        if self.windows is None:
            return None
        return len({number for each in self.windows for number in range(each.first, each.last + 1)})

    def clips(self, stream: FrameStream) -> Iterator[Clip]:
        """The clips, as the frames of ``stream`` come."""
        return clips(stream, self.plan, self.length) if self.windows is None else cut(stream, self.windows)


def schedule(
    info: VideoInfo,
    plan: SamplingPlan,
    start: float = 0.0,
    duration: float | None = None,
    timeout: float = 120.0,
    max_frames: int = MAX_FRAMES,
    picture: PicturePlan = WHOLE,
) -> Schedule:
    """Settle what is looked at of ``info``'s video, from ``start`` seconds on, for ``duration`` seconds or to the end.

    Raises what :func:`~conviqt_cli.video.timeline.read_timeline` and
    :meth:`~conviqt_cli.video.timeline.Timeline.within` raise, and :class:`LimitError` for more than ``max_frames``.
    """
    timeline = read_timeline(info, timeout)
    if timeline is not None:
        info = settle_size(info, timeline, timeout)
    check_size(info)
    if timeline is None:
        length = duration
        if info.duration is not None:
            left = max(0.0, info.duration - start)
            length = left if duration is None else min(left, duration)
        frames = None if length is None else plan.expected_frames(length, float(info.fps or 25)) // picture.step
        return Schedule(info, plan, start, duration, length, frames)
    first, last = timeline.within(start, duration, info.source)
    if last - first >= max_frames:
        raise too_many_frames(info.source, max_frames)
    times = timeline.even_times()[first : last + 1]
    windows = [Window(each.first + first, each.last + first) for each in plan.windows(times, timeline.typical)]
    frames = len({number for each in windows for number in range(each.first, each.last + 1, picture.step)})
    length = float(times[-1] - times[0]) + timeline.typical
    return Schedule(
        info, plan, start, duration, length, frames, timeline, (first, last), windows if timeline.stamped else None
    )
