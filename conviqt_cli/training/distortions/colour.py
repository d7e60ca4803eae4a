"""Colour that is too strong, too weak, shifted, smeared or out of register."""

from __future__ import annotations

import math

import cv2
import numpy as np

from .arrays import at_level, from_ycc, sideways, to_pixels, to_ycc
from .distortion import Pixels


def oversaturate(pixels: Pixels, level: int, rng: np.random.Generator) -> Pixels:
    """Colour differences times 1.3 to 4.2."""
    return _saturate(pixels, at_level(level, (1.3, 1.65, 2.2, 3.0, 4.2)))


def desaturate(pixels: Pixels, level: int, rng: np.random.Generator) -> Pixels:
    """Colour differences times 0.7 to 0: at the last level grey."""
    return _saturate(pixels, at_level(level, (0.7, 0.5, 0.32, 0.15, 0.0)))


def hue_shift(pixels: Pixels, level: int, rng: np.random.Generator) -> Pixels:
    """Colours turned around the grey axis by 8 to 75 degrees, either way."""
    angle = math.radians(at_level(level, (8.0, 15.0, 27.0, 45.0, 75.0))) * rng.choice((-1.0, 1.0))
    ycc = to_ycc(pixels)
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]], np.float32)
    ycc[..., 1:] = (ycc[..., 1:] - 128) @ turn + 128
    return from_ycc(ycc)


def colour_cast(pixels: Pixels, level: int, rng: np.random.Generator) -> Pixels:
    """A wrong white balance: warm, cold, green or magenta, channels of white off by up to 9 to 50 grey levels."""
    strength = at_level(level, (9.0, 15.0, 23.0, 34.0, 50.0)) / 255
    red, green, blue = ((1.0, 0.1, -1.2), (-1.0, 0.0, 1.0), (-0.8, 0.5, -0.8), (0.7, -0.6, 0.7))[rng.integers(4)]
    return to_pixels(pixels * (1 + np.float32(strength) * np.array([red, green, blue], np.float32)))


def colour_bleeding(pixels: Pixels, level: int, rng: np.random.Generator) -> Pixels:
    """Colour at 1/4 to 1/32 of the size, enlarged and moved by a third of a cell: it spills over edges."""
    cell = at_level(level, (4, 7, 12, 20, 32))
    ycc = to_ycc(pixels)
    height, width = pixels.shape[:2]
    small = (max(1, round(width / cell)), max(1, round(height / cell)))
    coarse = cv2.resize(np.ascontiguousarray(ycc[..., 1:]), small, interpolation=cv2.INTER_AREA)
    ycc[..., 1:] = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    # Analogue recorders and badly sited chroma delay colour sideways.
    ycc[..., 1:] = sideways(ycc[..., 1:], cell // 3 * int(rng.choice((-1, 1))))
    return from_ycc(ycc)


def colour_fringes(pixels: Pixels, level: int, rng: np.random.Generator) -> Pixels:
    """Red and blue moved 1 to 10 pixels apart in a random direction, as by a lens's chromatic aberration."""
    reach = at_level(level, (1.0, 1.8, 3.0, 5.5, 10.0)) / 2
    angle = rng.uniform(0.0, 2 * math.pi)
    size = (pixels.shape[1], pixels.shape[0])
    result: Pixels = pixels.copy()
    for channel, sign in ((0, 1.0), (2, -1.0)):
        move = np.array([[1, 0, sign * reach * math.cos(angle)], [0, 1, sign * reach * math.sin(angle)]], np.float32)
        plane = np.ascontiguousarray(pixels[..., channel])
        result[..., channel] = cv2.warpAffine(
            plane, move, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101
        )
    return result


def _saturate(pixels: Pixels, gain: float) -> Pixels:
    ycc = to_ycc(pixels)
    ycc[..., 1:] = (ycc[..., 1:] - 128) * np.float32(gain) + 128
    return from_ycc(ycc)
