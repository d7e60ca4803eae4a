"""How likely do viewers prefer one version of a scene to another, by the difference of their scores?

    python -m benchmarks.preference OPINIONS ENCODES CACHE [--weights BUNDLE] [--precision fp32]

OPINIONS is a folder of sets of opinion scores, ENCODES one that ``conviqt train labels`` made; spatial features are
kept in CACHE. Every pair of versions of one scene counts alike; a pair of equal opinion is left out. Scores come from
ridges that have seen neither the scene nor the set, with the penalty and weights of the bundle's regressor. Prints the
slope of the logistic function that ``conviqt_cli/comparing/preference.py`` holds, and a table of reliability: for each
set, by the slope of the others.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np

from conviqt_cli.arrays import Floats, Mask
from conviqt_cli.model import open_encoder
from conviqt_cli.model.bundle import open_bundle
from conviqt_cli.plans.picture_plan import CROPS
from conviqt_cli.training.heads.labelled import Labelled, RidgeSettings
from conviqt_cli.training.heads.labelled_vectors import Item, clip_vectors, encoded_items, human_items

SETS = ("avt_image_h265", "avt_uhd1_frames", "live_iqa_r2_subset", "sr4kiqa")

#: Set that is not fitted on: underwater pictures.
LEFT_OUT = "pcuid_underwater"

BINS = (0.5, 0.6, 0.75, 0.9, 0.97, 1.0)


def pairs(labelled: Labelled, name: str, ridge: RidgeSettings) -> tuple[Floats, Floats]:
    """Of all pairs within a scene of a set: differences of score (n,), and of opinion (n,)."""
    seen = labelled.operator(ridge, (name,)) @ labelled.scores
    predicted = np.clip(seen, 1, 5)
    found = []
    for content in np.unique(labelled.contents[labelled.sets == name]):
        rows = np.flatnonzero((labelled.sets == name) & (labelled.contents == content))
        found += [
            (predicted[one] - predicted[other], labelled.scores[one] - labelled.scores[other])
            for one, other in combinations(rows, 2)
            if labelled.scores[one] != labelled.scores[other]
        ]
    apart = np.array(found)
    return apart[:, 0], apart[:, 1]


def slope(apart: Floats, right: Mask) -> float:
    """The maximum-likelihood slope of P(right) = 1 / (1 + exp(-slope x apart)), by Newton's method."""
    value = 1.0
    for _ in range(100):
        chance = 1 / (1 + np.exp(-value * apart))
        value += float((apart * (right - chance)).sum() / (apart**2 * chance * (1 - chance)).sum())
    return value


def report(items: Sequence[Item], vectors: Sequence[Floats], ridge: RidgeSettings) -> None:
    """Fit and print."""
    kept = [at for at, item in enumerate(items) if item.set != LEFT_OUT and not item.held_out]
    labelled = Labelled.of([items[at] for at in kept], [vectors[at] for at in kept])
    found = {name: pairs(labelled, name, ridge) for name in SETS}
    everything = [np.concatenate([found[name][part] for name in SETS]) for part in (0, 1)]
    print(f"slope {slope(everything[0], everything[1] > 0):.2f} per point, {len(everything[0])} pairs")
    for name in SETS:
        apart, opinion = found[name]
        others = [np.concatenate([found[each][part] for each in SETS if each != name]) for part in (0, 1)]
        value = slope(others[0], others[1] > 0)
        right = (apart > 0) == (opinion > 0)
        print(f"{name}: {len(apart)} pairs, {right.mean():.1%} right; slope of the others {value:.2f}")
        sure = 1 / (1 + np.exp(-value * np.abs(apart)))
        for low, high in pairwise(BINS):
            inside = (sure >= low) & ((sure < high) | (high == BINS[-1]))
            if inside.any():
                print(f"  {low:.0%} to {high:.0%}: {inside.sum():4d} pairs, stated {sure[inside].mean():.1%}, "
                      f"right {right[inside].mean():.1%}")  # fmt: skip


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("opinions", type=Path)
    parser.add_argument("encodes", type=Path)
    parser.add_argument("cache", type=Path)
    parser.add_argument("--weights")
    parser.add_argument("--precision", default="fp32", help="of the features; those kept in it are found")
    given = parser.parse_args()
    bundle = open_bundle(given.weights)
    encoder = open_encoder(bundle, "cpu", given.precision, picture=CROPS.name)
    items = [*human_items(given.opinions), *encoded_items(given.encodes)]
    card = bundle.regressor(CROPS.name).card
    ridge = RidgeSettings(card["penalty"], card["human_weight"])
    report(items, clip_vectors(items, bundle, encoder, given.cache, picture=CROPS), ridge)


if __name__ == "__main__":
    main()
