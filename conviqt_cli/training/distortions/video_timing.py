"""Faults of timing: which source frame is on screen at each instant. Every type is a list of frame numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from conviqt_cli.training.distortions.distortion import Pixels

#: For each frame shown, the number of the source frame that is on screen.
Schedule: TypeAlias = NDArray[np.int64]

#: Share of the clip that stands still, per level.
FREEZE_SHARES = (0.1, 0.2, 0.32, 0.45, 0.58)
#: Share of the frames that are dropped, the frame before each held instead, per level.
DROP_SHARES = (0.08, 0.17, 0.3, 0.45, 0.65)
#: How long frames are held in turn, per level: uneven cadences, as of rate conversion by repetition.
CADENCES = ((1, 1, 1, 1, 2), (1, 2), (1, 3), (1, 2, 4), (1, 5, 2, 6))
#: How long each frame is held, per level: 25 frames/s become 12.5, 8.3, 6.3, 4.2 and 2.8.
HOLDS = (2, 3, 4, 6, 9)
#: Group length and how many frames of it are shown in reverse, per level.
REORDERINGS = ((8, 2), (4, 2), (4, 3), (6, 5), (8, 8))


def freeze(count: int, level: int, rng: np.random.Generator) -> Schedule:
    """One stall: a frame held for a share of the clip, after which the picture jumps to where it should be."""
    length = min(count - 1, max(level, round(FREEZE_SHARES[level - 1] * count)))
    # Past the first quarter, which callers may leave out, so that the picture moves both before and, if it can, after.
    earliest = min(count // 4, count - 1 - length)
    begin = int(rng.integers(earliest, max(earliest + 1, count - 1 - length)))
    shown = np.arange(count)
    shown[begin : begin + length + 1] = begin
    return shown


def drop(count: int, level: int, rng: np.random.Generator) -> Schedule:
    """Single frames dropped at random, each replaced by the one before it; the first frame never is."""
    number = min(count - 1, max(level + 1, round(DROP_SHARES[level - 1] * count)))
    shown = np.arange(count)
    shown[1 + rng.permutation(count - 1)[:number]] = 0
    return np.maximum.accumulate(shown)


def judder(count: int, level: int, rng: np.random.Generator) -> Schedule:
    """Frames held for uneven times in a fixed cadence, from a random point of it."""
    return _held(count, CADENCES[level - 1], rng)


def low_frame_rate(count: int, level: int, rng: np.random.Generator) -> Schedule:
    """Each frame held for the same number of frames, from a random phase."""
    return _held(count, (HOLDS[level - 1],), rng)


def reorder(count: int, level: int, rng: np.random.Generator) -> Schedule:
    """Frames shown in the wrong order: in every group some are reversed, so that motion jumps back."""
    group, turned = REORDERINGS[level - 1]
    shown = np.arange(count)
    for begin in range(int(rng.integers(0, 2)), count, group):
        shown[begin : begin + turned] = shown[begin : begin + turned][::-1].copy()
    return shown


def timed(schedule: Callable[[int, int, np.random.Generator], Schedule]) -> Callable[..., Pixels]:
    """The distortion that shows frames by a schedule."""

    def apply(frames: Pixels, level: int, rng: np.random.Generator) -> Pixels:
        return frames[schedule(len(frames), level, rng)]

    return apply


def _held(count: int, cadence: tuple[int, ...], rng: np.random.Generator) -> Schedule:
    times = np.tile(cadence, -(-(2 * count) // sum(cadence)) + 1)
    starts = np.concatenate([[0], np.cumsum(times)]) - int(rng.integers(0, sum(cadence)))
    # Frames that began before the clip are shown by its first frame.
    at = np.arange(count)
    shown: Schedule = np.maximum(0, starts[np.searchsorted(starts, at, side="right") - 1])
    return shown
