"""Agreement in order and in line: SROCC, KROCC, PLCC.

All take two arrays of shape (n,), in any units, and return a number in [-1, 1]; NaN where it is undefined (fewer than
two items, or either side constant). ITU-T Rec. P.1401 (01/2020), section 7; ties as in scipy (mean ranks, tau-b).

>>> import numpy as np
>>> predicted, actual = np.array([1.2, 2.0, 3.5, 4.8]), np.array([1.0, 3.0, 2.0, 5.0])
>>> round(srocc(predicted, actual), 3), round(krocc(predicted, actual), 3), round(plcc(predicted, actual), 3)
(0.8, 0.667, 0.803)
>>> srocc(predicted, np.full(4, 3.0))  # all labels equal: there is no order to agree with
nan
"""

from __future__ import annotations

import numpy as np

from conviqt_cli.arrays import Floats


def plcc(predicted: Floats, actual: Floats) -> float:
    """Pearson's linear correlation coefficient."""
    x, y = _pair(predicted, actual)
    if len(x) < 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return float("nan")
    # Scaling to unit range first keeps tiny and huge units (1e-200, 1e200) from under- or overflowing when squared.
    x, y = (x - x.mean()) / np.ptp(x), (y - y.mean()) / np.ptp(y)
    return float(np.clip((x @ y) / np.sqrt((x @ x) * (y @ y)), -1.0, 1.0))


def srocc(predicted: Floats, actual: Floats) -> float:
    """Spearman's rank-order correlation coefficient: Pearson's of the ranks, ties sharing their mean rank."""
    from scipy.stats import rankdata

    x, y = _pair(predicted, actual)
    return plcc(rankdata(x), rankdata(y))


def krocc(predicted: Floats, actual: Floats) -> float:
    """Kendall's rank-order correlation coefficient, tau-b."""
    from scipy.stats import kendalltau

    x, y = _pair(predicted, actual)
    if len(x) < 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return float("nan")
    return float(kendalltau(x, y).statistic)


def _pair(predicted: Floats, actual: Floats) -> tuple[Floats, Floats]:
    x, y = np.asarray(predicted, dtype=np.float64), np.asarray(actual, dtype=np.float64)
    if x.ndim != 1 or x.shape != y.shape:
        raise ValueError(f"two arrays of one length expected, got shapes {x.shape} and {y.shape}")
    return x, y
