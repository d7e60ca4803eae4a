"""Names for the types of arrays that every part of the package passes around, and what is done with them everywhere."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Floating-point values of any precision; the docstring says which shape.
Floats = NDArray[np.floating[Any]]
#: Positions in another array.
Indices = NDArray[np.intp]
#: True or false for each item.
Mask = NDArray[np.bool_]


def unit_rows(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """Each row of (n, d) divided by its length; a row of zeros stays one."""
    length = np.linalg.norm(features, axis=1, keepdims=True)
    return np.asarray(features / np.maximum(length, 1e-12), np.float32)


def block_means(values: NDArray[Any], rows: int, columns: int) -> Floats:
    """Mean of each block of ``values`` (h, w), cut into ``rows`` x ``columns``, or fewer of what is smaller."""
    down, across = (
        np.linspace(0, length, min(count, length), endpoint=False).astype(int)
        for length, count in zip(values.shape, (rows, columns), strict=True)
    )
    sums = np.add.reduceat(np.add.reduceat(values, down, axis=0, dtype=np.float64), across, axis=1)
    counts = np.diff([*down, values.shape[0]])[:, None] * np.diff([*across, values.shape[1]])
    means: Floats = sums / counts
    return means
