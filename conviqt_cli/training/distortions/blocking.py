"""Blocks and patches: mosaics, lost macroblocks, pieces out of place; and the combs of interlaced fields."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from .arrays import at_level, sideways, to_pixels
from .distortion import Pixels

#: Side of a macroblock of MPEG-2 and H.264, in pixels.
MACROBLOCK = 16


def pixelation(pixels: Pixels, level: int, rng: np.random.Generator) -> Pixels:
    """Squares of 2 to 9 pixels replaced by their mean."""
    side = at_level(level, (2, 3, 4, 6, 9))
    height, width = pixels.shape[:2]
    # Mirrored at the far sides to whole squares, so that the last ones are as large as the others.
    padded = np.pad(pixels, ((0, -height % side), (0, -width % side), (0, 0)), "symmetric")
    small = cv2.resize(padded, (padded.shape[1] // side, padded.shape[0] // side), interpolation=cv2.INTER_AREA)
    large = np.asarray(small, np.uint8).repeat(side, 0).repeat(side, 1)
    return np.ascontiguousarray(large[:height, :width])


def block_loss(pixels: Pixels, level: int, rng: np.random.Generator) -> Pixels:
    """Runs of lost 16-pixel macroblocks, 3 to 30 per cent of the picture, concealed as decoders do.

    A run is filled with displaced pixels of elsewhere (a wrong motion vector), with its left neighbour's colour drawn
    on, or with mid grey.
    """
    share = at_level(level, (0.03, 0.06, 0.11, 0.19, 0.3))
    height, width = pixels.shape[:2]
    rows, columns = -(-height // MACROBLOCK), -(-width // MACROBLOCK)
    lost = np.zeros((rows, columns), bool)
    wanted = max(1, round(share * rows * columns))
    result: Pixels = pixels.copy()
    while lost.sum() < wanted:
        row, start = int(rng.integers(rows)), int(rng.integers(columns))
        run = min(int(rng.integers(2, 9)), columns - start, wanted - int(lost.sum()))
        lost[row, start : start + run] = True
        top, left = row * MACROBLOCK, start * MACROBLOCK
        target = result[top : top + MACROBLOCK, left : left + run * MACROBLOCK]
        _conceal(target, pixels, top, left, rng)
    return result


def displaced_patches(pixels: Pixels, level: int, rng: np.random.Generator) -> Pixels:
    """Patches of 15 pixels, 1.5 to 24 per cent of the picture, replaced by what lies 5 to 12 pixels beside them."""
    result: Pixels = pixels.copy()
    for target, (top, left) in _patches(result, 15, at_level(level, (0.015, 0.03, 0.06, 0.12, 0.24)), level, rng):
        _displace(target, pixels, top, left, (5, 13), rng)
    return result


def coloured_blocks(pixels: Pixels, level: int, rng: np.random.Generator) -> Pixels:
    """Blocks of 32 pixels in one colour, 1 to 14 per cent of the picture, off their surroundings by some 40 levels."""
    result: Pixels = pixels.copy()
    for target, _ in _patches(result, 32, at_level(level, (0.01, 0.02, 0.04, 0.075, 0.14)), level, rng):
        target[:] = to_pixels(target.mean(axis=(0, 1)) + rng.choice((-40.0, 40.0), 3))
    return result


def combing(pixels: Pixels, level: int, rng: np.random.Generator) -> Pixels:
    """Every other line moved sideways by 1 to 14 pixels, as two fields of a moving scene woven into one frame."""
    move = at_level(level, (1, 2, 4, 8, 14)) * int(rng.choice((-1, 1)))
    result: Pixels = pixels.copy()
    result[1::2] = sideways(pixels[1::2], move)
    return result


def _patches(
    pixels: Pixels, side: int, share: float, least: int, rng: np.random.Generator
) -> Iterator[tuple[Pixels, tuple[int, int]]]:
    """Squares at random places that cover about ``share`` of the picture, ``least`` at least, with their corners."""
    height, width = pixels.shape[:2]
    for _ in range(max(least, round(share * height * width / side**2))):
        top, left = int(rng.integers(max(1, height - side + 1))), int(rng.integers(max(1, width - side + 1)))
        yield pixels[top : top + side, left : left + side], (top, left)


def _displace(
    target: Pixels, pixels: Pixels, top: int, left: int, reach: tuple[int, int], rng: np.random.Generator
) -> None:
    """Fill ``target``, which lies at ``top`` and ``left``, with what is ``reach`` pixels (from, below) beside it."""
    height, width = target.shape[:2]
    down, right = rng.integers(*reach, 2) * rng.choice((-1, 1), 2)
    y = int(np.clip(top + down, 0, pixels.shape[0] - height))
    x = int(np.clip(left + right, 0, pixels.shape[1] - width))
    target[:] = pixels[y : y + height, x : x + width]


def _conceal(target: Pixels, pixels: Pixels, top: int, left: int, rng: np.random.Generator) -> None:
    kind = rng.choice(3, p=(0.6, 0.25, 0.15))
    if kind == 0:
        _displace(target, pixels, top, left, (12, 40), rng)
    elif kind == 1:
        target[:] = pixels[top : top + target.shape[0], max(left - 1, 0)].copy()[:, None]
    else:
        target[:] = 128
