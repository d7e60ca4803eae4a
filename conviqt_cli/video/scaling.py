"""Pictures at the size they are shown at, or parts of them: as if the whole had been scaled and then cut."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from conviqt_cli.arrays import Floats
from conviqt_cli.video.picture import Picture, Rectangle

#: The kernel's parameter that Pillow and PyTorch use (Keys, "Cubic convolution interpolation", 1981).
_SHARPNESS = -0.5


def shown(picture: Picture, size: tuple[int, int], area: Rectangle | None = None) -> NDArray[np.uint8]:
    """A picture at another ``size`` (height, width), or the part ``area`` of that: (h, w, 3) RGB.

    Bicubic with antialiasing, rounded. ``area`` is in pixels of the picture as shown, and only what it needs is
    converted and computed.
    """
    if size == (picture.height, picture.width):
        return picture.rgb(area)
    area = area or Rectangle(0, 0, size[1], size[0])
    top, down = _weights(picture.height, size[0], area.y, area.height)
    left, across = _weights(picture.width, size[1], area.x, area.width)
    source = picture.rgb(Rectangle(left, top, across.shape[1], down.shape[1])).astype(np.float32)
    tall = np.tensordot(down, source, 1)
    wide = np.matmul(across, tall)
    made: NDArray[np.uint8] = np.clip(wide + 0.5, 0, 255).astype(np.uint8)
    return made


@lru_cache(maxsize=64)
def _weights(before: int, after: int, first: int, count: int) -> tuple[int, Floats]:
    """How ``count`` of ``after`` samples, from the ``first`` on, are made of ``before``: the first needed, and weights.

    The weights are (count, needed), float32.
    """
    scale = before / after
    reach = max(scale, 1.0)
    centre = (np.arange(first, first + count) + 0.5) * scale - 0.5
    low = max(0, int(np.floor(centre[0] - 2 * reach)))
    high = min(before, int(np.ceil(centre[-1] + 2 * reach)) + 1)
    weights = _cubic(np.abs(np.arange(low, high) - centre[:, None]) / reach)
    return low, (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)


def _cubic(distance: Floats) -> Floats:
    d, a = distance, _SHARPNESS
    near = ((a + 2) * d - (a + 3)) * d * d + 1
    far = ((d - 5) * d + 8) * d * a - 4 * a
    kernel: Floats = np.where(d < 1, near, np.where(d < 2, far, 0.0))
    return kernel
