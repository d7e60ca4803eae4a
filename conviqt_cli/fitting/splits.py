"""Dividing a labelled set so that no content is on both sides.

Videos that show the same content resemble each other whatever their quality; a model that has seen one of them is
judged too kindly on the others. Every division here moves whole contents.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from conviqt_cli.arrays import Indices

Split = tuple[Indices, Indices]


def grouped_splits(groups: NDArray[Any], repeats: int = 100, test_share: float = 0.2, seed: int = 0) -> list[Split]:
    """Random train and test indices, ``test_share`` of the *contents* (at least one) on the test side.

    ``groups`` (n,) names each item's content. A longer run begins with the splits of a shorter one of
    the same ``seed``. With few contents the number of different splits is small; each is given once, so fewer than
    ``repeats`` may come back. Raises ``ValueError`` with fewer than two contents.
    """
    contents, content = np.unique(groups, return_inverse=True)
    if len(contents) < 2:
        raise ValueError("a split needs at least two contents")
    taken = min(max(1, round(test_share * len(contents))), len(contents) - 1)
    possible = math.comb(len(contents), taken)
    splits: list[Split] = []
    seen: set[bytes] = set()
    attempt = 0
    while len(splits) < min(repeats, possible):
        chosen = np.zeros(len(contents), dtype=bool)
        chosen[np.random.default_rng([seed, attempt]).permutation(len(contents))[:taken]] = True
        attempt += 1
        if chosen.tobytes() not in seen:
            seen.add(chosen.tobytes())
            splits.append((np.flatnonzero(~chosen[content]), np.flatnonzero(chosen[content])))
    return splits


def grouped_folds(groups: NDArray[Any], folds: int = 5, seed: int = 0) -> list[Split]:
    """Cross-validation: every item on the test side exactly once, contents kept whole, sides of similar size.

    As many folds as there are contents when those are fewer. Raises ``ValueError`` with fewer than two contents.
    """
    contents, content, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    if len(contents) < 2:
        raise ValueError("cross-validation needs at least two contents")
    folds = min(folds, len(contents))
    shuffled = np.random.default_rng([seed, len(contents)]).permutation(len(contents))
    # Largest contents first, each to the emptiest fold; the shuffle decides among equals.
    load = np.zeros(folds)
    fold_of = np.empty(len(contents), dtype=np.intp)
    for each in shuffled[np.argsort(-sizes[shuffled], kind="stable")]:
        fold_of[each] = int(np.argmin(load))
        load[fold_of[each]] += sizes[each]
    return [(np.flatnonzero(fold_of[content] != k), np.flatnonzero(fold_of[content] == k)) for k in range(folds)]
