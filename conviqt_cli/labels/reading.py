"""Opinion scores from a file: what is used, what is not, and why; nothing is dropped silently."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from conviqt_cli.arrays import Floats, Indices
from conviqt_cli.errors import LabelError
from conviqt_cli.labels.columns import Columns, choose, name_of
from conviqt_cli.labels.layouts import Layout, find_layout
from conviqt_cli.labels.table import Table, number
from conviqt_cli.labels.table_files import read_table
from conviqt_cli.quality.scale import ACR, Scale


@dataclass(frozen=True)
class Reading:
    """How to read a file; every ``None`` is a guess to be made from the file (and shown).

    Columns are named or numbered from one. ``scale`` is (low, high); ``missing`` is a value that marks no score;
    ``worse`` says that higher scores are worse (DMOS).
    """

    video: str | None = None
    mos: str | None = None
    std: str | None = None
    ratings: str | None = None
    group: str | None = None
    scale: tuple[float, float] | None = None
    worse: bool | None = None
    missing: float | None = None
    layout: str | None = None


@dataclass(frozen=True)
class Labels:
    """Usable labels, aligned, (n,) each; ``std`` and ``ratings`` are NaN where unknown.

    ``facts`` say how the file was read, in order, for people; ``left_out`` lists what is not used, by reason.
    """

    source: str
    names: list[str]
    mos: Floats
    std: Floats
    ratings: Floats
    groups: list[str]
    scale: Scale
    layout: Layout | None
    facts: dict[str, str]
    left_out: dict[str, list[str]] = field(default_factory=dict)

    def check(self, fewest: int) -> None:
        """Raise :class:`LabelError` when nothing can be learned or judged from these labels."""
        if len(self.names) < fewest:
            raise LabelError(
                f"{self.source}: {len(self.names)} usable labels; at least {fewest} are needed to fit or judge anything"
            )
        if np.ptp(self.mos) == 0:
            count = len(self.names)
            raise LabelError(
                f"{self.source}: all {count} labels equal {self.mos[0]:g}; there is nothing to fit or rank"
            )

    def take(self, names: list[str]) -> Labels:
        """Only the labels of ``names``, in that order."""
        at = [self.names.index(name) for name in names] if len(names) < 50 else _positions(self.names, names)
        return replace(
            self,
            names=names,
            mos=self.mos[at],
            std=self.std[at],
            ratings=self.ratings[at],
            groups=[self.groups[i] for i in at],
        )


def read_labels(path: Path, reading: Reading | None = None) -> Labels:
    """Read a label file; raises :class:`LabelError` or :class:`UsageError` with one line that says what to do."""
    reading = reading or Reading()
    table = read_table(path)
    try:
        columns = choose(table, reading.video, reading.mos, reading.std, reading.ratings, reading.group)
        layout = find_layout(reading.layout, path.name, table, columns)
        if layout is not None and layout.mos is not None and reading.mos is None:
            columns = choose(table, reading.video, layout.mos, reading.std, reading.ratings, reading.group)
    except LabelError as error:
        # A file without the layout's own column is a copy in another form: what was guessed at first stands.
        if "columns" not in locals() or reading.mos is not None:
            raise LabelError(f"{path}: {error}") from None
    facts = {"file": table.form, "videos": name_of(table, columns.video)}
    left_out: dict[str, list[str]] = {}
    words: set[int] = set()
    if table.odd_lines:
        left_out["lines of another width"] = [f"line {line}" for line in table.odd_lines]
    names = [cell.strip() for cell in table.column(columns.video)]
    if columns.opinions:
        mos, std, ratings = _mean_opinions(table, columns.opinions)
        facts["scores"] = f"mean over {len(columns.opinions)} columns of viewers, -1 and empty cells not counted"
    else:
        mos, std, ratings = (_numbers(table, index) for index in (columns.mos, columns.std, columns.ratings))
        facts["scores"] = name_of(table, columns.mos)
        facts["spread"] = name_of(table, columns.std)
        facts["number of ratings"] = name_of(table, columns.ratings)
        words = _refuse_words(path, table, columns, left_out, names)
    groups = table.column(columns.group) if columns.group is not None else []

    if reading.missing is not None:
        mos = np.where(mos == reading.missing, np.nan, mos)
    keep = np.isfinite(mos) & np.array([bool(name) for name in names])
    if (~keep).any():
        unscored = [names[i] or "(no name)" for i in np.flatnonzero(~keep) if i not in words]
        if unscored:
            left_out["no score"] = unscored
    _refuse_suspicious(path, mos[keep], reading)
    rows = np.flatnonzero(keep)
    if columns.viewer is not None and len({names[i] for i in rows}) < len(rows):
        rows, mos, std, ratings = _average_ratings(names, rows, mos)
        facts["scores"] += f", mean over the viewers in {name_of(table, columns.viewer)}"
    else:
        rows = _without_duplicates(names, rows, mos, left_out)
    if not len(rows):
        raise LabelError(f"{path}: no usable label in {len(names)} rows (scores from {facts['scores']})")
    names, mos = [names[i] for i in rows], mos[rows]
    known_std = np.where(std[rows] >= 0, std[rows], np.nan)
    known_ratings = np.where(ratings[rows] >= 1, ratings[rows], np.nan)

    worse, direction = _direction(table, columns, reading)
    facts["direction"] = direction
    scale, facts["scale"] = _scale(path, table, rows, mos, reading, layout, worse)
    contents, facts["contents"] = _contents(
        names, [groups[i] for i in rows] if groups else [], reading, layout, columns
    )
    if layout is not None:
        facts["database"] = layout.title
    return Labels(str(path), names, mos, known_std, known_ratings, contents, scale, layout, facts, left_out)


def _numbers(table: Table, index: int | None) -> Floats:
    if index is None:
        return np.full(len(table.rows), np.nan)
    values = np.array([number(cell) for cell in table.column(index)], dtype=np.float64)
    return np.where(np.isfinite(values), values, np.nan)


def _mean_opinions(table: Table, columns: tuple[int, ...]) -> tuple[Floats, ...]:
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


def _refuse_words(
    path: Path, table: Table, columns: Columns, left_out: dict[str, list[str]], names: list[str]
) -> set[int]:
    if columns.mos is None:
        return set()
    cells = table.column(columns.mos)
    words = [i for i, cell in enumerate(cells) if number(cell) is None]
    if len(words) > 0.5 * len(cells):
        where = name_of(table, columns.mos)
        raise LabelError(f"{path}: {where} holds no numbers (first: {cells[words[0]][:40]!r}); say --mos-col")
    if words:
        left_out["score is not a number"] = [f"{names[i]} ({cells[i][:40]!r})" for i in words]
    return set(words)


def _refuse_suspicious(path: Path, mos: Floats, reading: Reading) -> None:
    marked = mos == -1
    if reading.missing is None and reading.scale is None and marked.any() and (mos[~marked] >= 0).all():
        raise LabelError(
            f"{path}: {int(marked.sum())} scores are -1 and no other is negative; if -1 marks a missing score say "
            "--missing -1, if it is a score declare --scale LOW:HIGH"
        )


def _direction(table: Table, columns: Columns, reading: Reading) -> tuple[bool, str]:
    if reading.worse is not None:
        return reading.worse, f"higher is {'worse' if reading.worse else 'better'} (declared)"
    stated = _constant_column(table, "higheris")
    if stated in ("worse", "better"):
        return stated == "worse", f"higher is {stated} (stated in the file)"
    heading = table.header[columns.mos] if table.header and columns.mos is not None else ""
    if re.search(r"(^|[^a-z])dmos", heading, re.IGNORECASE):
        return True, f"higher is worse (guessed from the heading {heading!r}; --mos for the opposite)"
    return False, "higher is better (assumed; --dmos for the opposite)"


def _scale(
    path: Path,
    table: Table,
    rows: Indices,
    mos: Floats,
    reading: Reading,
    layout: Layout | None,
    worse: bool,
) -> tuple[Scale, str]:
    name = "DMOS" if worse else "MOS"
    low, high = float(mos.min()), float(mos.max())
    stated = [_constant_column(table, word) for word in ("scalemin", "scalemax")]
    ends = [number(cell) for cell in stated if cell is not None]
    how = "declared"
    if reading.scale is not None:
        scale = _made(name, *reading.scale, worse)
    elif len(ends) == 2 and ends[0] is not None and ends[1] is not None and ends[0] < ends[1]:
        scale, how = _made(name, ends[0], ends[1], worse), "stated in the file"
    elif layout is not None and not worse:
        scale, how = layout.scale, f"as published for {layout.title}"
    else:
        how = f"inferred from scores of {low:g} to {high:g}; --scale LOW:HIGH declares it"
        for ends_low, ends_high in ((1.0, 5.0), (0.0, 1.0), (0.0, 10.0), (0.0, 100.0)):
            if ends_low <= low and high <= ends_high:
                scale = _made(name, ends_low, ends_high, worse)
                break
        else:
            scale = Scale(name, None, None, not worse)
    if (scale.low is not None and low < scale.low) or (scale.high is not None and high > scale.high):
        if how == "declared" or how == "stated in the file":
            raise LabelError(f"{path}: scores run from {low:g} to {high:g}, outside the scale {scale.description}")
        scale = Scale(name, None, None, not worse)  # a published scale does not fit this copy: claim nothing
        how = f"scores of {low:g} to {high:g} leave the published range; --scale LOW:HIGH declares one"
    return scale, f"{scale.description} ({how})"


def _made(name: str, low: float, high: float, worse: bool) -> Scale:
    return ACR if (low, high, worse) == (1.0, 5.0, False) else Scale(name, low, high, not worse)


def _constant_column(table: Table, word: str) -> str | None:
    """The one value of the column headed ``word``, if there is such a column with one value."""
    for index, heading in enumerate(table.header or []):
        if re.sub(r"[^a-z0-9]", "", heading.lower()) == word:
            values = set(table.column(index))
            return values.pop() if len(values) == 1 else None
    return None


def _contents(
    names: list[str], given: list[str], reading: Reading, layout: Layout | None, columns: Columns
) -> tuple[list[str], str]:
    asked_none = reading.group is not None and reading.group.lower() == "none"
    if given and all(given):
        return given, f"{len(set(given))}, from the file"
    if given:
        filled = [cell or f"\N{NO-BREAK SPACE}{name}" for cell, name in zip(given, names, strict=True)]
        empty = sum(not cell for cell in given)
        return filled, f"{len(set(filled))}, from the file; {empty} videos without one count as their own"
    if layout is not None and not asked_none:
        found = [layout.content(name) for name in names]
        return found, f"{len(set(found))}, from the names as {layout.title} builds them"
    return list(names), "each video counts as its own content (--group-col says which belong together)"


def _positions(names: list[str], wanted: list[str]) -> list[int]:
    at = {name: i for i, name in enumerate(names)}
    return [at[name] for name in wanted]
