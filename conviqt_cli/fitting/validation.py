"""The literature's protocol: many random 80/20 splits by content, everything chosen inside each training side.

(Median over 100 repetitions in CONVIQT, section IV, and in the works it compares with.) The test side of a split is
read once, to be judged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from conviqt_cli.arrays import Floats, Indices
from conviqt_cli.fitting.estimator import Estimator, Parameters, predict, tune
from conviqt_cli.fitting.splits import Split, grouped_splits
from conviqt_cli.labels.dataset import Dataset
from conviqt_cli.metrics.agreement import FIGURES, Agreement, agreement
from conviqt_cli.parallel import TaskProgress, run_parallel


@dataclass(frozen=True)
class SplitOutcome:
    """One split: which videos were on the test side, what was predicted for them, and how well.

    ``half_width`` is half the prediction interval's width, in label units, infinite where the training side has too few
    contents; ``covered`` is the share of test labels inside it.
    """

    test: Indices
    predicted: Floats
    parameters: Parameters
    agreement: Agreement
    covered: float
    half_width: float


@dataclass(frozen=True)
class Spread:
    """A figure over splits: median and the quartiles around it, over the ``splits`` where it could be told."""

    median: float
    low: float
    high: float
    deviation: float
    splits: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread | None:
        """Over finite values; ``None`` when there is none."""
        finite = np.array([value for value in values if np.isfinite(value)])
        if not len(finite):
            return None
        low, median, high = (float(value) for value in np.quantile(finite, [0.25, 0.5, 0.75]))
        return cls(median, low, high, float(finite.std()), len(finite))


def validate(
    estimator: Estimator,
    data: Dataset,
    repeats: int = 100,
    seed: int = 0,
    level: float = 0.9,
    jobs: int = -1,
    progress: TaskProgress | None = None,
) -> list[SplitOutcome]:
    """Fit and judge on each split; ``jobs`` processes (-1: every core), whose number changes nothing in the result."""
    groups = data.folding_groups()
    splits = grouped_splits(groups, repeats, seed=seed)
    tasks = [(estimator, data, split, seed + 1, level) for split in splits]
    return run_parallel(_one_split, tasks, jobs, progress)


def summary(outcomes: Sequence[SplitOutcome]) -> dict[str, Spread | None]:
    """Every agreement figure, and ``coverage``, over the splits."""
    found = {name: Spread.of([getattr(outcome.agreement, name) for outcome in outcomes]) for name in FIGURES}
    # An infinite interval covers everything and says nothing.
    found["coverage"] = Spread.of([each.covered for each in outcomes if np.isfinite(each.half_width)])
    return found


def mean_coverage(outcomes: Sequence[SplitOutcome]) -> float:
    """Share of all test labels, over all splits, that lay inside their interval; NaN where none could be given."""
    pairs = [(each.covered, len(each.test)) for each in outcomes if np.isfinite(each.half_width)]
    return float(np.average([p[0] for p in pairs], weights=[p[1] for p in pairs])) if pairs else float("nan")


def _one_split(estimator: Estimator, data: Dataset, split: Split, seed: int, level: float) -> SplitOutcome:
    train, test = split
    tuned = tune(estimator, data.take(train), seed)
    held_out = data.take(test)
    predicted = predict(tuned.model, held_out)
    low, high = tuned.intervals.interval(predicted, level)
    return SplitOutcome(
        test=test,
        predicted=predicted,
        parameters=tuned.parameters,
        agreement=agreement(predicted, held_out.mos, held_out.std, held_out.ratings),
        covered=float(np.mean((held_out.mos >= low) & (held_out.mos <= high))),
        half_width=tuned.intervals.half_width(level),
    )
