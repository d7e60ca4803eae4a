"""An existing model against a labelled set: agreement, confidence, calibration, and comparison with another."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from conviqt_cli.arrays import Floats, Mask
from conviqt_cli.fitting.estimator import Estimator, predict, tune
from conviqt_cli.fitting.validation import Spread, summary, validate
from conviqt_cli.labels.dataset import Dataset
from conviqt_cli.metrics.agreement import FIGURES, Agreement, agreement
from conviqt_cli.metrics.bootstrap import RESAMPLED, Confidence, Difference, confidence, difference, resample
from conviqt_cli.parallel import Progress
from conviqt_cli.quality.regressor import Regressor
from conviqt_cli.quality.scale import Scale

FEWEST_LABELS = 5


@dataclass(frozen=True)
class Predictions:
    """What one model says of one set: ``values`` (n,) on the model's ``scale``.

    ``inside`` tells which labels lie in the model's interval, and ``novel`` which videos it calls novel; ``None`` where
    the model has no such notion, or its scale is not the labels'. ``fitted_here``: the model was fitted on these
    very labels.
    """

    model: str
    values: Floats
    scale: Scale | None
    inside: Mask | None = None
    novel: Mask | None = None
    fitted_here: bool = False


@dataclass(frozen=True)
class Verdict:
    """One model on one set. ``confidence`` is of the figures; ``coverage`` and ``novel`` are shares of videos."""

    labelled_set: str
    model: str
    agreement: Agreement
    confidence: dict[str, Confidence | None]
    coverage: float | None
    novel: float | None
    notes: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {**asdict(self), "agreement": self.agreement.to_dict()}


@dataclass(frozen=True)
class Comparison:
    """Two models on one set, figure by figure."""

    labelled_set: str
    first: str
    second: str
    differences: dict[str, Difference | None]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            **asdict(self),
            "differences": {
                name: None if each is None else {**asdict(each), "significant": each.significant}
                for name, each in self.differences.items()
            },
        }


def ask(model: str, regressor: Regressor, data: Dataset, labels: Scale, level: float = 0.9) -> Predictions:
    """Predict every video of ``data`` with ``regressor``."""
    values = data.pool(regressor.predict(data.clips))
    inside = novel = None
    same = _ends(regressor.scale) == _ends(labels)
    if regressor.intervals is not None and same and np.isfinite(regressor.intervals.half_width(level)):
        low, high = regressor.intervals.interval(values, level)
        inside = (data.mos >= low) & (data.mos <= high)
    if regressor.novelty is not None:
        novel = np.array([regressor.novelty.is_novel(mean) for mean in data.means])
    fitted_here = regressor.card.get("labels_digest") == data.digest
    return Predictions(model, values, regressor.scale, inside, novel, fitted_here)


def judge(
    labelled_set: str,
    data: Dataset,
    labels: Scale,
    predictions: list[Predictions],
    draws: int = 1000,
    seed: int = 0,
    jobs: int = -1,
    progress: Progress | None = None,
) -> tuple[list[Verdict], list[Comparison]]:
    """Judge every model on the set, and compare each but the last with the last, on the same draws of contents.

    A model whose scale runs the other way is turned round; one whose scale has other ends is judged on order and line
    only, as its values are not in the labels' units.
    """
    turned = [-each.values if _runs_against(each.scale, labels) else each.values for each in predictions]
    found = [agreement(values, data.mos, data.std, data.ratings) for values in turned]
    figures = resample(turned, data.mos, data.folding_groups(), draws, seed, jobs, progress) if draws else None
    verdicts = []
    for i, each in enumerate(predictions):
        notes, measured = [], asdict(found[i])
        sure = {name: None if figures is None else confidence(figures[i, :, k]) for k, name in enumerate(RESAMPLED)}
        if each.scale is None or _ends(each.scale) != _ends(labels):
            notes.append("on another scale than the labels: RMSE before the logistic would compare unlike units")
            measured["rmse"] = float("nan")
            sure["rmse"] = None
        if each.fitted_here:
            notes.append("fitted on these very labels: its figures here flatter it")
        verdicts.append(
            Verdict(
                labelled_set,
                each.model,
                Agreement(**measured),
                sure,
                None if each.inside is None else float(each.inside.mean()),
                None if each.novel is None else float(each.novel.mean()),
                notes,
            )
        )
    comparisons = []
    for i in range(len(predictions) - 1):
        differences: dict[str, Difference | None] = {}
        for k, name in enumerate(RESAMPLED):
            mine, other = (getattr(verdicts[j].agreement, name) for j in (i, -1))
            differences[name] = (
                None
                if figures is None or not np.isfinite(mine - other)
                else difference(figures[i, :, k], figures[-1, :, k], mine - other)
            )
        comparisons.append(Comparison(labelled_set, predictions[i].model, predictions[-1].model, differences))
    return verdicts, comparisons


@dataclass(frozen=True)
class Refit:
    """The literature's protocol on several sets.

    ``figures`` are of each set alone, over 80/20 splits by content; ``across[a][b]`` is the SROCC on all of set ``b``
    of a regressor fitted on all of set ``a``, for ``a`` other than ``b``.
    """

    figures: dict[str, dict[str, Spread | None]]
    across: dict[str, dict[str, float]]
    repeats: int

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)


def refit(
    estimator: Estimator,
    sets: dict[str, tuple[Dataset, Scale]],
    repeats: int = 100,
    seed: int = 0,
    jobs: int = -1,
    progress: Progress | None = None,
) -> Refit:
    """Fit anew on each set, judged on its own held-out contents and on every other set."""
    figures = {
        name: summary(validate(estimator, data, repeats, seed, jobs=jobs, progress=progress))
        for name, (data, _) in sets.items()
    }
    across: dict[str, dict[str, float]] = {}
    for name, (data, scale) in sets.items():
        model = tune(estimator, data, seed).model if len(sets) > 1 else None
        for other, (unseen, unseen_scale) in sets.items():
            if other != name and model is not None:
                turn = -1.0 if scale.higher_is_better != unseen_scale.higher_is_better else 1.0
                across.setdefault(name, {})[other] = agreement(turn * predict(model, unseen), unseen.mos).srocc
    return Refit(figures, across, repeats)


def _ends(scale: Scale) -> tuple[float | None, float | None, bool]:
    return scale.low, scale.high, scale.higher_is_better


def _runs_against(scale: Scale | None, labels: Scale) -> bool:
    return scale is not None and scale.higher_is_better != labels.higher_is_better


__all__ = ["FIGURES", "Comparison", "Predictions", "Refit", "Verdict", "ask", "judge", "refit"]
