"""What the regressor stage measured, as the model card, the regressor's file and ``regressor_figures.json`` quote it.

Every number is rounded to four digits when it is made, so all three quote the same; ``None`` stands for a figure that
is not defined, such as the correlation of constants.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

#: A number as it is quoted.
Figure = float | None


def figure(value: float) -> Figure:
    """Four digits of ``value``; ``None`` if it is not finite."""
    return round(float(value), 4) if np.isfinite(value) else None


@dataclass(frozen=True)
class MapFigures:
    """The line ``offset + slope * score`` that a set's scores were aligned by, and the correlation behind it."""

    slope: Figure
    offset: Figure
    agreement: Figure


@dataclass(frozen=True)
class SetFigures:
    """A set: items and contents fitted on, agreement out of fold, and agreement when the whole set is left out."""

    items: int
    contents: int
    srocc: Figure
    plcc: Figure
    unseen_srocc: Figure
    unseen_plcc: Figure
    map: MapFigures


@dataclass(frozen=True)
class OneContentTrial:
    """SROCC of the other sets, by name, when a set of one content is fitted on and when it is not; which was chosen."""

    with_it: Mapping[str, Figure]
    without: Mapping[str, Figure]
    fitted: bool

    def to_dict(self) -> dict[str, Any]:
        """As stored in JSON."""
        return {"with": dict(self.with_it), "without": dict(self.without), "fitted": self.fitted}


@dataclass(frozen=True)
class Agreement:
    """Correlations of predictions with labels."""

    srocc: Figure
    plcc: Figure


@dataclass(frozen=True)
class OrderFigures:
    """How predictions order spoilt versions: over all, within a scene (median), and pair by pair within a scene.

    ``pairs`` of versions whose labels differ clearly; ``pairs_in_order`` is the share of them that are ordered rightly.
    """

    items: int
    contents: int
    srocc: Figure
    plcc: Figure
    srocc_within_scene: Figure
    pairs: int
    pairs_in_order: Figure


@dataclass(frozen=True)
class RegressorFigures:
    """Everything that the regressor stage reports about a fit.

    ``human_share_of_weight`` is the share of opinion scores in the weight of all labels; ``sets`` and
    ``one_content_sets`` are by the set's name; ``out_of_fold_metric`` and ``held_out_metric`` by the names of
    the sets of labels by a metric; ``half_width`` are half widths of the intervals on 1 to 5, by their level;
    ``coverage`` is the share of each unseen set inside 90 % intervals that were calibrated on the others.
    """

    penalty: Figure
    human_weight: Figure
    human_items: int
    human_contents: int
    metric_items: int
    metric_contents: int
    human_share_of_labels: Figure
    human_share_of_weight: Figure
    anchors: Sequence[str]
    sets: Mapping[str, SetFigures]
    one_content_sets: Mapping[str, OneContentTrial]
    left_out: Sequence[str]
    held_out_contents: int
    out_of_fold_human: Agreement
    out_of_fold_metric: Mapping[str, OrderFigures]
    held_out_metric: Mapping[str, OrderFigures]
    half_width: Mapping[str, Figure]
    coverage: Mapping[str, Figure]

    def to_dict(self) -> dict[str, Any]:
        """As stored in JSON."""
        simple = ("penalty", "human_weight", "human_items", "human_contents", "metric_items", "metric_contents",
                  "human_share_of_labels", "human_share_of_weight")  # fmt: skip
        return {
            **{name: getattr(self, name) for name in simple},
            "anchors": list(self.anchors),
            "sets": {name: asdict(each) for name, each in self.sets.items()},
            "one_content_sets": {name: each.to_dict() for name, each in self.one_content_sets.items()},
            "left_out": list(self.left_out),
            "held_out_contents": self.held_out_contents,
            "out_of_fold": {
                "human": asdict(self.out_of_fold_human),
                **{name: asdict(each) for name, each in self.out_of_fold_metric.items()},
            },
            "held_out": {name: asdict(each) for name, each in self.held_out_metric.items()},
            "half_width": dict(self.half_width),
            "coverage": dict(self.coverage),
        }
