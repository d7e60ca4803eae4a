"""Noise of sensors, transmission and film. Deviations on the 0 to 255 scale."""

from __future__ import annotations

import cv2
import numpy as np

from .arrays import at_level, from_ycc, normal, to_pixels, to_ycc
from .distortion import Pixels


def white_noise(pixels: Pixels, level: int, rng: np.random.Generator) -> Pixels:
    """Independent Gaussian noise of deviation 5 to 36 on each of R, G and B."""
    return to_pixels(pixels + normal(rng, pixels.shape, at_level(level, (5.0, 9.0, 15.0, 23.0, 36.0))))


def colour_noise(pixels: Pixels, level: int, rng: np.random.Generator) -> Pixels:
    """Gaussian noise of deviation 5 to 42 on the two colour differences; luma stays clean."""
    ycc = to_ycc(pixels)
    ycc[..., 1:] += normal(rng, (*pixels.shape[:2], 2), at_level(level, (5.0, 9.0, 16.0, 26.0, 42.0)))
    return from_ycc(ycc)


def impulse_noise(pixels: Pixels, level: int, rng: np.random.Generator) -> Pixels:
    """Salt and pepper: 0.2 to 8 per cent of the samples of each channel become 0 or 255."""
    share = at_level(level, (0.002, 0.006, 0.015, 0.035, 0.08))
    draw = rng.random(pixels.shape, dtype=np.float32)
    result: Pixels = pixels.copy()
    result[draw < share / 2] = 0
    result[draw > 1 - share / 2] = 255
    return result


def multiplicative_noise(pixels: Pixels, level: int, rng: np.random.Generator) -> Pixels:
    """Speckle: each sample times 1 plus Gaussian noise of deviation 0.04 to 0.32, strongest where it is bright."""
    return to_pixels(pixels * (1 + normal(rng, pixels.shape, at_level(level, (0.04, 0.07, 0.12, 0.2, 0.32)))))


def film_grain(pixels: Pixels, level: int, rng: np.random.Generator) -> Pixels:
    """Grain about two pixels wide, deviation 4 to 26 at mid grey, fading towards black and white, the same on R, G, B.

    That grain is correlated over neighbouring pixels and depends on luma is what film-grain synthesis of the AV1
    specification (section 7.18.3) models too.
    """
    sigma = at_level(level, (4.0, 7.0, 11.0, 17.0, 26.0))
    grain = np.asarray(cv2.GaussianBlur(normal(rng, pixels.shape[:2], 1.0), (0, 0), 0.8), np.float32)
    # A Gaussian filter of deviation s leaves white noise with 1 / (2 s sqrt(pi)) of its deviation.
    grain *= np.float32(sigma * 2 * 0.8 * np.sqrt(np.pi))
    luma = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.float32) / 255
    weight = 0.3 + 0.7 * 4 * luma * (1 - luma)
    return to_pixels(pixels + (weight * grain)[..., None])
