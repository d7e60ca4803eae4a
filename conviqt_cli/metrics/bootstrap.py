"""How sure is a figure, and is one model better than another? Resampling contents with replacement.

Whole contents are drawn, not videos: versions of one content do not vary independently, and drawing them one by one
would make every interval too narrow (Field and Welsh, "Bootstrapping clustered data", JRSS B 69, 2007). Two models are
compared on the same draws, so what is common to both cancels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from conviqt_cli.arrays import Floats
from conviqt_cli.metrics.agreement import agreement
from conviqt_cli.parallel import TaskProgress, run_parallel

#: Figures that are resampled.
RESAMPLED = ("srocc", "krocc", "plcc", "rmse", "plcc_mapped", "rmse_mapped")
_CHUNK = 50


@dataclass(frozen=True)
class Confidence:
    """The central 95 % of a figure's bootstrap distribution."""

    low: float
    high: float


@dataclass(frozen=True)
class Difference:
    """First model minus second: the figure's difference, its 95 % bootstrap interval, and a two-sided p value.

    ``p`` is the bootstrap probability of a difference of the other sign, doubled (Efron and Tibshirani, 1993, section
    15.4), never below one over the number of draws.
    """

    difference: float
    low: float
    high: float
    p: float

    @property
    def significant(self) -> bool:
        """Whether the difference is significant at 5 %."""
        return self.p < 0.05


def resample(
    predictions: list[Floats],
    labels: Floats,
    groups: NDArray[np.str_],
    draws: int = 1000,
    seed: int = 0,
    jobs: int = -1,
    progress: TaskProgress | None = None,
) -> Floats:
    """Figures of each model on each draw of contents: (models, draws, figures), NaN where a draw leaves one undefined.

    ``predictions`` holds (n,) arrays in the direction of ``labels`` (n,); ``groups`` (n,) names each item's content.
    Results do not depend on ``jobs``.
    """
    tasks = [
        (predictions, labels, groups, min(_CHUNK, draws - first), seed, first) for first in range(0, draws, _CHUNK)
    ]
    return np.concatenate(run_parallel(_draw, tasks, jobs, progress), axis=1)


def confidence(values: Floats) -> Confidence | None:
    """From one figure's draws; ``None`` when a tenth or more of them left it undefined."""
    finite = values[np.isfinite(values)]
    if len(finite) < 0.9 * len(values) or not len(finite):
        return None
    low, high = np.quantile(finite, [0.025, 0.975])
    return Confidence(float(low), float(high))


def difference(first: Floats, second: Floats, observed: float) -> Difference | None:
    """Of one figure, from both models' draws and the ``observed`` difference on all data."""
    deltas = first - second
    deltas = deltas[np.isfinite(deltas)]
    if len(deltas) < 0.9 * len(first) or not len(deltas):
        return None
    low, high = np.quantile(deltas, [0.025, 0.975])
    below, above = float(np.mean(deltas <= 0)), float(np.mean(deltas >= 0))
    return Difference(observed, float(low), float(high), float(np.clip(2 * min(below, above), 1 / len(deltas), 1.0)))


def _draw(
    predictions: list[Floats], labels: Floats, groups: NDArray[np.str_], count: int, seed: int, first: int
) -> Floats:
    contents, content = np.unique(groups, return_inverse=True)
    members = [np.flatnonzero(content == each) for each in range(len(contents))]
    figures = np.empty((len(predictions), count, len(RESAMPLED)))
    for i in range(count):
        chosen = np.random.default_rng([seed, first + i]).integers(len(contents), size=len(contents))
        videos = np.concatenate([members[each] for each in chosen])
        for model, predicted in enumerate(predictions):
            found = agreement(predicted[videos], labels[videos])
            figures[model, i] = [getattr(found, name) for name in RESAMPLED]
    return figures
