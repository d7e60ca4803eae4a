"""What clips show besides their quality: looked at clip by clip, and summed up over a video.

Looking (:class:`Observer`) needs the pixels, summing up (:class:`Findings`) does not. So the clips of one video may be
looked at in several places, and what was seen is summed up in one, with the same result.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from conviqt_cli.plans.clips import Clip
from conviqt_cli.scoring.combing import Combing, combed_frames
from conviqt_cli.scoring.events import Event
from conviqt_cli.scoring.evidence import Evidence, Measurer, Measures
from conviqt_cli.scoring.native_size import NativeSize, Periods, periods
from conviqt_cli.scoring.picture_checks import PictureChecks, Sight, Sights
from conviqt_cli.scoring.picture_inside import PictureInside, inside
from conviqt_cli.scoring.results import Note
from conviqt_cli.video.bars import Bars
from conviqt_cli.video.picture import Rectangle
from conviqt_cli.video.probe import VideoInfo


@dataclass(frozen=True)
class SeenClip:
    """What was seen in a clip shown from ``start`` to ``end`` seconds.

    ``area`` is what is left of its frames without bars (``None``: all of them), ``sights`` what its frames show, those
    that it shares with the clip before left out. ``combed`` and ``moving`` count frames. ``measures`` tell causes,
    ``periods`` whether it was scaled up; ``thins`` is the clip's.
    """

    start: float
    end: float
    area: Rectangle | None
    sights: tuple[Sight, ...]
    combed: int
    moving: int
    measures: Measures
    periods: Periods | None
    thins: bool = False


class Observer:
    """Looks at one video's clips, in order, and cuts off their bars."""

    def __init__(self, bars: Bars) -> None:
        self._bars, self._sights, self._measurer = bars, Sights(), Measurer()

    def see(self, clip: Clip) -> tuple[Clip, SeenClip]:
        """The clip without its bars, and what was seen in it."""
        clip, area = inside(clip, self._bars)
        sights, (combed, moving) = self._sights.of(clip), combed_frames(clip)
        measures = self._measurer.of(clip)
        native = periods(clip) if area is None else periods(clip, area.x, area.y)
        return clip, SeenClip(clip.start, clip.end, area, sights, combed, moving, measures, native, clip.thins)


class Findings:
    """What is to be said of a video, from what was seen in its clips, in order."""

    def __init__(self, info: VideoInfo, bars: Bars) -> None:
        self._inside = PictureInside(info, bars)
        self._checks, self._combing = PictureChecks(), Combing()
        self._native = NativeSize(min(info.width, info.height))
        self.evidence = Evidence()

    def add(self, seen: SeenClip) -> None:
        """The next clip."""
        self._inside.add(seen.start, seen.end, seen.area)
        for sight in seen.sights:
            self._checks.add(sight)
        self._combing.add(seen.start, seen.end, seen.combed, seen.moving)
        self._native.add(seen.start, seen.end, seen.periods)
        self.evidence.add(seen.measures, seen.thins)

    @property
    def area(self) -> Rectangle | None:
        """What was scored of the frames of most clips; ``None`` for all of it."""
        return self._inside.area

    @property
    def native_lines(self) -> int | None:
        """The most lines that the picture was scaled up from; ``None`` where that was not seen."""
        return self._native.lines

    def flickering(self) -> list[tuple[float, float]]:
        """Stretches whose brightness flickers, as start and end in seconds."""
        return self._checks.flickering()

    def notes(self, interlaced: bool) -> Iterator[Note]:
        """Warnings; whether the video is marked as ``interlaced`` explains some of it."""
        yield from self._inside.notes()
        yield from self._checks.notes()
        yield from self._combing.notes(interlaced)

    def events(self, interlaced: bool) -> tuple[Event, ...]:
        """Events in order of time."""
        found = (
            *self._inside.events(),
            *self._native.events(),
            *self._checks.events(),
            *self._combing.events(interlaced),
        )
        return tuple(sorted(found, key=lambda each: each.start))
