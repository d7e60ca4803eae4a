"""How good a fitted ridge is: the figures of the regressor stage, and the intervals of its predictions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from conviqt_cli.arrays import Floats, Indices, Mask
from conviqt_cli.fitting.alignment import ScoreMap
from conviqt_cli.metrics.correlation import plcc, srocc
from conviqt_cli.quality.intervals import DEFAULT_LEVEL, Intervals
from conviqt_cli.training.heads.figures import (
    Agreement,
    Figure,
    MapFigures,
    OrderFigures,
    RegressorFigures,
    SetFigures,
    figure,
)
from conviqt_cli.training.heads.labelled import Labelled, RidgeSettings
from conviqt_cli.training.heads.labelled_vectors import METRIC_STILLS, METRIC_VIDEOS
from conviqt_cli.training.heads.set_alignment import AlignedSets

#: Two versions whose labels by a metric differ by less than this, on 1 to 5, count as equally good.
LABEL_STEP = 0.25


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
    fit: FittedRidge, aligned: AlignedSets, held_out: Labelled, anchors: Sequence[str], errors: Errors
) -> RegressorFigures:
    """Figures of a fit; ``held_out`` are items of contents that nothing was fitted on."""
    data, human = fit.data, fit.data.human
    weights = data.weights(fit.settings.human_weight)
    return RegressorFigures(
        penalty=figure(fit.settings.penalty),
        human_weight=figure(fit.settings.human_weight),
        human_items=int(human.sum()),
        human_contents=data.contents_of(human),
        metric_items=int((~human).sum()),
        metric_contents=data.contents_of(~human),
        human_share_of_labels=figure(human.mean()),
        human_share_of_weight=figure(weights[human].sum() / weights.sum()),
        anchors=tuple(anchors),
        sets={name: _of_set(fit, name, aligned.maps[name]) for name in sorted(set(data.sets.tolist()))},
        one_content_sets=aligned.trials,
        left_out=tuple(aligned.left_out),
        held_out_contents=len(np.unique(held_out.contents)),
        out_of_fold_human=_agreement(fit.predicted[human], fit.labels[human]),
        out_of_fold_metric=_of_encodes(data, fit.predicted),
        held_out_metric=_of_encodes(held_out, held_out.vectors @ fit.coef + fit.intercept),
        half_width={str(level): figure(errors.intervals.half_width(level)) for level in (0.8, 0.9)},
        coverage=errors.coverage(),
    )


@dataclass(frozen=True)
class Errors:
    """Errors on opinion scores where neither an item's set nor its content was fitted on.

    ``sets``, ``contents``, ``labels`` and ``predicted`` (n,) are of the items; ``of_clips`` (m,) are predictions of
    single clips, and ``owner`` (m,) says whose, as a position among the items.
    """

    sets: NDArray[np.str_]
    contents: NDArray[np.str_]
    labels: Floats
    predicted: Floats
    of_clips: Floats
    owner: Indices

    @classmethod
    def of(cls, fit: FittedRidge, clips: Sequence[Floats]) -> Errors:
        """By one ridge for each set of opinion scores; ``clips`` are the items' clip vectors (clips, d)."""
        data = fit.data
        by_clip: dict[int, Floats] = {}
        for train, test in _parts(data):
            coef, intercept = data.ridge(fit.settings, train).coefficients(data.vectors[train], fit.labels[train])
            by_clip |= {int(i): clips[i] @ coef + intercept for i in test}
        items = np.array(sorted(by_clip), dtype=np.intp)
        predictions = [by_clip[int(i)] for i in items]
        return cls(
            data.sets[items],
            data.contents[items],
            fit.labels[items],
            np.array([each.mean() for each in predictions]),
            np.concatenate(predictions),
            np.repeat(np.arange(len(items)), [len(each) for each in predictions]),
        )

    def take(self, chosen: Mask) -> Errors:
        """Some of the items (n,)."""
        place = np.cumsum(chosen) - 1
        kept = chosen[self.owner]
        return Errors(
            self.sets[chosen],
            self.contents[chosen],
            self.labels[chosen],
            self.predicted[chosen],
            self.of_clips[kept],
            place[self.owner[kept]],
        )

    @cached_property
    def intervals(self) -> Intervals:
        """Intervals with these errors.

        Opinion scores alone count: what a metric says of our own encodes does not tell how people differ.
        """
        return Intervals.calibrate(self.labels, self.contents, self.predicted, self.of_clips, self.owner)

    def coverage(self, level: float = DEFAULT_LEVEL) -> dict[str, Figure]:
        """Of each set, the share of opinion scores inside the intervals of the other sets' errors; {} for one set."""
        covered = {}
        for name in sorted(set(self.sets.tolist())):
            own = self.sets == name
            if not own.all():
                half = self.take(~own).intervals.half_width(level)
                covered[name] = figure(float((np.abs(self.predicted - self.labels)[own] <= half).mean()))
        return covered


def _parts(data: Labelled) -> list[tuple[Indices, Indices]]:
    """What to fit on and what to predict: set by set of opinion scores, or in folds where there is one set alone."""
    names = sorted(set(data.sets[data.human].tolist()))
    parts = []
    for name in names:
        own = data.human & (data.sets == name)
        train = np.flatnonzero((data.sets != name) & ~np.isin(data.contents, data.contents[own]))
        parts.append((train, np.flatnonzero(own)))
    if len(names) < 2 or any(len(np.unique(data.contents[train])) < 2 for train, _ in parts):
        return [(train, test[data.human[test]]) for train, test in data.folds]
    return parts


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
    """Of each set of labels by a metric that has any items."""
    return {
        name: order_figures(predicted[own], data.values[own], data.contents[own])
        for name in (METRIC_STILLS, METRIC_VIDEOS)
        if (own := data.sets == name).any()
    }


def order_figures(predicted: Floats, values: Floats, contents: NDArray[np.str_]) -> OrderFigures:
    """How ``predicted`` (n,) orders versions of known labels ``values`` (n,) and ``contents`` (n,)."""
    within, right, pairs = [], 0, 0
    for content in sorted(set(contents.tolist())):
        own = np.flatnonzero(contents == content)
        within.append(srocc(predicted[own], values[own]))
        for one, other in combinations(own, 2):
            if abs(values[one] - values[other]) >= LABEL_STEP:
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
