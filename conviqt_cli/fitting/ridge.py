"""Ridge regression, the published regressor (CONVIQT, section III-D), with its penalty chosen by cross-validation.

The penalty is searched relative to the mean energy of the vectors (``trace(X'X) / n`` after centring), so one grid
serves unit-length clip vectors and hand-made features alike; whether to standardise each feature first is part of the
search, since the published vectors do best as they are and mixed units do not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from conviqt_cli.arrays import Floats
from conviqt_cli.fitting.estimator import UNSTATED, Parameters
from conviqt_cli.fitting.splits import Split
from conviqt_cli.labels.dataset import Dataset
from conviqt_cli.quality.regressor import LinearRegressor

#: Relative penalties, strongest first so that a tie goes to the smoother model.
PENALTIES = tuple(float(value) for value in 10.0 ** np.arange(4.0, -8.5, -0.5))


class Ridge:
    """Hyper-parameters: ``penalty`` (relative) and ``standardise``; ``alpha`` is the same penalty in absolute terms."""

    name = "ridge"

    def search(self, data: Dataset, folds: list[Split]) -> Parameters:
        """See :class:`conviqt_cli.fitting.estimator.Estimator`."""
        vectors = data.means
        best, chosen = np.inf, {"standardise": False, "penalty": PENALTIES[0]}
        for standardise in (False, True):
            errors = np.zeros(len(PENALTIES))
            for train, test in folds:
                solver = _Solver.of(vectors[train], data.mos[train], standardise)
                errors += ((solver.predict(vectors[test], PENALTIES) - data.mos[test, None]) ** 2).sum(axis=0)
            least = int(np.argmin(errors))
            if errors[least] < best:
                best, chosen = float(errors[least]), {"standardise": standardise, "penalty": PENALTIES[least]}
        return chosen

    def fit(self, data: Dataset, parameters: Parameters) -> LinearRegressor:
        """See :class:`conviqt_cli.fitting.estimator.Estimator`."""
        solver = _Solver.of(data.means, data.mos, bool(parameters["standardise"]))
        coef, intercept = solver.coefficients(float(parameters["penalty"]))
        return LinearRegressor(coef, intercept, UNSTATED, "")


def absolute_penalty(data: Dataset, parameters: Parameters) -> float:
    """The chosen penalty as scikit-learn's ``Ridge(alpha=...)`` counts it, on vectors centred (and standardised)."""
    solver = _Solver.of(data.means, data.mos, bool(parameters["standardise"]))
    return float(parameters["penalty"]) * solver.energy


@dataclass(frozen=True)
class _Solver:
    """One eigendecomposition, from which the solution for any penalty follows.

    Minimises ``|y - Xw|² + alpha |w|²`` on centred data, in whichever of the primal (d, d) and dual (n, n) forms is
    smaller; both have the same solution.
    """

    centre: Floats
    spread: Floats
    level: float
    centred: Floats
    values: Floats
    vectors: Floats
    projected: Floats
    energy: float

    @classmethod
    def of(cls, vectors: Floats, labels: Floats, standardise: bool) -> _Solver:
        centre = vectors.mean(axis=0)
        spread = np.ones(vectors.shape[1])
        if standardise:
            spread = vectors.std(axis=0)
            # A feature that is constant here carries nothing; leave it unscaled instead of dividing by nearly zero.
            spread[spread <= 1e-12 * max(float(spread.max()), 1e-300)] = 1.0
        centred = (vectors - centre) / spread
        level = float(labels.mean())
        primal = centred.shape[1] <= len(centred)
        matrix = centred.T @ centred if primal else centred @ centred.T
        energy = max(float(np.trace(matrix)) / len(centred), 1e-300)
        values, basis = np.linalg.eigh(matrix)
        projected = basis.T @ (centred.T @ (labels - level) if primal else labels - level)
        return cls(centre, spread, level, centred, np.maximum(values, 0.0), basis, projected, energy)

    @property
    def _primal(self) -> bool:
        return bool(self.vectors.shape[0] == self.centred.shape[1])

    def _shrunk(self, penalties: Any) -> Floats:
        """Solutions in the eigenbasis, one column per relative penalty."""
        alphas = np.atleast_1d(np.asarray(penalties, dtype=np.float64)) * self.energy
        return np.asarray(self.projected[:, None] / (self.values[:, None] + alphas))

    def predict(self, vectors: Floats, penalties: Any) -> Floats:
        """(n, d) to (n, penalties)."""
        centred = (vectors - self.centre) / self.spread
        kernel = centred if self._primal else centred @ self.centred.T
        return np.asarray(kernel @ (self.vectors @ self._shrunk(penalties)) + self.level)

    def coefficients(self, penalty: float) -> tuple[Floats, float]:
        """Coefficients on the vectors as they come, and the intercept."""
        solution = self.vectors @ self._shrunk(penalty)[:, 0]
        weights = (solution if self._primal else self.centred.T @ solution) / self.spread
        return weights, float(self.level - self.centre @ weights)
