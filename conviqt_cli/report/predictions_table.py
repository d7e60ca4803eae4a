"""Predictions of labelled videos as CSV, one row a video, with intervals where there are any."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from conviqt_cli.scorefiles.cells import guarded, visible

if TYPE_CHECKING:
    from conviqt_cli.fitting.points import Points

COLUMNS = ("set", "model", "video", "content", "label", "predicted", "interval_low", "interval_high", "inside")


def predictions_csv(points: Sequence[Points]) -> str:
    """The table as text: numbers with four decimals, ``inside`` 1 where the interval holds the label.

    Interval and ``inside`` are empty where the model has no interval on the scale of the labels.
    """
    written = io.StringIO()
    table = csv.writer(written, lineterminator="\n")
    table.writerow(COLUMNS)
    for each in points:
        table.writerows([_cell(row[name]) for name in COLUMNS] for row in each.rows())
    return written.getvalue()


def _cell(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return "" if value is None else str(int(value))
    return f"{value:.4f}" if isinstance(value, float) else guarded(visible(value))
