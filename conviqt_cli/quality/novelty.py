"""Is this video unlike everything the regressor was fitted on?

A regressor answers for any vector, also for one far from all it has seen. Two distances tell: how far a video's mean
vector lies *within* the directions in which the fitting set varies (Hotelling's T²: a Mahalanobis distance on the
leading principal components), and how far it lies *outside* those directions (the residual, Q). Both come from
multivariate process control (Jackson and Mudholkar, "Control procedures for residuals associated with principal
component analysis", Technometrics 21, 1979), which faces the same case of more dimensions than samples.

Each is held against its own quantile on the fitting set, where every video is measured by a model that has not seen its
content: distances to a model fitted on the same video would be too small.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from conviqt_cli.arrays import Floats
from conviqt_cli.errors import RegressorError

#: Share of familiar videos that may be called novel.
FALSE_ALARMS = 0.01
#: Below this many videos the spread of the fitting set is too uncertain to call anything unlike it.
FEWEST = 10
_EXPLAINED = 0.99
_MOST_COMPONENTS = 64
_FOLDS = 5


@dataclass(frozen=True)
class Novelty:
    """The region of vector space that a regressor was fitted on.

    ``mean`` and ``spread`` (d,) standardise a vector; ``components`` (k, d) are the leading directions, ``variances``
    (k,) the variance along them. ``limits`` (2,) are the distances within and outside those directions beyond which a
    video is novel; ``false_alarms`` is the share of familiar videos that these limits flag.
    """

    mean: Floats
    spread: Floats
    components: Floats
    variances: Floats
    limits: Floats
    false_alarms: float

    @classmethod
    def fit(cls, vectors: Floats, groups: NDArray[Any]) -> Novelty | None:
        """Learn the region from mean vectors (n, d) with contents ``groups`` (n,); ``None`` below 10 videos."""
        vectors = np.asarray(vectors, dtype=np.float64)
        count = len(vectors)
        if count < FEWEST:
            return None
        _, content = np.unique(groups, return_inverse=True)
        if content.max() == 0:
            content = np.arange(count)  # one content: only other versions of it can be told apart
        fold = content % min(_FOLDS, int(content.max()) + 1)
        distances = np.empty((count, 2))
        for held_out in range(int(fold.max()) + 1):
            out = fold == held_out
            if out.any():
                distances[out] = _Space.of(vectors[~out]).distances(vectors[out])
        # Two limits share the false alarms; with few videos the largest distance seen is the best that can be said.
        share = FALSE_ALARMS / 2
        rank = min(int(np.ceil((count + 1) * (1 - share))), count)
        limits = np.sort(distances, axis=0)[rank - 1]
        space = _Space.of(vectors)
        return cls(
            space.mean.astype(np.float32),
            space.spread.astype(np.float32),
            space.components.astype(np.float32),
            space.variances.astype(np.float32),
            np.maximum(limits, np.finfo(np.float32).tiny),
            false_alarms=max(FALSE_ALARMS, 2 / (count + 1)),
        )

    def score(self, vectors: Floats) -> float:
        """How unlike the fitting set a video is: 1 is the limit, above it the video is novel.

        ``vectors``: (clips, d), the clips of one video, of which the mean counts; or one vector (d,).
        Raises :class:`RegressorError` when the width differs or values are not finite.
        """
        vectors = np.atleast_2d(np.asarray(vectors, dtype=np.float64))
        if vectors.shape[1] != len(self.mean) or not np.isfinite(vectors).all():
            raise RegressorError(f"novelty expects finite vectors of {len(self.mean)} values, got {vectors.shape}")
        space = _Space(
            *(np.asarray(part, dtype=np.float64) for part in (self.mean, self.spread, self.components, self.variances))
        )
        return float((space.distances(vectors.mean(axis=0, keepdims=True))[0] / self.limits).max())

    def is_novel(self, vectors: Floats) -> bool:
        """Whether a video (see :meth:`score`) lies outside what the regressor was fitted on."""
        return self.score(vectors) > 1.0

    def to_tensors(self) -> dict[str, NDArray[Any]]:
        """The arrays to store, by name; :meth:`from_tensors` reads them back."""
        return {
            "novelty.mean": self.mean,
            "novelty.spread": self.spread,
            "novelty.components": np.ascontiguousarray(self.components),
            "novelty.variances": self.variances,
            "novelty.limits": self.limits,
            "novelty.false_alarms": np.array([self.false_alarms]),
        }

    @classmethod
    def from_tensors(cls, tensors: dict[str, NDArray[Any]], width: int) -> Novelty | None:
        """Read back, for vectors of ``width`` values; ``None`` where a file has none.

        Raises :class:`RegressorError` when the arrays are damaged.
        """
        if "novelty.limits" not in tensors:
            return None
        try:
            mean, spread, components, variances, limits, alarms = (
                tensors[f"novelty.{name}"]
                for name in ("mean", "spread", "components", "variances", "limits", "false_alarms")
            )
        except KeyError as error:
            raise RegressorError(f"damaged novelty model in the regressor (no {error})") from None
        sound = (
            mean.shape == spread.shape == (width,)
            and components.shape == (len(variances), width)
            and limits.shape == (2,)
            and alarms.shape == (1,)
            and all(bool(np.isfinite(part).all()) for part in (mean, spread, components, variances, limits, alarms))
            and bool((spread > 0).all() and (variances > 0).all() and (limits > 0).all())
        )
        if not sound:
            raise RegressorError("damaged novelty model in the regressor (values out of range)")
        return cls(mean, spread, components, variances, limits, float(alarms[0]))


@dataclass(frozen=True)
class _Space:
    mean: Floats
    spread: Floats
    components: Floats
    variances: Floats

    @classmethod
    def of(cls, vectors: Floats) -> _Space:
        mean = vectors.mean(axis=0)
        spread = vectors.std(axis=0)
        # A dimension that never moved has no scale of its own and must not divide by zero: it is given the typical one.
        typical = float(np.median(spread[spread > 0])) if (spread > 0).any() else 1.0
        spread = np.where(spread > 1e-6 * typical, spread, typical)
        standard = (vectors - mean) / spread
        count, width = standard.shape
        # The smaller of the two symmetric matrices has the same non-zero spectrum, and is far cheaper than an SVD.
        values, directions = np.linalg.eigh(standard.T @ standard if width <= count else standard @ standard.T)
        order = np.argsort(values)[::-1]
        variances = np.maximum(values[order], 0.0) / max(count - 1, 1)
        total = float(variances.sum())
        if total == 0.0:
            return cls(mean, spread, np.eye(1, width), np.ones(1))
        enough = int(np.searchsorted(np.cumsum(variances) / total, _EXPLAINED)) + 1
        kept = max(1, min(enough, _MOST_COMPONENTS, (len(vectors) - 1) // 2, int((variances > 1e-9 * total).sum())))
        leading = directions[:, order[:kept]]
        components = leading.T if width <= count else (standard.T @ leading / np.sqrt(values[order[:kept]])).T
        return cls(mean, spread, components, variances[:kept])

    def distances(self, vectors: Floats) -> Floats:
        """Within and outside the leading directions, (n, 2)."""
        standard = (vectors - self.mean) / self.spread
        along = standard @ self.components.T
        outside = ((standard - along @ self.components) ** 2).sum(axis=1)
        return np.asarray(np.sqrt(np.stack([(along**2 / self.variances).sum(axis=1), outside], axis=1)))
