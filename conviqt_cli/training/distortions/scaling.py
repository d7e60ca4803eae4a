"""Shrunk and enlarged again with the same filter, as a low-resolution source on a larger screen."""

from __future__ import annotations

import numpy as np
from PIL.Image import Resampling

from .arrays import at_level, from_image, to_image
from .distortion import Pixels


def nearest_scaling(pixels: Pixels, level: int, rng: np.random.Generator) -> Pixels:
    """Down and up by 1.25 to 4.5 taking the nearest pixel: jagged edges, aliased texture."""
    return _rescale(pixels, at_level(level, (1.25, 1.6, 2.1, 3.1, 4.5)), Resampling.NEAREST)


def bilinear_scaling(pixels: Pixels, level: int, rng: np.random.Generator) -> Pixels:
    """Down and up by 1.5 to 7 with a triangle filter: soft, no ringing."""
    return _rescale(pixels, at_level(level, _FACTORS), Resampling.BILINEAR)


def bicubic_scaling(pixels: Pixels, level: int, rng: np.random.Generator) -> Pixels:
    """Down and up by 1.5 to 7 with a cubic filter: soft, a slight overshoot at edges."""
    return _rescale(pixels, at_level(level, _FACTORS), Resampling.BICUBIC)


def lanczos_scaling(pixels: Pixels, level: int, rng: np.random.Generator) -> Pixels:
    """Down and up by 1.5 to 7 with a three-lobed Lanczos filter: soft, with ripples beside edges."""
    return _rescale(pixels, at_level(level, _FACTORS), Resampling.LANCZOS)


_FACTORS = (1.5, 2.1, 3.1, 4.6, 7.0)


def _rescale(pixels: Pixels, factor: float, method: Resampling) -> Pixels:
    height, width = pixels.shape[:2]
    small = (max(1, round(width / factor)), max(1, round(height / factor)))
    return from_image(to_image(pixels).resize(small, method).resize((width, height), method))
