"""Only the picture inside black bars is scored: clips are cut down to it before anything else looks at them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from conviqt_cli.plans.clips import Clip
from conviqt_cli.scoring.events import Event, event, runs
from conviqt_cli.scoring.results import Note
from conviqt_cli.video.bars import Bars
from conviqt_cli.video.picture import Rectangle
from conviqt_cli.video.probe import VideoInfo


def inside(clip: Clip, bars: Bars) -> tuple[Clip, Rectangle | None]:
    """The clip without its bars, and what was left of its frames (``None``: all of them).

    Bars that come or go within a clip stay.
    """
    frames = {frame.index: frame for frame in clip.frames}
    area = bars.area([frame.picture for frame in frames.values()]) if bars.areas else None
    if area is None:
        return clip, None
    return replace(clip, frames=tuple(replace(frame, picture=frame.picture.part(area)) for frame in clip.frames)), area


class PictureInside:
    """Remembers which bars were cut off the clips of one video."""

    def __init__(self, info: VideoInfo, bars: Bars) -> None:
        self._info, self._bars = info, bars
        self._areas: Counter[Rectangle | None] = Counter()
        self._clips: list[tuple[float, float, bool]] = []

    def add(self, start: float, end: float, area: Rectangle | None) -> None:
        """The next clip, by its times, and what was scored of its frames."""
        if self._bars.areas:
            self._areas[area] += 1
            self._clips.append((start, end, area is not None))

    @property
    def area(self) -> Rectangle | None:
        """What was scored of most clips; ``None`` for the whole frame."""
        return self._areas.most_common(1)[0][0] if self._areas else None

    def notes(self) -> list[Note]:
        """What is to be said about the bars."""
        found = {area: count for area, count in self._areas.items() if area is not None}
        if not found:
            return []
        whole = f"{self._info.width}x{self._info.height}"
        if len(self._areas) == 1:
            return [Note("bars", f"black bars: scored the picture inside, {next(iter(found))} of {whole} pixels")]
        parts = ", ".join(f"{area or 'the whole frame'} in {count}" for area, count in self._areas.most_common())
        clips = sum(self._areas.values())
        return [
            Note(
                "bars", f"black bars that change: scored the picture inside, of {whole} pixels {parts} of {clips} clips"
            )
        ]

    def events(self) -> Iterator[Event]:
        """Where there are bars, to the length of a clip and the gaps beside it."""
        throughout = all(bars for _, _, bars in self._clips)
        for start, end in runs(self._clips):
            yield event("bars", "black bars around the picture", start, end, about=True, throughout=throughout)
