"""What a model predicts for the videos of a labelled set."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from conviqt_cli.arrays import Floats, Indices, Mask
from conviqt_cli.labels.dataset import Dataset
from conviqt_cli.quality.regressor import Regressor
from conviqt_cli.quality.scale import Scale


@dataclass(frozen=True)
class Predictions:
    """Predictions of one model for one set: ``values`` (n,) on the model's ``scale``.

    ``low`` and ``high`` (n,) are the ends of its intervals, ``inside`` tells which labels lie in them, and ``novel``
    which videos it calls novel; ``None`` where the model has no such notion, or its scale is not the labels'.
    ``fitted_here``: the model was fitted on these very labels.
    """

    model: str
    values: Floats
    scale: Scale | None
    inside: Mask | None = None
    novel: Mask | None = None
    fitted_here: bool = False
    low: Floats | None = None
    high: Floats | None = None

    def take(self, videos: Indices) -> Predictions:
        """Only those of ``videos``, in that order."""
        return replace(
            self,
            values=self.values[videos],
            inside=None if self.inside is None else self.inside[videos],
            novel=None if self.novel is None else self.novel[videos],
            low=None if self.low is None else self.low[videos],
            high=None if self.high is None else self.high[videos],
        )


def predict_set(model: str, regressor: Regressor, data: Dataset, labels: Scale, level: float = 0.9) -> Predictions:
    """Predict every video of ``data`` with ``regressor``, with intervals of nominal coverage ``level``."""
    values = data.pool(regressor.predict(data.clips))
    inside = novel = low = high = None
    same = regressor.scale.same_range(labels)
    if regressor.intervals is not None and same and np.isfinite(regressor.intervals.half_width(level)):
        low, high = regressor.intervals.interval(values, level)
        inside = (data.mos >= low) & (data.mos <= high)
    if regressor.novelty is not None:
        novel = np.array([regressor.novelty.is_novel(mean) for mean in data.means])
    fitted_here = regressor.card.get("labels_digest") == data.digest
    return Predictions(model, values, regressor.scale, inside, novel, fitted_here, low, high)
