"""Quality over time as shapes in percent of a plot's width and height, ready to be drawn as SVG at any size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, floor

from conviqt_cli.quality.scale import Scale
from conviqt_cli.report.score_report import clock, colour, interval_text
from conviqt_cli.scoring.results import SegmentScore

#: About how many labels stand along the time axis: a phone has room for that many.
_TIMES = 5


@dataclass(frozen=True)
class Label:
    """A text at ``at`` percent from the left, or from the top."""

    at: float
    text: str


@dataclass(frozen=True)
class Stretch:
    """What a segment says for, ``width`` percent from ``x`` on: its ``title``, the colour of its quality, its bar."""

    x: float
    width: float
    y: float
    title: str
    colour: str


@dataclass(frozen=True)
class Timeline:
    """The plot: ``line`` and ``band`` are SVG point lists, the band empty where there are no intervals."""

    line: str
    band: str
    stretches: list[Stretch]
    times: list[Label]
    values: list[Label]


def timeline(segments: Sequence[SegmentScore], scale: Scale) -> Timeline:
    """The plot of at least one segment, in the order of time, on the scale's own range or, without one, on the data's.

    Between two clips the line runs straight from one to the other; what the pointer is told there is the nearer one's.
    """
    begin, end = segments[0].start, max(segment.end for segment in segments)
    low, high = _range(segments, scale)

    def across(time: float) -> float:
        return round(100 * (time - begin) / (end - begin), 2) if end > begin else 0.0

    def down(value: float) -> float:
        return round(100 * (high - value) / (high - low), 2) if high > low else 50.0

    def points(values: Sequence[float]) -> list[str]:
        return [
            f"{across(time)},{down(value)}"
            for segment, value in zip(segments, values, strict=True)
            for time in (segment.start, segment.end)
        ]

    intervals = [segment.interval for segment in segments if segment.interval]
    band: list[str] = []
    if len(intervals) == len(segments):
        band = points([each.high for each in intervals]) + points([each.low for each in intervals])[::-1]
    borders = [begin, *((left.end + right.start) / 2 for left, right in pairwise(segments)), end]
    stretches = [
        Stretch(
            across(left), max(0.0, round(across(right) - across(left), 2)), down(segment.quality),
            title(segment, scale), colour(scale, segment.quality),
        )
        for segment, left, right in zip(segments, borders[:-1], borders[1:], strict=True)
    ]  # fmt: skip
    return Timeline(
        " ".join(points([segment.quality for segment in segments])),
        " ".join(band),
        stretches,
        [Label(across(time), short_clock(time)) for time in _round_times(begin, end)],
        [Label(down(value), f"{value:g}") for value in _round_values(low, high)],
    )


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


def _round_times(begin: float, end: float) -> list[float]:
    steps = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)
    step = next((each for each in steps if (end - begin) / each <= _TIMES), (end - begin) / _TIMES)
    if step <= 0:
        return [begin]
    return [round(number * step, 3) for number in range(ceil(begin / step - 1e-6), floor(end / step + 1e-6) + 1)]


def _round_values(low: float, high: float) -> list[float]:
    step = (high - low) / 4
    return [low + number * step for number in range(5)] if step > 0 else [low]
