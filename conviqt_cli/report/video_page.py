"""One scored video as one HTML page: the score, the timeline, pictures of its worst and best moments, the facts."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from conviqt_cli.report.batch_report import printable
from conviqt_cli.report.page import flattened, render
from conviqt_cli.report.score_report import clock, colour, facts, interval_text
from conviqt_cli.report.timeline_chart import timeline
from conviqt_cli.scoring.results import SegmentScore, VideoScore

#: The frame at a time in seconds as a JPEG file; ``None`` where it cannot be had.
Look = Callable[[float], bytes | None]

WORST, BEST = 3, 2


@dataclass(frozen=True)
class Moment:
    """A segment with its picture, a data URI, empty where there is none."""

    picture: str
    time: str
    quality: str
    word: str
    colour: str
    looks: str


def video_page(score: VideoScore, look: Look) -> str:
    """The page as text; ``look`` gives the pictures."""
    return render(
        "video.html",
        title=printable(score.source),
        quality=f"{score.quality:.2f}",
        word=score.word or "",
        colour=colour(score.scale, score.quality),
        interval=interval_text(score.interval) if score.interval else "",
        scale=score.scale.description,
        warnings=[printable(note.text) for note in score.warnings],
        events=[printable(event.text) for event in score.events],
        plot=timeline(score.segments, score.scale) if len(score.segments) > 1 else None,
        level=_level(score.segments),
        groups=[(name, [_moment(each, score, look) for each in chosen]) for name, chosen in _chosen(score) if chosen],
        facts=[(name, printable(text)) for name, text in facts(score)],
        settings=[(name, printable(text)) for name, text in flattened(score.settings.to_dict())],
    )


def middle(segment: SegmentScore) -> float:
    """The time whose frame stands for a segment, in seconds."""
    return (segment.start + segment.end) / 2


def data_uri(jpeg: bytes | None) -> str:
    """A JPEG file as the address of an image inside the page; empty for none."""
    return "" if jpeg is None else f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"


def _chosen(score: VideoScore) -> list[tuple[str, list[SegmentScore]]]:
    """The worst segments and, of the rest, the best ones."""
    ranked = score.worst(len(score.segments))
    if len(ranked) == 1:
        return [("Picture", ranked)]
    return [("Worst segments", ranked[:WORST]), ("Best segments", ranked[WORST:][::-1][:BEST])]


def _moment(segment: SegmentScore, score: VideoScore, look: Look) -> Moment:
    return Moment(
        data_uri(look(middle(segment))),
        f"{clock(segment.start)} to {clock(segment.end)}",
        f"{segment.quality:.2f}",
        score.scale.word(segment.quality) or "",
        colour(score.scale, segment.quality),
        segment.diagnosis.text if segment.diagnosis else "",
    )


def _level(segments: Sequence[SegmentScore]) -> str:
    """The confidence of the band, where every segment has an interval."""
    levels = {segment.interval.level if segment.interval else None for segment in segments}
    (level,) = levels if len(levels) == 1 else (None,)
    return "" if level is None else f"{100 * level:g} %"
