"""What the name of an ffmpeg pixel format says: bits, transparency, colour model."""

from __future__ import annotations

import re

_ENDIAN = re.compile(r"(?:msb)?(?:le|be)$")

#: Formats named after the bits of a whole pixel, or otherwise unlike all others: bits of their deepest component.
_DEPTHS = {
    "monow": 1, "monob": 1, "rgb4": 2, "bgr4": 2, "rgb4_byte": 2, "bgr4_byte": 2, "rgb8": 3, "bgr8": 3,
    "rgb444": 4, "bgr444": 4, "rgb555": 5, "bgr555": 5, "rgb565": 6, "bgr565": 6,
    "nv20": 10, "xv30": 10, "v30x": 10, "xv36": 12, "xv48": 16, "rgb48": 16, "bgr48": 16, "rgba64": 16, "bgra64": 16,
    "ayuv64": 16, "rgb96": 32, "rgba128": 32,
}  # fmt: skip

#: A name that ends with its depth: after a letter (``yuv420p10``, ``gray16``, ``xyz12``, ``yaf16``), or after the digit
#: that stands for the chroma subsampling (``p010``, ``y212``).
_DEPTH = re.compile(r"(?:[a-z]|^[py][024])(9|10|12|14|16|32)$")

_ALPHA = re.compile(r"^(?:yuva\d|gbrap|rgba|bgra|argb|abgr|ya\d|yaf|ayuv|vuya|uyva|pal8)")
_RGB = re.compile(r"^(?:rgb|bgr|gbr|argb|abgr|0rgb|0bgr|pal|x2rgb|x2bgr|bayer)")


def bit_depth(pixel_format: str) -> int:
    """Bits of the deepest component of a pixel format, by ffmpeg's name for it.

    >>> bit_depth("yuv420p10le"), bit_depth("nv12"), bit_depth("rgb48le"), bit_depth("xyz12le")
    (10, 8, 16, 12)
    """
    name = _ENDIAN.sub("", pixel_format)
    if name in _DEPTHS:
        return _DEPTHS[name]
    if name in ("nv12", "nv16"):
        return 8
    match = _DEPTH.search(name)
    return int(match[1]) if match else 8


def has_alpha(pixel_format: str) -> bool:
    """Whether pixels can be transparent.

    >>> has_alpha("yuva444p12le"), has_alpha("gbrp")
    (True, False)
    """
    return bool(_ALPHA.match(pixel_format))


def is_rgb(pixel_format: str) -> bool:
    """Whether pixels are red, green and blue as they are stored."""
    return bool(_RGB.match(pixel_format))


def is_xyz(pixel_format: str) -> bool:
    """Whether pixels are CIE XYZ, as in digital cinema."""
    return pixel_format.startswith("xyz")
