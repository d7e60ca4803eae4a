"""One scored video as one HTML page: the score, the timeline, pictures of its worst and best moments, the facts."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conviqt_cli.report.batch_report import printable
from conviqt_cli.report.page import flattened, render
from conviqt_cli.report.score_report import clock, colour, facts, interval_text
from conviqt_cli.report.timeline_chart import timeline_of
from conviqt_cli.scoring.events import CUT
from conviqt_cli.scoring.results import SegmentScore, VideoScore

if TYPE_CHECKING:  # it comes with PyTorch
    from conviqt_cli.scoring.quality_map import QualityMap

#: The frame at a time in seconds as a JPEG file; ``None`` where it cannot be had.
Look = Callable[[float], bytes | None]

#: Which regions of the frame at a time in seconds score low; ``None`` where that cannot be told.
Regions = Callable[[float], "QualityMap | None"]

WORST, BEST = 3, 2

#: A region is marked the stronger the further it is below the frame's mean; fully from this share of the scale on.
_FULLY = 0.25


@dataclass(frozen=True)
class Mark:
    """A region of a picture in percent of its width and height; ``strength`` of its mark from 0 to 1."""

    left: float
    top: float
    width: float
    height: float
    strength: float
    title: str


@dataclass(frozen=True)
class Moment:
    """A segment with its picture, a data URI, empty where there is none, and the regions of that picture."""

    picture: str
    time: str
    quality: str
    word: str
    colour: str
    looks: str
    regions: list[Mark]
    lowest: str


def video_page(score: VideoScore, look: Look, regions: Regions = lambda time: None, mapped: int = WORST) -> str:
    """The page as text; ``look`` gives the pictures, ``regions`` the maps of the ``mapped`` worst ones."""
    maps = {middle(each): regions(middle(each)) for each in score.worst(mapped)}
    sides = {found.side for found in maps.values() if found}
    groups = [
        (name, note, [_moment(each, score, look, maps.get(middle(each))) for each in chosen])
        for name, note, chosen in _chosen(score)
        if chosen
    ]
    said = {event.code for event in score.events}
    return render(
        "video.html",
        title=printable(score.source),
        verdict=printable(score.verdict.text),
        quality=f"{score.quality:.2f}",
        word=score.word or "",
        colour=colour(score.scale, score.quality),
        interval=interval_text(score.interval) if score.interval else "",
        gauge=_gauge(score),
        scale=score.scale.description,
        warnings=[printable(note.text) for note in score.warnings if note.code not in said],
        events=[printable(event.text) for event in score.events if event.code != CUT],
        cuts=sum(event.code == CUT for event in score.events),
        plot=timeline_of(score) if len(score.segments) > 1 else None,
        level=_level(score.segments),
        groups=groups,
        side=next(iter(sides), None),
        whole=score.settings.picture is None or score.settings.picture.whole,
        segments=[_row(each, score) for each in score.segments],
        facts=[(name, printable(text)) for name, text in facts(score)],
        settings=[(name, printable(text)) for name, text in flattened(score.settings.to_dict())],
    )


def middle(segment: SegmentScore) -> float:
    """The time whose frame stands for a segment, in seconds."""
    return (segment.start + segment.end) / 2


def data_uri(jpeg: bytes | None) -> str:
    """A JPEG file as the address of an image inside the page; empty for none."""
    return "" if jpeg is None else f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"


def _chosen(score: VideoScore) -> list[tuple[str, str, list[SegmentScore]]]:
    """The worst segments and, of the rest, the best ones: a heading, a remark, the segments."""
    ranked = score.worst(len(score.segments))
    if len(ranked) == 1:
        return [("Picture", "", ranked)]
    worst = ("Worst segments", "", ranked[:WORST])
    if not score.verdict.bad:
        worst = ("Lowest segments", "No segment is clearly worse than the rest.", ranked[:WORST])
    return [worst, ("Best segments", "", ranked[WORST:][::-1][:BEST])]


def _moment(segment: SegmentScore, score: VideoScore, look: Look, found: QualityMap | None) -> Moment:
    return Moment(
        data_uri(look(middle(segment))),
        f"{clock(segment.start)} to {clock(segment.end)}",
        f"{segment.quality:.2f}",
        score.scale.word(segment.quality) or "",
        colour(score.scale, segment.quality),
        segment.diagnosis.text if segment.diagnosis else "",
        [] if found is None else _marks(found),
        "" if found is None else _lowest(found),
    )


def _lowest(found: QualityMap) -> str:
    return f"lowest region: {found.worst.place} ({found.worst.quality:.2f}; mean {found.mean:.2f})"


def _marks(found: QualityMap) -> list[Mark]:
    low, high = found.scale.low, found.scale.high
    if low is None or high is None:
        qualities = [region.quality for region in found.regions]
        low, high = min(qualities), max(qualities)
    fully = _FULLY * (high - low) or 1.0
    return [
        Mark(
            round(100 * each.left, 2),
            round(100 * each.top, 2),
            round(100 * each.width, 2),
            round(100 * each.height, 2),
            round(min(1.0, max(0.0, found.shortfall(each) / fully)), 2),
            f"{each.place}: {each.quality:.2f}",
        )
        for each in found.regions
    ]


def _gauge(score: VideoScore) -> dict[str, object] | None:
    """The score on its scale, in percent of the way from one end to the other; none for a scale without ends."""
    low, high = score.scale.low, score.scale.high
    if low is None or high is None:
        return None

    def along(value: float) -> float:
        return round(100 * (score.scale.clip(value) - low) / (high - low), 2)

    band = score.interval
    return {
        "at": along(score.quality),
        "left": along(band.low) if band else 0,
        "width": round(along(band.high) - along(band.low), 2) if band else 0,
        "low": f"{low:g}",
        "high": f"{high:g}",
    }


def _row(segment: SegmentScore, score: VideoScore) -> dict[str, str]:
    interval = segment.interval
    return {
        "start": clock(segment.start),
        "end": clock(segment.end),
        "at": f"{segment.start:.4f}",
        "quality": f"{segment.quality:.2f}",
        "colour": colour(score.scale, segment.quality),
        "interval": f"{interval.low:.2f} to {interval.high:.2f}" if interval else "",
        "looks": segment.diagnosis.text.removeprefix("looks like ") if segment.diagnosis else "",
    }


def _level(segments: Sequence[SegmentScore]) -> str:
    """The confidence of the band, where every segment has an interval."""
    levels = {segment.interval.level if segment.interval else None for segment in segments}
    (level,) = levels if len(levels) == 1 else (None,)
    return "" if level is None else f"{100 * level:g} %"
