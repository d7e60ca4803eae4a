"""The spatial bank: every distortion of a single picture, then pairs of them.

The kinds and the range of their levels follow KADID-10k (Lin, Hosu and Saupe, QoMEX 2019) and CONTRIQUE (Madhusudana et
al., IEEE Transactions on Image Processing 2022): level 1 shows on a close look, level 3 at a glance, level 5 is severe
with the scene still known. Strengths are in pixels and grey levels, not relative to the picture, so a crop is distorted
as the whole picture would be.
"""

from __future__ import annotations

import numpy as np

from .banding import dithered_palette, gradient_banding, palette, quantisation
from .blocking import block_loss, coloured_blocks, combing, displaced_patches, pixelation
from .blur import gaussian_blur, lens_blur, motion_blur
from .colour import colour_bleeding, colour_cast, colour_fringes, desaturate, hue_shift, oversaturate
from .compression import jpeg, jpeg2000, wavelet_damage, webp
from .distortion import Distortion, Pixels
from .exposure import brighten, darken, high_contrast, lifted, low_contrast
from .noise import colour_noise, film_grain, impulse_noise, multiplicative_noise, white_noise
from .scaling import bicubic_scaling, bilinear_scaling, lanczos_scaling, nearest_scaling
from .sharpness import bilateral_denoising, median_denoising, oversharpen

_SINGLE = (
    Distortion("gaussian_blur", "blur", gaussian_blur),
    Distortion("lens_blur", "blur", lens_blur),
    Distortion("motion_blur", "blur", motion_blur),
    Distortion("white_noise", "noise", white_noise),
    Distortion("colour_noise", "noise", colour_noise),
    Distortion("impulse_noise", "noise", impulse_noise),
    Distortion("multiplicative_noise", "noise", multiplicative_noise),
    Distortion("film_grain", "noise", film_grain),
    Distortion("jpeg", "compression", jpeg),
    Distortion("webp", "compression", webp),
    Distortion("jpeg2000", "compression", jpeg2000),
    Distortion("nearest_scaling", "scaling", nearest_scaling),
    Distortion("bilinear_scaling", "scaling", bilinear_scaling),
    Distortion("bicubic_scaling", "scaling", bicubic_scaling),
    Distortion("lanczos_scaling", "scaling", lanczos_scaling),
    Distortion("quantisation", "banding", quantisation),
    Distortion("gradient_banding", "banding", gradient_banding),
    Distortion("palette", "banding", palette),
    Distortion("dithered_palette", "banding", dithered_palette),
    Distortion("low_contrast", "exposure", low_contrast),
    Distortion("high_contrast", "exposure", high_contrast),
    Distortion("brighten", "exposure", brighten),
    Distortion("darken", "exposure", darken),
    Distortion("lifted", "exposure", lifted),
    Distortion("oversaturate", "colour", oversaturate),
    Distortion("desaturate", "colour", desaturate),
    Distortion("hue_shift", "colour", hue_shift),
    Distortion("colour_cast", "colour", colour_cast),
    Distortion("colour_bleeding", "colour", colour_bleeding),
    Distortion("colour_fringes", "colour", colour_fringes),
    Distortion("oversharpen", "sharpening", oversharpen),
    Distortion("median_denoising", "denoising", median_denoising),
    Distortion("bilateral_denoising", "denoising", bilateral_denoising),
    Distortion("pixelation", "blocking", pixelation),
    Distortion("block_loss", "blocking", block_loss),
    Distortion("coloured_blocks", "blocking", coloured_blocks),
    Distortion("displaced_patches", "blocking", displaced_patches),
    Distortion("wavelet_damage", "blocking", wavelet_damage),
    Distortion("combing", "interlacing", combing),
)


def _pair(first: str, second: str) -> Distortion:
    """The mixed type that applies ``first`` and then ``second``, both at the same level."""
    by_name = {distortion.name: distortion for distortion in _SINGLE}
    one, two = by_name[first], by_name[second]

    def apply(pixels: Pixels, level: int, rng: np.random.Generator) -> Pixels:
        return two.apply(one.apply(pixels, level, rng), level, rng)

    return Distortion(f"{first}+{second}", "mixed", apply, (first, second))


_MIXED = (
    _pair("gaussian_blur", "jpeg"),
    _pair("white_noise", "jpeg"),
    _pair("bicubic_scaling", "jpeg"),
    _pair("oversharpen", "jpeg"),
    _pair("white_noise", "bilateral_denoising"),
    _pair("jpeg", "white_noise"),
)

#: All spatial types: the single ones first, then the pairs.
SPATIAL: tuple[Distortion, ...] = (*_SINGLE, *_MIXED)
