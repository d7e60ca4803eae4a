"""Real encoders at falling rate: one generation, two generations, starved rate control, low resolution.

Level 1 to 5 is a rate factor per encoder, set so that VMAF of downscaled natural clips of 256 pixels falls through
about 90, 75, 60, 45 and 25. The factor is moved by at most one step at random, so that a level is not one quantiser.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from conviqt_cli.training.distortions.bank import Pixels
from conviqt_cli.training.encoder_process import FRAME_RATE, Encoder, round_trip


@dataclass(frozen=True)
class Ladder:
    """An encoder of falling quality: the option that sets its quantiser, and the value of it per level."""

    options: tuple[str, ...]
    quality: str
    steps: tuple[int, int, int, int, int]
    highest: int

    def encoder(self, level: int, jitter: int = 0) -> Encoder:
        """The encoder at a level, its quantiser moved by ``jitter``."""
        value = min(self.highest, self.steps[level - 1] + jitter)
        return Encoder((*self.options, self.quality, str(value)))


_X265_QUIET = ("-x265-params", "log-level=none:pools=none:frame-threads=1:no-wpp=1")
_VPX_FAST = ("-deadline", "realtime", "-cpu-used", "6", "-b:v", "0", "-auto-alt-ref", "0", "-lag-in-frames", "0")
LADDERS = {
    "h264": Ladder(("-c:v", "libx264", "-preset", "veryfast"), "-crf", (27, 33, 38, 42, 47), 51),
    "hevc": Ladder(("-c:v", "libx265", "-preset", "superfast", *_X265_QUIET), "-crf", (27, 33, 38, 42, 47), 51),
    "vp9": Ladder(("-c:v", "libvpx-vp9", *_VPX_FAST), "-crf", (36, 46, 53, 58, 63), 63),
    "av1": Ladder(("-c:v", "libsvtav1", "-preset", "10", "-svtav1-params", "lp=1"), "-crf", (36, 46, 53, 58, 63), 63),
    "mpeg2": Ladder(("-c:v", "mpeg2video", "-g", "12", "-bf", "2"), "-q:v", (5, 9, 14, 20, 30), 31),
    "mpeg4": Ladder(("-c:v", "mpeg4", "-g", "25"), "-q:v", (5, 9, 14, 20, 30), 31),
}


def codec(name: str) -> Callable[[Pixels, int, np.random.Generator], Pixels]:
    """The distortion "encoded by ``name``" (a key of :data:`LADDERS`)."""

    def apply(frames: Pixels, level: int, rng: np.random.Generator) -> Pixels:
        return round_trip(frames, LADDERS[name].encoder(level, int(rng.integers(-1, 2))))

    return apply


def two_generations(frames: Pixels, level: int, rng: np.random.Generator) -> Pixels:
    """Encoded by one codec, decoded, and encoded again by another: a random pair of two different codecs."""
    first, second = rng.choice(["h264", "hevc", "vp9", "mpeg2", "mpeg4"], size=2, replace=False)
    for name in (first, second):
        frames = round_trip(frames, LADDERS[str(name)].encoder(level, int(rng.integers(-1, 1)) - 1))
    return frames


#: Bits per pixel of the starved encoder.
STARVED_RATES = (0.12, 0.06, 0.03, 0.015, 0.008)


def starved(frames: Pixels, level: int, rng: np.random.Generator) -> Pixels:
    """H.264 at a constant rate that is too low for the scene, with a short buffer: quality sags with motion."""
    _, height, width, _ = frames.shape
    rate = int(STARVED_RATES[level - 1] * rng.uniform(0.9, 1.1) * height * width * FRAME_RATE)
    options = ("-c:v", "libx264", "-preset", "veryfast", "-tune", "zerolatency", "-b:v", str(rate),
               "-maxrate", str(rate), "-bufsize", str(rate // 4), "-g", "50")  # fmt: skip
    return round_trip(frames, Encoder(options))


#: What keyframe pulsing quantises predicted frames with; keyframes get ten steps less.
PULSE_QUANTISERS = (31, 36, 40, 44, 49)


def keyframe_pulsing(frames: Pixels, level: int, rng: np.random.Generator) -> Pixels:
    """H.264 with frequent keyframes much better than what lies between them: the picture breathes with each group."""
    group = int(rng.integers(5, 10))
    options = ("-c:v", "libx264", "-preset", "veryfast", "-qp", str(PULSE_QUANTISERS[level - 1]),
               "-x264-params", f"keyint={group}:min-keyint={group}:scenecut=0:ipratio=3.2:bframes=0")  # fmt: skip
    return round_trip(frames, Encoder(options))


#: How many times smaller than shown a low-resolution encode is, per level.
DIVISORS = (1.5, 2.0, 2.5, 3.2, 4.0)
_LOW_RESOLUTION_CRF = (24, 26, 28, 30, 32)


def low_resolution(frames: Pixels, level: int, rng: np.random.Generator) -> Pixels:
    """A small H.264 encode shown at full size, as the low rungs of a streaming ladder are: bicubic or bilinear."""
    _, height, width, _ = frames.shape
    divisor = DIVISORS[level - 1]
    # Encoders want even sides; 16 is the least that all of them take.
    small_width, small_height = (max(16, round(side / divisor / 2) * 2) for side in (width, height))
    up = str(rng.choice(["bicubic", "bilinear"]))
    encoder = Encoder(("-c:v", "libx264", "-preset", "veryfast", "-crf", str(_LOW_RESOLUTION_CRF[level - 1])))
    even_width, even_height = width + width % 2, height + height % 2
    return round_trip(
        frames,
        encoder,
        before=(f"scale={small_width}:{small_height}:flags=bicubic",),
        after=(f"scale={even_width}:{even_height}:flags={up}",),
    )
