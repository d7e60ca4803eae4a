"""Fitting a diagnosis head: a linear probe with its penalty, its calibration and its figures from held-out contents.

Method. Each value of the vector is standardised and the vectors are turned to their leading principal components (the
halves of a clip vector have unit norm and classes differ little, so neither scale nor direction of the raw values
means anything; no label takes part in this). On these: multinomial logistic regression with an L2 penalty, families
weighing the same however many clips they have, and for each family a ridge from vector to level, on the family's clips
and, as level 0, the pristine ones. Standardisation and components are folded into the weights at the end.

Both penalties are chosen by five-fold cross-validation with contents kept whole. The logits of the held-out clips also
give the one temperature by which all are divided (Guo, Pleiss, Sun and Weinberger, "On calibration of modern neural
networks", ICML 2017), so that of clips diagnosed with 70 % about 70 % are right, families being equally common.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh
from scipy.optimize import minimize, minimize_scalar

from conviqt_cli.arrays import Floats, Indices, Mask
from conviqt_cli.quality.diagnosis import CLEAR, PRISTINE, WORST_LEVEL, DiagnosisHead, name_problem, softmax

#: Folds of the cross-validation; a family must have as many contents.
FOLDS = 5

#: Principal components kept. Directions of little variance tell families apart too, so more of them only cost time.
COMPONENTS = 1024

#: Penalties of the classifier on points of mean square 1, strongest first: a tie goes to the smoother model.
PENALTIES = (1.0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5)

#: Penalties of the level's ridge, relative to the mean energy of the vectors.
LEVEL_PENALTIES = (30.0, 10.0, 3.0, 1.0, 0.3, 0.1, 0.03, 0.01, 0.003)

_ITERATIONS = 200
_CALIBRATION_BINS = 10


def fit_head(
    vectors: Floats,
    families: Sequence[str],
    levels: Sequence[float] | Floats,
    groups: Sequence[str] | NDArray[Any],
    seed: int = 0,
    encoder_id: str = "",
) -> DiagnosisHead:
    """Fit a head on ``vectors`` (n, d) with a family, a level (0 to 5) and a content (n each).

    The card's figures are of held-out contents: ``accuracy``, ``balanced_accuracy`` (mean of the families' recalls),
    ``top3_accuracy``, ``log_loss`` and ``calibration_error`` (families weighing the same; the latter the mean distance
    between stated and true frequency in ten bins), ``level_mae`` (of distorted clips, by the true family's ridge) and
    ``level_plcc``; ``family`` holds counts, recall and level error of each, ``confusion`` the shares in which each true
    family (row) was called each (column). 8000 clips of 2048 values in 16 families take 36 s on one core.

    Raises ``ValueError`` for shapes that do not agree, values that are not finite, levels out of range or not 0 where
    pristine, no pristine clips, or a family of fewer than five contents.
    """
    data = _Labelled.of(vectors, families, levels, groups)
    space = _Space.of(vectors)
    points = space.project(vectors)
    folds = data.folds(seed)
    penalty, temperature, logits = _choose_penalty(points, data, folds)
    level_penalty, level_estimates = _choose_level_penalty(points, data, folds)

    coef, bias = _classifier(points, data, PENALTIES[: PENALTIES.index(penalty) + 1])[-1]
    level_coef, level_bias = _level_ridges(points, data, [level_penalty])[0]
    card: dict[str, Any] = {
        "labels": "distortions made by the training bank",
        "validation": f"{FOLDS}-fold cross-validation, contents kept whole",
        "clips": len(points),
        "contents": len(np.unique(data.content)),
        "penalty": penalty,
        "level_penalty": level_penalty,
        "temperature": round(temperature, 4),
        "components": points.shape[1],
        **_figures(data, softmax(logits / temperature), level_estimates),
    }
    return DiagnosisHead(
        data.names,
        *space.unfold(coef / temperature, bias / temperature),
        *space.unfold(level_coef, level_bias),
        encoder_id,
        card,
    )


def recalibrated(
    head: DiagnosisHead,
    vectors: Floats,
    families: Sequence[str],
    levels: Sequence[float] | Floats,
    groups: Sequence[str] | NDArray[Any],
) -> DiagnosisHead:
    """A head whose probabilities hold for contents that its encoder has not seen either.

    Cross-validation keeps the head from seeing a content twice, but the encoder was trained on all of them, so its
    figures and probabilities are those of known scenes. Of the contents given here half (by their names) set a
    temperature and a bias for pristine (Platt 1999; Guo et al., "On calibration of modern neural networks", ICML 2017),
    all families weighing the same; the other half is judged, as ``held_out`` in the card. Items of families that the
    head does not know are left out. Raises ``ValueError`` when either half is empty.
    """
    known = np.isin(np.asarray(families), head.families)
    family = np.array([head.families.index(name) for name in np.asarray(families)[known]], dtype=np.intp)
    level = np.asarray(levels, dtype=np.float64)[known]
    content = np.asarray(groups).astype(str)[known]
    judged = np.array([hashlib.sha256(name.encode()).digest()[0] % 2 == 1 for name in content], dtype=bool)
    if not judged.any() or judged.all():
        raise ValueError(
            f"{len(set(content.tolist()))} held-out contents; some are needed to calibrate and to judge on"
        )
    pristine = np.array([float(name == PRISTINE) for name in head.families])
    logits = np.asarray(vectors[known].astype(np.float64) @ head.family_coef.T.astype(np.float64) + head.family_bias)
    data = _Labelled(head.families, family, level, np.unique(content, return_inverse=True)[1])
    own = data.part(np.flatnonzero(~judged))

    def loss(values: Floats) -> float:
        return _log_loss(softmax(logits[~judged] * np.exp(-values[0]) + values[1] * pristine), own)

    log_temperature, bias = (float(value) for value in minimize(loss, np.zeros(2), method="Nelder-Mead").x)
    sharper = np.exp(-log_temperature)
    made = replace(
        head,
        family_coef=(head.family_coef * sharper).astype(np.float32),
        family_bias=(head.family_bias * sharper + bias * pristine).astype(np.float32),
    )
    figures = _held_out_figures(made, vectors[known][judged], data.part(np.flatnonzero(judged)))
    return replace(
        made,
        card={
            **head.card,
            "calibration": {
                "contents": len(set(content[~judged].tolist())),
                **_rounded({"temperature": np.exp(log_temperature), "pristine_bias": bias}),
            },
            "held_out": {"contents": len(set(content[judged].tolist())), **figures},
        },
    )


def _held_out_figures(head: DiagnosisHead, vectors: Floats, data: _Labelled) -> dict[str, Any]:
    """Of :func:`_figures` those that a card shows for held-out contents, and how often the head is sure."""
    chance = head.probabilities(vectors)
    figures = _figures(data, chance, head.levels(vectors)[np.arange(len(vectors)), data.family])
    clear = chance.max(axis=1) >= CLEAR
    right = chance.argmax(axis=1) == data.family
    share = {"clear": clear.mean(), **({"accuracy_where_clear": right[clear].mean()} if clear.any() else {})}
    shown = ("accuracy", "balanced_accuracy", "calibration_error", "level_mae")
    return {
        "clips": len(vectors),
        **{name: figures[name] for name in shown if name in figures},
        **_rounded(share),
        "recall": {name: each["recall"] for name, each in figures["family"].items()},
    }


@dataclass(frozen=True)
class _Labelled:
    """Labels as numbers: ``family`` (n,) indexes ``names``, ``content`` (n,) the contents, ``level`` (n,) 0 to 5."""

    names: tuple[str, ...]
    family: Indices
    level: Floats
    content: Indices

    @classmethod
    def of(cls, vectors: Floats, families: Sequence[str], levels: Any, groups: Any) -> _Labelled:
        level = np.asarray(levels, dtype=np.float64)
        count = len(families)
        if vectors.ndim != 2 or len(vectors) != count or level.shape != (count,) or len(groups) != count:
            raise ValueError(
                f"{count} families for vectors {vectors.shape}, levels {level.shape}, {len(groups)} groups"
            )
        if not np.isfinite(vectors).all():
            raise ValueError("vectors hold values that are not finite")
        # Pristine first, then by name: the order of classes does not depend on the order of items.
        names = tuple(sorted(set(families), key=lambda name: (name != PRISTINE, name)))
        problem = name_problem(names)
        if problem:
            raise ValueError(problem)
        family = np.array([names.index(name) for name in families], dtype=np.intp)
        if not ((level >= 0) & (level <= WORST_LEVEL)).all() or level[family == 0].any():
            raise ValueError(f"levels must lie between 0 and {WORST_LEVEL:g}, and be 0 where pristine")
        content = np.unique(np.asarray(groups), return_inverse=True)[1]
        for index, name in enumerate(names):
            contents = len(np.unique(content[family == index]))
            if contents < FOLDS:
                raise ValueError(f"family {name!r} has {contents} contents; at least {FOLDS} are needed to judge it")
        return cls(names, family, level, content)

    @property
    def weight(self) -> Floats:
        """(n,) with mean 1, the same sum for every family that is there."""
        _, place, counts = np.unique(self.family, return_inverse=True, return_counts=True)
        return np.asarray((len(self.family) / (len(counts) * counts))[place])

    def part(self, rows: Indices) -> _Labelled:
        """The labels of some rows; the names stay."""
        return _Labelled(self.names, self.family[rows], self.level[rows], self.content[rows])

    def folds(self, seed: int) -> list[tuple[Indices, Indices]]:
        """Training and test rows, contents whole and families spread over the folds."""
        from sklearn.model_selection import StratifiedGroupKFold

        splitter = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
        return list(splitter.split(np.zeros((len(self.family), 1)), self.family, self.content))


@dataclass(frozen=True)
class _Space:
    """Standardised principal components: ``project`` gives points, ``unfold`` brings weights on them back."""

    mean: Floats
    turn: Floats

    @classmethod
    def of(cls, vectors: Floats) -> _Space:
        mean = vectors.mean(axis=0, dtype=np.float64)
        spread = vectors.std(axis=0, dtype=np.float64)
        # A value that never moves carries nothing; it gets no weight instead of a division by nearly zero.
        moving = spread > 1e-9 * max(float(spread.max()), 1e-300)
        scale = np.where(moving, 1.0 / np.where(moving, spread, 1.0), 0.0)
        standard = ((vectors - mean) * scale).astype(np.float32)
        count, width = standard.shape
        primal = width <= count
        # The smaller of the two matrices has the same spectrum; float32 is enough to turn by, and twice as fast.
        matrix = standard.T @ standard if primal else standard @ standard.T
        kept = min(COMPONENTS, len(matrix))
        values, directions = eigh(matrix, subset_by_index=(len(matrix) - kept, len(matrix) - 1), overwrite_a=True)
        kept_values = values > 1e-5 * values[-1]
        values, directions = values[kept_values], directions[:, kept_values].astype(np.float64)
        if not primal:
            directions = standard.T.astype(np.float64) @ directions / np.sqrt(values)
        # One scale for all: the penalties then mean the same for any width.
        size = np.sqrt(values.sum(dtype=np.float64) / count)
        return cls(mean, scale[:, None] * directions / size * np.sqrt(len(values)))

    def project(self, vectors: Floats) -> Floats:
        """(n, d) to (n, components), with mean square 1."""
        return np.asarray((vectors - self.mean) @ self.turn)

    def unfold(self, coef: Floats, bias: Floats) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Weights (k, components) and biases (k,) on points, as weights (k, d) and biases (k,) on vectors."""
        weights = coef @ self.turn.T
        return weights.astype(np.float32), np.asarray(bias - weights @ self.mean).astype(np.float32)


def _choose_penalty(
    points: Floats, data: _Labelled, folds: list[tuple[Indices, Indices]]
) -> tuple[float, float, Floats]:
    """The penalty of least held-out log loss, its temperature, and its held-out logits (n, k)."""
    logits = np.zeros((len(PENALTIES), len(points), len(data.names)))
    for train, test in folds:
        for index, (coef, bias) in enumerate(_classifier(points[train], data.part(train), PENALTIES)):
            logits[index, test] = points[test] @ coef.T + bias
    trials = [(*_temperature(each, data), index) for index, each in enumerate(logits)]
    _, temperature, index = min(trials, key=lambda trial: trial[0])
    return PENALTIES[index], temperature, logits[index]


def _classifier(points: Floats, data: _Labelled, penalties: Sequence[float]) -> list[tuple[Floats, Floats]]:
    """Weights (k, components) and biases (k,) for each penalty, each search starting from the result before.

    Minimises mean weighted cross entropy + penalty / 2 |weights|². The curvature along a component is about its
    variance times p (1 - p), plus the penalty; searching in units of its root makes L-BFGS several times faster.
    """
    count, width, classes = len(points), points.shape[1], len(data.names)
    single = points.astype(np.float32)
    rows, weight = np.arange(count), data.weight / count
    variance = (points**2).mean(axis=0) / classes
    found = []
    # A family that is all in the test side gets a bias of little probability rather than one of minus infinity.
    start = np.log(np.maximum(np.bincount(data.family, weight, classes), 1e-3 / classes))
    coef, bias = np.zeros((classes, width)), start - start.mean()
    for penalty in penalties:
        unit = 1.0 / np.sqrt(variance + penalty)

        def loss(flat: Floats, penalty: float = penalty, unit: Floats = unit) -> tuple[float, Floats]:
            weights, offset = flat[:-classes].reshape(classes, width) * unit, flat[-classes:]
            slope = softmax(single @ weights.astype(np.float32).T + offset)
            cost = -weight @ np.log(np.maximum(slope[rows, data.family], 1e-30))
            slope[rows, data.family] -= 1.0
            slope *= weight[:, None]
            gradient = (slope.astype(np.float32).T @ single + penalty * weights) * unit
            total = cost + penalty / 2 * (weights**2).sum()
            return float(total), np.concatenate([gradient.ravel(), slope.sum(axis=0)]).astype(np.float64)

        options = {"maxiter": _ITERATIONS, "ftol": 1e-6, "gtol": 1e-5}
        begin = np.concatenate([(coef / unit).ravel(), bias])
        flat = minimize(loss, begin, jac=True, method="L-BFGS-B", options=options).x
        coef, bias = flat[:-classes].reshape(classes, width) * unit, flat[-classes:]
        found.append((coef, bias))
    return found


def _temperature(logits: Floats, data: _Labelled) -> tuple[float, float]:
    """Least weighted log loss over temperatures, and the temperature that has it."""

    def loss(log_temperature: float) -> float:
        return _log_loss(softmax(logits / np.exp(log_temperature)), data)

    found = minimize_scalar(loss, bounds=(np.log(0.2), np.log(20.0)), method="bounded")
    return float(found.fun), float(np.exp(found.x))


def _log_loss(chance: Floats, data: _Labelled) -> float:
    """Of probabilities (n, k), families weighing the same."""
    true_chance = chance[np.arange(len(chance)), data.family]
    return float(np.average(-np.log(np.maximum(true_chance, 1e-12)), weights=data.weight))


def _choose_level_penalty(
    points: Floats, data: _Labelled, folds: list[tuple[Indices, Indices]]
) -> tuple[float, Floats]:
    """The penalty of least held-out squared error, and the held-out levels (n,), each by its true family's ridge."""
    estimates = np.zeros((len(LEVEL_PENALTIES), len(points)))
    for train, test in folds:
        rows = np.arange(len(test))
        ridges = _level_ridges(points[train], data.part(train), LEVEL_PENALTIES)
        for index, (coef, bias) in enumerate(ridges):
            raw = (points[test] @ coef.T + bias)[rows, data.family[test]]
            estimates[index, test] = np.clip(raw, 0.0, WORST_LEVEL)
    errors = [np.average((each - data.level) ** 2, weights=data.weight) for each in estimates]
    best = int(np.argmin(errors))
    return LEVEL_PENALTIES[best], estimates[best]


def _level_ridges(points: Floats, data: _Labelled, penalties: Sequence[float]) -> list[tuple[Floats, Floats]]:
    """Weights (k, components) and biases (k,) of each family's level, for each penalty; zero for pristine."""
    classes, width = len(data.names), points.shape[1]
    found: list[tuple[Floats, Floats]] = [(np.zeros((classes, width)), np.zeros(classes)) for _ in penalties]
    clean = np.flatnonzero(data.family == 0)
    for family in range(1, classes):
        own = np.flatnonzero(data.family == family)
        if not own.size:
            continue
        rows = np.concatenate([own, clean])
        # However many pristine clips there are, together they count as one more level of this family.
        weight = np.concatenate([np.ones(len(own)), np.full(len(clean), len(own) / WORST_LEVEL / max(len(clean), 1))])
        weight /= weight.sum()
        centre, middle = weight @ points[rows], float(weight @ data.level[rows])
        centred = points[rows] - centre
        matrix = (centred * weight[:, None]).T @ centred
        target = centred.T @ (weight * (data.level[rows] - middle))
        energy = max(float(np.trace(matrix)), 1e-12) / width
        for (coef, bias), penalty in zip(found, penalties, strict=True):
            coef[family] = np.linalg.solve(matrix + penalty * energy * np.eye(width), target)
            bias[family] = middle - centre @ coef[family]
    return found


def _figures(data: _Labelled, chance: Floats, level: Floats) -> dict[str, Any]:
    """What held-out probabilities (n, k) and levels (n,) say; families without clips are left out."""
    called = chance.argmax(axis=1)
    right = called == data.family
    true_chance = chance[np.arange(len(chance)), data.family]
    distorted = data.family > 0
    error = np.abs(level - data.level)
    confusion = np.zeros((len(data.names), len(data.names)))
    np.add.at(confusion, (data.family, called), 1.0)
    there = np.flatnonzero(confusion.sum(axis=1))
    confusion[there] /= confusion[there].sum(axis=1, keepdims=True)
    spread = distorted.sum() > 1 and level[distorted].std() > 0 and data.level[distorted].std() > 0

    def per_family(index: int) -> dict[str, Any]:
        own = data.family == index
        counts: dict[str, Any] = {"clips": int(own.sum()), "contents": len(np.unique(data.content[own]))}
        figures = {"recall": right[own].mean(), **({"level_mae": error[own].mean()} if index else {})}
        return {**counts, **_rounded(figures)}

    return {
        **_rounded(
            {
                "accuracy": right.mean(),
                "balanced_accuracy": np.diag(confusion)[there].mean(),
                "top3_accuracy": ((chance > true_chance[:, None]).sum(axis=1) < 3).mean(),
                "log_loss": _log_loss(chance, data),
                "calibration_error": _calibration_error(chance.max(axis=1), right, data.weight),
                **({"level_mae": error[distorted].mean()} if distorted.any() else {}),
            }
        ),
        "level_plcc": round(float(np.corrcoef(level[distorted], data.level[distorted])[0, 1]), 4) if spread else None,
        "family": {data.names[index]: per_family(int(index)) for index in there},
        "confusion": [[round(float(value), 3) for value in row] for row in confusion],
    }


def _calibration_error(stated: Floats, right: Mask, weight: Floats) -> float:
    """Expected calibration error: stated probability against frequency of being right, by bins of equal width."""
    place = np.minimum((stated * _CALIBRATION_BINS).astype(int), _CALIBRATION_BINS - 1)
    gap = np.bincount(place, weight * (stated - right), _CALIBRATION_BINS)
    return float(np.abs(gap).sum() / weight.sum())


def _rounded(figures: dict[str, Any]) -> dict[str, float]:
    return {name: round(float(value), 4) for name, value in figures.items()}
