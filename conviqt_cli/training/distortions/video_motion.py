"""Faults where frames run into each other or the picture moves: ghosting, blending, combs, shake."""

from __future__ import annotations

import cv2
import numpy as np

from conviqt_cli.training.distortions.codec import filtered
from conviqt_cli.training.distortions.distortion import Pixels

#: Weight of the past in each frame of a recursive filter, per level.
GHOST_WEIGHTS = (0.2, 0.4, 0.58, 0.72, 0.84)
#: Temporal strength of ffmpeg's hqdn3d (luma and chroma), per level.
DENOISE_STRENGTHS = (10, 20, 35, 58, 95)
#: Frames from one kept frame to the next that are cross-faded, per level.
FADES = (2, 3, 4, 6, 9)
#: Frames between the two fields of a frame, and of how many frames in five, per level.
FIELDS = ((1, 2), (1, 5), (2, 5), (3, 5), (5, 5))
#: Largest displacement by shake as a share of the shorter side, per level.
SHAKE = (0.002, 0.005, 0.01, 0.02, 0.036)


def ghosting(frames: Pixels, level: int, rng: np.random.Generator) -> Pixels:
    """A recursive temporal filter without motion compensation: what moves leaves a trail."""
    weight = GHOST_WEIGHTS[level - 1] + rng.uniform(-0.02, 0.02)
    result = np.empty_like(frames)
    past = frames[0].astype(np.float32)
    for index, frame in enumerate(frames):
        past = cv2.addWeighted(frame.astype(np.float32), 1 - weight, past, weight, 0)
        result[index] = np.rint(past).astype(np.uint8)
    return result


def temporal_denoise(frames: Pixels, level: int, rng: np.random.Generator) -> Pixels:
    """A temporal denoiser set too strong (hqdn3d): faint texture smears along time, strong edges stay."""
    strength = DENOISE_STRENGTHS[level - 1] * rng.uniform(0.9, 1.1)
    return filtered(frames, (f"hqdn3d=1:1:{strength:.2f}:{strength:.2f}",))


def frame_blending(frames: Pixels, level: int, rng: np.random.Generator) -> Pixels:
    """A low frame rate brought back up by cross-fading: double images between the frames that are left."""
    step = FADES[level - 1]
    at = np.arange(len(frames))
    phase = int(rng.integers(0, step))
    kept = (at + phase) // step * step - phase
    # At either end a kept frame may be outside the clip; the first or last frame stands for it.
    before, after = np.maximum(0, kept), np.minimum(len(frames) - 1, kept + step)
    share = (at - kept) / step
    result = np.empty_like(frames)
    for index in at:
        first, second = frames[before[index]], frames[after[index]]
        result[index] = cv2.addWeighted(first, 1 - share[index], second, share[index], 0)
    return result


def interlaced(frames: Pixels, level: int, rng: np.random.Generator) -> Pixels:
    """Two fields of different instants woven into one frame, as interlaced video is when shown as progressive."""
    distance, of_five = FIELDS[level - 1]
    late = int(rng.integers(0, 2))
    result: Pixels = frames.copy()
    at = np.arange(len(frames))
    woven = (at + int(rng.integers(0, 5))) % 5 < of_five
    # Towards the end the earlier field is the other one, so that the last frames comb as well.
    other = np.where(at + distance < len(frames), at + distance, at - distance)
    result[woven, late::2] = frames[np.maximum(0, other[woven]), late::2]
    return result


def shake(frames: Pixels, level: int, rng: np.random.Generator) -> Pixels:
    """A camera that is not held still: displacement and a little rotation, random from frame to frame."""
    count, height, width, _ = frames.shape
    reach = SHAKE[level - 1] * min(height, width)
    result = np.empty_like(frames)
    # Half of it carries over to the next frame: hands shake at some Hz, not at every frame's whim.
    moved = np.zeros(3)
    for index in range(count):
        moved = 0.5 * moved + rng.uniform(-1, 1, 3)
        turn = cv2.getRotationMatrix2D((width / 2, height / 2), float(moved[2]) * SHAKE[level - 1] * 15, 1.0)
        turn[:, 2] += moved[:2] * reach
        result[index] = cv2.warpAffine(
            frames[index], turn, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101
        )
    return result
