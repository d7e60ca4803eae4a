"""What ``conviqt compare`` found, for a terminal and as a page."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from conviqt_cli.comparing.results import Comparison, Version
from conviqt_cli.comparing.wording import clock, offset_text, percent, sentence
from conviqt_cli.report.batch_report import printable
from conviqt_cli.report.page import render
from conviqt_cli.report.score_report import colour
from conviqt_cli.report.timeline_chart import Label, apart, round_times, short_clock

_VERSIONS = ("", "video", "quality", "behind the best", "best preferred", "size", "picture", "in time")
_LEFT = ("", "video", "in time")

#: Most segments that are listed in a terminal; the page and JSON hold them all.
_LISTED = 40


def comparison_report(found: Comparison) -> RenderableType:
    """The finding in a sentence, a row per version, a row per segment, warnings."""
    names = version_names(found)
    versions = _table(_VERSIONS, _LEFT)
    for number, row in enumerate(_version_rows(found, names)):
        cells = [Text(cell) for cell in row]
        cells[2].stylize(colour(found.scale, found.quality(number)))
        versions.add_row(*cells)
    parts: list[RenderableType] = [Text(sentence(found, names), style="bold"), Text(""), versions, Text("")]
    if len(found.moments) > 1:
        segments = _table(("from", "to", *names))
        for row in _segment_rows(found)[:_LISTED]:
            segments.add_row(*row)
        parts.append(segments)
        if len(found.moments) > _LISTED:
            parts.append(Text(f"and {len(found.moments) - _LISTED} more", style="dim"))
        parts.append(Text(""))
    parts += [Text(line, style="dim") for line in _method(found)]
    parts += [Text.assemble(("warning  ", "yellow"), printable(note.text)) for note in found.notes]
    return Group(*parts)


def comparison_page(found: Comparison) -> str:
    """The comparison as one HTML page."""
    names = version_names(found)
    return render(
        "comparison.html",
        title=f"{len(found.versions)} versions compared",
        sentence=sentence(found, names),
        method=_method(found),
        header=_VERSIONS,
        versions=[
            {"cells": cells, "mark": _mark(found, number), "hue": _hue(number)}
            for number, cells in enumerate(_version_rows(found, names))
        ],
        segment_header=("from", "to", *names),
        segments=_segment_rows(found),
        warnings=[printable(note.text) for note in found.notes],
        plot=_plot(found, names),
    )


def version_names(found: Comparison) -> list[str]:
    """A letter for each version; numbers where there are more than letters."""
    count = len(found.versions)
    return [chr(ord("A") + number) if count <= 26 else f"V{number + 1}" for number in range(count)]


def _version_rows(found: Comparison, names: Sequence[str]) -> list[tuple[str, ...]]:
    best = found.best
    rows: list[tuple[str, ...]] = []
    for number, version in enumerate(found.versions):
        behind = found.difference(best, number)
        preferred = "" if number == best or behind.probability is None else percent(behind.probability)
        rows.append(
            (
                names[number],
                printable(version.source),
                f"{found.quality(number):.2f}",
                "the best" if number == best else f"{behind.mean:.2f} ± {behind.spread:.2f}",
                preferred,
                _size(version.bytes),
                _picture(version),
                "the first" if number == 0 else offset_text(version.alignment.offset),
            )
        )
    return rows


def _segment_rows(found: Comparison) -> list[tuple[str, ...]]:
    return [
        (clock(moment.start), clock(moment.end), *(f"{quality:.2f}" for quality in moment.qualities))
        for moment in found.moments
    ]


def _method(found: Comparison) -> list[str]:
    lines = [
        f"quality: {found.scale.description}; pictures looked at on {found.lines} lines, on the same moments",
        "behind the best: mean difference, ± standard deviation over the segments",
    ]
    if found.calibrated:
        lines.append(
            "best preferred: probability that viewers' mean opinion of the best is higher; calibrated on pairs of "
            f"versions of one scene. Below {percent(found.threshold)}: no difference that can be told"
        )
    return lines


def _mark(found: Comparison, number: int) -> str:
    """What a version is, beside its name."""
    marks = ["the best"] if number == found.best else []
    if number == found.smallest and (number != found.best or len(found.versions) > 2):
        marks.append("the smallest that is not visibly worse")
    return ", ".join(marks)


def _hue(number: int) -> int:
    return number * 137 % 360


def _plot(found: Comparison, names: Sequence[str]) -> dict[str, object]:
    """Quality over time in percent of a drawing's width and height: lines, moments, and labels of the axes."""
    low, high = found.scale.low, found.scale.high
    values = [quality for moment in found.moments for quality in moment.qualities]
    low, high = min(values) if low is None else low, max(values) if high is None else high
    begin, end = found.moments[0].start, found.moments[-1].end

    _, spans = apart([(moment.start, moment.end) for moment in found.moments], end)

    def across(time: float) -> float:
        return round(100 * (time - begin) / max(end - begin, 1e-9), 2)

    def down(quality: float) -> float:
        return round(100 * (high - quality) / max(high - low, 1e-9), 2)

    lines = [
        {
            "name": name,
            "hue": _hue(number),
            "points": " ".join(
                f"{across(time)},{down(moment.qualities[number])}"
                for moment, span in zip(found.moments, spans, strict=True)
                for time in span
            ),
        }
        for number, name in enumerate(names)
    ]
    moments = [
        {
            "x": across(each.start),
            "width": round(across(each.end) - across(each.start), 2),
            "title": f"{clock(each.start)} to {clock(each.end)}: "
            + ", ".join(f"{name} {quality:.2f}" for name, quality in zip(names, each.qualities, strict=True)),
        }
        for each in found.moments
    ]
    ticks = [{"y": down(low + share * (high - low)), "label": f"{low + share * (high - low):g}"} for share in _SHARES]
    times = [Label(across(time), short_clock(time)) for time in round_times(begin, end)]
    return {"lines": lines, "moments": moments, "ticks": ticks, "times": times}


_SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)


def _picture(version: Version) -> str:
    info = version.score.video
    rate = f", {float(info.fps):.5g} fps" if info.fps else ""
    return f"{info.width}x{info.height}{rate}"


def _size(count: int | None) -> str:
    if count is None:
        return ""
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count} B"


def _table(columns: Sequence[str], left: Sequence[str] = ()) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in columns:
        table.add_column(name, justify="left" if name in left else "right", overflow="fold")
    return table
