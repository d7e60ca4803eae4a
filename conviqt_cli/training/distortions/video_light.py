"""Faults of light over time: flicker, exposure pumping, bands of mains light, grain that changes with every frame."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from conviqt_cli.training.distortions.distortion import Pixels

#: Largest relative change of brightness, per level.
FLICKER = (0.03, 0.06, 0.11, 0.19, 0.32)
PUMPING = (0.06, 0.12, 0.2, 0.3, 0.42)
BANDS = (0.04, 0.08, 0.14, 0.21, 0.3)
#: Standard deviation of grain in steps of 255, per level.
GRAIN = (3.5, 7.0, 12.0, 20.0, 32.0)


def flicker(frames: Pixels, level: int, rng: np.random.Generator) -> Pixels:
    """Brightness that changes from frame to frame, part regular (2 to 4 frames a period), part random."""
    at = np.arange(len(frames))
    wave = np.sin(2 * np.pi * (at / rng.uniform(2, 4) + rng.random()))
    mixed = 0.7 * wave + 0.3 * rng.uniform(-1, 1, len(frames))
    return _gained(frames, 1 + FLICKER[level - 1] * mixed[:, None, None, None])


def exposure_pumping(frames: Pixels, level: int, rng: np.random.Generator) -> Pixels:
    """An automatic exposure that hunts: brightness swings with a period of 8 to 16 frames, overshooting into white."""
    at = np.arange(len(frames))
    wave = np.sin(2 * np.pi * (at / rng.uniform(8, 16) + rng.random()))
    return _gained(frames, np.exp(PUMPING[level - 1] * wave)[:, None, None, None])


def mains_bands(frames: Pixels, level: int, rng: np.random.Generator) -> Pixels:
    """Dark bands that roll over the picture: a rolling shutter under light that pulses with the mains."""
    count, height, _, _ = frames.shape
    rows = np.arange(height)[None] / height * rng.uniform(1, 3)
    phase = np.arange(count)[:, None] * rng.uniform(0.08, 0.3) + rng.random()
    wave = np.sin(2 * np.pi * (rows + phase))
    return _gained(frames, 1 + BANDS[level - 1] * wave[:, :, None, None])


def changing_grain(frames: Pixels, level: int, rng: np.random.Generator) -> Pixels:
    """Grain of 1 to 2 pixels, new in every frame and equal in all colours, as of a sensor in the dark."""
    sigma = rng.uniform(0.4, 0.9)
    result = np.empty_like(frames)
    for index, frame in enumerate(frames):
        white = rng.standard_normal(frame.shape[:2], np.float32)
        grain = np.asarray(cv2.GaussianBlur(white, (0, 0), sigma), np.float32)
        grain *= GRAIN[level - 1] / grain.std()
        result[index] = _rounded(np.add(frame, grain[:, :, None], dtype=np.float32))
    return result


def _gained(frames: Pixels, gain: NDArray[np.float64]) -> Pixels:
    return _rounded(frames.astype(np.float32) * gain.astype(np.float32))


def _rounded(values: NDArray[np.float32]) -> Pixels:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)
