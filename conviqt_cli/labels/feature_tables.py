"""Features of videos that other programs made: a table or a MATLAB matrix of one row of numbers per video."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from conviqt_cli.arrays import Floats
from conviqt_cli.errors import LabelError
from conviqt_cli.labels.columns import names_column
from conviqt_cli.labels.table import number
from conviqt_cli.labels.table_files import read_table

#: Endings of the files that are read here.
SUFFIXES = (".csv", ".tsv", ".txt", ".mat")


@dataclass(frozen=True)
class FeatureTable:
    """``values`` (n, d), one row a video; ``names`` of the videos, and ``headings`` of the columns where known."""

    values: Floats
    names: list[str] | None
    headings: list[str] | None


def read_feature_table(path: Path) -> FeatureTable:
    """Read a table of text whose other columns are numbers, or the largest matrix of a MATLAB file.

    A MATLAB file may hold a list of names beside the matrix. Raises :class:`LabelError` for anything else.
    """
    if path.suffix.lower() == ".mat":
        from conviqt_cli.labels.mat_files import read_matrix

        values, names = read_matrix(path)
        return FeatureTable(values, names, None)
    table = read_table(path)
    at = names_column(table)
    chosen = [index for index in range(table.width) if index != at]
    cells = [[number(row[index]) for index in chosen] for row in table.rows]
    for row, values_of_row in zip(table.rows, cells, strict=True):
        if None in values_of_row:
            cell = row[chosen[values_of_row.index(None)]]
            raise LabelError(f"{path}: {cell!r} is no number; features are a name and numbers in each row")
    headings = [table.header[index] for index in chosen] if table.header else None
    names = None if at is None else table.column(at)
    return FeatureTable(np.array(cells, dtype=np.float64), names, headings)


def named_rows(table: FeatureTable, labels: Sequence[str], path: Path) -> list[str]:
    """The video of each row: its own name, or the label in its place.

    Raises :class:`LabelError` where rows have no names and there are not as many as ``labels``.
    """
    if table.names is not None:
        return table.names
    if len(table.values) != len(labels):
        raise LabelError(
            f"{path}: its {len(table.values)} rows have no names, so there must be as many labels in the same order, "
            f"but there are {len(labels)}; give a table with a column of names"
        )
    return list(labels)
