"""All agreement figures of one set of predictions, in one place."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from conviqt_cli.arrays import Floats
from conviqt_cli.metrics.correlation import krocc, plcc, srocc
from conviqt_cli.metrics.error import confidence_95, epsilon_rmse, outlier_ratio, rmse
from conviqt_cli.metrics.logistic import fit_logistic

#: Fewest items for which the logistic leaves anything to judge (it has four parameters).
FEWEST_FOR_LOGISTIC = 6


@dataclass(frozen=True)
class Agreement:
    """How predictions agree with labels; a figure that cannot be told is NaN (``None`` in :meth:`to_dict`).

    ``plcc`` and ``rmse`` are of the predictions as they are, ``*_mapped`` after the four-parameter logistic; ``rmse``
    figures are in label units. ``outlier_ratio`` and ``epsilon_rmse`` are after the mapping, as ITU-T Rec. P.1401 has
    them. ``outlier_rule`` says what an outlier is.
    """

    items: int
    srocc: float
    krocc: float
    plcc: float
    rmse: float
    plcc_mapped: float
    rmse_mapped: float
    outlier_ratio: float
    epsilon_rmse: float
    outlier_rule: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: NaN becomes ``None``."""
        return {
            key: None if isinstance(value, float) and math.isnan(value) else value
            for key, value in asdict(self).items()
        }


FIGURES = ("srocc", "krocc", "plcc", "rmse", "plcc_mapped", "rmse_mapped", "outlier_ratio", "epsilon_rmse")


def agreement(predicted: Floats, labels: Floats, std: Floats | None = None, ratings: Floats | None = None) -> Agreement:
    """Figures for predictions (n,) against labels (n,), both in the labels' direction.

    ``std`` (n,) is the spread of each item's ratings and ``ratings`` (n,) their number, NaN where unknown. With both,
    an outlier lies beyond the label's 95 % confidence interval (P.1401); with the spread alone, beyond two standard
    deviations (Sheikh, Sabir and Bovik, IEEE TIP 15, 2006), and epsilon-insensitive RMSE cannot be told.
    """
    predicted, labels = np.asarray(predicted, dtype=np.float64), np.asarray(labels, dtype=np.float64)
    nan = float("nan")
    mapped = None
    if len(labels) >= FEWEST_FOR_LOGISTIC and np.ptp(predicted) > 0:
        mapped = fit_logistic(predicted, labels)(predicted)
    outliers = epsilon = nan
    rule = None
    if mapped is not None and std is not None and np.isfinite(std).any():
        tolerance = confidence_95(std, ratings) if ratings is not None else np.full(len(labels), nan)
        if np.isfinite(tolerance).any():
            rule = "beyond the 95 % confidence interval of the label (ITU-T P.1401)"
            epsilon = epsilon_rmse(mapped, labels, tolerance, degrees=4)
        else:
            rule = "beyond two standard deviations of the ratings (their number is not known)"
            tolerance = 2.0 * np.asarray(std, dtype=np.float64)
        outliers = outlier_ratio(mapped, labels, tolerance)
    return Agreement(
        items=len(labels),
        srocc=srocc(predicted, labels),
        krocc=krocc(predicted, labels),
        plcc=plcc(predicted, labels),
        rmse=rmse(predicted, labels),
        plcc_mapped=nan if mapped is None else plcc(mapped, labels),
        rmse_mapped=nan if mapped is None else rmse(mapped, labels),
        outlier_ratio=outliers,
        epsilon_rmse=epsilon,
        outlier_rule=rule,
    )
