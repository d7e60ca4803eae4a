"""Contrast and brightness that are wrong for the scene."""

from __future__ import annotations

import cv2
import numpy as np

from .arrays import at_level, to_pixels
from .distortion import Pixels


def low_contrast(pixels: Pixels, level: int, rng: np.random.Generator) -> Pixels:
    """Values drawn towards the mean luma, 0.8 to 0.25 of their distance left: as through haze."""
    return _contrast(pixels, at_level(level, (0.8, 0.65, 0.5, 0.36, 0.25)))


def high_contrast(pixels: Pixels, level: int, rng: np.random.Generator) -> Pixels:
    """Values pushed from the mean luma by 1.25 to 3.6: shadows crushed and highlights clipped."""
    return _contrast(pixels, at_level(level, (1.25, 1.5, 1.9, 2.6, 3.6)))


def brighten(pixels: Pixels, level: int, rng: np.random.Generator) -> Pixels:
    """Overexposed by 0.35 to 2.2 stops: highlights burn out."""
    return _expose(pixels, at_level(level, (0.35, 0.7, 1.1, 1.6, 2.2)))


def darken(pixels: Pixels, level: int, rng: np.random.Generator) -> Pixels:
    """Underexposed by 0.5 to 3.5 stops: shadows sink into few values."""
    return _expose(pixels, -at_level(level, (0.5, 1.0, 1.7, 2.5, 3.5)))


def lifted(pixels: Pixels, level: int, rng: np.random.Generator) -> Pixels:
    """All values raised or lowered by 8 to 64 grey levels: blacks grey and whites burnt, or the other way round."""
    return to_pixels(pixels + at_level(level, (8.0, 16.0, 28.0, 44.0, 64.0)) * rng.choice((-1.0, 1.0)))


def _contrast(pixels: Pixels, gain: float) -> Pixels:
    middle = float(np.mean(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)))
    return to_pixels(middle + gain * (np.arange(256) - middle))[pixels]


def _expose(pixels: Pixels, stops: float) -> Pixels:
    # A factor on light is, under a display gamma of 2.2, the factor's 2.2th root on the stored values.
    return to_pixels(np.arange(256) * 2.0 ** (stops / 2.2))[pixels]
