"""Labelled items as a ridge sees them: vectors, scores, weights and folds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from conviqt_cli.arrays import Floats, Indices, Mask
from conviqt_cli.fitting.splits import grouped_folds
from conviqt_cli.fitting.weighted_ridge import WeightedRidge
from conviqt_cli.training.heads.labelled_vectors import Item

#: No content counts more than this many of its items: versions of one scene repeat each other.
MOST_PER_CONTENT = 12

FOLDS = 5
_SEED = 20260101


@dataclass(frozen=True)
class RidgeSettings:
    """``penalty`` as in :class:`WeightedRidge`; an opinion score counts ``human_weight``, a metric's 1."""

    penalty: float
    human_weight: float


@dataclass(frozen=True)
class Labelled:
    """Items to fit on or to measure with.

    ``vectors`` (n, d) are means over each item's clips; ``scores`` (n,) nominal on 1 to 5; ``values`` (n,) the labels
    as they were given (MOS, DMOS, a metric's label); ``human`` (n,) whether people gave the label.
    """

    vectors: Floats
    scores: Floats
    values: Floats
    sets: NDArray[np.str_]
    contents: NDArray[np.str_]
    human: Mask

    @classmethod
    def of(cls, items: Sequence[Item], clips: Sequence[Floats]) -> Labelled:
        """From items and their clip vectors (clips, d), in one order."""
        return cls(
            np.stack([each.mean(axis=0) for each in clips]),
            np.array([item.score for item in items]),
            np.array([item.value for item in items]),
            np.array([item.set for item in items]),
            np.array([item.content for item in items]),
            np.array([item.human for item in items]),
        )

    def take(self, chosen: Mask) -> Labelled:
        """Some of the items."""
        return Labelled(
            self.vectors[chosen],
            self.scores[chosen],
            self.values[chosen],
            self.sets[chosen],
            self.contents[chosen],
            self.human[chosen],
        )

    def contents_of(self, chosen: Mask) -> int:
        """How many different contents some of the items show."""
        return len(np.unique(self.contents[chosen]))

    def weights(self, human_weight: float) -> Floats:
        """The weight of each item (n,)."""
        _, content, sizes = np.unique(self.contents, return_inverse=True, return_counts=True)
        return np.where(self.human, human_weight, 1.0) * np.minimum(1.0, MOST_PER_CONTENT / sizes[content])

    @cached_property
    def folds(self) -> list[tuple[Indices, Indices]]:
        """Cross-validation folds, (train, test) positions; the items of a content are all in one fold."""
        return grouped_folds(self.contents, FOLDS, _SEED)

    @cached_property
    def products(self) -> Floats:
        """Inner products (n, n) of the vectors less their mean; without the mean, they keep more digits."""
        centred = self.vectors - self.vectors.mean(axis=0)
        return np.asarray(centred @ centred.T)

    def ridge(self, settings: RidgeSettings, rows: Indices | None = None) -> WeightedRidge:
        """A ridge on all items, or on those at ``rows``."""
        weights = self.weights(settings.human_weight)
        if rows is None:
            return WeightedRidge.of(self.products, weights, settings.penalty)
        return WeightedRidge.of(self.products[np.ix_(rows, rows)], weights[rows], settings.penalty)

    def out_of_fold(self, labels: Floats, settings: RidgeSettings) -> Floats:
        """Predictions (n,), each by a ridge that has not seen the item's content."""
        predicted = np.empty(len(labels))
        for train, test in self.folds:
            ridge = self.ridge(settings, train)
            predicted[test] = ridge.predict(self.products[np.ix_(test, train)], labels[train])
        return predicted

    def operator(self, settings: RidgeSettings, left_out: Sequence[str] = ()) -> Floats:
        """The matrix (n, n) from labels to out-of-fold predictions, by ridges that never see the sets ``left_out``."""
        usable = ~np.isin(self.sets, left_out)
        matrix = np.zeros((len(self.scores), len(self.scores)))
        for train, test in self.folds:
            seen = train[usable[train]]
            matrix[np.ix_(test, seen)] = self.ridge(settings, seen).operator(self.products[np.ix_(test, seen)])
        return matrix
