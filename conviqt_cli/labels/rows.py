"""The rows of a label table that count: one score a video, everything else listed by the reason it is left out."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from conviqt_cli.arrays import Floats, Indices
from conviqt_cli.errors import LabelError
from conviqt_cli.labels.columns import Columns, name_of
from conviqt_cli.labels.settings import LabelSettings
from conviqt_cli.labels.table import Table, number


@dataclass(frozen=True)
class Rows:
    """Usable rows, ascending: ``index`` in the table, and (n,) each: names, mean scores, spreads, numbers of ratings.

    ``std`` and ``ratings`` are NaN where unknown. ``facts`` say where the scores come from, for people.
    """

    index: Indices
    names: list[str]
    mos: Floats
    std: Floats
    ratings: Floats
    facts: dict[str, str]
    left_out: dict[str, list[str]] = field(default_factory=dict)


def usable_rows(path: Path, table: Table, columns: Columns, settings: LabelSettings) -> Rows:
    """Choose the rows; raises :class:`LabelError` when none can be used, or when a score is ambiguous."""
    left_out: dict[str, list[str]] = {}
    if table.odd_lines:
        left_out["lines of another width"] = [f"line {line}" for line in table.odd_lines]
    names = [cell.strip() for cell in table.column(columns.video)]
    words = _text_in_place_of_scores(path, table, columns)
    if words:
        left_out["score is not a number"] = [f"{names[i]} ({cell!r})" for i, cell in words.items()]
    mos, std, ratings, facts = _scores(table, columns)
    if settings.missing is not None:
        mos = np.where(mos == settings.missing, np.nan, mos)
    usable = np.isfinite(mos) & np.array([bool(name) for name in names])
    unscored = [names[i] or "(no name)" for i in np.flatnonzero(~usable) if i not in words]
    if unscored:
        left_out["no score"] = unscored
    _refuse_ambiguous_minus_one(path, mos[usable], settings)
    index = np.flatnonzero(usable)
    if columns.viewer is not None and len({names[i] for i in index}) < len(index):
        index, mos, std, ratings = _average_ratings(names, index, mos)
        facts["scores"] += f", mean over the viewers in {name_of(table, columns.viewer)}"
    else:
        index = _without_duplicates(names, index, mos, left_out)
    if not len(index):
        raise LabelError(f"{path}: no usable label in {len(names)} rows (scores from {facts['scores']})")
    std, ratings = std[index], ratings[index]
    return Rows(
        index=index,
        names=[names[i] for i in index],
        mos=mos[index],
        std=np.where(std >= 0, std, np.nan),
        ratings=np.where(ratings >= 1, ratings, np.nan),
        facts=facts,
        left_out=left_out,
    )


def _scores(table: Table, columns: Columns) -> tuple[Floats, Floats, Floats, dict[str, str]]:
    """Mean score, spread and number of ratings of each row, NaN where unknown, and where they come from."""
    if columns.opinions:
        how = f"mean over {len(columns.opinions)} columns of viewers, -1 and empty cells not counted"
        return *_mean_opinions(table, columns.opinions), {"scores": how}
    facts = {
        "scores": name_of(table, columns.mos),
        "spread": name_of(table, columns.std),
        "number of ratings": name_of(table, columns.ratings),
    }
    return _numbers(table, columns.mos), _numbers(table, columns.std), _numbers(table, columns.ratings), facts


def _numbers(table: Table, index: int | None) -> Floats:
    if index is None:
        return np.full(len(table.rows), np.nan)
    values = np.array([number(cell) for cell in table.column(index)], dtype=np.float64)
    return np.where(np.isfinite(values), values, np.nan)


def _mean_opinions(table: Table, columns: tuple[int, ...]) -> tuple[Floats, Floats, Floats]:
    opinions = np.column_stack([_numbers(table, index) for index in columns])
    opinions[opinions == -1] = np.nan
    count = np.isfinite(opinions).sum(axis=1)
    total = np.nansum(opinions, axis=1)
    mean = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    squares = np.nansum((opinions - mean[:, None]) ** 2, axis=1)
    std = np.where(count > 1, np.sqrt(squares / np.maximum(count - 1, 1)), np.nan)
    return mean, std, count.astype(np.float64)


def _average_ratings(names: list[str], rows: Indices, scores: Floats) -> tuple[Indices, Floats, Floats, Floats]:
    """One label a video from one row a rating; the results sit at the video's first row."""
    of_video: dict[str, list[int]] = defaultdict(list)
    for row in rows:
        of_video[names[row]].append(int(row))
    mos, std, ratings = (np.full(len(names), np.nan) for _ in range(3))
    for several in of_video.values():
        mos[several[0]], ratings[several[0]] = scores[several].mean(), len(several)
        if len(several) > 1:
            std[several[0]] = scores[several].std(ddof=1)
    return np.array([several[0] for several in of_video.values()]), mos, std, ratings


def _without_duplicates(names: list[str], rows: Indices, mos: Floats, left_out: dict[str, list[str]]) -> Indices:
    """One row a name: repeats of the same score count once, names with different scores not at all."""
    of_name: dict[str, list[int]] = defaultdict(list)
    for row in rows:
        of_name[names[row]].append(int(row))
    same, different, kept = [], [], []
    for name, several in of_name.items():
        if len(several) == 1:
            kept.append(several[0])
        elif len({float(mos[i]) for i in several}) == 1:
            kept.append(several[0])
            same.append(f"{name} ({len(several)} times)")
        else:
            different.append(f"{name} ({', '.join(f'{mos[i]:g}' for i in several)})")
    if same:
        left_out["repeated with the same score (used once)"] = same
    if different:
        left_out["repeated with different scores"] = different
    return np.array(sorted(kept), dtype=np.intp)


def _text_in_place_of_scores(path: Path, table: Table, columns: Columns) -> dict[int, str]:
    """Rows whose score is text; raises :class:`LabelError` when most are."""
    if columns.mos is None:
        return {}
    cells = table.column(columns.mos)
    words = {i: cell[:40] for i, cell in enumerate(cells) if number(cell) is None}
    if len(words) > 0.5 * len(cells):
        first = next(iter(words.values()))
        raise LabelError(
            f"{path}: {name_of(table, columns.mos)} holds text (first: {first!r}), not scores; name another column",
            "mos_col",
        )
    return words


def _refuse_ambiguous_minus_one(path: Path, mos: Floats, settings: LabelSettings) -> None:
    marked = mos == -1
    if settings.missing is None and settings.scale is None and marked.any() and (mos[~marked] >= 0).all():
        raise LabelError(
            f"{path}: {int(marked.sum())} scores are -1 and no other is negative; declare -1 as the value of missing "
            "scores, or declare the scale if -1 is a score",
            "missing",
        )
