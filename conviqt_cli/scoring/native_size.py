"""Fake resolution: whether a picture was made of fewer lines than it has, as far as that leaves a trace.

Interpolation weighs neighbouring pixels by where the new one lies between them, and that repeats: at 1.5 times the
size every third pixel lies alike. So the mean size of second differences, taken over all rows or all columns and all
frames, has a period, and its spectrum a line at a frequency that tells the factor (Gallagher, "Detection of linear and
cubic interpolation in JPEG compressed images", CRV 2005; Mahdian and Saic, "Blind authentication using periodic
properties of interpolation", IEEE TIFS 2008). The line has to stand out at the same frequency across and down, which
texture hardly ever does. A picture that was made smaller may have a line, too, but is sharp: of one scaled up, nothing
is left above the old sampling limit. Two factors share each frequency, f: 1 / f and 1 / (1 - f), such as 3 and 1.5. The
one that gives a common size is meant; where both do, the smaller one, and the picture may have had fewer lines still.

Factors of 4/3, 2 and 4 have their line where the blocks of codecs have theirs, 2 even none: halfway between two pixels
on either side is the same. First differences tell: those that span an old pixel are smaller than those between two of
them, which is every second one at factor 2, inside blocks as at their borders. At factors of 4/3 and 4 that is so
plain only where pixels were just repeated.

Sure, not complete: 4/3 and 4 by smooth filters are not seen, and strong compression hides all of them.
``python -m benchmarks.native_size`` has the measurement.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from conviqt_cli.arrays import Floats
from conviqt_cli.plans.clips import Clip
from conviqt_cli.scoring.events import Event
from conviqt_cli.video.picture import Rectangle

#: Code of the event.
SCALED_UP = "scaled_up"

#: Pixels along a side that are looked at, of one frame of a clip; fewer than the least tell nothing.
_SIDE, _LEAST = 1024, 200

#: Points of the spectrum of second differences; lowest frequency (cycles per pixel) at which a line is looked for.
_POINTS, _LOWEST = 4096, 0.15

#: A line is this many times as high as what is around it, across and down.
STANDS_OUT = 4.5

#: Lines this near to a multiple of 1/16 are those of codecs. So near to 1/2, they may be what is left of a picture that
#: was made smaller by about 2; factor 2 itself is told by first differences.
_GRID, _HALF = 0.007, 0.02

#: Half the breadth of what is around a point, and how far apart a line may lie across and down, in points.
_AROUND, _APART = 200, 4

#: Side of the blocks of the power spectrum.
_BLOCK = 64

#: From well below the old sampling limit to a little above it, power falls by at least so many decades.
_FALL = 0.4

#: The line of a usual factor (thirds and fifths) may be that of a picture made smaller, such as by 4/3: then power has
#: to fall further, and to lie at most so far above that at half a cycle per pixel.
_FALL_USUAL, _FLOOR_USUAL = 0.8, 0.25

#: Below this factor too little of the spectrum lies above the old limit to tell, and the line has to stand out more.
_TELLING, _ALONE = 1.35, 5.5

#: First differences inside the two halves of a block of eight pixels (logarithms): from the second to the third pixel
#: they are this much larger than those beside it at factor 2, and smaller where one of three pixels was repeated; at a
#: half's border they are this much larger where each was repeated four times.
_DOUBLED, _ONE_REPEATED, _ALL_REPEATED = 0.15, 0.4, 1.2

#: First differences that are no more than rounding.
_ROUNDING = 0.02

#: Sizes that videos come in, in lines, and how near (as a share) one has to be to be meant.
COMMON, _NEAR = (144, 180, 240, 288, 360, 432, 480, 540, 576, 720, 900, 1080, 1440), 0.012


@dataclass(frozen=True)
class Periods:
    """Of one picture: mean second differences of columns ``across`` and rows ``down``, ``power`` spectrum of blocks.

    ``steps`` (2, 8) are mean first differences across and down, by where they lie in a block of eight pixels.
    """

    across: Floats
    down: Floats
    power: Floats
    steps: Floats

    def fits(self, other: Periods) -> bool:
        """Whether both are of pictures of one size."""
        return self.across.shape == other.across.shape and self.down.shape == other.down.shape

    def plus(self, other: Periods) -> Periods:
        """The sum."""
        return Periods(
            self.across + other.across, self.down + other.down, self.power + other.power, self.steps + other.steps
        )


def periods(clip: Clip, x: int = 0, y: int = 0) -> Periods | None:
    """What the first picture of a clip shows, in some twenty milliseconds; ``None`` where it is too small to tell.

    ``x`` and ``y`` are where the upper left corner of the picture lies in the frame that was coded.
    """
    picture = clip.frames[0].picture
    x, y = -x % 8, -y % 8
    height, width = min(picture.height - y, _SIDE), min(picture.width - x, _SIDE)
    if min(height, width) < _LEAST:
        return None
    left, top = x + (picture.width - x - width) // 16 * 8, y + (picture.height - y - height) // 16 * 8
    luma = picture.part(Rectangle(left, top, width, height)).luma().astype(np.int16)
    rows, columns = luma[::2], luma[:, ::2]
    across = np.abs(2 * rows[:, 1:-1] - rows[:, 2:] - rows[:, :-2]).mean(axis=0)
    down = np.abs(2 * columns[1:-1] - columns[2:] - columns[:-2]).mean(axis=1)
    first = np.abs(np.diff(rows, axis=1)).mean(axis=0), np.abs(np.diff(columns, axis=0)).mean(axis=1)
    steps = np.stack([_by_place(each) for each in first])
    return Periods(across, down, _power(luma), steps)


def _by_place(differences: Floats) -> Floats:
    """Means (8,) of differences (n,) by where they lie in a block of eight pixels."""
    whole = len(differences) // 8 * 8
    means: Floats = differences[:whole].reshape(-1, 8).mean(axis=0)
    return means


class NativeSize:
    """Sums up the pictures of one video, which has ``lines`` on its short side."""

    def __init__(self, lines: int) -> None:
        self._lines = lines
        self._sum: Periods | None = None
        self._count = 0
        self._span: tuple[float, float] | None = None

    def add(self, start: float, end: float, seen: Periods | None) -> None:
        """The next clip, shown from ``start`` to ``end`` seconds; pictures of another size than the first count not."""
        self._span = (start if self._span is None else self._span[0], end)
        if seen is None:
            return
        if self._sum is None:
            self._sum, self._count = seen, 1
        elif self._sum.fits(seen):
            self._sum, self._count = self._sum.plus(seen), self._count + 1

    @property
    def lines(self) -> int | None:
        """The most lines that the picture was scaled up from; ``None`` where it was not, or that cannot be said."""
        if self._sum is None:
            return None
        summed = self._sum
        factors = scaling_factors(summed.across, summed.down, summed.power)
        factors = factors or repeating_factors(summed.steps / self._count)
        sizes = [_size(self._lines / factor) for factor in factors]
        return next((size for size in sizes if size in COMMON), sizes[0] if sizes else None)

    def events(self) -> Iterator[Event]:
        """What is to be said of it, if anything."""
        if self.lines is not None and self._span is not None:
            text = f"the picture looks like {self.lines}p or less scaled up to {self._lines}p"
            yield Event(SCALED_UP, *self._span, text, throughout=True)


def scaling_factors(across: Floats, down: Floats, power: Floats) -> list[float]:
    """By how much a picture may have been scaled up, smallest first; nothing where it was not, or that is not sure.

    ``across`` (width - 2,) and ``down`` (height - 2,) are mean second differences of columns and rows, ``power``
    (64, 33) the mean power spectrum of blocks.
    """
    frequency, height = strongest_line(across, down)
    if height < STANDS_OUT:
        return []
    smallest = 1 / (1 - frequency)
    if smallest < _TELLING:
        sure = height >= _ALONE
    else:
        limit, power_above_end = _BLOCK / 2 / smallest, _above_end(power)
        below, above = power_above_end[round(0.6 * limit)], power_above_end[round(1.15 * limit)]
        usual = min(abs(frequency * parts - round(frequency * parts)) / parts for parts in (3, 5)) < _GRID
        sure = below - above >= (_FALL_USUAL if usual else _FALL) and (above < _FLOOR_USUAL or not usual)
    return [smallest, 1 / frequency] if sure else []


def repeating_factors(steps: Floats) -> list[float]:
    """The same for 4/3, 2 and 4, from mean first differences (2, 8), see :class:`Periods`."""
    halves = np.log(steps + _ROUNDING).reshape(2, 2, 4).mean(axis=1)
    beside = (halves[:, 0] + halves[:, 2]) / 2
    if (halves[:, 3] - halves[:, :3].max(axis=1)).min() >= _ALL_REPEATED:
        return [4.0]
    if (halves[:, 1] - beside).min() >= _DOUBLED:
        return [2.0]
    return [4 / 3] if (beside - halves[:, 1]).min() >= _ONE_REPEATED else []


def strongest_line(across: Floats, down: Floats) -> tuple[float, float]:
    """Frequency (cycles per pixel) and height (times what is around it) of the line that both have."""
    height = np.minimum(_heights(across), _heights(down))
    frequency = np.arange(len(height)) / _POINTS
    off_grid = np.abs(frequency * 16 - np.round(frequency * 16)) / 16 >= _GRID
    height = np.where(off_grid & (frequency >= _LOWEST) & (frequency <= 0.5 - _HALF), height, 0.0)
    place = int(height.argmax())
    return float(frequency[place]), float(height[place])


def _heights(differences: Floats) -> Floats:
    """How high each point of the spectrum of mean differences (n,) is, against the median of what is around it."""
    values = np.log(differences + 0.05)
    values = values - np.convolve(np.pad(values, 8, mode="reflect"), np.full(17, 1 / 17), mode="valid")
    spectrum = np.abs(np.fft.rfft(values * np.hanning(len(values)), _POINTS))
    places = np.arange(0, len(spectrum), 16)
    around = [np.median(spectrum[max(0, place - _AROUND) : place + _AROUND : 8]) for place in places]
    heights = spectrum / np.maximum(np.interp(np.arange(len(spectrum)), places, around), 1e-9)
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(heights, _APART, mode="edge"), 2 * _APART + 1)
    highest: Floats = windows.max(axis=1)
    return highest


def _size(lines: float) -> int:
    """The common size that is meant by ``lines``, or those."""
    near = min(COMMON, key=lambda each: abs(each - lines))
    return near if abs(near - lines) <= _NEAR * lines else round(lines)


_WINDOW = np.outer(np.hanning(_BLOCK), np.hanning(_BLOCK)).astype(np.float32)


def _power(luma: NDArray[np.int16]) -> Floats:
    """Mean power spectrum of blocks of luma, (64, 33)."""
    rows, columns = (length // _BLOCK for length in luma.shape)
    part = luma[: rows * _BLOCK, : columns * _BLOCK].astype(np.float32)
    blocks = part.reshape(rows, _BLOCK, columns, _BLOCK).swapaxes(1, 2).reshape(-1, _BLOCK, _BLOCK)[::3]
    centred = (blocks - blocks.mean(axis=(1, 2), keepdims=True)) * _WINDOW
    power: Floats = (np.abs(np.fft.rfft2(centred)) ** 2).mean(axis=0)
    return power


def _above_end(power: Floats) -> Floats:
    """How far the power at each frequency (33: 0 to half a cycle per pixel) lies above that at the end, in decades."""
    both = power.sum(axis=0) + _folded(power.sum(axis=1))
    logarithm = np.log10(both + 1e-3)
    above: Floats = logarithm - logarithm[-4:].mean()
    return above


def _folded(profile: Floats) -> Floats:
    """Power at 0 to half a cycle per pixel, (33,), from that at positive and negative frequencies, (64,)."""
    half: Floats = profile[: _BLOCK // 2 + 1].copy()
    half[1:-1] += profile[: _BLOCK // 2 : -1]
    return half
