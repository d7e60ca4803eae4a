"""Scores that a model gave elsewhere: a table of names and scores, such as ``conviqt score -o scores.csv`` writes."""

from __future__ import annotations

from pathlib import Path

from conviqt_cli.errors import LabelError
from conviqt_cli.labels.columns import choose
from conviqt_cli.labels.matching import match
from conviqt_cli.labels.opinions import Labels
from conviqt_cli.labels.table import number
from conviqt_cli.labels.table_files import read_table


def is_score_file(path: Path) -> bool:
    """Whether a name is that of a table of scores, not of a regressor."""
    return path.suffix.lower() in (".csv", ".txt", ".tsv")


def read_scores(path: Path) -> dict[str, float]:
    """Name to score; rows without a score (failed videos) are not in it.

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
    for row in table.rows:
        value = number(row[columns.mos])
        if value is None or value != value:
            continue
        name = row[columns.video]
        if scores.setdefault(name, value) != value:
            raise LabelError(f"{path}: {name} has two scores, {scores[name]:g} and {value:g}")
    if not scores:
        raise LabelError(f"{path}: no row has a score")
    return scores


def align(labels: Labels, scores: dict[str, float], source: str) -> dict[str, float]:
    """Scores by the label's name; raises :class:`LabelError` when none fits."""
    found = match(labels.names, list(scores)).found
    if not found:
        raise LabelError(f"{source}: none of its {len(scores)} videos is among the labels of {labels.source}")
    return {label: scores[name] for label, name in found.items()}
