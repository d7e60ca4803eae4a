"""RGB out of 8-bit 4:2:0 planes, for parts of a picture only: what ffmpeg's accurate conversion of all of it gives.

A picture as ffmpeg pipes it in ``yuv420p`` is one flat array: luma (h, w), then both chroma planes
((h + 1) // 2, (w + 1) // 2). Chroma is enlarged by the bicubic kernel that swscale uses (B = 0, C = 0.6).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from conviqt_cli.arrays import Floats, Indices
from conviqt_cli.video.picture import Rectangle

#: Weights of red and blue in luma for each matrix that ffmpeg names (ITU-T H.273, table 4).
LUMA_WEIGHTS = {
    "bt709": (0.2126, 0.0722),
    "fcc": (0.30, 0.11),
    "bt470bg": (0.299, 0.114),
    "smpte170m": (0.299, 0.114),
    "smpte240m": (0.212, 0.087),
    "bt2020nc": (0.2627, 0.0593),
    "bt2020c": (0.2627, 0.0593),
}


#: Luma as stored in limited range (0 to 255) to full range.
_FULL_RANGE = np.clip((np.arange(256) - 16) * 255 / 219 + 0.5, 0, 255).astype(np.uint8)


@dataclass(frozen=True)
class PlanarPicture:
    """A picture, or a part of one, as 8-bit 4:2:0 planes; see :class:`~conviqt_cli.video.picture.Picture`.

    ``y``, ``u``, ``v`` are the uint8 planes of the whole picture, ``area`` the part of it that this is. ``matrix`` is
    ffmpeg's name; one that is not in ``LUMA_WEIGHTS`` is read as BT.709.
    """

    y: NDArray[np.uint8]
    u: NDArray[np.uint8]
    v: NDArray[np.uint8]
    area: Rectangle
    matrix: str = "bt709"
    full_range: bool = False

    @classmethod
    def of(
        cls, flat: NDArray[np.uint8], height: int, width: int, matrix: str = "bt709", full_range: bool = False
    ) -> PlanarPicture:
        """Views of a picture as ffmpeg pipes it, (:func:`size` bytes,)."""
        rows, columns = (height + 1) // 2, (width + 1) // 2
        luma, chroma = height * width, rows * columns
        return cls(
            flat[:luma].reshape(height, width),
            flat[luma : luma + chroma].reshape(rows, columns),
            flat[luma + chroma : luma + 2 * chroma].reshape(rows, columns),
            Rectangle(0, 0, width, height),
            matrix,
            full_range,
        )

    @property
    def height(self) -> int:
        """See :class:`~conviqt_cli.video.picture.Picture`."""
        return self.area.height

    @property
    def width(self) -> int:
        """See :class:`~conviqt_cli.video.picture.Picture`."""
        return self.area.width

    def part(self, area: Rectangle) -> PlanarPicture:
        """See :class:`~conviqt_cli.video.picture.Picture`."""
        return replace(self, area=replace(area, x=self.area.x + area.x, y=self.area.y + area.y))

    def rgb(self, area: Rectangle | None = None) -> NDArray[np.uint8]:
        """See :class:`~conviqt_cli.video.picture.Picture`."""
        chosen = self.area if area is None else self.part(area).area
        luma = chosen.of(self.y)
        down, across = _taps(chosen.y, chosen.height, len(self.u)), _taps(chosen.x, chosen.width, self.u.shape[1])
        return self._rgb(luma, _enlarged(self.u, down, across), _enlarged(self.v, down, across))

    def luma(self, row_step: int = 1, column_step: int = 1) -> NDArray[np.uint8]:
        """See :class:`~conviqt_cli.video.picture.Picture`."""
        stored = self.area.of(self.y)[::row_step, ::column_step]
        return stored if self.full_range else _FULL_RANGE[stored]

    def sample(self, row_step: int, column_step: int) -> NDArray[np.uint8]:
        """See :class:`~conviqt_cli.video.picture.Picture`; chroma is that of the nearest stored sample."""
        rows = np.arange(self.area.y, self.area.y + self.area.height, row_step)[:, None]
        columns = np.arange(self.area.x, self.area.x + self.area.width, column_step)
        blue, red = (plane[rows // 2, columns // 2].astype(np.float32) for plane in (self.u, self.v))
        return self._rgb(self.y[rows, columns], blue, red)

    def _rgb(self, y: NDArray[np.uint8], blue: Floats, red: Floats) -> NDArray[np.uint8]:
        """RGB (h, w, 3) of luma as stored and chroma of the same shape, both 0 to 255."""
        luma, blue, red = y.astype(np.float32), blue - 128.0, red - 128.0
        if self.full_range:
            spread, scale = 1.0, 1.0
        else:
            luma, spread, scale = luma - 16.0, 255 / 224, 255 / 219
        weight_red, weight_blue = LUMA_WEIGHTS.get(self.matrix, LUMA_WEIGHTS["bt709"])
        weight_green = 1 - weight_red - weight_blue
        to_red, to_blue = 2 * (1 - weight_red) * spread, 2 * (1 - weight_blue) * spread
        luma = luma * scale + 0.5
        out = np.empty((*y.shape, 3), np.float32)
        out[..., 0] = luma + to_red * red
        out[..., 1] = luma - (to_red * weight_red / weight_green) * red - (to_blue * weight_blue / weight_green) * blue
        out[..., 2] = luma + to_blue * blue
        return np.clip(out, 0, 255, out=out).astype(np.uint8)


def size(height: int, width: int) -> int:
    """Bytes of one picture."""
    return height * width + 2 * ((height + 1) // 2) * ((width + 1) // 2)


def _taps(first: int, count: int, available: int) -> tuple[Indices, Floats]:
    """For each of ``count`` positions from ``first`` on: four chroma positions (count, 4) and their weights.

    As swscale has it unless told otherwise, chroma lies in the middle of its four pixels.
    """
    at = (np.arange(first, first + count) - 0.5) / 2
    base = np.floor(at).astype(np.intp)
    places = base[:, None] + np.arange(-1, 3)
    weights = _bicubic(np.abs(at[:, None] - places))
    return np.clip(places, 0, available - 1), (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)


def _bicubic(distance: Floats, b: float = 0.0, c: float = 0.6) -> Floats:
    """Mitchell and Netravali's kernel (1988), at ``distance`` >= 0."""
    d = np.asarray(distance)
    near = ((12 - 9 * b - 6 * c) * d**3 + (-18 + 12 * b + 6 * c) * d**2 + 6 - 2 * b) / 6
    far = ((-b - 6 * c) * d**3 + (6 * b + 30 * c) * d**2 + (-12 * b - 48 * c) * d + 8 * b + 24 * c) / 6
    kernel: Floats = np.where(d < 1, near, np.where(d < 2, far, 0.0))
    return kernel


def _enlarged(plane: NDArray[np.uint8], down: tuple[Indices, Floats], across: tuple[Indices, Floats]) -> Floats:
    (rows, row_weights), (columns, column_weights) = down, across
    left, right = int(columns.min()), int(columns.max()) + 1
    tall = np.zeros((len(rows), right - left), np.float32)
    for tap in range(rows.shape[1]):
        tall += plane[rows[:, tap], left:right] * row_weights[:, tap, None]
    wide = np.zeros((len(rows), len(columns)), np.float32)
    for tap in range(columns.shape[1]):
        wide += tall[:, columns[:, tap] - left] * column_weights[:, tap]
    return wide
