"""The half size of the published protocol, for pictures as arrays."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def half_size(pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """RGB pictures (n, h, w, 3) at (h // 2, w // 2), bilinear with antialiasing, rounded, by Pillow."""
    _, height, width, _ = pictures.shape
    size = (max(1, width // 2), max(1, height // 2))
    return np.stack([np.asarray(Image.fromarray(each).resize(size, Image.Resampling.BILINEAR)) for each in pictures])
