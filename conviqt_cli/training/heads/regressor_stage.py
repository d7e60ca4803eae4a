"""The regressor stage: a ridge on the frozen encoder's clip vectors (CONVIQT, section III-D), for a bundle.

Labels are opinion scores, brought to one scale, and VMAF of our own encodes, named as such. Held-out contents are
labelled to measure with; nothing here is fitted on them, chosen by them, or calibrated on them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from conviqt_cli.arrays import Floats, Mask
from conviqt_cli.errors import LabelError
from conviqt_cli.fitting.alignment import ScoreMap, align, apply
from conviqt_cli.fitting.splits import grouped_folds
from conviqt_cli.fitting.weighted_ridge import WeightedRidge
from conviqt_cli.metrics.correlation import plcc, srocc
from conviqt_cli.model.bundle import open_bundle
from conviqt_cli.model.torch_backend import TorchEncoder
from conviqt_cli.quality.intervals import Intervals
from conviqt_cli.quality.novelty import Novelty
from conviqt_cli.quality.regressor import LinearRegressor
from conviqt_cli.quality.scale import ACR
from conviqt_cli.training.heads.assembly import seal
from conviqt_cli.training.heads.labelled_vectors import (
    HUMAN_SETS,
    VMAF_STILLS,
    VMAF_VIDEOS,
    HumanSet,
    Item,
    Progress,
    clip_vectors,
    encoded_items,
    human_items,
)

FIGURES = "regressor_figures.json"

#: Searched by cross-validation: relative penalties, and what one opinion score counts against one VMAF label. More than
#: this, and the few contents that people scored would be nearly all there is.
PENALTIES = tuple(float(value) for value in 10.0 ** np.arange(-2.0, 3.5, 0.5))
HUMAN_WEIGHTS = (1.0, 3.0, 9.0)

#: No content counts more than this many of its items: versions of one scene repeat each other.
MOST_PER_CONTENT = 12

#: Where alignment needs a ridge before its penalty is chosen.
_FIRST_PENALTY, _FIRST_WEIGHT = 1.0, 3.0

#: A set of one content is fitted on unless the other sets' out-of-fold SROCC falls by more than this on average.
_TOLERATED_LOSS = 0.002

#: VMAF differences below this are not held to be a difference in quality.
VMAF_STEP = 5.0

_FOLDS, _SEED = 5, 20260101


@dataclass(frozen=True)
class Labelled:
    """Items to fit on, aligned: ``vectors`` (n, d) are means over each item's clips; ``scores`` nominal on 1 to 5."""

    vectors: Floats
    scores: Floats
    sets: NDArray[np.str_]
    contents: NDArray[np.str_]
    human: Mask

    @classmethod
    def of(cls, items: Sequence[Item], clips: Sequence[Floats]) -> Labelled:
        """From items and their clip vectors, in one order."""
        return cls(
            np.stack([each.mean(axis=0) for each in clips]),
            np.array([item.score for item in items]),
            np.array([item.set for item in items]),
            np.array([item.content for item in items]),
            np.array([item.human for item in items]),
        )

    def take(self, chosen: Mask) -> Labelled:
        """Some of the items."""
        return Labelled(
            self.vectors[chosen], self.scores[chosen], self.sets[chosen], self.contents[chosen], self.human[chosen]
        )

    def weights(self, human_weight: float) -> Floats:
        """What each item counts (n,)."""
        _, content, sizes = np.unique(self.contents, return_inverse=True, return_counts=True)
        return np.where(self.human, human_weight, 1.0) * np.minimum(1.0, MOST_PER_CONTENT / sizes[content])

    @cached_property
    def folds(self) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
        """Cross-validation folds that keep contents whole."""
        return grouped_folds(self.contents, _FOLDS, _SEED)

    @cached_property
    def products(self) -> Floats:
        """Inner products (n, n) of the vectors less their mean; the mean is taken off for the sake of precision."""
        centred = self.vectors - self.vectors.mean(axis=0)
        return np.asarray(centred @ centred.T)

    def out_of_fold(self, labels: Floats, penalty: float, human_weight: float) -> Floats:
        """Predictions (n,), each by a ridge that has not seen the item's content."""
        weights = self.weights(human_weight)
        predicted = np.empty(len(labels))
        for train, test in self.folds:
            ridge = WeightedRidge.of(self.products[np.ix_(train, train)], weights[train], penalty)
            predicted[test] = ridge.predict(self.products[np.ix_(test, train)], labels[train])
        return predicted

    def operator(self, penalty: float, human_weight: float, left_out: Sequence[str] = ()) -> Floats:
        """The matrix (n, n) from labels to out-of-fold predictions, by ridges that never see the sets ``left_out``."""
        weights = self.weights(human_weight)
        usable = ~np.isin(self.sets, left_out)
        matrix = np.zeros((len(self.scores), len(self.scores)))
        for train, test in self.folds:
            seen = train[usable[train]]
            ridge = WeightedRidge.of(self.products[np.ix_(seen, seen)], weights[seen], penalty)
            matrix[np.ix_(test, seen)] = ridge.operator(self.products[np.ix_(test, seen)])
        return matrix


def fit_regressor_stage(
    bundle: Path,
    mos: Path,
    encodes: Path,
    work: Path,
    progress: Progress | None = None,
    *,
    device: str = "auto",
    precision: str = "auto",
    human_sets: Sequence[HumanSet] = HUMAN_SETS,
) -> dict[str, Any]:
    """Fit a regressor for the encoder in ``bundle`` and add it there; returns the figures that the card quotes.

    ``mos`` holds ``<set>/labels.csv``; ``encodes`` is what :func:`.labelled_encodes.label_encodes` made; ``work`` keeps
    spatial features and the figures (``regressor_figures.json``). Raises :class:`LabelError` when there are too few
    labels, and what reading labels, pictures and bundles raises.
    """
    opened = open_bundle(bundle)
    items = [*human_items(mos, human_sets), *encoded_items(encodes)]
    anchors = [each.name for each in human_sets if each.anchor]
    if not any(item.set in anchors for item in items):
        raise LabelError(f"{mos}: none of the sets whose scale the others are brought to ({', '.join(anchors)})")
    encoder = TorchEncoder(opened, device, precision)
    clips = clip_vectors(items, opened, encoder, work, progress)
    head, figures = fit_items(items, clips, anchors)
    head.for_encoder(opened.encoder_id).save(bundle / "regressor.safetensors")
    seal(
        bundle,
        {"regressor": "regressor.safetensors"},
        {"regressor": "ridge on human opinion scores and on VMAF labels; see MODEL_CARD.md"},
    )
    (work / FIGURES).write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return figures


def fit_items(
    items: Sequence[Item], clips: Sequence[Floats], anchors: Sequence[str]
) -> tuple[LinearRegressor, dict[str, Any]]:
    """The regressor, not yet tied to an encoder, and its figures; ``clips`` are the items' clip vectors (clips, d)."""
    everything = Labelled.of(items, clips)
    held_out = np.array([item.held_out for item in items])
    values = np.array([item.value for item in items])
    fitted = ~held_out
    if len(set(everything.contents[fitted])) < 2 * _FOLDS:
        raise LabelError(f"a regressor needs labels of at least {2 * _FOLDS} contents")

    maps, common = _aligned(everything, fitted, anchors)
    lone = [
        name for name in maps if name not in anchors and len(set(everything.contents[everything.sets == name])) == 1
    ]
    trials, left_out = _without_harmful(everything.take(fitted), common[fitted], lone)
    if left_out:
        fitted &= ~np.isin(everything.sets, left_out)
        maps, common = _aligned(everything, fitted, anchors)
    data, labels = everything.take(fitted), common[fitted]

    penalty, weight = _search(data, labels)
    predicted = data.out_of_fold(labels, penalty, weight)
    ridge = WeightedRidge.of(data.products, data.weights(weight), penalty)
    coef, intercept = ridge.coefficients(data.vectors, labels)
    of_sets = {
        name: {
            **_set_figures(data.take(data.sets == name), labels[data.sets == name], predicted[data.sets == name]),
            **_unseen(data, labels, name, penalty, weight),
            "map": asdict(maps[name]),
        }
        for name in sorted(set(data.sets))
    }
    human = data.human
    weights = data.weights(weight)
    figures: dict[str, Any] = {
        "penalty": penalty,
        "human_weight": weight,
        "human_items": int(human.sum()),
        "human_contents": len(set(data.contents[human])),
        "vmaf_items": int((~human).sum()),
        "vmaf_contents": len(set(data.contents[~human])),
        "human_share_of_labels": float(human.mean()),
        "human_share_of_weight": float(weights[human].sum() / weights.sum()),
        "anchors": list(anchors),
        "sets": of_sets,
        "one_content_sets": trials,
        "left_out": left_out,
        "held_out_contents": len(set(everything.contents[held_out])),
        "out_of_fold": {
            "human": {"srocc": srocc(predicted[human], labels[human]), "plcc": plcc(predicted[human], labels[human])},
            **_vmaf_figures(data, predicted, values[fitted]),
        },
        "held_out": _vmaf_figures(
            everything.take(held_out), everything.vectors[held_out] @ coef + intercept, values[held_out]
        ),
    }
    intervals = _intervals(data, labels, predicted, [clips[i] for i in fitted.nonzero()[0].tolist()], penalty, weight)
    figures["half_width"] = {str(level): _finite(intervals.half_width(level)) for level in (0.8, 0.9)}
    figures = _rounded(figures)
    head = LinearRegressor(
        coef=coef,
        intercept=intercept,
        scale=ACR,
        encoder_id="",
        card={"labels": "human opinion scores and VMAF of our own encodes", **figures},
        intervals=intervals,
        novelty=Novelty.fit(data.vectors, data.contents),
    )
    return head, figures


def _aligned(everything: Labelled, fitted: Mask, anchors: Sequence[str]) -> tuple[dict[str, ScoreMap], Floats]:
    """Score maps of the sets, learned from the fitted items, and all scores (n,) by them, within the scale's ends."""
    data = everything.take(fitted)
    operators: dict[str, Floats] = {}

    def predict(scores: Floats, left_out: str) -> Floats:
        if left_out not in operators:
            operators[left_out] = data.operator(_FIRST_PENALTY, _FIRST_WEIGHT, [left_out])
        return operators[left_out] @ scores

    maps = align(data.scores, data.sets, data.contents, anchors, predict)
    return maps, np.clip(apply(maps, everything.scores, everything.sets), 1.0, 5.0)


def _without_harmful(data: Labelled, labels: Floats, lone: Sequence[str]) -> tuple[dict[str, Any], list[str]]:
    """Try each set of one content: the mean SROCC of the other sets with and without it, and which are to be left out.

    Such a set teaches one scene's ways, and cross-validation by content cannot tell how well it does itself.
    """
    trials: dict[str, Any] = {}
    harmful = []
    others = sorted(set(data.sets) - set(lone))
    for name in lone:
        figures = {}
        for key, left_out in (("with", ()), ("without", (name,))):
            predicted = data.operator(_FIRST_PENALTY, _FIRST_WEIGHT, left_out) @ labels
            figures[key] = {each: srocc(predicted[data.sets == each], labels[data.sets == each]) for each in others}
        loss = float(np.mean([figures["without"][each] - figures["with"][each] for each in others]))
        trials[name] = {**figures, "fitted": loss <= _TOLERATED_LOSS}
        if loss > _TOLERATED_LOSS:
            harmful.append(name)
    return trials, harmful


def _search(data: Labelled, labels: Floats) -> tuple[float, float]:
    """Penalty and weight of a human score with the least out-of-fold error, all sets counting the same.

    Errors are relative to each set's variance; sets of one content are not judged (their folds never saw their like).
    """
    judged = [name for name in set(data.sets) if len(set(data.contents[data.sets == name])) > 1]
    best, chosen = np.inf, (PENALTIES[0], HUMAN_WEIGHTS[0])
    for weight in HUMAN_WEIGHTS:
        for penalty in PENALTIES:
            squared = (data.out_of_fold(labels, penalty, weight) - labels) ** 2
            error = float(np.mean([squared[data.sets == n].mean() / labels[data.sets == n].var() for n in judged]))
            if error < best:
                best, chosen = error, (penalty, weight)
    return chosen


def _set_figures(data: Labelled, labels: Floats, predicted: Floats) -> dict[str, Any]:
    return {
        "items": len(labels),
        "contents": len(set(data.contents)),
        "srocc": srocc(predicted, labels),
        "plcc": plcc(predicted, labels),
    }


def _unseen(data: Labelled, labels: Floats, name: str, penalty: float, weight: float) -> dict[str, float]:
    """Agreement on a set that is left out of the fit altogether."""
    own = data.sets == name
    predicted = data.operator(penalty, weight, [name])[own] @ labels
    return {"unseen_srocc": srocc(predicted, labels[own]), "unseen_plcc": plcc(predicted, labels[own])}


def _vmaf_figures(data: Labelled, predicted: Floats, values: Floats) -> dict[str, Any]:
    """How the encodes among some items are ordered, by set; sets that are not there are left out."""
    return {
        name: _order_figures(predicted[own], values[own], data.contents[own])
        for name in (VMAF_STILLS, VMAF_VIDEOS)
        if (own := data.sets == name).any()
    }


def _order_figures(predicted: Floats, value: Floats, contents: NDArray[np.str_]) -> dict[str, Any]:
    """How predictions order encodes by VMAF: over all, within a scene, and pair by pair within a scene."""
    within, right, pairs = [], 0, 0
    for content in sorted(set(contents.tolist())):
        own = np.flatnonzero(contents == content)
        within.append(srocc(predicted[own], value[own]))
        for one, other in combinations(own, 2):
            if abs(value[one] - value[other]) >= VMAF_STEP:
                pairs += 1
                right += int((predicted[one] - predicted[other]) * (value[one] - value[other]) > 0)
    return {
        "items": len(value),
        "contents": len(within),
        "srocc": srocc(predicted, value),
        "plcc": plcc(predicted, value),
        "srocc_within_scene": float(np.nanmedian(within)) if within else float("nan"),
        "pairs": pairs,
        "pairs_in_order": right / pairs if pairs else float("nan"),
    }


def _intervals(
    data: Labelled, labels: Floats, predicted: Floats, clips: Sequence[Floats], penalty: float, weight: float
) -> Intervals:
    """Calibrated on human scores alone: what a metric says of its own encodes is no measure of how people differ."""
    own = np.flatnonzero(data.human)
    weights = data.weights(weight)
    of_clips: dict[int, Floats] = {}
    for train, test in data.folds:
        ridge = WeightedRidge.of(data.products[np.ix_(train, train)], weights[train], penalty)
        coef, intercept = ridge.coefficients(data.vectors[train], labels[train])
        of_clips |= {int(i): clips[i] @ coef + intercept for i in test}
    owner = np.concatenate([np.full(len(of_clips[int(i)]), place) for place, i in enumerate(own)])
    return Intervals.calibrate(
        labels[own],
        data.contents[own],
        predicted[own],
        np.concatenate([of_clips[int(i)] for i in own]),
        owner.astype(np.intp),
    )


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _rounded(figures: Any) -> Any:
    """JSON-ready: floats to four digits, NaN as ``None``."""
    if isinstance(figures, dict):
        return {key: _rounded(value) for key, value in figures.items()}
    if isinstance(figures, float | np.floating):
        return round(float(figures), 4) if np.isfinite(figures) else None
    return figures
