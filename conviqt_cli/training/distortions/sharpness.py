"""Sharpening with halos, and denoisers that take detail with the noise."""

from __future__ import annotations

import cv2
import numpy as np

from .arrays import at_level, to_pixels
from .distortion import Pixels


def oversharpen(pixels: Pixels, level: int, rng: np.random.Generator) -> Pixels:
    """Unsharp mask of 1.5 pixels, 0.8 to 6.5 times the difference added: halos, coarse grain."""
    amount = at_level(level, (0.8, 1.5, 2.5, 4.0, 6.5))
    values = pixels.astype(np.float32)
    luma = np.asarray(cv2.cvtColor(values, cv2.COLOR_RGB2GRAY), np.float32)
    edges = luma - np.asarray(cv2.GaussianBlur(luma, (0, 0), 1.5), np.float32)
    return to_pixels(values + np.float32(amount) * edges[..., None])


def median_denoising(pixels: Pixels, level: int, rng: np.random.Generator) -> Pixels:
    """Median over 3 to 15 pixels square: corners rounded, thin lines and texture gone, edges kept."""
    return np.asarray(cv2.medianBlur(np.ascontiguousarray(pixels), at_level(level, (3, 5, 7, 11, 15))), np.uint8)


def bilateral_denoising(pixels: Pixels, level: int, rng: np.random.Generator) -> Pixels:
    """Bilateral filter that evens out differences of 25 to 160 grey levels: plastic skin, water-colour foliage."""
    reach, tolerance = at_level(level, ((5, 25.0), (7, 45.0), (9, 75.0), (11, 110.0), (15, 160.0)))
    return np.asarray(cv2.bilateralFilter(np.ascontiguousarray(pixels), reach, tolerance, reach / 2), np.uint8)
