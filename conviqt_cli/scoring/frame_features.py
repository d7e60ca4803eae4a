"""Spatial features of a clip's frames, by a picture plan."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from conviqt_cli.model.encoder import Encoder
from conviqt_cli.model.resizing import half_size, resized
from conviqt_cli.plans.clips import Clip
from conviqt_cli.plans.picture_plan import STILL_FACTOR, PicturePlan, Square
from conviqt_cli.video.decode import Frame

Pictures = NDArray[np.uint8]


class FeatureExtractor:
    """Makes (frames, 4096) features of clip after clip; ``count`` is how many frames went through the network.

    ``display`` is the number of lines at which pictures are looked at, ``None`` for their own; ``progress`` is called
    with :attr:`count`. Frames that a clip shares with the one before are not computed again where the plan allows.
    """

    def __init__(
        self, encoder: Encoder, plan: PicturePlan, display: int | None, progress: Callable[[int], None]
    ) -> None:
        self._encoder, self._plan, self._display, self._progress = encoder, plan, display, progress
        self._known: dict[int, NDArray[np.float32]] = {}
        self._clips = 0
        self.count = 0

    def __call__(self, clip: Clip) -> NDArray[np.float32]:
        """Features of the frames that the plan looks at, (frames, 4096): full scale, then half scale."""
        wanted = [clip.frames[index] for index in self._plan.frames(len(clip.frames))]
        different = {frame.index: frame for frame in wanted}
        if self._plan.whole:
            self._known = {index: row for index, row in self._known.items() if index in different}
            self._add_whole([frame for index, frame in different.items() if index not in self._known])
        else:
            self._known = {}
            self._add_squares(list(different.values()))
        self._clips += 1
        return np.stack([self._known[frame.index] for frame in wanted])

    def _add_whole(self, frames: Sequence[Frame]) -> None:
        if not frames:
            return
        size = display_size(frames[0].pixels.shape[0], frames[0].pixels.shape[1], self._display)
        step = self._encoder.batch_frames(*size)
        for first in range(0, len(frames), step):
            batch = frames[first : first + step]
            rows = self._encoder.spatial(resized(np.stack([frame.pixels for frame in batch]), size))
            self._note(batch, rows)

    def _add_squares(self, frames: Sequence[Frame]) -> None:
        factor = STILL_FACTOR if len(frames) == 1 else 1
        height, width = frames[0].pixels.shape[:2]
        size = display_size(height, width, self._display)
        half = (max(1, size[0] // 2), max(1, size[1] // 2))
        full_squares = self._plan.squares(*size, self._plan.full * factor, self._clips)
        half_squares = self._plan.squares(*half, self._plan.half * factor, self._clips)
        scale = size[0] / height
        full = np.concatenate([cut(frame.pixels, full_squares, scale) for frame in frames])
        small = np.concatenate([cut_half(frame.pixels, half_squares, scale) for frame in frames])
        if full.shape[1:] == small.shape[1:]:
            found = self._encoder.pooled(np.concatenate([full, small]))
            parts = [found[: len(full)], found[len(full) :]]
        else:
            parts = [self._encoder.pooled(full), self._encoder.pooled(small)]
        rows = np.concatenate([_averaged(part, len(frames)) for part in parts], axis=1)
        self._note(frames, rows)

    def _note(self, frames: Sequence[Frame], rows: NDArray[np.float32]) -> None:
        self._known.update(zip((frame.index for frame in frames), rows, strict=True))
        self.count += len(frames)
        self._progress(self.count)


def display_size(height: int, width: int, lines: int | None) -> tuple[int, int]:
    """The size (height, width) at which a picture is scored whose short side is shown with ``lines`` lines."""
    if lines is None or lines == min(height, width):
        return height, width
    scale = lines / min(height, width)
    return max(16, round(height * scale)), max(16, round(width * scale))


def cut(pixels: Pictures, squares: Sequence[Square], scale: float = 1.0) -> Pictures:
    """Squares (n, side, side, 3) of a picture (h, w, 3) that is shown ``scale`` times its size."""
    parts = []
    for square in squares:
        top, left, side = (round(value / scale) for value in (square.top, square.left, square.side))
        part = pixels[top : top + side, left : left + side]
        parts.append(resized(part[None], (square.side, square.side))[0])
    return np.stack(parts)


def cut_half(pixels: Pictures, squares: Sequence[Square], scale: float = 1.0) -> Pictures:
    """Squares (n, side, side, 3) of the half-size picture of one (h, w, 3) that is shown ``scale`` times its size."""
    parts = []
    for square in squares:
        top, left, side = (round(2 * value / scale) for value in (square.top, square.left, square.side))
        part = pixels[top : top + side, left : left + side]
        shown = resized(part[None], (2 * square.side, 2 * square.side))
        parts.append(half_size(shown)[0])
    return np.stack(parts)


def _averaged(features: NDArray[np.float32], frames: int) -> NDArray[np.float32]:
    """The mean of each frame's squares, as a unit vector: (frames * n, 2048) to (frames, 2048)."""
    mean = features.reshape(frames, -1, features.shape[1]).mean(axis=1)
    return np.asarray(mean / np.maximum(np.linalg.norm(mean, axis=1, keepdims=True), 1e-12), np.float32)
