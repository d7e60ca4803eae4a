"""Frames that a program hands over, as arrays or tensors, in place of a file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from conviqt_cli.errors import UsageError
from conviqt_cli.video.decode import Frame
from conviqt_cli.video.picture import RgbPicture
from conviqt_cli.video.probe import VideoInfo, check_size


def given_frames(frames: Iterable[Any], fps: float, name: str) -> tuple[VideoInfo, Iterator[Frame]]:
    """Frames as if they had been decoded, and their facts; see :meth:`Scorer.score_frames` for what is accepted.

    Raises :class:`UsageError` for what is no picture, or of another size than the first one.
    """
    if not fps > 0:
        raise UsageError(f"{fps} frames per second: give a rate above 0")
    pictures = (_rgb(frame, name) for frame in frames)
    first = next(pictures, None)
    if first is None:
        raise UsageError(f"{name}: no frames")
    height, width = first.shape[:2]
    try:
        duration = len(frames) / fps  # type: ignore[arg-type]
    except TypeError:
        duration = None
    info = VideoInfo(
        source=name, width=width, height=height, fps=Fraction(fps).limit_denominator(1001), duration=duration,
        codec="rawvideo", container="none", pixel_format="rgb24", bit_depth=8, matrix="rgb", matrix_assumed=False,
        range="pc", transfer="unknown", primaries="unknown",
    )  # fmt: skip
    check_size(info)
    return info, _numbered(chain([first], pictures), fps, name)


def _numbered(pictures: Iterable[NDArray[np.uint8]], fps: float, name: str) -> Iterator[Frame]:
    shape = None
    for index, picture in enumerate(pictures):
        shape = shape or picture.shape
        if picture.shape != shape:
            raise UsageError(f"{name}: frame {index} is of another size than the first")
        yield Frame(index, index / fps, 1 / fps, RgbPicture(picture))


def _rgb(frame: Any, name: str) -> NDArray[np.uint8]:
    """One picture as (height, width, 3) uint8."""
    if hasattr(frame, "detach"):  # a tensor, on whatever device
        frame = frame.detach().cpu().numpy()
    picture = np.asarray(frame)
    if picture.ndim == 3 and picture.shape[0] == 3 and picture.shape[2] != 3:
        picture = np.moveaxis(picture, 0, 2)
    if picture.ndim != 3 or picture.shape[2] != 3:
        raise UsageError(
            f"{name}: a frame is RGB of shape (height, width, 3) or (3, height, width), not {picture.shape}"
        )
    if picture.dtype == np.uint8:
        return np.ascontiguousarray(picture)
    if picture.dtype.kind != "f":
        raise UsageError(f"{name}: frames are uint8, or floating-point numbers from 0 to 1, not {picture.dtype}")
    low, high = float(picture.min()), float(picture.max())
    if not (low >= 0 and high <= 1):  # not a number fails, too
        raise UsageError(f"{name}: floating-point frames run from 0 to 1, but these from {low:g} to {high:g}")
    return np.ascontiguousarray((picture * 255 + 0.5).astype(np.uint8))
