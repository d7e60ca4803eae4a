"""How well models agree with the opinion scores of a labelled set, how sure that is, and whether two models differ."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from conviqt_cli.arrays import Floats
from conviqt_cli.evaluation.predictions import Predictions
from conviqt_cli.fitting.points import Points
from conviqt_cli.labels.dataset import Dataset
from conviqt_cli.metrics.agreement import Agreement, agreement
from conviqt_cli.metrics.bootstrap import RESAMPLED, Confidence, Difference, confidence, difference, resample
from conviqt_cli.parallel import TaskProgress
from conviqt_cli.quality.scale import Scale

#: Below this many labels there is nothing to evaluate.
FEWEST_LABELS = 5


@dataclass(frozen=True)
class Bootstrap:
    """How contents are resampled; without ``draws`` there are no confidence intervals and no test.

    ``jobs`` is the number of processes (-1: every core) and changes speed only.
    """

    draws: int = 1000
    seed: int = 0
    jobs: int = -1


@dataclass(frozen=True)
class ModelAgreement:
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


@dataclass(frozen=True)
class SetEvaluation:
    """All models on one set; ``comparisons`` are with the rival, where there is one."""

    models: list[ModelAgreement]
    comparisons: list[Comparison]
    points: list[Points]


def evaluate_set(
    name: str,
    data: Dataset,
    labels: Scale,
    predictions: list[Predictions],
    rival: Predictions | None = None,
    bootstrap: Bootstrap | None = None,
    progress: TaskProgress | None = None,
) -> SetEvaluation:
    """Agreement of every model with the set ``name``, and the comparison of each with ``rival`` on the same draws.

    The sign of a model whose scale runs the other way is changed. A model whose scale has other ends is measured by
    rank and linearity only, as its values are not in the labels' units.
    """
    bootstrap = bootstrap or Bootstrap()
    everyone = [*predictions, *([rival] if rival else [])]
    values = [-each.values if _runs_against(each.scale, labels) else each.values for each in everyone]
    drawn: Floats | None = None
    if bootstrap.draws:
        drawn = resample(
            values, data.mos, data.folding_groups(), bootstrap.draws, bootstrap.seed, bootstrap.jobs, progress
        )
    models = [
        _measured(name, each, agreement(values[i], data.mos, data.std, data.ratings), labels, _of_model(drawn, i))
        for i, each in enumerate(everyone)
    ]
    comparisons = []
    if rival is not None:
        comparisons = [
            _compared(models[i], models[-1], _of_model(drawn, i), _of_model(drawn, -1)) for i in range(len(predictions))
        ]
    points = [
        Points(
            name, each.model, data.names.tolist(), data.groups.tolist(), data.mos, each.values, each.low, each.high,
            each.scale is not None and each.scale.same_range(labels),
        )
        for each in everyone
    ]  # fmt: skip
    return SetEvaluation(models, comparisons, points)


def _of_model(drawn: Floats | None, model: int) -> dict[str, Floats]:
    """Each figure on every draw, (draws,); empty without draws."""
    return {} if drawn is None else {figure: drawn[model, :, k] for k, figure in enumerate(RESAMPLED)}


def _measured(
    labelled_set: str, model: Predictions, found: Agreement, labels: Scale, drawn: dict[str, Floats]
) -> ModelAgreement:
    notes, figures = [], asdict(found)
    sure = {figure: confidence(drawn[figure]) if drawn else None for figure in RESAMPLED}
    if model.scale is None or not model.scale.same_range(labels):
        notes.append("not on the scale of the labels: no RMSE before the logistic, which would compare unlike units")
        figures["rmse"] = float("nan")
        sure["rmse"] = None
    if model.fitted_here:
        notes.append("fitted on these very labels: its figures here flatter it")
    return ModelAgreement(
        labelled_set,
        model.model,
        Agreement(**figures),
        sure,
        None if model.inside is None else float(model.inside.mean()),
        None if model.novel is None else float(model.novel.mean()),
        notes,
    )


def _compared(
    first: ModelAgreement, second: ModelAgreement, drawn_first: dict[str, Floats], drawn_second: dict[str, Floats]
) -> Comparison:
    differences: dict[str, Difference | None] = dict.fromkeys(RESAMPLED)
    for figure in drawn_first:
        observed = getattr(first.agreement, figure) - getattr(second.agreement, figure)
        if np.isfinite(observed):
            differences[figure] = difference(drawn_first[figure], drawn_second[figure], observed)
    return Comparison(first.labelled_set, first.model, second.model, differences)


def _runs_against(scale: Scale | None, labels: Scale) -> bool:
    return scale is not None and scale.higher_is_better != labels.higher_is_better
