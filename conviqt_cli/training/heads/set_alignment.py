"""The scores of all sets on one scale; sets of one content that harm the others are left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from conviqt_cli.arrays import Floats, Mask
from conviqt_cli.fitting.alignment import ScoreMap, align, apply
from conviqt_cli.metrics.correlation import srocc
from conviqt_cli.training.heads.figures import OneContentTrial, figure
from conviqt_cli.training.heads.labelled import Labelled, RidgeSettings

#: Where alignment needs a ridge before its settings have been searched for.
_FIRST_SETTINGS = RidgeSettings(penalty=1.0, human_weight=3.0)

#: A set of one content is fitted on unless the other sets' out-of-fold SROCC falls by more than this on average.
_TOLERATED_LOSS = 0.002


@dataclass(frozen=True)
class AlignedSets:
    """All items (n) on the scale of the anchors.

    ``labels`` (n,) are the scores by each set's map in ``maps``, within 1 to 5; ``fitted`` (n,) the items to fit on.
    ``trials`` holds what was found about each set of one content; those of ``left_out`` are not fitted on.
    """

    labels: Floats
    fitted: Mask
    maps: dict[str, ScoreMap]
    trials: dict[str, OneContentTrial]
    left_out: list[str]


def align_sets(everything: Labelled, usable: Mask, anchors: Sequence[str]) -> AlignedSets:
    """Bring every set to the scale of the ``anchors``, learning from the ``usable`` items only.

    A set of one content that makes predictions of the others worse is left out.
    """
    maps, labels = _align(everything, usable, anchors)
    one_content = [
        name for name in maps if name not in anchors and everything.contents_of(everything.sets == name) == 1
    ]
    trials = _try_without(everything.take(usable), labels[usable], one_content)
    left_out = [name for name, trial in trials.items() if not trial.fitted]
    if left_out:
        usable = usable & ~np.isin(everything.sets, left_out)
        maps, labels = _align(everything, usable, anchors)
    return AlignedSets(labels, usable, maps, trials, left_out)


def _align(everything: Labelled, fitted: Mask, anchors: Sequence[str]) -> tuple[dict[str, ScoreMap], Floats]:
    """Score maps of the sets, learned from the fitted items, and all scores (n,) by them, within the scale's ends."""
    data = everything.take(fitted)
    operators: dict[str, Floats] = {}

    def predict(scores: Floats, left_out: str) -> Floats:
        if left_out not in operators:
            operators[left_out] = data.operator(_FIRST_SETTINGS, [left_out])
        return np.asarray(operators[left_out] @ scores)

    maps = align(data.scores, data.sets, data.contents, anchors, predict)
    return maps, np.clip(apply(maps, everything.scores, everything.sets), 1.0, 5.0)


def _try_without(data: Labelled, labels: Floats, one_content: Sequence[str]) -> dict[str, OneContentTrial]:
    """The out-of-fold SROCC of the other sets with and without each set of one content.

    Such a set teaches the ways of one scene, and cross-validation by content cannot tell how well it does itself.
    """
    others = sorted(set(data.sets.tolist()) - set(one_content))

    def agreement(left_out: Sequence[str]) -> dict[str, float]:
        predicted = data.operator(_FIRST_SETTINGS, left_out) @ labels
        return {each: srocc(predicted[data.sets == each], labels[data.sets == each]) for each in others}

    trials = {}
    with_it = agreement(()) if one_content else {}
    for name in one_content:
        without = agreement((name,))
        loss = float(np.mean([without[each] - with_it[each] for each in others]))
        trials[name] = OneContentTrial(
            {each: figure(value) for each, value in with_it.items()},
            {each: figure(value) for each, value in without.items()},
            loss <= _TOLERATED_LOSS,
        )
    return trials
