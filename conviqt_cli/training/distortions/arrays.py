"""Small array helpers that the spatial distortions share."""

from __future__ import annotations

from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .distortion import LEVELS, Pixels

_T = TypeVar("_T")
_S = TypeVar("_S", bound=np.generic)


def at_level(level: int, strengths: tuple[_T, _T, _T, _T, _T]) -> _T:
    """The strength that belongs to ``level`` (1 to 5). Raises ValueError for any other level."""
    if level not in LEVELS:
        raise ValueError(f"level must be one of {LEVELS}, got {level!r}")
    return strengths[level - 1]


def to_pixels(values: NDArray[np.generic]) -> Pixels:
    """Round values on the 0 to 255 scale to uint8, clipping what lies outside."""
    return np.asarray(np.clip(np.rint(values), 0, 255), np.uint8)


def to_ycc(pixels: Pixels) -> NDArray[np.float32]:
    """Full-range BT.601 luma, Cr and Cb (OpenCV's order), float32, chroma centred on 128."""
    ycc: NDArray[np.float32] = np.asarray(cv2.cvtColor(pixels.astype(np.float32), cv2.COLOR_RGB2YCrCb)) + _CENTRE
    return ycc


def from_ycc(ycc: NDArray[np.float32]) -> Pixels:
    """The inverse of ``to_ycc``, rounded and clipped."""
    return to_pixels(np.asarray(cv2.cvtColor(ycc - _CENTRE, cv2.COLOR_YCrCb2RGB)))


def normal(rng: np.random.Generator, shape: tuple[int, ...], sigma: float) -> NDArray[np.float32]:
    """Independent Gaussian values of mean 0 and deviation ``sigma``, float32."""
    return np.asarray(rng.standard_normal(shape, dtype=np.float32) * np.float32(sigma))


def sideways(plane: NDArray[_S], move: int) -> NDArray[_S]:
    """Rows of (height, width, channels) moved right by ``move`` pixels (left if negative), edges drawn on."""
    columns = np.clip(np.arange(plane.shape[1]) - move, 0, plane.shape[1] - 1)
    return plane[:, columns]


def to_image(pixels: Pixels) -> Image.Image:
    """A Pillow RGB image of the pixels."""
    return Image.fromarray(np.ascontiguousarray(pixels))


def from_image(image: Image.Image) -> Pixels:
    """The RGB pixels of a Pillow image, as a writable array."""
    return np.array(image.convert("RGB"), dtype=np.uint8)


# OpenCV's float conversion takes colours in 0 to 1 and centres chroma on 0.5, so on the 0 to 255 scale it lacks 127.5.
_CENTRE = np.array([0.0, 127.5, 127.5], np.float32)
