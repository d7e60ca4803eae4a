"""Linear probes on frozen vectors: a classifier and a ridge, quick enough to be fitted a hundred times.

Both work on the leading principal components of the training vectors (no label takes part in finding them), and choose
their penalty by cross-validation that keeps contents whole, within the training side.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh
from scipy.optimize import minimize
from scipy.special import logsumexp

from conviqt_cli.fitting.splits import grouped_folds

Floats = NDArray[np.floating[Any]]

#: Principal components kept: of 4096 values all but a fraction of a percent of the variance.
COMPONENTS = 400

#: Penalties of the classifier, strongest first, each search starting where the one before ended.
CLASS_PENALTIES = (3e-2, 1e-2, 3e-3, 1e-3)

#: Penalties of the ridge, relative to the mean energy of the points, strongest first.
RIDGE_PENALTIES = 10.0 ** np.arange(2.0, -7.5, -0.5)

_FOLDS, _SEED, _ITERATIONS = 5, 0, 80
_CLASS_FOLDS = 3


@dataclass(frozen=True)
class Space:
    """Principal components of vectors: ``project`` takes (n, d) to (n, components) with mean square 1."""

    mean: NDArray[np.float64]
    turn: NDArray[np.float64]

    @classmethod
    def of(cls, vectors: Floats, standardise: bool, components: int = COMPONENTS) -> Space:
        """Of ``vectors`` (n, d); ``standardise`` gives every value the same variance first."""
        mean = vectors.mean(axis=0, dtype=np.float64)
        scale = np.ones(vectors.shape[1])
        if standardise:
            spread = vectors.std(axis=0, dtype=np.float64)
            moving = spread > 1e-6 * max(float(spread.max()), 1e-300)
            scale = np.where(moving, 1.0 / np.where(moving, spread, 1.0), 0.0)
        centred = ((vectors - mean) * scale).astype(np.float32)
        primal = centred.shape[1] <= len(centred)
        gram = centred.T @ centred if primal else centred @ centred.T
        last = len(gram) - 1
        values, directions = eigh(gram, subset_by_index=(max(0, last + 1 - components), last), overwrite_a=True)
        kept = values > 1e-6 * values[-1]
        values, turn = values[kept].astype(np.float64), directions[:, kept]
        if not primal:
            turn = (centred.T @ turn) / np.sqrt(values).astype(np.float32)
        size = np.sqrt(values.sum() / len(centred) / len(values))
        return cls(mean, scale[:, None] * turn.astype(np.float64) / size)

    def project(self, vectors: Floats) -> NDArray[np.float64]:
        """Points of vectors."""
        return np.asarray((vectors - self.mean) @ self.turn)


def classified(
    train: Floats, kinds: NDArray[np.str_], contents: NDArray[Any], test: Floats
) -> tuple[NDArray[np.str_], float]:
    """The kind of each test vector by multinomial logistic regression, and the penalty of least log loss."""
    space = Space.of(train, standardise=True)
    points, names = space.project(train), np.unique(kinds)
    wanted = np.searchsorted(names, kinds)
    losses = np.zeros(len(CLASS_PENALTIES))
    for fit, judge in grouped_folds(contents, _CLASS_FOLDS, _SEED):
        for index, logits in enumerate(_logits(points[fit], wanted[fit], len(names), CLASS_PENALTIES, points[judge])):
            chosen = logits[np.arange(len(judge)), wanted[judge]]
            losses[index] += float((logsumexp(logits, axis=1) - chosen).sum())
    best = int(np.argmin(losses))
    *_, logits = _logits(points, wanted, len(names), CLASS_PENALTIES[: best + 1], space.project(test))
    return names[logits.argmax(axis=1)], CLASS_PENALTIES[best]


def _logits(
    points: Floats, wanted: NDArray[np.intp], classes: int, penalties: tuple[float, ...], test: Floats
) -> list[NDArray[np.float64]]:
    """Logits (m, classes) of ``test`` for each penalty: mean cross entropy + penalty / 2 |weights|² is minimised."""
    count, width = points.shape
    single, rows = points.astype(np.float32), np.arange(count)
    coef, bias = np.zeros((classes, width)), np.zeros(classes)
    variance = (points**2).mean(axis=0) / classes
    found = []
    for penalty in penalties:
        # The curvature along a component is about its variance plus the penalty: searching in units of its root.
        unit = 1.0 / np.sqrt(variance + penalty)

        def loss(flat: Floats, penalty: float = penalty, unit: Floats = unit) -> tuple[float, Floats]:
            weights, offset = flat[:-classes].reshape(classes, width) * unit, flat[-classes:]
            logits = single @ weights.astype(np.float32).T + offset.astype(np.float32)
            logits -= logits.max(axis=1, keepdims=True)
            slope = np.exp(logits)
            total = slope.sum(axis=1, keepdims=True)
            cost = float((np.log(total[:, 0]) - logits[rows, wanted]).mean())
            slope /= total
            slope[rows, wanted] -= 1.0
            slope /= count
            gradient = (slope.T @ single + penalty * weights) * unit
            value = cost + penalty / 2 * float((weights**2).sum())
            return value, np.concatenate([gradient.ravel(), slope.sum(axis=0)]).astype(np.float64)

        begin = np.concatenate([(coef / unit).ravel(), bias])
        options = {"maxiter": _ITERATIONS, "ftol": 1e-6, "gtol": 1e-5}
        flat = minimize(loss, begin, jac=True, method="L-BFGS-B", options=options).x
        coef, bias = flat[:-classes].reshape(classes, width) * unit, flat[-classes:]
        found.append(test @ coef.T + bias)
    return found


def regressed(
    train: Floats, labels: Floats, contents: NDArray[Any], test: Floats
) -> tuple[NDArray[np.float64], dict[str, float]]:
    """Ridge predictions of ``test``; penalty and whether to standardise are those of least cross-validated error."""
    folds = grouped_folds(contents, _FOLDS, _SEED)
    trials = []
    for standardise in (False, True):
        space = Space.of(train, standardise)
        points = space.project(train)
        errors = np.zeros(len(RIDGE_PENALTIES))
        for fit, judge in folds:
            predict = _ridge(points[fit], labels[fit])
            errors += ((predict(points[judge], RIDGE_PENALTIES) - labels[judge, None]) ** 2).sum(axis=0)
        best = int(np.argmin(errors))
        trials.append((float(errors[best]), standardise, RIDGE_PENALTIES[best], space, points))
    error, standardise, penalty, space, points = min(trials, key=lambda trial: trial[0])
    predicted = _ridge(points, labels)(space.project(test), np.array([penalty]))[:, 0]
    settings = {"penalty": float(penalty), "standardise": float(standardise), "rmse": (error / len(labels)) ** 0.5}
    return predicted, settings


def _ridge(points: Floats, labels: Floats) -> Callable[[Floats, Floats], NDArray[np.float64]]:
    """``predict(points (m, d), penalties (k,))`` gives (m, k): one eigendecomposition serves every penalty."""
    centre, level = points.mean(axis=0), float(labels.mean())
    centred = points - centre
    values, basis = np.linalg.eigh(centred.T @ centred)
    projected = basis.T @ (centred.T @ (labels - level))
    energy = float(values.sum())

    def predict(others: Floats, penalties: Floats) -> NDArray[np.float64]:
        shrunk = projected[:, None] / (np.maximum(values, 0.0)[:, None] + penalties[None, :] * energy / len(values))
        return np.asarray((others - centre) @ (basis @ shrunk) + level)

    return predict
