"""Still-image codecs, run for real through Pillow."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image

from .arrays import at_level, from_image, to_image
from .distortion import Pixels


def jpeg(pixels: Pixels, level: int, rng: np.random.Generator) -> Pixels:
    """JPEG with colour at half size, quality 60 to 7: blocks, ringing, coarse colour."""
    return _through(pixels, "JPEG", quality=at_level(level, (60, 38, 22, 12, 7)), subsampling="4:2:0")


def webp(pixels: Pixels, level: int, rng: np.random.Generator) -> Pixels:
    """Lossy WebP (the key frames of VP8), quality 50 to 0: smeared blocks, lost texture."""
    return _through(pixels, "WEBP", quality=at_level(level, (50, 25, 10, 3, 0)), method=2)


def jpeg2000(pixels: Pixels, level: int, rng: np.random.Generator) -> Pixels:
    """JPEG 2000 at 1/18 to 1/220 of the raw size: blur and ringing of wavelets, no blocks."""
    rate = at_level(level, (18, 36, 70, 125, 220))
    return _through(pixels, "JPEG2000", irreversible=True, quality_mode="rates", quality_layers=[rate])


def _through(pixels: Pixels, codec: str, **options: Any) -> Pixels:
    stream = BytesIO()
    to_image(pixels).save(stream, codec, **options)
    with Image.open(stream) as image:
        return from_image(image)
