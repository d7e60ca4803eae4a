"""Labels against predictions as a square plot, in pixels, ready to be drawn as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from conviqt_cli.arrays import Floats

_SIDE, _MARGIN = 460, 52


@dataclass(frozen=True)
class Tick:
    """A grid line, ``at`` pixels from the left (and from the bottom), with its value."""

    at: float
    label: str


@dataclass(frozen=True)
class Dot:
    """One video at ``x``, ``y`` pixels from the top left; ``outside``: its label lies outside the interval."""

    x: float
    y: float
    title: str
    outside: bool


@dataclass(frozen=True)
class Scatter:
    """A square plot of ``side`` pixels whose inner square runs from ``top`` to ``bottom`` in both directions."""

    side: int
    top: int
    bottom: int
    ticks: list[Tick]
    dots: list[Dot]


def scatter(names: Sequence[str], labels: Floats, predicted: Floats, half_width: float) -> Scatter:
    """The plot of (n,) labels and predictions on one scale; intervals are ``half_width`` to either side."""
    low = float(min(labels.min(), predicted.min()))
    high = float(max(labels.max(), predicted.max()))
    margin = 0.05 * (high - low)
    low, high = low - margin, high + margin

    def pixels(value: float) -> float:
        return round(_MARGIN + (_SIDE - 2 * _MARGIN) * (value - low) / (high - low), 1)

    step = _round_step((high - low) / 6)
    values = np.arange(np.ceil(low / step) * step, high, step).round(10)
    dots = [
        Dot(
            x=pixels(guess),
            y=round(_SIDE - pixels(label), 1),
            title=f"{name}: label {label:.2f}, predicted {guess:.2f}",
            outside=bool(abs(label - guess) > half_width),
        )
        for name, label, guess in zip(names, labels.tolist(), predicted.tolist(), strict=True)
    ]
    ticks = [Tick(pixels(value), f"{value:g}") for value in values.tolist()]
    return Scatter(_SIDE, _MARGIN, _SIDE - _MARGIN, ticks, dots)


def _round_step(least: float) -> float:
    """The smallest of 1, 2, 5, 10 times a power of ten that is not below ``least``."""
    power = 10.0 ** np.floor(np.log10(least))
    return float(power * next(each for each in (1, 2, 5, 10) if each * power >= least))
