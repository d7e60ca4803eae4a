"""AdamW with a rate per part, and the schedule: a linear warm-up, then half a cosine down to nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import nn


@dataclass(frozen=True)
class Schedule:
    """Rates over ``steps``; ``warm_up`` is the share of them in which rates rise (CONVIQT, section IV-A: a tenth)."""

    steps: int
    warm_up: float

    def factor(self, step: int) -> float:
        """What the rates are multiplied with at ``step``, counted from 0: in (0, 1]."""
        rising = max(1, round(self.steps * self.warm_up))
        if step < rising:
            return (step + 1) / rising
        return 0.5 * (1 + math.cos(math.pi * (step - rising) / max(1, self.steps - rising)))

    def apply(self, optimiser: torch.optim.Optimizer, step: int) -> None:
        """Set the rates for ``step``."""
        for group in optimiser.param_groups:
            group["lr"] = group["peak"] * self.factor(step)


def adamw(rates: Mapping[str, float], module: nn.Module, weight_decay: float) -> torch.optim.AdamW:
    """An optimiser of the named children's parameters, each child with its peak rate; vectors do not decay.

    The published training uses SGD at a rate of 1.2 for batches of 512, which batches of tens cannot bear.
    """
    groups = []
    for child, rate in rates.items():
        parameters = [value for value in module.get_submodule(child).parameters() if value.requires_grad]
        for decays in (True, False):
            part = [value for value in parameters if (value.ndim > 1) == decays]
            decay = weight_decay if decays else 0.0
            groups.append({"params": part, "lr": rate, "peak": rate, "weight_decay": decay})
    return torch.optim.AdamW([group for group in groups if group["params"]])
