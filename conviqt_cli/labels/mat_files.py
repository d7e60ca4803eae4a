"""MATLAB label files: a list of names beside vectors of numbers, wherever in the file they are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from conviqt_cli.arrays import Floats
from conviqt_cli.errors import LabelError
from conviqt_cli.labels.table import Table


def read_mat(path: Path) -> Table:
    """A table of every list of names and every numeric vector of the same length.

    Structures are searched one level deep, as databases nest them. Raises :class:`LabelError` when the file is damaged,
    of version 7.3 (an HDF5 container), or holds no names with numbers beside them.
    """
    vectors = dict(_vectors(_content(path)))
    names = {key: value for key, value in vectors.items() if value.dtype.kind == "U"}
    numbers = {key: value for key, value in vectors.items() if value.dtype.kind in "fiu"}
    best: tuple[str, dict[str, Any]] | None = None
    for key, value in names.items():
        beside = {other: found for other, found in numbers.items() if len(found) == len(value)}
        if beside and (best is None or len(value) > len(names[best[0]])):
            best = (key, beside)
    if best is None:
        raise LabelError(
            f"{path}: no list of names with scores of the same length (variables: {', '.join(vectors) or 'nothing'})"
        )
    key, beside = best
    columns = [names[key].tolist(), *([repr(float(each)) for each in found] for found in beside.values())]
    rows = [list(row) for row in zip(*columns, strict=True)]
    return Table([key, *beside], rows, f"MATLAB file, {key} beside {', '.join(beside)}")


def read_matrix(path: Path) -> tuple[Floats, list[str] | None]:
    """The largest matrix of numbers, (n, d), and the list of n names beside it, ``None`` where there is none.

    Raises :class:`LabelError` when the file is damaged, of version 7.3, or holds no matrix.
    """
    content = _content(path)
    matrices = [
        value
        for key, value in content.items()
        if not key.startswith("__") and isinstance(value, np.ndarray) and value.dtype.kind in "fiu"
        if value.ndim == 2 and min(value.shape) > 1
    ]
    if not matrices:
        raise LabelError(f"{path}: no matrix of features, one row a video")
    largest = max(matrices, key=lambda matrix: matrix.size)
    lists = [value for value in dict(_vectors(content)).values() if value.dtype.kind == "U"]
    names = next((value.tolist() for value in lists if len(value) == len(largest)), None)
    return largest.astype(np.float64), names


def _content(path: Path) -> dict[str, Any]:
    from scipy.io import loadmat

    try:
        content: dict[str, Any] = loadmat(path, squeeze_me=False, struct_as_record=True, chars_as_strings=True)
    except FileNotFoundError:
        raise LabelError(f"{path}: no such file") from None
    except NotImplementedError:
        raise LabelError(f"{path}: a MATLAB 7.3 file; save it again with -v7, or as CSV") from None
    except Exception as error:  # scipy raises whatever a damaged byte leads it to
        raise LabelError(f"{path}: not a MATLAB file, or damaged ({type(error).__name__}: {error})") from None
    return content


def _vectors(content: dict[str, Any]) -> Iterator[tuple[str, np.ndarray[Any, Any]]]:
    for key, value in content.items():
        if key.startswith("__") or not isinstance(value, np.ndarray):
            continue
        if value.dtype.names and value.size == 1:
            yield from _vectors({name: value[name].flat[0] for name in value.dtype.names})
        elif value.dtype.kind == "O" and value.size > 1 and max(value.shape) == value.size:
            texts = [_text(cell) for cell in value.ravel()]
            if all(text is not None for text in texts):
                yield key, np.array(texts, dtype=str)
        elif value.dtype.kind == "U" and value.ndim == 1 and value.size > 1:
            yield key, np.char.strip(value)
        elif value.dtype.kind in "fiu" and value.size > 1 and max(value.shape) == value.size:
            yield key, value.ravel()


def _text(cell: Any) -> str | None:
    while isinstance(cell, np.ndarray) and cell.size == 1:
        cell = cell.flat[0]
    return str(cell).strip() if isinstance(cell, str) else None
