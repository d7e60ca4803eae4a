"""The literature's protocol: regressors fitted anew on each set and tested on contents, and sets, not seen before."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from conviqt_cli.fitting.estimator import Estimator, predict, tune
from conviqt_cli.fitting.points import Points
from conviqt_cli.fitting.validation import Spread, summary, validate
from conviqt_cli.labels.dataset import Dataset
from conviqt_cli.metrics.agreement import agreement
from conviqt_cli.parallel import TaskProgress
from conviqt_cli.quality.scale import Scale


@dataclass(frozen=True)
class Refit:
    """Results of the protocol on several sets.

    ``figures`` are of each set alone, over 80/20 splits by content; ``across[a][b]`` is the SROCC on all of set ``b``
    of a regressor fitted on all of set ``a``, for ``a`` other than ``b``. ``points`` are held-out predictions: every
    video once, by a regressor that has not seen its content (or, of a set of one content, not this video). ``contents``
    counts those of each set.
    """

    figures: dict[str, dict[str, Spread | None]]
    across: dict[str, dict[str, float]]
    repeats: int
    points: list[Points]
    contents: dict[str, int]

    @property
    def protocol(self) -> str:
        """How the splits were made, in words."""
        single = [name for name, count in self.contents.items() if count == 1]
        unit = "content" + (f" ({', '.join(single)}, all of one content: by video)" if single else "")
        return f"median over {self.repeats} random 80/20 splits by {unit}"

    @property
    def held_out(self) -> str:
        """What the held-out predictions are, in words."""
        said = "Each video is predicted once, by a model that has not seen its content"
        single = [name for name, count in self.contents.items() if count == 1]
        return f"{said} ({', '.join(single)}: this video, as all are of one content)." if single else f"{said}."

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, without the predictions."""
        figures = {
            name: {key: None if each is None else asdict(each) for key, each in spreads.items()}
            for name, spreads in self.figures.items()
        }
        return {"figures": figures, "across": self.across, "repeats": self.repeats, "contents": self.contents}


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
    points = []
    for name, (data, scale) in sets.items():
        tuned = tune(estimator, data, seed)
        low, high = tuned.intervals.interval(tuned.out_of_fold)
        known = bool(np.isfinite(low).all())
        points.append(
            Points(
                name, "refitted", data.names.tolist(), data.groups.tolist(), data.mos, tuned.out_of_fold,
                low if known else None, high if known else None, True,
            )
        )  # fmt: skip
        for other, (unseen, unseen_scale) in sets.items():
            if other != name:
                sign = -1.0 if scale.higher_is_better != unseen_scale.higher_is_better else 1.0
                across.setdefault(name, {})[other] = agreement(sign * predict(tuned.model, unseen), unseen.mos).srocc
    return Refit(figures, across, repeats, points, {name: data.contents for name, (data, _) in sets.items()})
