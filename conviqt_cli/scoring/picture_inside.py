"""Only the picture inside black bars is scored: clips are cut down to it before anything else sees them."""

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


class PictureInside:
    """Cuts the bars off the clips of one video and remembers which; a clip without bars passes as it is."""

    def __init__(self, info: VideoInfo, bars: Bars) -> None:
        self._info, self._bars = info, bars
        self._areas: Counter[Rectangle | None] = Counter()
        self._clips: list[tuple[float, float, bool]] = []

    def __call__(self, clip: Clip) -> Clip:
        """The clip's frames without their bars; bars that come or go within a clip stay."""
        if not self._bars.areas:
            return clip
        frames = {frame.index: frame for frame in clip.frames}
        area = self._bars.area([frame.picture for frame in frames.values()])
        self._areas[area] += 1
        self._clips.append((clip.start, clip.end, area is not None))
        if area is None:
            return clip
        return replace(clip, frames=tuple(replace(frame, picture=frame.picture.part(area)) for frame in clip.frames))

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
