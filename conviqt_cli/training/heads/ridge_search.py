"""The settings of the bundle's ridge, by cross-validation and the one-standard-error rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from conviqt_cli.arrays import Floats
from conviqt_cli.training.heads.labelled import Labelled, RidgeSettings

#: Relative penalties that are tried.
PENALTIES = tuple(float(value) for value in 10.0 ** np.arange(-2.0, 3.5, 0.5))

#: Weights of an opinion score that are tried, a metric's label counting 1. With more than these, the few contents that
#: people scored would be nearly all there is.
HUMAN_WEIGHTS = (1.0, 3.0, 9.0)


@dataclass(frozen=True)
class Trial:
    """Settings with their cross-validated ``error`` and its standard error over contents; label variance is 1."""

    settings: RidgeSettings
    error: float
    standard_error: float


def search(data: Labelled, labels: Floats) -> RidgeSettings:
    """The settings to fit ``data`` with, given its aligned ``labels`` (n,)."""
    return strongest_within_one_error(try_all(data, labels))


def try_all(data: Labelled, labels: Floats) -> list[Trial]:
    """Every penalty with every weight, cross-validated on ``data`` and its aligned ``labels`` (n,)."""
    settings = [RidgeSettings(penalty, weight) for weight in HUMAN_WEIGHTS for penalty in PENALTIES]
    return [_try(data, labels, each) for each in settings]


def strongest_within_one_error(trials: Sequence[Trial]) -> RidgeSettings:
    """Of the settings that are no more than one standard error worse than the best, those of the strongest penalty.

    Which penalty comes out best of all is partly chance, and a ridge that shrinks more promises less about contents
    unlike those it was fitted on (Breiman et al., "Classification and Regression Trees", 1984, section 3.4.3). Of
    several weights at that penalty, the one of least error is taken.
    """
    best = min(trials, key=lambda trial: trial.error)
    near = [trial for trial in trials if trial.error <= best.error + best.standard_error]
    return max(near, key=lambda trial: (trial.settings.penalty, -trial.error)).settings


def _try(data: Labelled, labels: Floats, settings: RidgeSettings) -> Trial:
    """Out-of-fold squared error over each set's variance, all sets counting the same.

    Sets of one content do not count: no fold has seen anything like them. The standard error takes contents as what
    was sampled, in whatever sets they appear.
    """
    squared = (data.out_of_fold(labels, settings) - labels) ** 2
    sets = [data.sets == name for name in np.unique(data.sets)]
    counted = [own for own in sets if data.contents_of(own) > 1] or sets
    errors = []
    deviation = np.zeros(len(labels))
    for own in counted:
        relative = squared[own] / labels[own].var()
        errors.append(float(relative.mean()))
        deviation[own] = (relative - relative.mean()) / (own.sum() * len(counted))
    used = np.any(counted, axis=0)
    names, content = np.unique(data.contents[used], return_inverse=True)
    of_contents = np.bincount(content, weights=deviation[used])
    variance = float((of_contents**2).sum()) * len(names) / (len(names) - 1)
    return Trial(settings, float(np.mean(errors)), variance**0.5)
