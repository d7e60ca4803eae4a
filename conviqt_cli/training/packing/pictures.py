"""Pieces of pictures and videos as the stages train on them: squares at some scale, and windows that move."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from conviqt_cli.errors import InputError
from conviqt_cli.plans.time_plan import CLIP_LENGTH
from conviqt_cli.training.distortions.distortion import Pixels
from conviqt_cli.video.decode import FrameStream
from conviqt_cli.video.media_kinds import is_picture
from conviqt_cli.video.probe import probe


def read_picture(path: Path) -> Pixels:
    """A photograph, (height, width, 3) RGB uint8."""
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def read_frames(path: Path, count: int, skip: int = 0) -> Pixels:
    """``count`` consecutive frames of a video after ``skip``, (count, h, w, 3), or what there is of them."""
    frames: list[Pixels] = []
    with FrameStream(probe(str(path))) as stream:
        for index, frame in enumerate(stream):
            if index >= skip + count:
                break
            if index >= skip:
                frames.append(frame.pixels)
    return np.stack(frames)


def is_photograph(path: Path) -> bool:
    """Whether a file is a photograph, by its name; all others are videos."""
    return is_picture(path.name)


def middle_square(path: Path, side: int) -> Pixels:
    """The middle of a photograph, (side, side, 3), or of a video's first clip, (frames, side, side, 3).

    At half size, which hides what the source had; larger where the square would not fit otherwise. Raises
    :class:`InputError` for a file that cannot be read.
    """
    still = is_photograph(path)
    try:
        frames = read_picture(path)[None] if still else read_frames(path, CLIP_LENGTH)
    except OSError as error:
        raise InputError(f"{path}: cannot be read as a photograph ({error})") from None
    factor = max(0.5, side / min(frames.shape[1:3]))
    smaller = [scaled(enlarged(frame, side), factor) for frame in frames]
    height, width = smaller[0].shape[:2]
    top, left = (height - side) // 2, (width - side) // 2
    clip: Pixels = np.stack(smaller)[:, top : top + side, left : left + side]
    return clip[0] if still else clip


def scaled(pixels: Pixels, factor: float) -> Pixels:
    """A picture made smaller (never larger) with area averaging."""
    if factor >= 1:
        return pixels
    size = (round(pixels.shape[1] * factor), round(pixels.shape[0] * factor))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)


def enlarged(pixels: Pixels, side: int) -> Pixels:
    """A picture in which a square of ``side`` fits, made larger only if it did not, bicubic."""
    short = min(pixels.shape[:2])
    if short >= side:
        return pixels
    size = tuple(max(side, round(length * side / short)) for length in (pixels.shape[1], pixels.shape[0]))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_CUBIC), np.uint8)


def random_scale(pixels: Pixels, side: int, rng: np.random.Generator, smallest: float = 0.4) -> Pixels:
    """A picture at a random scale, at which a square of ``side`` still fits; enlarged only if it never did."""
    short = min(pixels.shape[:2])
    if short < side:
        return enlarged(pixels, side)
    return scaled(pixels, float(np.exp(rng.uniform(np.log(max(smallest, side / short)), 0.0))))


def square(pixels: Pixels, side: int, rng: np.random.Generator, tries: int = 3) -> Pixels:
    """A random square of ``pixels`` (h, w, 3), preferring one with something in it: the liveliest of some ``tries``."""
    height, width = pixels.shape[:2]
    best, liveliest = pixels, -1.0
    for _ in range(tries):
        top, left = int(rng.integers(0, height - side + 1)), int(rng.integers(0, width - side + 1))
        part = pixels[top : top + side, left : left + side]
        life = float(part[::4, ::4].std())
        if life > liveliest:
            best, liveliest = part, life
    return np.ascontiguousarray(best)


def moving_window(
    pixels: Pixels, side: int, frames: int, rng: np.random.Generator, *, slowest: float = 0.0, fastest: float = 6.0
) -> Pixels:
    """A clean clip (frames, side, side, 3) of any speed: a window drifting over a photograph.

    The speed is ``slowest`` to ``fastest`` pixels a frame, more often slow than fast and less where the photograph has
    no room for it, in a direction that may turn; positions are fractions of a pixel.
    """
    height, width = pixels.shape[:2]
    speed = slowest + (fastest - slowest) * float(rng.random()) ** 1.5
    angle, turn = float(rng.uniform(0, 2 * np.pi)), float(rng.normal(0, 0.05))
    angles = angle + turn * np.arange(frames)
    path = np.cumsum(np.stack([np.cos(angles), np.sin(angles)], 1) * speed, axis=0)
    path -= path[0]
    room = np.array([width - side, height - side], float)
    reach = path.max(0) - path.min(0)
    path *= min(1.0, float((room / np.maximum(reach, 1e-6)).min()))
    low, high = -path.min(0), room - path.max(0)
    path += low + rng.random(2) * np.maximum(high - low, 0)
    clip = [
        cv2.warpAffine(
            pixels, np.array([[1, 0, -x], [0, 1, -y]], np.float32), (side, side),
            flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT,
        )
        for x, y in path
    ]  # fmt: skip
    return np.stack(clip).astype(np.uint8)
