"""The four-parameter logistic that maps a model's scores onto the scale of the labels.

    q(x) = b2 + (b1 - b2) / (1 + exp(-(x - b3) / |b4|))

Used before PLCC and RMSE in the literature (Video Quality Experts Group, FR-TV Phase I, 2000; ITU-T Rec. P.1401) since
a model need not be linear in opinion. It is fitted to the very items it is judged on, by convention, so it flatters
small sets: figures before the mapping are always reported beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]

# Bounds in units of the scores' own spread. Beyond them the curve is a step or a straight line to within rounding,
# and the parameters run away without changing the fit.
_NARROWEST, _WIDEST = 0.002, 50.0


@dataclass(frozen=True)
class Logistic:
    """A fitted mapping: ``b1`` and ``b2`` are its ends in label units, ``b3`` its middle and ``b4`` > 0 its width.

    It falls where ``b1 < b2`` (scores that run against the labels).
    """

    b1: float
    b2: float
    b3: float
    b4: float

    def __call__(self, scores: Floats) -> NDArray[np.float64]:
        """Map scores of any shape to the label scale."""
        return np.asarray(self.b2 + (self.b1 - self.b2) * _rise((np.asarray(scores, np.float64) - self.b3) / self.b4))


def fit_logistic(scores: Floats, labels: Floats) -> Logistic:
    """Least-squares fit of labels (n,) on scores (n,).

    It always returns the best curve found and never does worse than the mean of the labels: constant scores, constant
    labels or a single item give that mean; two or three items are met exactly where a logistic can. Raises
    ``ValueError`` without items or on values that are not finite.
    """
    from scipy.optimize import least_squares

    x, y = np.asarray(scores, dtype=np.float64), np.asarray(labels, dtype=np.float64)
    if x.ndim != 1 or x.shape != y.shape or not len(x) or not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise ValueError(f"finite scores and labels of one length expected, got shapes {x.shape} and {y.shape}")
    level, spread = float(y.mean()), float(np.ptp(y))
    middle, width = float(x.mean()), float(np.ptp(x))
    if not (width > 0 and spread > 0):
        return Logistic(level, level, middle, 1.0)
    unit, target = (x - middle) / width, (y - level) / spread

    # For given b3 and b4 the two ends are linear least squares, so a small grid over b3 and b4 finds the right basin.
    middles, widths = np.quantile(unit, np.linspace(0.1, 0.9, 5)), np.array([0.01, 0.06, 0.15, 0.4, 1.0, 3.0, 20.0])
    b3s, b4s = (grid.ravel() for grid in np.meshgrid(middles, widths))
    curves = _rise((unit - b3s[:, None]) / b4s[:, None])
    offsets = curves - curves.mean(axis=1, keepdims=True)
    rises = offsets @ target / np.maximum((offsets**2).sum(axis=1), 1e-300)
    costs = ((rises[:, None] * offsets - (target - target.mean())) ** 2).sum(axis=1)
    least = int(np.argmin(costs))
    best, rise = float(costs[least]), rises[least]
    start = np.array([target.mean() - rise * curves[least].mean(), rise, b3s[least], np.log(b4s[least])])

    def residuals(parameters: NDArray[np.float64]) -> NDArray[np.float64]:
        low, rise, b3, log_b4 = parameters
        return np.asarray(low + rise * _rise((unit - b3) * np.exp(-log_b4)) - target)

    def jacobian(parameters: NDArray[np.float64]) -> NDArray[np.float64]:
        _, rise, b3, log_b4 = parameters
        z = (unit - b3) * np.exp(-log_b4)
        curve = _rise(z)
        slope = rise * curve * (1.0 - curve)
        return np.column_stack([np.ones_like(unit), curve, -slope * np.exp(-log_b4), -slope * z])

    reach = np.array([np.inf, np.inf, 10.0, np.log(_WIDEST)])
    floor = np.array([-np.inf, -np.inf, -10.0, np.log(_NARROWEST)])
    found = least_squares(
        residuals, start, jac=jacobian, bounds=(floor, reach), xtol=1e-12, ftol=1e-12, gtol=1e-12, max_nfev=500
    )
    low, rise, b3, log_b4 = found.x if 2 * found.cost <= best else start
    return Logistic(
        b1=float(level + spread * (low + rise)),
        b2=float(level + spread * low),
        b3=float(middle + width * b3),
        b4=float(width * np.exp(log_b4)),
    )


def _rise(z: NDArray[np.float64]) -> NDArray[np.float64]:
    from scipy.special import expit

    return np.asarray(expit(z), dtype=np.float64)
