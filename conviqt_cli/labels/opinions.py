"""Opinion scores of videos, as they are used after a file has been read."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from conviqt_cli.arrays import Floats
from conviqt_cli.errors import LabelError
from conviqt_cli.labels.layouts import Layout
from conviqt_cli.quality.scale import Scale

SCHEMA = "conviqt-labels/1"


@dataclass(frozen=True)
class Labels:
    """Usable labels, aligned, (n,) each; ``std`` and ``ratings`` are NaN where unknown.

    ``facts`` say how the file was read, in order, for people. ``guessed`` names, for each fact that is a guess, the
    field of :class:`conviqt_cli.labels.settings.LabelSettings` that settles it. ``left_out`` lists what is not used, by
    reason.
    """

    source: str
    names: list[str]
    mos: Floats
    std: Floats
    ratings: Floats
    groups: list[str]
    scale: Scale
    layout: Layout | None
    facts: dict[str, str]
    guessed: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, list[str]] = field(default_factory=dict)

    @property
    def assumed(self) -> list[str]:
        """What was guessed of the labels and bears on every figure, in words."""
        said = [
            f"{what} guessed: {self.facts[what]}" for what in ("direction", "scale") if what in self.guessed
        ]  # fmt: skip
        if "contents" in self.guessed:
            said.append(
                "each video counts as its own content: versions of one scene, if there are any, stand on both sides of "
                "a split, which flatters every figure"
            )
        return said

    def check(self, fewest: int) -> None:
        """Raise :class:`LabelError` when there are fewer than ``fewest`` labels, or all are equal."""
        count = len(self.names)
        if count < fewest:
            raise LabelError(f"{self.source}: {count} usable labels; at least {fewest} are needed")
        if np.ptp(self.mos) == 0:
            raise LabelError(
                f"{self.source}: all {count} labels equal {self.mos[0]:g}; there is nothing to fit or rank"
            )

    def take(self, names: list[str]) -> Labels:
        """Only the labels of ``names``, in that order."""
        position = {name: i for i, name in enumerate(self.names)}
        at = [position[name] for name in names]
        return replace(
            self,
            names=names,
            mos=self.mos[at],
            std=self.std[at],
            ratings=self.ratings[at],
            groups=[self.groups[i] for i in at],
        )

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, without what is left out."""
        return {
            "schema": SCHEMA,
            "source": self.source,
            "read": self.facts,
            "scale": self.scale.to_dict(),
            "labels": [
                {"video": name, "label": float(mos), "content": group}
                for name, mos, group in zip(self.names, self.mos, self.groups, strict=True)
            ],
        }
