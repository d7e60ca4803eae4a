"""Labels against predictions as a square plot, in pixels, ready to be drawn as SVG."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from conviqt_cli.arrays import Floats, Mask

_SIDE, _MARGIN = 460, 52


@dataclass(frozen=True)
class Tick:
    """A grid line, ``at`` pixels from the left (or from the bottom), with its value."""

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
    """A square plot of ``side`` pixels whose inner square runs from ``top`` to ``bottom`` in both directions.

    ``across`` are the ticks of predictions, ``up`` those of labels; with ``diagonal`` both have one scale.
    """

    side: int
    top: int
    bottom: int
    across: list[Tick]
    up: list[Tick]
    dots: list[Dot]
    diagonal: bool


def scatter(
    names: Sequence[str], labels: Floats, predicted: Floats, outside: Mask | None = None, same_scale: bool = True
) -> Scatter:
    """The plot of (n,) labels and predictions; ``outside`` (n,) marks labels that lie outside their interval."""
    both = np.concatenate([labels, predicted])
    to_right, across = _axis(both if same_scale else predicted)
    upwards, up = _axis(both if same_scale else labels)
    marks = np.zeros(len(labels), bool) if outside is None else outside
    dots = [
        Dot(
            x=to_right(guess),
            y=round(_SIDE - upwards(label), 1),
            title=f"{name}: label {label:.2f}, predicted {guess:.2f}",
            outside=bool(mark),
        )
        for name, label, guess, mark in zip(names, labels.tolist(), predicted.tolist(), marks, strict=True)
    ]
    return Scatter(_SIDE, _MARGIN, _SIDE - _MARGIN, across, up, dots, same_scale)


def _axis(values: Floats) -> tuple[Callable[[float], float], list[Tick]]:
    """From a value to pixels along an axis that holds ``values``, and its ticks."""
    low, high = float(values.min()), float(values.max())
    margin = 0.05 * (high - low) or 0.5
    low, high = low - margin, high + margin

    def pixels(value: float) -> float:
        return round(_MARGIN + (_SIDE - 2 * _MARGIN) * (value - low) / (high - low), 1)

    step = _round_step((high - low) / 6)
    ticks = np.arange(np.ceil(low / step) * step, high, step).round(10)
    return pixels, [Tick(pixels(value), f"{value + 0.0:g}") for value in ticks.tolist()]


def _round_step(least: float) -> float:
    """The smallest of 1, 2, 5, 10 times a power of ten that is not below ``least``."""
    power = 10.0 ** np.floor(np.log10(least))
    return float(power * next(each for each in (1, 2, 5, 10) if each * power >= least))
