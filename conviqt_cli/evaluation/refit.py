"""The literature's protocol: regressors fitted anew on each set and tested on contents, and sets, not seen before."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from conviqt_cli.fitting.estimator import Estimator, predict, tune
from conviqt_cli.fitting.validation import Spread, summary, validate
from conviqt_cli.labels.dataset import Dataset
from conviqt_cli.metrics.agreement import agreement
from conviqt_cli.parallel import TaskProgress
from conviqt_cli.quality.scale import Scale


@dataclass(frozen=True)
class Refit:
    """Results of the protocol on several sets.

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
    progress: TaskProgress | None = None,
) -> Refit:
    """Fit anew on each set; test on its own held-out contents and on every other set."""
    figures = {
        name: summary(validate(estimator, data, repeats, seed, jobs=jobs, progress=progress))
        for name, (data, _) in sets.items()
    }
    across: dict[str, dict[str, float]] = {}
    for name, (data, scale) in sets.items():
        model = tune(estimator, data, seed).model if len(sets) > 1 else None
        for other, (unseen, unseen_scale) in sets.items():
            if other != name and model is not None:
                sign = -1.0 if scale.higher_is_better != unseen_scale.higher_is_better else 1.0
                across.setdefault(name, {})[other] = agreement(sign * predict(model, unseen), unseen.mos).srocc
    return Refit(figures, across, repeats)
