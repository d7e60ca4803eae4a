"""Evaluating models on several labelled sets: the whole result, as it is printed and written."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conviqt_cli.data_frames import data_frame
from conviqt_cli.evaluation.agreement import Bootstrap, Comparison, ModelAgreement, evaluate_set
from conviqt_cli.evaluation.candidates import Candidates
from conviqt_cli.evaluation.refit import Refit, refit
from conviqt_cli.fitting.estimator import Estimator
from conviqt_cli.fitting.points import Points
from conviqt_cli.labels.opinions import Labels
from conviqt_cli.parallel import StepProgress

if TYPE_CHECKING:
    import pandas

SCHEMA = "conviqt-evaluation/1"


@dataclass(frozen=True)
class Evaluation:
    """Existing models on every set (``models``, ``comparisons``), or the protocol that refits (``refit``).

    ``left_out`` holds, for each set, what was not used, by reason, and ``assumed`` what was taken for granted of it, in
    words. ``points`` are the predictions behind the figures: of every model, or of the refitted regressors.
    ``published`` is the SROCC that the method's paper gives for a set, where it has one.
    """

    left_out: dict[str, dict[str, list[str]]]
    models: list[ModelAgreement] = field(default_factory=list)
    comparisons: list[Comparison] = field(default_factory=list)
    refit: Refit | None = None
    points: list[Points] = field(default_factory=list)
    assumed: dict[str, list[str]] = field(default_factory=dict)
    published: dict[str, float | None] = field(default_factory=dict)

    def to_frame(self) -> pandas.DataFrame:
        """Every prediction behind the figures as a table of pandas.

        Raises :class:`UsageError` where pandas is not installed.
        """
        return data_frame([row for each in self.points for row in each.rows()])

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; ``null`` where a figure is undefined."""
        found: dict[str, Any] = {"schema": SCHEMA, "left_out": self.left_out, "assumed": self.assumed}
        if self.refit is not None:
            found["refit"] = self.refit.to_dict()
        else:
            found["verdicts"] = [each.to_dict() for each in self.models]
            found["comparisons"] = [each.to_dict() for each in self.comparisons]
        cleaned: dict[str, Any] = _finite(found)
        return cleaned


def evaluate_sets(
    sets: dict[str, Candidates], bootstrap: Bootstrap, progress: StepProgress | None = None
) -> Evaluation:
    """Agreement of every set's models with its labels, and comparisons where there is a rival."""
    found = [
        evaluate_set(
            name,
            each.labelled.data,
            each.labelled.labels.scale,
            each.predictions,
            each.rival,
            bootstrap,
            None if progress is None else partial(progress, f"resampling {name}"),
        )
        for name, each in sets.items()
    ]
    return replace(
        _about(sets),
        models=[model for of_set in found for model in of_set.models],
        comparisons=[comparison for of_set in found for comparison in of_set.comparisons],
        points=[points for of_set in found for points in of_set.points],
    )


def refit_sets(
    estimator: Estimator,
    sets: dict[str, Candidates],
    repeats: int,
    seed: int,
    jobs: int,
    progress: StepProgress | None = None,
) -> Evaluation:
    """The literature's protocol on every set: see :func:`conviqt_cli.evaluation.refit.refit`."""
    data = {name: (each.labelled.data, each.labelled.labels.scale) for name, each in sets.items()}
    outcome = refit(estimator, data, repeats, seed, jobs, None if progress is None else partial(progress, "refitting"))
    return replace(_about(sets), refit=outcome, points=outcome.points)


def _about(sets: dict[str, Candidates]) -> Evaluation:
    """What there is to say of the sets before anything is evaluated on them."""
    layouts = {name: each.labelled.labels.layout for name, each in sets.items()}
    return Evaluation(
        left_out={name: each.labelled.all_left_out for name, each in sets.items()},
        assumed={name: each.labelled.labels.assumed for name, each in sets.items()},
        published={name: layout.published if layout else None for name, layout in layouts.items()},
    )


def set_names(files: list[Labels]) -> list[str]:
    """A different name for each set: the database's, else the file's, or the folder's of a file called ``labels``."""
    names: list[str] = []
    for labels in files:
        path = Path(labels.source).absolute()
        base = labels.layout.title if labels.layout else path.stem
        if base == "labels":
            base = path.parent.name
        name, again = base, 2
        while name in names:
            name, again = f"{base} ({again})", again + 1
        names.append(name)
    return names


def _finite(value: Any) -> Any:
    """JSON has no NaN or infinity: both become ``null``."""
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and (value != value or abs(value) == float("inf")) else value
