"""Blur: out-of-focus, low-pass and motion. Radii and lengths in pixels."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from .arrays import at_level
from .distortion import Pixels


def gaussian_blur(pixels: Pixels, level: int, rng: np.random.Generator) -> Pixels:
    """Blur with a Gaussian of deviation 0.7 to 4.5 pixels."""
    sigma = at_level(level, (0.7, 1.1, 1.8, 2.8, 4.5))
    return np.asarray(cv2.GaussianBlur(pixels, (0, 0), sigma), np.uint8)


def lens_blur(pixels: Pixels, level: int, rng: np.random.Generator) -> Pixels:
    """Average over a disc of radius 1.2 to 7.5 pixels, as a lens out of focus draws a point."""
    radius = at_level(level, (1.2, 1.9, 3.0, 4.8, 7.5))
    return np.asarray(cv2.filter2D(pixels, -1, disc(radius)), np.uint8)


def motion_blur(pixels: Pixels, level: int, rng: np.random.Generator) -> Pixels:
    """Average along a straight line of 3 to 24 pixels in a random direction, as a camera that moved."""
    length = at_level(level, (3.0, 5.0, 9.0, 15.0, 24.0))
    return np.asarray(cv2.filter2D(pixels, -1, line(length, rng.uniform(0.0, math.pi))), np.uint8)


def disc(radius: float) -> NDArray[np.float32]:
    """A disc of ``radius`` pixels with a soft rim one pixel wide, as weights that sum to 1."""
    reach = math.ceil(radius)
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    weights = np.clip(radius + 0.5 - np.hypot(x, y), 0.0, 1.0)
    return np.asarray(weights / weights.sum(), np.float32)


def line(length: float, angle: float) -> NDArray[np.float32]:
    """A line of ``length`` pixels at ``angle`` radians through the middle, as weights that sum to 1."""
    half = (length - 1.0) / 2.0
    reach = math.ceil(half)
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    along = x * math.cos(angle) + y * math.sin(angle)
    across = y * math.cos(angle) - x * math.sin(angle)
    # Half a pixel of softness at the sides and ends keeps slanted lines as heavy as level ones.
    weights = np.clip(1.0 - np.abs(across), 0.0, 1.0) * np.clip(half + 0.5 - np.abs(along), 0.0, 1.0)
    return np.asarray(weights / weights.sum(), np.float32)
