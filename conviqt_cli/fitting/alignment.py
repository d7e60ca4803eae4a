"""Opinion scores of several sets on one scale: an increasing straight line for each set.

Panels, ranges and the quality of what was shown differ, so the same picture earns different scores in different sets.
Pinson and Wolf ("An objective method for combining multiple subjective data sets", SPIE Visual Communications and
Image Processing, 2003) let an objective model mediate: alternately fit the model to all scores, and each set's first
order map to the model, until both settle (iterated nested least squares). Here the model is the ridge on clip vectors.
Two things differ, because 2,048 features can recognise a set where their few could not, and because ridge shrinks:

- a set is held against a model that was fitted on the *other* sets only; one that had seen it would confirm its offset;
- scores are regressed on predictions, for the set and for the anchors alike, and the map is the ratio of the two, so
  that shrunken predictions do not shrink the scale from round to round. Anchors, sets that were scored on the target
  scale itself, keep their scores.

Few contents or a model that fits a set badly say little about its map: it is then drawn towards the nominal one (the
ends of the set's own scale to the ends of the target's).
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from conviqt_cli.arrays import Floats

#: ``predict(scores, left_out)``: scores (n,) on the target scale to predictions (n,), each from a model that has seen
#: neither the set ``left_out`` nor the item's content.
Predict = Callable[[Floats, str], Floats]

#: Slopes beyond these are taken for a failure to agree, not for another use of the scale.
STEEPEST = 2.0

#: A set of this many contents is believed half.
HALF_BELIEVED = 6.0

_ROUNDS = 8
_SETTLED = 0.005


@dataclass(frozen=True)
class ScoreMap:
    """``offset + slope * score``, from nominal to common scale; increasing. ``agreement`` is the correlation behind it.

    ``agreement`` (Pearson, of the set's scores and the others' prediction of them) is NaN for an anchor.
    """

    slope: float = 1.0
    offset: float = 0.0
    agreement: float = float("nan")

    def __call__(self, scores: Floats) -> Floats:
        """Nominal scores (n,) on the common scale."""
        return self.offset + self.slope * scores


def nominal(scores: Floats, low: float, high: float, higher_is_better: bool) -> Floats:
    """Scores (n,) of a scale from ``low`` to ``high`` on 1 to 5, end to end; raises ``ValueError`` for an empty one."""
    if not high > low:
        raise ValueError(f"a scale from {low} to {high} has no length")
    share: Floats = (scores - low) / (high - low)
    return 1.0 + 4.0 * (share if higher_is_better else 1.0 - share)


def align(
    scores: Floats, sets: NDArray[Any], contents: NDArray[Any], anchors: Collection[str], predict: Predict
) -> dict[str, ScoreMap]:
    """A map for each set that brings its scores (n,), nominal on the target scale, to the scale of the anchors.

    ``sets`` and ``contents`` (n,) name each item's set and content. Raises ``ValueError`` without an anchor.
    """
    names = sorted(set(sets.tolist()))
    anchored = np.isin(sets, list(anchors))
    if not anchored.any():
        raise ValueError("one set at least must be an anchor")
    maps = {name: ScoreMap() for name in names}
    for _ in range(_ROUNDS):
        common = apply(maps, scores, sets)
        renewed = dict(maps)
        for name in names:
            own = sets == name
            if name not in anchors:
                predicted = predict(common, name)
                believed = len(set(contents[own].tolist()))
                renewed[name] = _map(scores[own], predicted[own], scores[anchored], predicted[anchored], believed)
        moved = np.abs(apply(renewed, scores, sets) - common).max()
        maps = renewed
        if moved < _SETTLED:
            break
    return maps


def apply(maps: dict[str, ScoreMap], scores: Floats, sets: NDArray[Any]) -> Floats:
    """All scores (n,) on the common scale, each by its set's map."""
    common: Floats = scores.copy()
    for name, each in maps.items():
        common[sets == name] = each(scores[sets == name])
    return common


def _map(scores: Floats, predicted: Floats, anchor: Floats, anchor_predicted: Floats, contents: int) -> ScoreMap:
    """The map of one set, from what is predicted of it and of the anchors by the same model."""
    level, gain = _line(anchor_predicted, anchor)
    _, own_gain = _line(predicted, scores)
    agreement = _correlation(predicted, scores)
    if not (gain > 0 and own_gain > 0 and agreement > 0):  # the model and this set contradict each other
        return ScoreMap(agreement=agreement)
    belief = contents / (contents + HALF_BELIEVED) * agreement**2
    limit = np.log(STEEPEST)
    slope = float(np.exp(belief * np.clip(np.log(gain / own_gain), -limit, limit)))
    middle = float(scores.mean())
    centre = middle + belief * (level + gain * float(predicted.mean()) - middle)
    return ScoreMap(slope, centre - slope * middle, agreement)


def _line(x: Floats, y: Floats) -> tuple[float, float]:
    """Level and gain of the least-squares line of ``y`` on ``x``; gain 0 where ``x`` does not vary."""
    spread = float(x.var())
    gain = 0.0 if spread < 1e-12 else float(((x - x.mean()) * (y - y.mean())).mean()) / spread
    return float(y.mean() - gain * x.mean()), gain


def _correlation(x: Floats, y: Floats) -> float:
    scale = float(x.std() * y.std())
    return 0.0 if scale < 1e-12 else float(((x - x.mean()) * (y - y.mean())).mean()) / scale
