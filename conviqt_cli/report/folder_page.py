"""Several scored videos as one HTML page: a table to sort and to filter, with a tiny timeline and a picture each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from conviqt_cli.quality.scale import Scale
from conviqt_cli.report.batch_report import printable
from conviqt_cli.report.page import render
from conviqt_cli.report.score_list import ordered, scale_of
from conviqt_cli.report.score_report import colour
from conviqt_cli.report.timeline_chart import Timeline
from conviqt_cli.scorefiles.record import Entry

#: Bars of the distribution.
BINS = 16


@dataclass(frozen=True)
class Card:
    """What the table shows of a video beside its numbers.

    ``link`` leads to its page, ``picture`` is a data URI (or empty), ``plot`` its timeline if it has several segments.
    """

    link: str
    picture: str
    plot: Timeline | None
    verdict: str


@dataclass(frozen=True)
class Bar:
    """Videos of a quality from ``low`` to ``high``: how many, and ``height`` in percent of the tallest bar."""

    low: str
    high: str
    count: int
    height: float
    colour: str


def folder_page(entries: Sequence[Entry], cards: Mapping[str, Card], title: str) -> str:
    """The page as text, the worst video first; ``cards``, by source, are of the videos that have a page."""
    scale = scale_of(entries)
    failed = sum(entry.failed for entry in entries)
    return render(
        "folder.html",
        title=printable(title),
        counts=f"{len(entries) - failed} scored, {failed} failed",
        scale=scale.description,
        bars=_bars([entry.quality for entry in entries if entry.quality is not None], scale),
        rows=[_row(entry, cards.get(entry.source), scale) for entry in ordered(entries)],
    )


def _row(entry: Entry, card: Card | None, scale: Scale) -> dict[str, object]:
    reason = (entry.reason or entry.code or "").removeprefix(f"{entry.source}: ")
    return {
        "name": printable(entry.source),
        "quality": "failed" if entry.quality is None else f"{entry.quality:.2f}",
        "worst": "" if entry.worst is None else f"{entry.worst:.2f}",
        "word": "" if entry.quality is None else scale.word(entry.quality) or "",
        "colour": "" if entry.quality is None else colour(scale, entry.quality),
        "notes": printable(reason if entry.failed else entry.warnings),
        "card": card,
    }


def _bars(values: list[float], scale: Scale) -> list[Bar]:
    if not values:
        return []
    low = min(values) if scale.low is None else scale.low
    high = max(values) if scale.high is None else scale.high
    counts, edges = np.histogram(values, BINS, (low, high) if high > low else (low - 0.5, low + 0.5))
    return [
        Bar(
            f"{left:.2f}", f"{right:.2f}", count,
            round(100 * count / int(counts.max()), 1), colour(scale, (left + right) / 2),
        )
        for (left, right), count in zip(pairwise(edges.tolist()), counts.tolist(), strict=True)
    ]  # fmt: skip
