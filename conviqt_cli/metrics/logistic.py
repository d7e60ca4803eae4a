"""The four-parameter logistic that maps a model's scores onto the scale of the labels.

    q(x) = b2 + (b1 - b2) / (1 + exp(-(x - b3) / |b4|))

Used before PLCC and RMSE in the literature (Video Quality Experts Group, FR-TV Phase I, 2000; ITU-T Rec. P.1401) since
a model need not be linear in opinion. It is fitted to the very items it is judged on, by convention, so it flatters
small sets: figures before the mapping are always reported beside it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from conviqt_cli.arrays import Floats

# Bounds of b3 and log b4 in units of the scores' range. Beyond them the curve is a step or a straight line to within
# rounding, and the parameters run away without changing the fit.
_BOUNDS = (np.array([-10.0, np.log(0.002)]), np.array([10.0, np.log(50.0)]))
_TINY = 1e-300


@dataclass(frozen=True)
class Logistic:
    """A fitted mapping: ``b1`` and ``b2`` are its ends in label units, ``b3`` its middle and ``b4`` > 0 its width.

    It falls where ``b1 < b2`` (scores that run against the labels).
    """

    b1: float
    b2: float
    b3: float
    b4: float

    def __call__(self, scores: Floats) -> Floats:
        """Map scores of any shape to the label scale."""
        return np.asarray(self.b2 + (self.b1 - self.b2) * _rise((np.asarray(scores, np.float64) - self.b3) / self.b4))


def fit_logistic(scores: Floats, labels: Floats) -> Logistic:
    """Least-squares fit of labels (n,) on scores (n,).

    It always returns the best curve found and never does worse than the mean of the labels: constant scores, constant
    labels or a single item give that mean; two or three items are met exactly where a logistic can. Raises
    ``ValueError`` without items or on values that are not finite.
    """
    x, y = np.asarray(scores, dtype=np.float64), np.asarray(labels, dtype=np.float64)
    if x.ndim != 1 or x.shape != y.shape or not len(x) or not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise ValueError(f"finite scores and labels of one length expected, got shapes {x.shape} and {y.shape}")
    level, spread = float(y.mean()), float(np.ptp(y))
    middle, width = float(x.mean()), float(np.ptp(x))
    if not (width > 0 and spread > 0):
        return Logistic(level, level, middle, 1.0)
    unit, target = (x - middle) / width, (y - level) / spread

    # For given b3 and b4 the two ends are linear least squares, in closed form, so only b3 and b4 are searched
    # (variable projection: Golub and Pereyra, SIAM J. Numer. Anal. 10, 1973): a grid finds basins, each is refined.
    curve = _Projected(unit, target - target.mean())
    starts = curve.best_of_grid(count=3)
    _, (b3, log_b4) = min((curve.refine(start) for start in starts), key=lambda found: found[0])
    shape, _, rise = curve.solve(np.array([b3, log_b4]))
    low = float(target.mean() - rise * shape.mean())
    return Logistic(
        b1=float(level + spread * (low + rise)),
        b2=float(level + spread * low),
        b3=float(middle + width * b3),
        b4=float(width * np.exp(log_b4)),
    )


class _Projected:
    """The least-squares problem in b3 and log b4 alone; ``x`` spans one unit, ``y`` has mean zero."""

    def __init__(self, x: Floats, y: Floats) -> None:
        self.x, self.y = x, y

    def best_of_grid(self, count: int) -> list[Floats]:
        """The best point of a grid, and the best ones at other widths."""
        middles = np.quantile(self.x, (0.02, 0.1, 0.25, 0.4, 0.5, 0.6, 0.75, 0.9, 0.98))
        b3, log_b4 = np.meshgrid(middles, np.log([0.01, 0.03, 0.1, 0.3, 1.0, 5.0]))
        curves = _rise((self.x - b3[..., None]) * np.exp(-log_b4[..., None]))
        offsets = curves - curves.mean(axis=2, keepdims=True)
        gained = (offsets @ self.y) ** 2 / np.maximum((offsets**2).sum(axis=2), _TINY)
        best = gained.argmax(axis=1)
        rows = np.argsort(-gained.max(axis=1), kind="stable")[:count]
        return [np.array([b3[row, best[row]], log_b4[row, best[row]]]) for row in rows]

    def solve(self, at: Floats) -> tuple[Floats, Floats, float]:
        """The curve from 0 to 1, the curve about its mean, and the best rise of it."""
        curve = _rise((self.x - at[0]) * np.exp(-at[1]))
        offset = curve - curve.mean()
        return curve, offset, float(offset @ self.y / max(float(offset @ offset), _TINY))

    def refine(self, start: Floats) -> tuple[float, Floats]:
        """Levenberg's and Marquardt's descent, kept inside the bounds: the squared error reached, and where."""
        from scipy.optimize import leastsq  # least_squares does the same, in a third more time

        found, *_ = leastsq(self._errors, start, Dfun=self._slopes, maxfev=200, full_output=True)
        error = self._errors(found)
        return float(error @ error), _inside(found)

    def _errors(self, at: Floats) -> Floats:
        _, offset, rise = self.solve(_inside(at))
        return np.asarray(rise * offset - self.y)

    def _slopes(self, at: Floats) -> Floats:
        """How the errors change with b3 and log b4, (n, 2); not at all beyond the bounds.

        Kaufman's approximation: how the ends would follow is left out, but what they can absorb is not.
        """
        free, at = at == _inside(at), _inside(at)
        curve, offset, rise = self.solve(at)
        narrow = np.exp(-at[1])
        slope = rise * curve * (1.0 - curve)
        moved = np.column_stack([-slope * narrow, -slope * (self.x - at[0]) * narrow]) * free
        moved -= moved.mean(axis=0)
        return np.asarray(moved - np.outer(offset, offset @ moved) / max(float(offset @ offset), _TINY))


def _inside(at: Floats) -> Floats:
    return np.asarray(np.minimum(np.maximum(at, _BOUNDS[0]), _BOUNDS[1]))


def _rise(z: Floats) -> Floats:
    from scipy.special import expit

    return np.asarray(expit(z), dtype=np.float64)
