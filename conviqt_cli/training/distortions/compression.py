"""Still-image codecs, run for real through Pillow; and a wavelet codec's stream that was damaged."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
import pywt
from numpy.typing import NDArray
from PIL import Image

from .arrays import at_level, from_image, from_ycc, to_image, to_ycc
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


def wavelet_damage(pixels: Pixels, level: int, rng: np.random.Generator) -> Pixels:
    """A damaged wavelet stream: code blocks of 2 to 45 per cent of the area have lost their detail, or have another's.

    Blocks are of 16 coefficients a side, of four scales, so that a lost one shows as a smear or as ripples up to 256
    pixels wide. Chroma stays as it was.
    """
    share = at_level(level, (0.02, 0.05, 0.11, 0.22, 0.45))
    ycc = to_ycc(pixels)
    bands = pywt.wavedec2(ycc[..., 0], "bior4.4", mode="periodization", level=_scales(pixels))
    for scale in bands[1:]:
        for band in scale:
            _damage(band, share, rng)
    luma = pywt.waverec2(bands, "bior4.4", mode="periodization")
    ycc[..., 0] = luma[: pixels.shape[0], : pixels.shape[1]]
    return from_ycc(ycc)


def _scales(pixels: Pixels) -> int:
    return min(4, int(pywt.dwtn_max_level(pixels.shape[:2], "bior4.4")))


def _damage(band: NDArray[np.float32], share: float, rng: np.random.Generator) -> None:
    side = 16
    for top in range(0, band.shape[0], side):
        for left in range(0, band.shape[1], side):
            if rng.random() < share:
                block = band[top : top + side, left : left + side]
                # What is lost is nothing; what is misread is of the right size in the wrong places.
                block[:] = 0 if rng.random() < 0.5 else np.flip(block, (0, 1)) * rng.choice((-2.0, 2.0))


def _through(pixels: Pixels, codec: str, **options: Any) -> Pixels:
    stream = BytesIO()
    to_image(pixels).save(stream, codec, **options)
    with Image.open(stream) as image:
        return from_image(image)
