"""Quality over time as shapes in percent of a plot's width and height, ready to be drawn as SVG at any size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, floor

from conviqt_cli.quality.scale import Scale
from conviqt_cli.report.score_report import clock, colour, interval_text
from conviqt_cli.scoring.events import CUT, Event
from conviqt_cli.scoring.results import SegmentScore, VideoScore

#: About how many labels stand along the time axis: a phone has room for that many.
_TIMES = 5


@dataclass(frozen=True)
class Label:
    """A text at ``at`` percent from the left, or from the top."""

    at: float
    text: str


@dataclass(frozen=True)
class Stretch:
    """What a segment speaks for, ``width`` percent from ``x`` on: its ``title``, the colour of its quality.

    The segment itself runs from ``left`` to ``right``, at ``y``.
    """

    x: float
    width: float
    left: float
    right: float
    y: float
    title: str
    colour: str


@dataclass(frozen=True)
class Strip:
    """Something that lasts, ``width`` percent from ``x`` on: its ``name``, and all about it as ``title``."""

    x: float
    width: float
    name: str
    title: str


@dataclass(frozen=True)
class Timeline:
    """The plot: ``line`` and ``band`` are SVG point lists, the band empty where there are no intervals.

    ``cuts`` are where the scene changes, ``bad`` the stretches that are clearly worse than the rest, ``events`` what
    was seen besides, a row for each kind.
    """

    line: str
    band: str
    stretches: list[Stretch]
    times: list[Label]
    values: list[Label]
    cuts: list[Label]
    bad: list[Strip]
    events: list[list[Strip]]


def timeline_of(score: VideoScore) -> Timeline:
    """The plot of a video with all that is known of it."""
    return timeline(score.segments, score.scale, score.events, score.verdict.bad)


def timeline(
    segments: Sequence[SegmentScore],
    scale: Scale,
    events: Sequence[Event] = (),
    bad: Sequence[tuple[float, float]] = (),
) -> Timeline:
    """The plot of at least one segment, in the order of time, on the scale's own range or, without one, on the data's.

    Between two clips the line runs straight from one to the other; what the pointer is told there is the nearer one's.
    ``bad`` are starts and ends in seconds.
    """
    begin, end = segments[0].start, max(segment.end for segment in segments)
    low, high = _range(segments, scale)

    def across(time: float) -> float:
        return round(100 * (time - begin) / (end - begin), 2) if end > begin else 0.0

    def down(value: float) -> float:
        return round(100 * (high - value) / (high - low), 2) if high > low else 50.0

    borders, spans = apart([(segment.start, segment.end) for segment in segments], end)

    def points(values: Sequence[float]) -> list[str]:
        return [f"{across(time)},{down(value)}" for span, value in zip(spans, values, strict=True) for time in span]

    def strip(start: float, finish: float, name: str, title: str) -> Strip:
        left, right = across(max(begin, start)), across(min(end, finish))
        return Strip(left, max(0.0, round(right - left, 2)), name, title)

    intervals = [segment.interval for segment in segments if segment.interval]
    band: list[str] = []
    if len(intervals) == len(segments):
        band = points([each.high for each in intervals]) + points([each.low for each in intervals])[::-1]
    stretches = [
        Stretch(
            across(left), max(0.0, round(across(right) - across(left), 2)), across(first), across(last),
            down(segment.quality), title(segment, scale), colour(scale, segment.quality),
        )
        for segment, (first, last), (left, right) in zip(segments, spans, pairwise(borders), strict=True)
    ]  # fmt: skip
    return Timeline(
        " ".join(points([segment.quality for segment in segments])),
        " ".join(band),
        stretches,
        [Label(across(time), short_clock(time)) for time in round_times(begin, end)],
        [Label(down(value), f"{value:g}") for value in _round_values(low, high)],
        [Label(across(each.start), each.text) for each in events if each.code == CUT],
        [strip(start, finish, "", f"worse from {clock(start)} to {clock(finish)}") for start, finish in bad],
        [
            [strip(each.start, each.end, _name(code), each.text) for each in events if each.code == code]
            for code in dict.fromkeys(each.code for each in events if each.code != CUT)
        ],
    )


def _name(code: str) -> str:
    return code.replace("_", " ")


def apart(times: Sequence[tuple[float, float]], end: float) -> tuple[list[float], list[tuple[float, float]]]:
    """Borders between stretches of time, half way from one to the next, and the stretches, cut where they overlap.

    ``end`` is the last border.
    """
    borders = [times[0][0], *((left[1] + right[0]) / 2 for left, right in pairwise(times)), end]
    return borders, [
        (max(start, left), min(finish, right))
        for (start, finish), (left, right) in zip(times, pairwise(borders), strict=True)
    ]


def title(segment: SegmentScore, scale: Scale) -> str:
    """A segment in a line: times, quality, interval, what it looks like."""
    parts = [f"{clock(segment.start)} to {clock(segment.end)}: {segment.quality:.2f}"]
    word = scale.word(segment.quality)
    parts[0] += f" ({word})" if word else ""
    if segment.interval:
        parts.append(interval_text(segment.interval))
    if segment.diagnosis:
        parts.append(segment.diagnosis.text)
    return ", ".join(parts)


def short_clock(seconds: float) -> str:
    """A time without the decimals that it does not need."""
    text = clock(seconds)
    return text.rstrip("0").rstrip(".") if "." in text else text


def _range(segments: Sequence[SegmentScore], scale: Scale) -> tuple[float, float]:
    if scale.low is not None and scale.high is not None:
        return scale.low, scale.high
    values = [segment.quality for segment in segments]
    values += [end for each in segments if each.interval for end in (each.interval.low, each.interval.high)]
    return floor(min(values)), ceil(max(values))


def round_times(begin: float, end: float) -> list[float]:
    """Where to label a time axis, in seconds."""
    steps = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)
    step = next((each for each in steps if (end - begin) / each <= _TIMES), (end - begin) / _TIMES)
    if step <= 0:
        return [begin]
    return [round(number * step, 3) for number in range(ceil(begin / step - 1e-6), floor(end / step + 1e-6) + 1)]


def _round_values(low: float, high: float) -> list[float]:
    step = (high - low) / 4
    return [low + number * step for number in range(5)] if step > 0 else [low]
