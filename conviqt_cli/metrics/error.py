"""Agreement in value: RMSE, and its two forms that forgive what viewers themselves do not agree on.

Arrays have shape (n,), all in label units. ITU-T Rec. P.1401 (01/2020), section 7.

>>> import numpy as np
>>> predicted, actual = np.array([1.5, 2.0, 4.0]), np.array([1.0, 2.0, 3.0])
>>> round(rmse(predicted, actual), 3)
0.645
>>> tolerance = confidence_95(std=np.array([0.8, 0.8, 0.8]), ratings=np.array([20, 20, 20]))
>>> tolerance.round(3)
array([0.374, 0.374, 0.374])
>>> round(outlier_ratio(predicted, actual, tolerance), 3)  # two of three errors exceed it
0.667
"""

from __future__ import annotations

import numpy as np

from conviqt_cli.arrays import Floats


def rmse(predicted: Floats, actual: Floats) -> float:
    """Root mean square error; NaN without items."""
    error = np.asarray(predicted, dtype=np.float64) - np.asarray(actual, dtype=np.float64)
    return float(np.sqrt(np.mean(error**2))) if error.size else float("nan")


def confidence_95(std: Floats, ratings: Floats) -> Floats:
    """Half width of each label's 95 % confidence interval: ``t(0.975, n - 1) * std / sqrt(n)``.

    ``std`` is the standard deviation over viewers and ``ratings`` their number. NaN where either is unknown or fewer
    than two viewers rated.
    """
    from scipy.stats import t

    std, ratings = np.asarray(std, dtype=np.float64), np.asarray(ratings, dtype=np.float64)
    enough = ratings >= 2
    count = np.where(enough, ratings, np.nan)
    return np.asarray(t.ppf(0.975, count - 1) * std / np.sqrt(count), dtype=np.float64)


def outlier_ratio(predicted: Floats, actual: Floats, tolerance: Floats) -> float:
    """Share of items whose error exceeds their own ``tolerance``, in [0, 1].

    With :func:`confidence_95` as tolerance this is P.1401's outlier ratio. Items of unknown tolerance (NaN) do not
    count; NaN when none is known.
    """
    error = np.abs(np.asarray(predicted, dtype=np.float64) - np.asarray(actual, dtype=np.float64))
    known = np.isfinite(tolerance)
    return float(np.mean(error[known] > np.asarray(tolerance)[known])) if known.any() else float("nan")


def epsilon_rmse(predicted: Floats, actual: Floats, tolerance: Floats, degrees: int = 0) -> float:
    """Epsilon-insensitive RMSE (rmse*): only what exceeds an item's tolerance counts as error.

    ``degrees`` is the number of parameters of the mapping fitted to these same items (4 for the logistic), taken from
    the divisor as P.1401 does. Items of unknown tolerance do not count; NaN when no more than ``degrees`` are known.
    """
    error = np.abs(np.asarray(predicted, dtype=np.float64) - np.asarray(actual, dtype=np.float64))
    known = np.isfinite(tolerance)
    if int(known.sum()) <= degrees:
        return float("nan")
    beyond = np.maximum(error[known] - np.asarray(tolerance)[known], 0.0)
    return float(np.sqrt((beyond**2).sum() / (int(known.sum()) - degrees)))
