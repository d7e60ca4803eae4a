"""Scores that a model gave elsewhere: a table of names and scores, such as ``conviqt score -o scores.csv`` writes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from conviqt_cli.errors import LabelError
from conviqt_cli.evaluation.predictions import Predictions
from conviqt_cli.labels.columns import choose
from conviqt_cli.labels.dataset import Dataset
from conviqt_cli.labels.matching import match
from conviqt_cli.labels.opinions import Labels
from conviqt_cli.labels.table import Table, number
from conviqt_cli.labels.table_files import read_table
from conviqt_cli.quality.scale import Scale


@dataclass(frozen=True)
class GivenScores:
    """Scores by name; ``scale`` is the one that the file states, ``ends`` those of intervals where it has them."""

    values: dict[str, float]
    scale: Scale | None
    ends: dict[str, tuple[float, float]]


def is_score_file(path: Path) -> bool:
    """Whether a name is that of a table of scores, not of a regressor."""
    return path.suffix.lower() in (".csv", ".txt", ".tsv")


def read_scores(path: Path) -> GivenScores:
    """Scores of a file; rows without a score (failed videos) are not in it.

    Columns are taken by heading (``source`` and ``quality`` as this program writes them), else guessed as for labels.
    Raises :class:`LabelError` when no scores can be found, or one name has two.
    """
    table = read_table(path)
    words = [cell.lower() for cell in table.header or []]
    try:
        video = "source" if "source" in words else None
        columns = choose(table, video=video, mos="quality" if "quality" in words else None)
    except LabelError as error:
        raise LabelError(f"{path}: {error}") from None
    if columns.mos is None:
        raise LabelError(f"{path}: no column holds scores")
    scores: dict[str, float] = {}
    ends: dict[str, tuple[float, float]] = {}
    for row in table.rows:
        value = number(row[columns.mos])
        if value is None or value != value:
            continue
        name = row[columns.video]
        if scores.setdefault(name, value) != value:
            raise LabelError(f"{path}: {name} has two scores, {scores[name]:g} and {value:g}")
        if "interval_low" in words and "interval_high" in words:
            low, high = (number(row[words.index(each)]) for each in ("interval_low", "interval_high"))
            if low is not None and high is not None and low <= high:
                ends[name] = (low, high)
    if not scores:
        raise LabelError(f"{path}: no row has a score")
    return GivenScores(scores, _scale(table, words), ends)


def align(labels: Labels, given: GivenScores, source: str) -> GivenScores:
    """Scores by the label's name; raises :class:`LabelError` when none fits."""
    found = match(labels.names, list(given.values)).found
    if not found:
        raise LabelError(f"{source}: none of its {len(given.values)} videos is among the labels of {labels.source}")
    return GivenScores(
        {label: given.values[name] for label, name in found.items()},
        given.scale,
        {label: given.ends[name] for label, name in found.items() if name in given.ends},
    )


def as_predictions(source: str, given: GivenScores, data: Dataset, labels: Scale) -> Predictions:
    """What ``given``, by the label's name, says of the videos of ``data``, all of which it has."""
    names = data.names.tolist()
    values = np.array([given.values[name] for name in names])
    inside = low = high = None
    if given.scale is not None and given.scale.same_range(labels) and all(name in given.ends for name in names):
        low, high = np.array([given.ends[name] for name in names]).T
        inside = (data.mos >= low) & (data.mos <= high)
    return Predictions(source, values, given.scale, inside, low=low, high=high)


def _scale(table: Table, words: list[str]) -> Scale | None:
    """The scale that all rows state; ``None`` where they state none, or not one."""
    if "scale" not in words:
        return None
    cells = {cell for cell in table.column(words.index("scale")) if cell}
    try:
        (cell,) = cells
        return Scale.from_dict(json.loads(cell))
    except (ValueError, KeyError, TypeError):
        return None
