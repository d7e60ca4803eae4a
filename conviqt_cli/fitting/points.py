"""Predictions of labelled videos, one by one, as tables and plots need them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from conviqt_cli.arrays import Floats


@dataclass(frozen=True)
class Points:
    """What one model said of each video of one set, (n,) each: ``names``, ``labels``, ``values`` as it gave them.

    ``low`` and ``high`` are the ends of its intervals on the labels' scale, ``None`` where it has none; ``comparable``
    says that values are on that scale.
    """

    labelled_set: str
    model: str
    names: list[str]
    contents: list[str]
    labels: Floats
    values: Floats
    low: Floats | None
    high: Floats | None
    comparable: bool

    def rows(self) -> list[dict[str, Any]]:
        """A row per video; ``low``, ``high`` and ``inside`` are ``None`` where there is no interval."""
        ends = [(None, None)] * len(self.names)
        if self.low is not None and self.high is not None:
            ends = list(zip(self.low.tolist(), self.high.tolist(), strict=True))
        return [
            {
                "set": self.labelled_set,
                "model": self.model,
                "video": name,
                "content": content,
                "label": label,
                "predicted": value,
                "interval_low": low,
                "interval_high": high,
                "inside": None if low is None else low <= label <= high,
            }
            for name, content, label, value, (low, high) in zip(
                self.names, self.contents, self.labels.tolist(), self.values.tolist(), ends, strict=True
            )
        ]
