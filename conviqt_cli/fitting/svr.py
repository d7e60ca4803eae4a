"""Support vector regression with a radial kernel, for comparison with the literature on hand-made features.

Protocol of Tu et al., "UGC-VQA: Benchmarking blind video quality assessment for user generated content", IEEE TIP 30,
2021: features scaled to [0, 1] on the training side, C and gamma chosen there on a logarithmic grid of base 2. Here
the choice is by content-grouped cross-validation, and two things make the grid independent of units: labels are
standardised on the training side, and gamma is searched around one over the mean squared distance between its vectors
(for 60 features that spans most of the published 2^-8 to 2^1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from conviqt_cli.arrays import Floats
from conviqt_cli.fitting.estimator import UNSTATED, Parameters
from conviqt_cli.fitting.splits import Split
from conviqt_cli.labels.dataset import Dataset
from conviqt_cli.quality.regressor import SvrRegressor

#: C in units of standardised labels; gamma relative to one over the mean squared distance. Smoothest first.
COSTS = tuple(2.0**power for power in (0, 2, 4, 6, 8))
GAMMAS = tuple(2.0**power for power in (-6, -4, -2, 0))
EPSILON = 0.1
# libsvm's cache in MB, and a bound on its iterations: hopeless corners of the grid (large C, narrow kernel) may not
# converge for minutes, and are never the ones chosen.
_CACHE = 500
_SEARCH_ITERATIONS = 10_000


class Svr:
    """Hyper-parameters: ``cost`` and ``gamma``, both relative as in :data:`COSTS` and :data:`GAMMAS`."""

    name = "svr"

    def search(self, data: Dataset, folds: list[Split]) -> Parameters:
        """See :class:`conviqt_cli.fitting.estimator.Estimator`."""
        vectors = data.means
        errors = np.zeros((len(GAMMAS), len(COSTS)))
        for train, test in folds:
            part = _Scaled.of(vectors[train], data.mos[train])
            within = _squared_distances(part.vectors, part.vectors)
            across = _squared_distances(part.scale(vectors[test]), part.vectors)
            for i, gamma in enumerate(GAMMAS):
                kernel, unseen = np.exp(-gamma * within / part.distance), np.exp(-gamma * across / part.distance)
                for j, cost in enumerate(COSTS):
                    support, dual, intercept = _solve(kernel, part.labels, cost, _SEARCH_ITERATIONS)
                    predicted = unseen[:, support] @ dual + intercept
                    errors[i, j] += ((part.level + part.spread * predicted - data.mos[test]) ** 2).sum()
        least = int(np.argmin(errors))
        return {"gamma": GAMMAS[least // len(COSTS)], "cost": COSTS[least % len(COSTS)]}

    def fit(self, data: Dataset, parameters: Parameters) -> SvrRegressor:
        """See :class:`conviqt_cli.fitting.estimator.Estimator`."""
        part = _Scaled.of(data.means, data.mos)
        gamma = float(parameters["gamma"]) / part.distance
        kernel = np.exp(-gamma * _squared_distances(part.vectors, part.vectors))
        support, dual, intercept = _solve(kernel, part.labels, float(parameters["cost"]), -1)
        if not len(support):  # every label within epsilon of one value: a constant, which still needs one vector
            support, dual = np.array([0]), np.array([0.0])
        return SvrRegressor(
            support=part.vectors[support],
            dual=dual * part.spread,
            intercept=intercept * part.spread + part.level,
            gamma=gamma,
            offset=part.offset,
            factor=part.factor,
            scale=UNSTATED,
            encoder_id="",
        )


@dataclass(frozen=True)
class _Scaled:
    """Features in [0, 1] and labels of unit spread, both measured on one training side."""

    vectors: Floats
    labels: Floats
    offset: Floats
    factor: Floats
    level: float
    spread: float
    distance: float

    @classmethod
    def of(cls, vectors: Floats, labels: Floats) -> _Scaled:
        offset, reach = vectors.min(axis=0), np.ptp(vectors, axis=0)
        factor = 1.0 / np.where(reach > 0, reach, 1.0)
        scaled = (vectors - offset) * factor
        distance = 2.0 * float(scaled.var(axis=0).sum())  # the mean squared distance between two of them
        spread = float(labels.std())
        level = float(labels.mean())
        spread = spread if spread > 0 else 1.0
        return cls(scaled, (labels - level) / spread, offset, factor, level, spread, distance or 1.0)

    def scale(self, vectors: Floats) -> Floats:
        return np.asarray((vectors - self.offset) * self.factor)


def _squared_distances(left: Floats, right: Floats) -> Floats:
    squared = (left**2).sum(axis=1)[:, None] + (right**2).sum(axis=1) - 2.0 * left @ right.T
    return np.asarray(np.maximum(squared, 0.0))


def _solve(kernel: Floats, labels: Floats, cost: float, iterations: int) -> tuple[NDArray[Any], Floats, float]:
    """Indices of the support vectors, their dual coefficients, and the intercept."""
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.svm import SVR

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = SVR(kernel="precomputed", C=cost, epsilon=EPSILON, cache_size=_CACHE, max_iter=iterations)
        model.fit(kernel, labels)
    return model.support_, model.dual_coef_[0], float(model.intercept_[0])
