"""From segment qualities to one quality of the video.

Every pooling of one segment is that segment's quality; every pooling lies between the worst and the best segment.

>>> import numpy as np
>>> quality, start = np.array([4.0, 4.0, 1.0, 4.0]), np.array([0.0, 1.0, 2.0, 3.0])
>>> [round(pool(name, quality, start), 2) for name in ("mean", "harmonic", "p10", "min", "hysteresis")]
[3.25, 2.29, 1.9, 1.0, 2.93]
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from conviqt_cli.arrays import Floats
from conviqt_cli.errors import UsageError

#: Memory of the hysteresis model, in seconds, and the weight of the current against the remembered quality
#: (Seshadrinathan and Bovik, "Temporal hysteresis model of time varying subjective video quality", ICASSP 2011:
#: tau = 2 s, alpha = 0.8).
HYSTERESIS_TAU = 2.0
HYSTERESIS_ALPHA = 0.8


def mean(quality: Floats, start: Floats) -> float:
    """Arithmetic mean: the published protocol (CONVIQT, section III-D)."""
    return float(np.mean(quality))


def median(quality: Floats, start: Floats) -> float:
    """Median: what half of the segments reach."""
    return float(np.median(quality))


def harmonic(quality: Floats, start: Floats) -> float:
    """Harmonic mean, which weighs bad segments more; defined for positive qualities only.

    Raises :class:`UsageError` when a quality is zero or negative, as some imported scales allow.
    """
    if np.min(quality) <= 0:
        raise UsageError("pooling harmonic needs positive qualities; this scale includes zero", setting="pooling")
    return float(len(quality) / np.sum(1.0 / np.asarray(quality, dtype=np.float64)))


def percentile(quality: Floats, start: Floats, percent: float) -> float:
    """The ``percent``-th percentile, linearly interpolated: what all but the worst ``percent`` % reach."""
    return float(np.percentile(quality, percent))


def minimum(quality: Floats, start: Floats) -> float:
    """The worst segment."""
    return float(np.min(quality))


def hysteresis(quality: Floats, start: Floats) -> float:
    """Temporal hysteresis pooling (Seshadrinathan and Bovik, ICASSP 2011).

    Viewers punish a drop at once and forgive it slowly. At each segment, the remembered quality is the worst of the
    ``HYSTERESIS_TAU`` seconds before it (its own, at the beginning); the current quality is a mean over the segment and
    the ``HYSTERESIS_TAU`` seconds after it, sorted from worst to best and weighted with the falling half of a
    Gaussian, so that the worst counts most. Their mix, ``HYSTERESIS_ALPHA`` on the current one, is averaged over time.
    The paper gives no width for the Gaussian: here its standard deviation is half of the number of values weighted.
    """
    quality = np.asarray(quality, dtype=np.float64)
    start = np.asarray(start, dtype=np.float64)
    mixed = np.empty_like(quality)
    for index, time in enumerate(start):
        before = quality[(start < time) & (start >= time - HYSTERESIS_TAU)]
        remembered = before.min() if before.size else quality[index]
        ahead = np.sort(quality[(start >= time) & (start <= time + HYSTERESIS_TAU)])
        rank = np.arange(ahead.size)
        weight = np.exp(-0.5 * (rank / (ahead.size / 2)) ** 2)
        current = float(weight @ ahead / weight.sum())
        mixed[index] = HYSTERESIS_ALPHA * current + (1 - HYSTERESIS_ALPHA) * remembered
    return float(mixed.mean())


POOLINGS: dict[str, Callable[[Floats, Floats], float]] = {
    "mean": mean,
    "median": median,
    "harmonic": harmonic,
    "p5": partial(percentile, percent=5),
    "p10": partial(percentile, percent=10),
    "p20": partial(percentile, percent=20),
    "min": minimum,
    "hysteresis": hysteresis,
}


def check_pooling(name: str) -> None:
    """Raise :class:`UsageError` for an unknown name."""
    if name not in POOLINGS:
        raise UsageError(f"pooling {name}: choose one of {', '.join(POOLINGS)}", setting="pooling")


def pool(name: str, quality: Floats, start: Floats) -> float:
    """Pool segment qualities (n,) with their start times (n,) in seconds, in time order, n at least 1.

    ``name`` has passed :func:`check_pooling`.
    """
    return POOLINGS[name](np.asarray(quality, dtype=np.float64), np.asarray(start, dtype=np.float64))
