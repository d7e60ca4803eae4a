"""Where one version of a source lies in time against another, and whether they show the same at all.

A version's signature is the mean luma of a few blocks of each frame: little to compute, and hardly changed by
compression, size or frame rate. Two signatures are shifted against each other until they differ least.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from conviqt_cli.arrays import Floats
from conviqt_cli.errors import MismatchError
from conviqt_cli.plans.schedule import schedule
from conviqt_cli.plans.time_plan import DENSE
from conviqt_cli.video.colour import has_planes
from conviqt_cli.video.decode import MAX_FRAMES, Frame, PixelFormat
from conviqt_cli.video.probe import VideoInfo

#: Blocks of a signature, down and across.
ROWS, COLUMNS = 9, 16

#: Samples of luma taken of each block, along each side, at most.
_SAMPLES = 8

#: Seconds of a version that are looked at to align it, and how far it may be shifted against another.
LOOKED_AT = 30.0
REACH = 15.0

#: Seconds that two versions must have in common.
LEAST_COMMON = 0.4

#: Steps in seconds of the search, first over the whole reach, then about the best place.
_COARSE, _FINE = 0.04, 0.005

#: Two places whose mean squared differences (grey levels squared) are as close as this are equally good; the smaller
#: shift is taken, so that pictures that stand still are not shifted at all.
_TIE_SHARE, _TIE = 0.01, 0.02

#: Versions show the same if patterns of light and dark correlate at least so much, and so do their changes over time
#: where there are any (a standard deviation of at least ``_MOVING`` grey levels).
PATTERN, MOTION, _MOVING = 0.9, 0.6, 1.5


@dataclass(frozen=True)
class Signature:
    """Luma of a version in blocks: ``times`` (n,) seconds, ascending; ``blocks`` (n, ROWS x COLUMNS), 0 to 255."""

    times: Floats
    blocks: Floats

    @classmethod
    def of(cls, frames: Iterable[Frame]) -> Signature:
        """The signature of these frames."""
        times, blocks = [], []
        for frame in frames:
            picture = frame.picture
            steps = max(1, picture.height // (ROWS * _SAMPLES)), max(1, picture.width // (COLUMNS * _SAMPLES))
            times.append(frame.time)
            blocks.append(_block_means(picture.luma(*steps)))
        return cls(np.array(times), np.array(blocks))

    def at(self, moments: Floats) -> Floats:
        """Blocks at ``moments`` (m,) seconds, (m, ROWS x COLUMNS), between two frames a mixture of both."""
        after = np.clip(np.searchsorted(self.times, moments), 1, max(1, len(self.times) - 1))
        before = after - 1
        after = np.minimum(after, len(self.times) - 1)
        gap = np.maximum(self.times[after] - self.times[before], 1e-9)
        share = np.clip((moments - self.times[before]) / gap, 0.0, 1.0)[:, None]
        mixed: Floats = self.blocks[before] * (1 - share) + self.blocks[after] * share
        return mixed


@dataclass(frozen=True)
class Alignment:
    """What a moment of the first version is in the other: ``offset`` seconds later.

    ``pattern`` and ``motion`` are how well the pictures, and their changes over time, correlate there (-1 to 1);
    ``motion`` is ``None`` where nothing moves.
    """

    offset: float
    pattern: float
    motion: float | None

    @property
    def matches(self) -> bool:
        """Whether both show the same."""
        return self.pattern >= PATTERN and (self.motion is None or self.motion >= MOTION)


def read_signature(
    info: VideoInfo, start: float = 0.0, duration: float = LOOKED_AT, timeout: float = 120.0
) -> Signature:
    """Decode a part of a video for its signature; raises what decoding raises."""
    planned = schedule(info, DENSE, start, duration, timeout)
    pixel_format: PixelFormat = "yuv420p" if has_planes(planned.info) else "rgb24"
    with planned.open(timeout, max_frames=MAX_FRAMES, pixel_format=pixel_format) as stream:
        return Signature.of(stream)


def align(first: Signature, other: Signature, near: float = 0.0, reach: float = REACH) -> Alignment:
    """Where ``other`` lies against ``first``; offsets up to ``reach`` seconds from ``near`` are tried.

    Raises :class:`MismatchError` when they have less than :data:`LEAST_COMMON` seconds in common wherever they lie.
    """
    coarse = near + np.arange(-round(reach / _COARSE), round(reach / _COARSE) + 1) * _COARSE
    best = _least(first, other, coarse, near)
    spread = 2 * _COARSE
    best = _least(first, other, best + np.arange(-spread, spread + _FINE / 2, _FINE), best)
    mine, theirs = _in_common(first, other, best)
    moving = mine - mine.mean(axis=0), theirs - theirs.mean(axis=0)
    still = min(each.std() for each in moving) < _MOVING
    return Alignment(round(best, 3), _correlation(mine, theirs), None if still else _correlation(*moving))


def _least(first: Signature, other: Signature, offsets: Floats, preferred: float) -> float:
    """The offset of least difference; of those that are as good, the one nearest to ``preferred``."""
    differences = np.array([_difference(first, other, float(offset)) for offset in offsets])
    if not np.isfinite(differences).any():
        raise MismatchError("too little in common in time")
    good = offsets[differences <= np.nanmin(differences) * (1 + _TIE_SHARE) + _TIE]
    return float(good[np.abs(good - preferred).argmin()])


def _difference(first: Signature, other: Signature, offset: float) -> float:
    mine, theirs = _in_common(first, other, offset)
    if not len(mine):
        return float("inf")
    apart = mine - theirs
    return float(((apart - apart.mean()) ** 2).mean())


def _in_common(first: Signature, other: Signature, offset: float) -> tuple[Floats, Floats]:
    """Blocks of both at the same moments; empty where they have too little time in common."""
    begin = max(first.times[0], other.times[0] - offset)
    end = min(first.times[-1], other.times[-1] - offset)
    # Half of the shorter one, so that no few frames at an end are taken for a match.
    shorter = min(first.times[-1] - first.times[0], other.times[-1] - other.times[0])
    if end - begin < max(LEAST_COMMON, shorter / 2) and not (shorter == 0 and end == begin):
        return np.empty((0, 1)), np.empty((0, 1))
    moments = begin + np.arange(int((end - begin) / _COARSE + 1e-6) + 1) * _COARSE
    return first.at(moments), other.at(moments + offset)


def _correlation(one: Floats, other: Floats) -> float:
    a, b = one - one.mean(), other - other.mean()
    energy = float(np.sqrt((a * a).sum() * (b * b).sum()))
    if energy < 1e-6:  # plain pictures: alike if they are equally bright, of which contrast says nothing
        return 1.0 if float((a * a).sum()) < 1e-6 and float((b * b).sum()) < 1e-6 else 0.0
    return float((a * b).sum()) / energy


def _block_means(luma: NDArray[np.uint8]) -> Floats:
    rows, columns = (
        np.linspace(0, length, blocks + 1).astype(int)[:-1]
        for length, blocks in zip(luma.shape, (ROWS, COLUMNS), strict=True)
    )
    sums = np.add.reduceat(np.add.reduceat(luma.astype(np.float64), rows, axis=0), columns, axis=1)
    counts = np.diff([*rows, luma.shape[0]])[:, None] * np.diff([*columns, luma.shape[1]])
    means: Floats = (sums / counts).ravel()
    return means
