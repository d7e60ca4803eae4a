"""What a kind of regressor must be able to do to be fitted and judged here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from conviqt_cli.arrays import Floats
from conviqt_cli.fitting.splits import Split, grouped_folds
from conviqt_cli.labels.dataset import Dataset
from conviqt_cli.quality.intervals import Intervals
from conviqt_cli.quality.regressor import LinearRegressor, SvrRegressor
from conviqt_cli.quality.scale import Scale

FOLDS = 5
UNSTATED = Scale("labels", None, None)

Parameters = dict[str, Any]
FittedRegressor = LinearRegressor | SvrRegressor


class Estimator(Protocol):
    """A kind of regressor with hyper-parameters.

    Both steps see mean vectors of videos (``Dataset.means``). Every reported prediction is the mean over a video's
    clips, in fitting as in scoring.
    """

    name: str

    def search(self, data: Dataset, folds: list[Split]) -> Parameters:
        """The hyper-parameters of least squared error over ``folds`` (of videos), ties to the smoother model."""

    def fit(self, data: Dataset, parameters: Parameters) -> FittedRegressor:
        """Fit on all of ``data``; the model's scale and encoder are left for the caller to state."""


@dataclass(frozen=True)
class Tuned:
    """A model with chosen hyper-parameters and what cross-validation on the same data said of it.

    ``out_of_fold`` (n,) predicts each video by a model that has not seen its content.
    """

    model: FittedRegressor
    parameters: Parameters
    out_of_fold: Floats
    intervals: Intervals


def tune(estimator: Estimator, data: Dataset, seed: int = 0) -> Tuned:
    """Choose hyper-parameters by content-grouped cross-validation, calibrate intervals on its residuals, fit on all.

    All of it happens inside ``data``: called on a training side it makes the cross-validation nested.
    """
    groups = data.folding_groups()
    folds = grouped_folds(groups, FOLDS, seed)
    parameters = estimator.search(data, folds)
    clip_predictions = np.empty(len(data.clips))
    for train, test in folds:
        part = data.take(test)
        clip_predictions[np.isin(data.owner, test)] = estimator.fit(data.take(train), parameters).predict(part.clips)
    pooled = data.pool(clip_predictions)
    intervals = Intervals.calibrate(data.mos, groups, pooled, clip_predictions, data.owner)
    model = replace(estimator.fit(data, parameters), intervals=intervals)
    return Tuned(model, parameters, pooled, intervals)


def predict(model: FittedRegressor, data: Dataset) -> Floats:
    """Pooled prediction of each video, (n,): clips one by one, then their mean."""
    return data.pool(model.predict(data.clips))
