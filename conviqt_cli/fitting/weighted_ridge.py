"""Ridge regression on weighted items, in terms of their inner products alone.

Minimises ``sum w (y - a - x b)² + alpha |b|²`` with an unpenalised level ``a``. ``alpha`` is ``penalty`` times the
weighted mean energy of the centred vectors, so that one grid of penalties serves encoders whose vectors spread
differently. Inner products are taken once for all folds, penalties and weights; and since predictions are linear in the
labels, :meth:`WeightedRidge.operator` gives the matrix by which new labels become predictions without another fit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from conviqt_cli.arrays import Floats


@dataclass(frozen=True)
class WeightedRidge:
    """A fit to n vectors before their labels are known.

    ``share`` (n,) are the weights over their sum; ``towards`` (n,) the products of each vector with the weighted mean,
    ``middle`` the mean's with itself; ``factor`` the Cholesky factor of what is to be solved, ``root`` (n,) the roots
    of the weights.
    """

    share: Floats
    towards: Floats
    middle: float
    factor: tuple[Floats, bool]
    root: Floats

    @classmethod
    def of(cls, products: Floats, weights: Floats, penalty: float) -> WeightedRidge:
        """From inner products (n, n) of the vectors, ``weights`` (n,) and ``penalty``, both positive."""
        share = weights / weights.sum()
        towards = products @ share
        middle = float(share @ towards)
        root = np.sqrt(weights)
        system = (products - towards[:, None] - towards[None, :] + middle) * root[:, None] * root[None, :]
        energy = max(float(np.trace(system) / weights.sum()), 1e-300)
        system[np.diag_indices_from(system)] += penalty * energy
        return cls(share, towards, middle, cho_factor(system, overwrite_a=True), root)

    def predict(self, products: Floats, labels: Floats) -> Floats:
        """Predictions (m,) for vectors by their products (m, n) with the fitted ones, labelled ``labels`` (n,)."""
        level = float(self.share @ labels)
        dual = self.root * cho_solve(self.factor, self.root * (labels - level))
        return np.asarray(self._centred(products) @ dual + level)

    def operator(self, products: Floats) -> Floats:
        """The matrix (m, n) that takes labels of the fitted vectors to what :meth:`predict` gives."""
        scaled = (self._centred(products) * self.root).T
        reach = cho_solve(self.factor, scaled).T * self.root
        return np.asarray(reach + (1.0 - reach.sum(axis=1))[:, None] * self.share[None, :])

    def coefficients(self, vectors: Floats, labels: Floats) -> tuple[Floats, float]:
        """Coefficients (d,) and intercept, given the fitted ``vectors`` (n, d) and ``labels`` (n,)."""
        level = float(self.share @ labels)
        dual = self.root * cho_solve(self.factor, self.root * (labels - level))
        centre = self.share @ vectors
        slope = (vectors - centre).T @ dual
        return slope, level - float(centre @ slope)

    def _centred(self, products: Floats) -> Floats:
        centred: Floats = products - (products @ self.share)[:, None] - self.towards[None, :] + self.middle
        return centred
