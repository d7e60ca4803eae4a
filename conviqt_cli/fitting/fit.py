"""From a labelled set to a regressor with its report: fitted, tested, and with the limits of the test."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import numpy as np

from conviqt_cli.arrays import Floats
from conviqt_cli.data_frames import data_frame
from conviqt_cli.fitting.curve import CurvePoint, learning_curve
from conviqt_cli.fitting.estimator import Estimator, FittedRegressor, Parameters, tune
from conviqt_cli.fitting.points import Points
from conviqt_cli.fitting.ridge import Ridge, absolute_penalty
from conviqt_cli.fitting.validation import SplitOutcome, Spread, mean_coverage, summary, validate
from conviqt_cli.labels.dataset import Dataset
from conviqt_cli.metrics.agreement import Agreement, agreement
from conviqt_cli.parallel import StepProgress
from conviqt_cli.plans.picture_plan import WHOLE, PicturePlan
from conviqt_cli.quality.intervals import METHOD
from conviqt_cli.quality.novelty import Novelty
from conviqt_cli.quality.scale import Scale

if TYPE_CHECKING:
    import pandas

SCHEMA = "conviqt-fit/1"
#: Nothing can be fitted or tested below this many labels.
FEWEST_LABELS = 5
#: Below this many contents, figures come with a caveat.
FEW_CONTENTS = 10


@dataclass(frozen=True)
class FitSettings:
    """``level`` is the nominal coverage of the intervals; ``jobs`` changes speed only."""

    repeats: int = 100
    seed: int = 0
    level: float = 0.9
    jobs: int = -1


@dataclass(frozen=True)
class FitReport:
    """What fitting found.

    ``figures`` are over random 80/20 splits by content; ``cross_validated`` is of the (n,) predictions ``predicted``,
    which are held out (:attr:`held_out`). ``caveats`` say in words what the
    figures do not show. ``left_out`` is what of the label file was not used, by reason.
    """

    regressor: FittedRegressor
    data: Dataset
    figures: dict[str, Spread | None]
    splits: int
    coverage: float
    half_width: float
    cross_validated: Agreement
    predicted: Floats
    curve: list[CurvePoint]
    caveats: list[str]
    level: float
    left_out: dict[str, list[str]] = field(default_factory=dict)

    @property
    def protocol(self) -> str:
        """How the splits were made, in words."""
        return _protocol(self.splits, self.data)

    @property
    def held_out(self) -> str:
        """What :attr:`predicted` is, in words."""
        if self.data.contents == 1:
            return "every video predicted once by a model that has not seen this video, but others of the same content"
        return "every video predicted once by a model that has not seen its content"

    @property
    def points(self) -> Points:
        """The held-out predictions with their intervals."""
        data, known = self.data, bool(np.isfinite(self.half_width))
        low, high = (self.predicted - self.half_width, self.predicted + self.half_width) if known else (None, None)
        name = str(self.regressor.card.get("labels_from", "labels"))
        model = str(self.regressor.card.get("estimator", "model"))
        return Points(name, model, data.names.tolist(), data.groups.tolist(), data.mos, self.predicted, low, high, True)

    def to_frame(self) -> pandas.DataFrame:
        """The held-out predictions with their intervals as a table of pandas.

        Raises :class:`UsageError` where pandas is not installed.
        """
        return data_frame(self.points.rows())

    def worst(self, count: int = 10) -> list[dict[str, Any]]:
        """The videos with the largest cross-validated errors, largest first."""
        error = self.predicted - self.data.mos
        order = np.argsort(-np.abs(error), kind="stable")[:count]
        return [
            {
                "video": str(self.data.names[i]),
                "label": float(self.data.mos[i]),
                "predicted": float(self.predicted[i]),
                "error": float(error[i]),
            }
            for i in order
        ]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; ``null`` where a figure is undefined."""
        return {
            "schema": SCHEMA,
            "card": self.regressor.card,
            "scale": self.regressor.scale.to_dict(),
            "encoder_id": self.regressor.encoder_id,
            "splits": self.splits,
            "figures": {name: None if each is None else asdict(each) for name, each in self.figures.items()},
            "intervals": {
                "level": self.level,
                "method": METHOD,
                "coverage": _finite(self.coverage),
                "half_width": _finite(self.half_width),
            },
            "cross_validated": self.cross_validated.to_dict(),
            "learning_curve": [asdict(point) for point in self.curve],
            "worst": self.worst(),
            "caveats": self.caveats,
            "videos": [
                {"video": str(name), "label": float(mos), "predicted": float(guess), "content": str(group)}
                for name, mos, guess, group in zip(
                    self.data.names, self.data.mos, self.predicted, self.data.groups, strict=True
                )
            ],
        }


def fit(
    estimator: Estimator,
    data: Dataset,
    scale: Scale,
    encoder_id: str,
    origin: dict[str, Any],
    settings: FitSettings | None = None,
    progress: StepProgress | None = None,
    picture: PicturePlan = WHOLE,
    assumed: Sequence[str] = (),
) -> FitReport:
    """Fit on all of ``data``, after testing how well such a fit does on contents it has not seen.

    ``origin`` goes into the regressor's card: where labels and vectors came from; ``picture`` is what the vectors show
    of each picture; ``assumed`` are caveats about the labels, in words. Raises
    :class:`conviqt_cli.errors.LabelError` when there is nothing to learn from.
    """
    settings = settings or FitSettings()
    data.check(FEWEST_LABELS)

    def step(name: str) -> Callable[[int, int], None] | None:
        return None if progress is None else lambda done, total: progress(name, done, total)

    outcomes = validate(
        estimator, data, settings.repeats, settings.seed, settings.level, settings.jobs, step("testing on splits")
    )
    curve = learning_curve(
        estimator, data, min(10, settings.repeats), settings.seed, settings.jobs, step("learning curve")
    )
    tuned = tune(estimator, data, settings.seed)
    figures = summary(outcomes)
    cross_validated = agreement(tuned.out_of_fold, data.mos, data.std, data.ratings)
    half_width = tuned.intervals.half_width(settings.level)
    said = [*assumed, *caveats(data, outcomes, cross_validated, half_width, settings.level)]
    card = {
        **origin,
        **_fitted_on(data, scale, estimator, tuned.parameters),
        "metrics": {
            "protocol": f"median over {_protocol(len(outcomes), data)}, choices inside the training side",
            **{name: None if each is None else round(each.median, 4) for name, each in figures.items()},
        },
        "intervals": {"method": METHOD, "level": settings.level, "half_width": _finite(half_width)},
        "caveats": said,
    }
    novelty = Novelty.fit(data.means, data.groups)
    return FitReport(
        regressor=replace(
            tuned.model, scale=scale, encoder_id=encoder_id, picture=picture.id, card=card, novelty=novelty
        ),
        data=data,
        figures=figures,
        splits=len(outcomes),
        coverage=mean_coverage(outcomes),
        half_width=half_width,
        cross_validated=cross_validated,
        predicted=tuned.out_of_fold,
        curve=curve,
        caveats=said,
        level=settings.level,
    )


def caveats(
    data: Dataset, outcomes: Sequence[SplitOutcome], cross_validated: Agreement, half_width: float, level: float
) -> list[str]:
    """What these labels cannot tell, in words; empty when there is nothing to warn of."""
    said = []
    contents, count = data.contents, len(data)
    if contents == 1:
        said.append(
            f"all {count} videos count as one content: training and test sets share it, so figures do not tell how "
            "well the regressor does on other contents, and intervals hold for versions of this content only"
        )
    elif contents < FEW_CONTENTS:
        said.append(
            f"only {contents} contents: each of the {len(outcomes)} splits is tested on few of them, so figures say "
            "little about new contents, and their spread is unreliable"
        )
    smallest = min(len(each.test) for each in outcomes)
    if smallest < 10:
        said.append(
            f"some test sets have only {smallest} videos: correlations over so few vary widely"
            + (", and PLCC and RMSE after the logistic are undefined" if smallest < 6 else "")
        )
    if not np.isfinite(half_width):
        said.append(f"no {100 * level:g} % interval: {contents} contents are too few to estimate the error")
    spread = float(data.mos.std())
    if cross_validated.rmse >= 0.95 * spread:
        said.append(
            f"predictions are hardly better than the mean of all labels (RMSE {cross_validated.rmse:.3g} against a "
            f"spread of {spread:.3g}): do not rely on this regressor"
        )
    return said


def _fitted_on(data: Dataset, scale: Scale, estimator: Estimator, parameters: Parameters) -> dict[str, Any]:
    """What a card says of how a regressor was fitted, and on what."""
    said = dict(parameters)
    if isinstance(estimator, Ridge):
        said["alpha"] = absolute_penalty(data, parameters)
    return {
        "estimator": estimator.name,
        "parameters": said,
        "labels": len(data),
        "labels_digest": data.digest,
        "contents": data.contents,
        "clips": len(data.clips),
        "label_range": [float(data.mos.min()), float(data.mos.max())],
        "scale": scale.description,
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%d"),
    }


def _protocol(splits: int, data: Dataset) -> str:
    unit = "content" if data.contents > 1 else "video (all of one content)"
    return f"{splits} random 80/20 splits by {unit}"


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
