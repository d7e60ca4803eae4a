"""How good a fitted ridge is: the figures of the regressor stage, and the intervals of its predictions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from conviqt_cli.arrays import Floats
from conviqt_cli.fitting.alignment import ScoreMap
from conviqt_cli.metrics.correlation import plcc, srocc
from conviqt_cli.quality.intervals import Intervals
from conviqt_cli.training.heads.figures import (
    Agreement,
    MapFigures,
    OrderFigures,
    RegressorFigures,
    SetFigures,
    figure,
)
from conviqt_cli.training.heads.labelled import Labelled, RidgeSettings
from conviqt_cli.training.heads.labelled_vectors import VMAF_STILLS, VMAF_VIDEOS
from conviqt_cli.training.heads.set_alignment import AlignedSets

#: Two encodes whose VMAF differs by less than this count as equally good.
VMAF_STEP = 5.0


@dataclass(frozen=True)
class FittedRidge:
    """A ridge on ``data`` with its aligned ``labels`` (n,); ``predicted`` (n,) is out of fold, on 1 to 5."""

    data: Labelled
    labels: Floats
    settings: RidgeSettings
    predicted: Floats
    coef: Floats
    intercept: float

    @classmethod
    def of(cls, data: Labelled, labels: Floats, settings: RidgeSettings) -> FittedRidge:
        """Fit all of ``data``."""
        predicted = data.out_of_fold(labels, settings)
        return cls(data, labels, settings, predicted, *data.ridge(settings).coefficients(data.vectors, labels))


def measure(
    fit: FittedRidge, aligned: AlignedSets, held_out: Labelled, anchors: Sequence[str], intervals: Intervals
) -> RegressorFigures:
    """Figures of a fit; ``held_out`` are items of contents that nothing was fitted on."""
    data, human = fit.data, fit.data.human
    weights = data.weights(fit.settings.human_weight)
    return RegressorFigures(
        penalty=figure(fit.settings.penalty),
        human_weight=figure(fit.settings.human_weight),
        human_items=int(human.sum()),
        human_contents=data.contents_of(human),
        vmaf_items=int((~human).sum()),
        vmaf_contents=data.contents_of(~human),
        human_share_of_labels=figure(human.mean()),
        human_share_of_weight=figure(weights[human].sum() / weights.sum()),
        anchors=tuple(anchors),
        sets={name: _of_set(fit, name, aligned.maps[name]) for name in sorted(set(data.sets.tolist()))},
        one_content_sets=aligned.trials,
        left_out=tuple(aligned.left_out),
        held_out_contents=len(np.unique(held_out.contents)),
        out_of_fold_human=_agreement(fit.predicted[human], fit.labels[human]),
        out_of_fold_vmaf=_of_encodes(data, fit.predicted),
        held_out_vmaf=_of_encodes(held_out, held_out.vectors @ fit.coef + fit.intercept),
        half_width={str(level): figure(intervals.half_width(level)) for level in (0.8, 0.9)},
    )


def calibrate(fit: FittedRidge, clips: Sequence[Floats]) -> Intervals:
    """Intervals from the errors out of fold; ``clips`` are the items' clip vectors (clips, d).

    Opinion scores alone count: what a metric says of our own encodes does not tell how people differ.
    """
    data = fit.data
    own = np.flatnonzero(data.human)
    of_clips: dict[int, Floats] = {}
    for train, test in data.folds:
        coef, intercept = data.ridge(fit.settings, train).coefficients(data.vectors[train], fit.labels[train])
        of_clips |= {int(i): clips[i] @ coef + intercept for i in test}
    owner = np.concatenate([np.full(len(of_clips[int(i)]), place) for place, i in enumerate(own)])
    return Intervals.calibrate(
        fit.labels[own],
        data.contents[own],
        fit.predicted[own],
        np.concatenate([of_clips[int(i)] for i in own]),
        owner.astype(np.intp),
    )


def _agreement(predicted: Floats, labels: Floats) -> Agreement:
    return Agreement(figure(srocc(predicted, labels)), figure(plcc(predicted, labels)))


def _of_set(fit: FittedRidge, name: str, line: ScoreMap) -> SetFigures:
    own = fit.data.sets == name
    labels = fit.labels[own]
    seen = _agreement(fit.predicted[own], labels)
    unseen = _agreement(fit.data.operator(fit.settings, [name])[own] @ fit.labels, labels)
    return SetFigures(
        items=len(labels),
        contents=fit.data.contents_of(own),
        srocc=seen.srocc,
        plcc=seen.plcc,
        unseen_srocc=unseen.srocc,
        unseen_plcc=unseen.plcc,
        map=MapFigures(figure(line.slope), figure(line.offset), figure(line.agreement)),
    )


def _of_encodes(data: Labelled, predicted: Floats) -> dict[str, OrderFigures]:
    """Of each VMAF set that has any items."""
    return {
        name: order_figures(predicted[own], data.values[own], data.contents[own])
        for name in (VMAF_STILLS, VMAF_VIDEOS)
        if (own := data.sets == name).any()
    }


def order_figures(predicted: Floats, values: Floats, contents: NDArray[np.str_]) -> OrderFigures:
    """How ``predicted`` (n,) orders encodes of known VMAF ``values`` (n,) and ``contents`` (n,)."""
    within, right, pairs = [], 0, 0
    for content in sorted(set(contents.tolist())):
        own = np.flatnonzero(contents == content)
        within.append(srocc(predicted[own], values[own]))
        for one, other in combinations(own, 2):
            if abs(values[one] - values[other]) >= VMAF_STEP:
                pairs += 1
                right += int((predicted[one] - predicted[other]) * (values[one] - values[other]) > 0)
    return OrderFigures(
        items=len(values),
        contents=len(within),
        srocc=figure(srocc(predicted, values)),
        plcc=figure(plcc(predicted, values)),
        srocc_within_scene=figure(float(np.nanmedian(within))) if within else None,
        pairs=pairs,
        pairs_in_order=figure(right / pairs) if pairs else None,
    )
