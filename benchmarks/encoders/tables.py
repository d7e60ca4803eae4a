"""What each table says of one encoder: predictions for held-out items, and how figures are made and compared.

Differences from the baseline are paired: the same splits, or the same draws of contents with replacement (whole
contents, since versions of one do not vary independently).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.encoders.data import GROUPS, ClipLabels, group_of
from benchmarks.encoders.probes import classified, regressed
from conviqt_cli.fitting.estimator import FOLDS, Parameters
from conviqt_cli.fitting.ridge import PENALTIES, Ridge
from conviqt_cli.fitting.splits import Split, grouped_folds
from conviqt_cli.fitting.validation import validate
from conviqt_cli.labels.dataset import Dataset
from conviqt_cli.metrics.correlation import srocc
from conviqt_cli.quality.diagnosis import PRISTINE
from conviqt_cli.training.heads.diagnosis_stage import family_of
from conviqt_cli.training.heads.labelled_vectors import Item
from conviqt_cli.training.heads.measuring import LABEL_STEP
from conviqt_cli.training.heads.recipes import RECIPES

Floats = NDArray[np.floating[Any]]
Rows = NDArray[np.intp]
Figures = dict[str, float]

#: ``judge(rows, contents)``: figures over some items, that are all those of some contents; both may repeat.
Judge = Callable[[Rows, Rows], Figures]

#: Types that a quality axis is fitted on for the transfer test: all that the classic databases share.
CLASSIC = ("gaussian_blur", "jpeg", "white_noise")

#: The same for encodes, as families of recipes.
CLASSIC_RECIPES = ("source", "blur", "jpeg")

#: Among fewer contents, cross-validation cannot choose a penalty: it must then come from elsewhere.
FEWEST_CONTENTS = 5


@dataclass(frozen=True)
class Figure:
    """A figure, its difference from the baseline's, and the quartiles or the 95 % interval of that difference."""

    value: float
    difference: float = float("nan")
    low: float = float("nan")
    high: float = float("nan")


# ---------------------------------------------------------------- type and level


def probe_clips(train: Floats, labels: ClipLabels, test: Floats) -> dict[str, list[Any]]:
    """Type and level of each test clip: the classifier learns from unmixed clips, the ridge too (pristine is 0)."""
    own = labels.single
    called, _ = classified(train[own], labels.kinds[own], labels.contents[own], test)
    level, _ = regressed(train[own], labels.levels[own].astype(float), labels.contents[own], test)
    return {"kind": called.tolist(), "level": level.tolist()}


def judge_clips(found: Mapping[str, list[Any]], labels: ClipLabels) -> Judge:
    """Accuracies over unmixed clips, ``mixed`` over mixed ones (either part is right), levels of distorted ones."""
    called, level = np.array(found["kind"]), np.array(found["level"])
    single, distorted = labels.single, labels.single & (labels.kinds != PRISTINE)
    mixed = np.array(["+" in kind for kind in labels.kinds])
    right = np.array([guess in kind.split("+") for guess, kind in zip(called, labels.kinds, strict=True)])
    kin = np.array([family_of(guess) == family_of(kind) for guess, kind in zip(called, labels.kinds, strict=True)])
    group = np.array([group_of(kind) for kind in labels.kinds])
    rounded = np.clip(np.round(level), 1, 5)

    def judge(rows: Rows, contents: Rows) -> Figures:
        own, bad = rows[single[rows]], rows[distorted[rows]]
        off = np.abs(rounded[bad] - labels.levels[bad])
        return {
            "type": _mean(right[own]),
            "family": _mean(kin[own]),
            **{name: _mean(right[own[group[own] == name]]) for name in GROUPS},
            "mixed": _mean(right[rows[mixed[rows]]]),
            "level exact": _mean(off == 0),
            "level within 1": _mean(off <= 1),
            "level SROCC": srocc(level[bad], labels.levels[bad].astype(float)),
        }

    return judge


def transfer_clips(train: Floats, labels: ClipLabels, test: Floats) -> dict[str, list[Any]]:
    """Levels of test clips by ridges that saw pristine clips and some types: the classics, or all groups but one."""
    group = np.array([group_of(kind) for kind in labels.kinds])
    seen = {"classics": np.isin(labels.kinds, (*CLASSIC, PRISTINE))}
    seen |= {f"without {name}": labels.single & (group != name) for name in GROUPS}
    return {
        name: regressed(train[own], labels.levels[own].astype(float), labels.contents[own], test)[0].tolist()
        for name, own in seen.items()
    }


def judge_transfer(found: Mapping[str, list[Any]], labels: ClipLabels) -> Judge:
    """SROCC of predicted and true level over clips of types that the ridge did not see, and pristine ones."""
    predicted = {name: np.array(values) for name, values in found.items()}
    group = np.array([group_of(kind) for kind in labels.kinds])
    clean = labels.kinds == PRISTINE
    unseen = labels.single & ~np.isin(labels.kinds, CLASSIC)

    def judge(rows: Rows, contents: Rows) -> Figures:
        def agreement(name: str, chosen: NDArray[np.bool_]) -> float:
            own = rows[chosen[rows]]
            return srocc(predicted[name][own], labels.levels[own].astype(float))

        figures = {"classics to all others": agreement("classics", unseen)}
        for name in GROUPS:
            figures[f"classics to {name}"] = agreement("classics", unseen & (clean | (group == name)))
        for name in GROUPS:
            figures[f"all but {name}, to {name}"] = agreement(f"without {name}", clean | (group == name))
        return figures

    return judge


# ---------------------------------------------------------------- opinion scores


class FixedRidge(Ridge):
    """A ridge with ``parameters`` that were chosen elsewhere."""

    def __init__(self, parameters: Parameters) -> None:
        self._parameters = parameters

    def search(self, data: Dataset, folds: list[Split]) -> Parameters:
        """The fixed parameters."""
        return self._parameters


def chosen_on(vectors: Floats, items: Sequence[Item]) -> Parameters:
    """The penalty by cross-validation on a whole set, vectors unscaled: their spreads in one set are not another's."""
    data = _dataset(vectors, items)
    errors = dict.fromkeys(PENALTIES, 0.0)
    for train, test in grouped_folds(data.folding_groups(), FOLDS):
        fitted, judged = data.take(train), data.take(test)
        for penalty in PENALTIES:
            model = Ridge().fit(fitted, {"standardise": False, "penalty": penalty})
            errors[penalty] += float(((model.predict(judged.means) - judged.mos) ** 2).sum())
    return {"standardise": False, "penalty": min(errors, key=lambda penalty: errors[penalty])}


def few_contents(items: Sequence[Item]) -> bool:
    """Whether a set has too few contents to choose a penalty on (single videos count where all show one content)."""
    return 1 < len({item.content for item in items}) < FEWEST_CONTENTS


def on_splits(
    vectors: Floats, items: Sequence[Item], repeats: int, jobs: int, parameters: Parameters | None = None
) -> dict[str, list[Any]]:
    """SROCC and PLCC on each of ``repeats`` 80/20 splits by content; choices inside each training side, or given."""
    estimator = Ridge() if parameters is None else FixedRidge(parameters)
    outcomes = validate(estimator, _dataset(vectors, items), repeats, jobs=jobs)
    return {name: [getattr(each.agreement, name) for each in outcomes] for name in ("srocc", "plcc")}


def _dataset(vectors: Floats, items: Sequence[Item]) -> Dataset:
    scores, contents = np.array([item.score for item in items]), np.array([item.content for item in items])
    return Dataset.of_vectors(vectors.astype(np.float64), scores, contents)


def compared_splits(found: Mapping[str, Mapping[str, list[float]]], baseline: str) -> dict[str, dict[str, Any]]:
    """Of each arm: median and quartiles of its figures over the splits, and of its differences on the same splits."""
    table: dict[str, dict[str, Any]] = {}
    for arm, figures in found.items():
        table[arm] = {}
        for name, values in figures.items():
            table[arm][name] = _quartiles(np.array(values))
            if arm != baseline and baseline in found:
                gain = np.array(values) - np.array(found[baseline][name])
                table[arm][f"{name} difference"] = {**_quartiles(gain), "better": _mean(gain > 0)}
    return table


# ---------------------------------------------------------------- encodes


def rank_encodes(vectors: Floats, items: Sequence[Item]) -> dict[str, list[Any]]:
    """Labels of held-out encodes by a ridge on the others: on all of them, and on the classic families only."""
    held_out = np.array([item.held_out for item in items])
    values = np.array([item.value for item in items])
    contents = np.array([item.content for item in items])
    seen = np.isin([_recipe_family(item) for item in items], CLASSIC_RECIPES)
    return {
        name: regressed(vectors[own], values[own], contents[own], vectors[held_out])[0].tolist()
        for name, own in (("all", ~held_out), ("classics", ~held_out & seen))
    }


def judge_order(predicted: Floats, items: Sequence[Item]) -> Judge:
    """How predictions (n,) order encodes: within scenes, pairs of different labels, and across scenes."""
    value = np.array([item.value for item in items])
    _, content = np.unique([item.content for item in items], return_inverse=True)
    scenes = []
    for scene in range(content.max() + 1):
        own = np.flatnonzero(content == scene)
        pairs = [(i, j) for i, j in combinations(own, 2) if abs(value[i] - value[j]) >= LABEL_STEP]
        right = sum((predicted[i] - predicted[j]) * (value[i] - value[j]) > 0 for i, j in pairs)
        scenes.append((srocc(predicted[own], value[own]), float(right), float(len(pairs))))
    of_scene = np.array(scenes)

    def judge(rows: Rows, contents: Rows) -> Figures:
        within, right, pairs = of_scene[contents].T
        return {
            "within": _mean(within[np.isfinite(within)]),
            "pairs": float(right.sum() / max(pairs.sum(), 1.0)),
            "across": srocc(predicted[rows], value[rows]),
        }

    return judge


def judge_unseen_families(predicted: Floats, items: Sequence[Item]) -> Judge:
    """SROCC across scenes over encodes of families that the ridge did not see."""
    value = np.array([item.value for item in items])
    unseen = np.array([_recipe_family(item) not in CLASSIC_RECIPES for item in items])

    def judge(rows: Rows, contents: Rows) -> Figures:
        own = rows[unseen[rows]]
        return {"classics to other families": srocc(predicted[own], value[own])}

    return judge


def _recipe_family(item: Item) -> str:
    return next((recipe.family for recipe in RECIPES if recipe.name == item.recipe), item.recipe)


# ---------------------------------------------------------------- comparing


def compared(
    judges: Mapping[str, Judge], contents: NDArray[Any], baseline: str, draws: int = 300, seed: int = 0
) -> dict[str, dict[str, Figure]]:
    """Every arm's figures over items of ``contents`` (n,), with bootstrapped differences from the baseline's."""
    names, content = np.unique(contents, return_inverse=True)
    members = [np.flatnonzero(content == each) for each in range(len(names))]
    everything = np.arange(len(contents)), np.arange(len(names))
    whole = {arm: judge(*everything) for arm, judge in judges.items()}
    drawn: dict[str, list[Figures]] = {arm: [] for arm in judges}
    for draw in range(draws if baseline in judges else 0):
        chosen = np.random.default_rng([seed, draw]).integers(len(names), size=len(names))
        rows = np.concatenate([members[each] for each in chosen])
        for arm, judge in judges.items():
            drawn[arm].append(judge(rows, chosen))
    table: dict[str, dict[str, Figure]] = {}
    for arm, figures in whole.items():
        table[arm] = {}
        for name, value in figures.items():
            table[arm][name] = Figure(value)
            if arm == baseline or baseline not in judges:
                continue
            gains = np.array([a[name] - b[name] for a, b in zip(drawn[arm], drawn[baseline], strict=True)])
            gains = gains[np.isfinite(gains)]
            if len(gains):
                low, high = (float(end) for end in np.quantile(gains, [0.025, 0.975]))
                table[arm][name] = Figure(value, value - whole[baseline][name], low, high)
    return table


def _quartiles(values: NDArray[np.float64]) -> dict[str, float]:
    finite = values[np.isfinite(values)]
    if not len(finite):
        return {**dict.fromkeys(("median", "low", "high", "deviation"), float("nan")), "splits": 0}
    low, median, high = (float(value) for value in np.quantile(finite, [0.25, 0.5, 0.75]))
    return {"median": median, "low": low, "high": high, "deviation": float(finite.std()), "splits": len(finite)}


def _mean(values: NDArray[Any]) -> float:
    return float(np.mean(values)) if len(values) else float("nan")
