"""Quality scales: what the numbers mean.

The native scale is the five-grade Absolute Category Rating scale of ITU-T Rec. P.910 (section 7.1):
1 bad, 2 poor, 3 fair, 4 good, 5 excellent; higher is better.

>>> ACR.word(3.4), ACR.clip(5.2)
('fair', 5.0)
>>> Scale("DMOS", 0, 100, higher_is_better=False).description
'0 to 100 (DMOS), higher is worse'
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from conviqt_cli.arrays import Floats

ACR_WORDS = ("bad", "poor", "fair", "good", "excellent")


@dataclass(frozen=True)
class Scale:
    """The range and direction of a quality score.

    ``low`` and ``high`` are the ends that labels could take, ``None`` where the source of a regressor does not say.
    """

    name: str
    low: float | None
    high: float | None
    higher_is_better: bool = True

    @property
    def is_acr(self) -> bool:
        """Whether this is the 1 to 5 scale, on which scores have words."""
        return (self.low, self.high, self.higher_is_better) == (1.0, 5.0, True)

    def same_range(self, other: Scale) -> bool:
        """Whether values on both scales compare: same ends, same direction, whatever the name."""
        return (self.low, self.high, self.higher_is_better) == (other.low, other.high, other.higher_is_better)

    @property
    def description(self) -> str:
        """The scale in words, e.g. ``1 (bad) to 5 (excellent), higher is better``."""
        direction = "higher is better" if self.higher_is_better else "higher is worse"
        if self.is_acr:
            return f"1 (bad) to 5 (excellent), {direction}"
        if self.low is None or self.high is None:
            return f"{self.name}, range not stated, {direction}"
        return f"{self.low:g} to {self.high:g} ({self.name}), {direction}"

    def clip(self, value: float) -> float:
        """``value`` brought inside the scale's ends; unchanged where an end is not stated."""
        low = -math.inf if self.low is None else self.low
        high = math.inf if self.high is None else self.high
        return min(max(value, low), high)

    def on_five(self, values: Floats) -> Floats:
        """Values stretched to 1 (bad) to 5; all 5 on a scale without ends, of which nothing can be said."""
        if self.low is None or self.high is None:
            return np.full_like(values, 5.0)
        share: Floats = (values - self.low) / (self.high - self.low)
        return 1 + 4 * (share if self.higher_is_better else 1 - share)

    def worst(self, values: Iterable[float]) -> float:
        """The one of several values that stands for the lowest quality."""
        return min(values) if self.higher_is_better else max(values)

    def word(self, value: float) -> str | None:
        """The ACR word nearest to ``value``, or ``None`` on any other scale."""
        if not self.is_acr:
            return None
        return ACR_WORDS[math.floor(self.clip(value) + 0.5) - 1]

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready mapping; :meth:`from_dict` reads it back."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Scale:
        """Read what :meth:`to_dict` wrote; raises ``KeyError`` or ``TypeError`` on anything else."""
        low, high = data["low"], data["high"]
        return cls(
            name=str(data["name"]),
            low=None if low is None else float(low),
            high=None if high is None else float(high),
            higher_is_better=bool(data["higher_is_better"]),
        )


ACR = Scale("ACR", 1.0, 5.0)
