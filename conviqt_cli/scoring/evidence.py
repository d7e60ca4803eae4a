"""Evidence: what the pixels of each clip say about its faults, measured without a network.

A diagnosis head knows distortions by what they look like; some leave traces that are plain to measure, all the more
when they come and go within one video: the clips before and after show what the same scene looks like without the
fault. So each clip is measured, and compared with the clips of the same video that show about the same picture.

Measured on small blocks of luma spread over the picture, in a few frames of each clip, a few milliseconds a clip:

- the power spectrum in eight bands of spatial frequency: blur and low resolution take the high bands away, noise fills
  them, most plainly in the calmest blocks;
- blockiness on the 8 x 8 grid of codecs (after Wang, Bovik and Evans, "Blind measurement of blocking artifacts in
  images", ICIP 2000: differences across block borders against those inside);
- how much is exactly flat, and how many steps stand alone between flat neighbours: banding;
- how differences from frame to frame follow each other: where frames are blended over time, a difference resembles the
  next ones, and differences grow with the distance in time for as long as frames are blended;
- mean and spread of luma, and mean colour, and how far they jump from one frame to the next.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from conviqt_cli.arrays import Floats, Mask, block_means
from conviqt_cli.plans.clips import Clip
from conviqt_cli.video.picture import Picture, Rectangle

#: Side of a block in pixels, and how many are measured along each side of a picture at most.
_SIDE, _ALONG = 64, 7

#: Bands of the spectrum, from 0 to half a cycle per pixel.
_BANDS = 8

#: Which frame of a clip is measured; changes are those of all its frames, in one of so many rows and blocks.
_FRAME, _EACH_ROW, _EACH_BLOCK = 8, 4, 2

#: Frames that lie so far apart tell how far changes go.
_FAR = 8

#: What :meth:`Evidence.add` measures of each clip, in this order.
MEASURES = (
    *(f"band {number}" for number in range(_BANDS)),
    *("calm 5", "calm 6", "calm 7"),
    *("blockiness", "flat", "lone steps", "comb"),
    *("luma", "contrast", "red", "blue", "saturation"),
    *("change", "change follows", "change follows later", "change at once", "moving detail"),
    *("luma jump", "contrast jump", "red jump", "blue jump", "saturation jump"),
)

#: Rows and columns of the picture by which clips are told to show the same, and the least correlation that does.
_ROWS, _COLUMNS, _SAME = 9, 16, 0.7

#: Where brightness or colour jumps from one frame to the next, and no more than that, both frames show the same.
_SAME_JUMP = 0.9

#: Other clips of the scene that a clip is compared with at least, and how far it has to stand out from them.
_OTHERS, _SPREAD = 3, 3.0

_TINY = 1e-3

#: Mean square of changes (of luma, 0 to 255) that are no more than rounding and coding noise.
_STILL = 0.3


def _band_of() -> NDArray[np.intp]:
    """The band of each coefficient of a block's real spectrum."""
    radius = np.hypot(np.fft.fftfreq(_SIDE)[:, None], np.fft.rfftfreq(_SIDE))
    band: NDArray[np.intp] = np.minimum((radius * 2 * _BANDS).astype(np.intp), _BANDS - 1)
    return band


_BAND_OF = _band_of()
_BAND_SIZE = np.bincount(_BAND_OF.ravel(), minlength=_BANDS)
_WINDOW = np.outer(np.hanning(_SIDE), np.hanning(_SIDE)).astype(np.float32)


@dataclass(frozen=True)
class Measures:
    """Of one clip: ``values`` (len(MEASURES),), and ``patterns`` (3, n) of its first, middle and last picture."""

    values: Floats
    patterns: Floats


class Measurer:
    """Measures the clips of one video, in order."""

    def __init__(self) -> None:
        self._colours: Floats = np.empty((0, 5))
        self._last: Floats = np.empty((0, 0))

    def of(self, clip: Clip) -> Measures:
        """The measures of the next clip."""
        pictures = [frame.picture for frame in clip.frames]
        places = _places(pictures[_FRAME])
        middle = _blocks(pictures[_FRAME], places)
        coarse = [_coarse(picture) for picture in pictures]
        colours = np.stack([_colour(each) for each in coarse])
        patterns = np.stack([_pattern(each) for each in coarse])
        before = self._last if self._last.shape[1:] == patterns.shape[1:] else patterns[:0]
        same = (patterns[1 - len(before) :] * np.concatenate([before, patterns[:-1]])).sum(axis=1) >= _SAME_JUMP
        jumps = np.abs(np.diff(colours, axis=0, prepend=self._colours[: len(before)]))[same]
        self._colours, self._last = colours[-1:], patterns[-1:]
        bands = _spectrum(middle)
        values = np.concatenate(
            [
                np.log(bands.mean(axis=0) + _TINY),
                np.log(np.quantile(bands[:, 5:], 0.1, axis=0) + _TINY),
                _surface(middle),
                colours[_FRAME],
                _change(pictures, places[::_EACH_BLOCK]),
                jumps.max(axis=0, initial=0.0),
            ]
        )
        return Measures(values, patterns[[0, _FRAME, -1]])


@dataclass
class Evidence:
    """Collects the measures of one video's clips, in order."""

    _rows: list[Floats] = field(default_factory=list)
    _patterns: list[Floats] = field(default_factory=list)

    def add(self, measures: Measures, thins: bool = False) -> None:
        """The next clip; one that thins out those before (:attr:`Clip.thins`) does so here, too."""
        if thins:
            del self._rows[1::2], self._patterns[1::2]
        self._rows.append(measures.values)
        self._patterns.append(measures.patterns)

    def absolute(self) -> NDArray[np.float64]:
        """The measures of each clip, (clips, len(MEASURES))."""
        return np.stack(self._rows)

    def alike(self) -> Mask:
        """Which clips show the same scene, however bright they are, (clips, clips): directly, or by way of others.

        Of a camera that pans, the first picture and the last have little in common, but each resembles its neighbours.
        """
        patterns = np.concatenate(self._patterns)
        close = (patterns @ patterns.T).reshape(len(self._patterns), 3, -1, 3).max(axis=(1, 3)) >= _SAME
        return linked(close)


def linked(alike: Mask) -> Mask:
    """The least equivalence that holds wherever ``alike`` (n, n) does."""
    steps = len(alike)
    while steps > 0:
        alike, steps = (alike.astype(np.float32) @ alike.astype(np.float32)) > 0, steps // 2
    return alike


def relative(values: Floats, alike: Mask) -> tuple[Floats, Mask]:
    """What stands out of :func:`differences`, else zero, and which clips (n,) were compared."""
    _, standing_out, compared = differences(values, alike)
    return standing_out, compared


def differences(values: Floats, alike: Mask) -> tuple[Floats, Floats, Mask]:
    """How much ``values`` (n, d) of each clip differ from the median of the other clips that show the same scene.

    Returns that; the same, but zero where it is no more than :data:`_SPREAD` times what those differ from each other
    (the median deviation); and which clips (n,) have at least :data:`_OTHERS` others to be compared with.
    """
    out: Floats = np.zeros_like(values)
    standing_out: Floats = np.zeros_like(values)
    compared = alike.sum(axis=1) > _OTHERS
    for row in np.flatnonzero(compared):
        others = alike[row].copy()
        others[row] = False
        median = np.median(values[others], axis=0)
        usual = 1.4826 * np.median(np.abs(values[others] - median), axis=0)
        out[row] = values[row] - median
        standing_out[row] = np.where(np.abs(out[row]) > _SPREAD * usual, out[row], 0.0)
    return out, standing_out, compared


def _places(picture: Picture) -> list[Rectangle]:
    """Blocks spread evenly over a picture, on the grid of its codec; of a small one, one block."""
    height, width = min(_SIDE, picture.height), min(_SIDE, picture.width)
    return [
        Rectangle(across, down, width, height) for down in _along(picture.height) for across in _along(picture.width)
    ]


def _along(length: int) -> list[int]:
    """Where blocks begin along a side."""
    count = min(_ALONG, max(1, length // _SIDE))
    return [8 * int(at // 8) for at in np.linspace(0, max(0, length - _SIDE), count)]


def _blocks(picture: Picture, places: list[Rectangle]) -> NDArray[np.float32]:
    """Luma of blocks, (n, 64, 64); where a picture is smaller, its rim is mirrored."""
    blocks = np.stack([picture.part(place).luma() for place in places])
    missing = [(0, 0), *((0, _SIDE - length) for length in blocks.shape[1:])]
    if any(after for _, after in missing):
        blocks = np.pad(blocks, missing, mode="symmetric")
    return blocks.astype(np.float32)


def _coarse(picture: Picture) -> NDArray[np.float64]:
    """RGB of few pixels, (about 48, about 64, 3)."""
    return picture.sample(max(1, picture.height // 48), max(1, picture.width // 64)).astype(np.float64)


def _spectrum(blocks: NDArray[np.float32]) -> Floats:
    """Mean power of each block in each band, (n, bands), per pixel of luma."""
    centred = (blocks - blocks.mean(axis=(1, 2), keepdims=True)) * _WINDOW
    power = np.abs(np.fft.rfft2(centred)) ** 2 / (_WINDOW**2).sum()
    flat = power.reshape(len(blocks), -1)
    sums = np.stack([flat[:, _BAND_OF.ravel() == band].sum(axis=1) for band in range(_BANDS)], axis=1)
    means: Floats = sums / _BAND_SIZE
    return means


def _surface(blocks: NDArray[np.float32]) -> Floats:
    """Blockiness, flatness, steps that stand alone, and gaps in the histogram."""
    steps = np.abs(np.diff(blocks, axis=2))
    # Column 7 of the differences lies between columns 7 and 8: the border of a codec's block.
    border = np.zeros(steps.shape[2], bool)
    border[7::8] = True
    blockiness = np.log((steps[..., border].mean() + 0.05) / (steps[..., ~border].mean() + 0.05))
    flat = steps == 0
    lone = (steps[..., 2:-2] >= 2) & flat[..., :-4] & flat[..., 1:-3] & flat[..., 3:-1] & flat[..., 4:]
    counts = np.bincount(blocks.astype(np.intp).ravel(), minlength=256).astype(np.float64)
    smooth = np.convolve(counts, np.full(5, 0.2), mode="same")
    comb = np.abs(counts - smooth).sum() / counts.sum()
    return np.array([blockiness, np.log(flat.mean() + 0.01), np.log(lone.mean() + 1e-4), comb])


def _colour(coarse: Floats) -> Floats:
    """Of RGB (h, w, 3): mean luma, contrast, red and blue against green, saturation."""
    red, green, blue = coarse[..., 0], coarse[..., 1], coarse[..., 2]
    luma = 0.25 * red + 0.625 * green + 0.125 * blue
    saturation = np.log((coarse.max(axis=-1) - coarse.min(axis=-1)).mean() + 1.0)
    return np.array(
        [luma.mean() / 32, np.log(luma.std() + 1), (red - green).mean() / 16, (blue - green).mean() / 16, saturation]
    )


def _change(pictures: Sequence[Picture], places: Sequence[Rectangle]) -> Floats:
    """How much changes from frame to frame; how much a change resembles the next, and the one after that (-1 to 1);
    how much of what changes over eight frames does so from one to the next; and how steep edges are where it moves.

    All but the resemblances are logarithms.
    """
    rows = np.stack([[picture.part(place).luma(_EACH_ROW) for place in places] for picture in pictures])
    rows = rows.astype(np.float32)
    steps = np.diff(rows, axis=0)
    squares = np.square(steps)
    power = float(squares.mean())
    follows, later = (float((steps[lag:] * steps[:-lag]).mean()) / (power + _STILL) for lag in (1, 2))
    far = float(np.square(rows[_FAR:] - rows[:-_FAR]).mean())
    moving = squares.mean(axis=0)[..., 1:]
    edges = np.square(np.diff(rows[:: _FAR // 2], axis=-1)).mean(axis=0)
    steep = float((moving * edges).mean() / (moving.mean() + _TINY))
    once = np.log((power + _STILL) / (far + _STILL))
    return np.array([np.log(power + _STILL), follows, later, once, np.log(steep + _STILL)])


def _pattern(coarse: Floats) -> Floats:
    """What a picture (h, w, 3) shows, as ROWS x COLUMNS blocks of luma, of mean 0 and length 1."""
    means = block_means(coarse.mean(axis=2), _ROWS, _COLUMNS).ravel()
    means = means - means.mean()
    pattern: Floats = means / max(float(np.linalg.norm(means)), 1e-6)
    return pattern
