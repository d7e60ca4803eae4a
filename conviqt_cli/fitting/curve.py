"""Would more labels help? The learning curve: agreement against the number of contents fitted on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from conviqt_cli.fitting.estimator import Estimator, predict, tune
from conviqt_cli.fitting.splits import Split, grouped_splits
from conviqt_cli.fitting.validation import Spread
from conviqt_cli.labels.dataset import Dataset
from conviqt_cli.metrics.agreement import agreement
from conviqt_cli.parallel import TaskProgress, run_parallel

SHARES = (0.1, 0.2, 0.4, 0.6, 0.8, 1.0)
_FEWEST_CONTENTS = 4
_FEWEST_VIDEOS = 8


@dataclass(frozen=True)
class CurvePoint:
    """Agreement on held-out contents of regressors fitted on ``contents`` contents (``videos`` of them, median)."""

    contents: int
    videos: int
    srocc: Spread | None
    rmse: Spread | None


def learning_curve(
    estimator: Estimator,
    data: Dataset,
    repeats: int = 10,
    seed: int = 0,
    jobs: int = -1,
    progress: TaskProgress | None = None,
) -> list[CurvePoint]:
    """Fit on growing shares of each training side, judge on the same test side; empty when there is too little."""
    groups = data.folding_groups()
    splits = grouped_splits(groups, repeats, seed=seed)
    available = len(np.unique(groups[splits[0][0]]))
    sizes = sorted({round(share * available) for share in SHARES if round(share * available) >= _FEWEST_CONTENTS})
    tasks = [(estimator, data, split, size, seed + i) for size in sizes for i, split in enumerate(splits)]
    results = run_parallel(_one_point, tasks, jobs, progress)
    points = []
    for position, size in enumerate(sizes):
        of_size = [each for each in results[position * len(splits) : (position + 1) * len(splits)] if each is not None]
        if of_size:
            videos, srocc, rmse = zip(*of_size, strict=True)
            points.append(CurvePoint(size, int(np.median(videos)), Spread.of(srocc), Spread.of(rmse)))
    return points


def _one_point(
    estimator: Estimator, data: Dataset, split: Split, size: int, seed: int
) -> tuple[int, float, float] | None:
    train, test = split
    groups = data.folding_groups()
    contents = np.random.default_rng([seed, 1]).permutation(np.unique(groups[train]))[:size]
    part = data.take(train[np.isin(groups[train], contents)])
    if len(part) < _FEWEST_VIDEOS or np.ptp(part.mos) == 0:
        return None
    held_out = data.take(test)
    found = agreement(predict(tune(estimator, part, seed).model, held_out), held_out.mos)
    return len(part), found.srocc, found.rmse
