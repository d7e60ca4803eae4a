"""Pictures as decoding hands them out: what is behind them, whole RGB frames or planes, is nobody else's concern."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Rectangle:
    """A part of a picture, in pixels; ``x`` and ``y`` are those of its upper left corner."""

    x: int
    y: int
    width: int
    height: int

    def of(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """That part of an array (height, width, ...), without a copy."""
        return pixels[self.y : self.y + self.height, self.x : self.x + self.width]

    def __str__(self) -> str:
        return f"{self.width}x{self.height} at ({self.x}, {self.y})"


class Picture(Protocol):
    """A decoded picture, ``height`` x ``width`` pixels."""

    @property
    def height(self) -> int:
        """Rows of pixels."""

    @property
    def width(self) -> int:
        """Columns of pixels."""

    def rgb(self, area: Rectangle | None = None) -> NDArray[np.uint8]:
        """A part of the picture (default: all of it), (height, width, 3) RGB."""

    def part(self, area: Rectangle) -> Picture:
        """A part of the picture as a picture of its own, without a copy."""

    def luma(self, row_step: int = 1, column_step: int = 1) -> NDArray[np.uint8]:
        """Brightness, 0 black to 255 white, of every ``row_step``-th row and ``column_step``-th column."""

    def sample(self, row_step: int, column_step: int) -> NDArray[np.uint8]:
        """RGB of every ``row_step``-th row and ``column_step``-th column, colour to within a pixel or two."""


@dataclass(frozen=True)
class RgbPicture:
    """A picture that was converted as a whole: ``pixels`` (height, width, 3) uint8 RGB."""

    pixels: NDArray[np.uint8]

    @property
    def height(self) -> int:
        """See :class:`Picture`."""
        return int(self.pixels.shape[0])

    @property
    def width(self) -> int:
        """See :class:`Picture`."""
        return int(self.pixels.shape[1])

    def rgb(self, area: Rectangle | None = None) -> NDArray[np.uint8]:
        """See :class:`Picture`; shares memory with it."""
        return self.pixels if area is None else area.of(self.pixels)

    def part(self, area: Rectangle) -> RgbPicture:
        """See :class:`Picture`."""
        return RgbPicture(area.of(self.pixels))

    def luma(self, row_step: int = 1, column_step: int = 1) -> NDArray[np.uint8]:
        """See :class:`Picture`; integer weights near BT.601's."""
        few = self.pixels[::row_step, ::column_step]
        wide = few[..., 1].astype(np.uint16) * 5
        wide += few[..., 0].astype(np.uint16) * 2
        wide += few[..., 2]
        return (wide >> 3).astype(np.uint8)

    def sample(self, row_step: int, column_step: int) -> NDArray[np.uint8]:
        """See :class:`Picture`."""
        return self.pixels[::row_step, ::column_step]
