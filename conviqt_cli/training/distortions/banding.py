"""Too few values: quantised levels, contours in gradients, small palettes."""

from __future__ import annotations

import cv2
import numpy as np
from PIL import Image

from .arrays import at_level, from_image, from_ycc, to_image, to_pixels, to_ycc
from .distortion import Pixels


def quantisation(pixels: Pixels, level: int, rng: np.random.Generator) -> Pixels:
    """Each of R, G and B rounded to 32 down to 5 even levels."""
    steps = at_level(level, (32, 20, 13, 8, 5)) - 1
    table = to_pixels(np.rint(np.arange(256) / 255 * steps) * (255 / steps))
    return table[pixels]


def gradient_banding(pixels: Pixels, level: int, rng: np.random.Generator) -> Pixels:
    """Contours in skies and walls: smooth areas lose their fine grain and step by 5 to 25 grey levels; texture stays.

    That is what an encoder does that drops the weak coefficients of smooth blocks.
    """
    step = at_level(level, (5.0, 8.0, 13.0, 18.0, 25.0))
    ycc = to_ycc(pixels)
    smooth = np.asarray(cv2.GaussianBlur(ycc, (0, 0), 3.0), np.float32)
    detail = np.asarray(cv2.blur(np.abs(ycc[..., :1] - smooth[..., :1]), (9, 9)), np.float32)
    # An area counts as smooth when what the filter took away is less than the step that will replace it.
    flat = np.clip(1.5 - detail / np.float32(0.35 * step), 0, 1)[..., None]
    # Colour steps half as wide, from neutral, so that greys stay grey.
    grid, origin = np.array([step, step / 2, step / 2], np.float32), np.array([0, 128, 128], np.float32)
    stepped = np.rint((smooth - origin) / grid) * grid + origin
    return from_ycc(ycc + flat * (stepped - ycc))


def palette(pixels: Pixels, level: int, rng: np.random.Generator) -> Pixels:
    """Each pixel takes the nearest of 64 down to 5 colours chosen by median cut: posterised areas."""
    return _reduced(pixels, at_level(level, (64, 32, 18, 10, 5)), Image.Dither.NONE)


def dithered_palette(pixels: Pixels, level: int, rng: np.random.Generator) -> Pixels:
    """64 down to 4 colours chosen by median cut, the error spread over neighbours (Floyd, Steinberg): grainy."""
    return _reduced(pixels, at_level(level, (64, 32, 16, 8, 4)), Image.Dither.FLOYDSTEINBERG)


def _reduced(pixels: Pixels, colours: int, dither: Image.Dither) -> Pixels:
    # Median cut takes longer than all the rest; a ninth of the pixels tells it the colours as well.
    chosen = to_image(pixels[::3, ::3]).quantize(colours, Image.Quantize.MEDIANCUT)
    return from_image(to_image(pixels).quantize(palette=chosen, dither=dither))
