"""Real encoders at falling rate: one generation, two generations, starved rate control, low resolution.

Level 1 to 5 is a rate factor per encoder, set so that VMAF of downscaled natural clips of 256 pixels falls through
about 90, 75, 60, 45 and 25. The factor is moved by at most one step at random, so that a level is not one quantiser.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from conviqt_cli.training.distortions.codec import FRAME_RATE, Codec, round_trip
from conviqt_cli.training.distortions.distortion import Pixels


@dataclass(frozen=True)
class Ladder:
    """An encoder of falling quality: its options with ``{q}`` for the quantiser, and the quantiser per level."""

    options: tuple[str, ...]
    steps: tuple[int, int, int, int, int]
    highest: int

    def codec(self, level: int, jitter: int = 0) -> Codec:
        """The encoder at a level, its quantiser moved by ``jitter``."""
        return self.at(min(self.highest, self.steps[level - 1] + jitter))

    def at(self, quantiser: int) -> Codec:
        """The encoder at a quantiser."""
        return Codec(tuple(option.replace("{q}", str(quantiser)) for option in self.options))


_X264 = ("-c:v", "libx264", "-preset", "veryfast", "-crf", "{q}")
_X265 = ("-c:v", "libx265", "-preset", "superfast", "-crf", "{q}",
         "-x265-params", "log-level=none:pools=none:frame-threads=1:no-wpp=1")  # fmt: skip
# A fixed quantiser: under a constant quality alone, libvpx makes enough better frames to stay watchable at 63.
_VP9 = ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "6", "-lag-in-frames", "0", "-b:v", "0",
        "-crf", "{q}", "-qmin", "{q}", "-qmax", "{q}")  # fmt: skip
# SVT's own option reaches 70, ffmpeg's -crf stops at 63.
_AV1 = ("-c:v", "libsvtav1", "-preset", "10", "-svtav1-params", "lp=1:crf={q}")
# The nonlinear scale of MPEG-2 reaches quantisers of 56, the linear one 31.
_MPEG2 = ("-c:v", "mpeg2video", "-g", "12", "-bf", "2", "-non_linear_quant", "1", "-qmax", "28", "-q:v", "{q}")
_MPEG4 = ("-c:v", "mpeg4", "-g", "25", "-q:v", "{q}")
LADDERS = {
    "h264": Ladder(_X264, (25, 30, 34, 38, 43), 51),
    "hevc": Ladder(_X265, (26, 32, 36, 40, 45), 51),
    "vp9": Ladder(_VP9, (33, 45, 52, 57, 61), 63),
    "av1": Ladder(_AV1, (38, 55, 60, 64, 69), 70),
    "mpeg2": Ladder(_MPEG2, (10, 17, 21, 24, 28), 28),
    "mpeg4": Ladder(_MPEG4, (5, 10, 16, 23, 31), 31),
}


def delivery(rng: np.random.Generator) -> Codec:
    """An encoder as fine as those of what is published: H.264 at CRF 16 to 23, or HEVC at 18 to 25."""
    fine = int(rng.integers(0, 8))
    return LADDERS["h264"].at(16 + fine) if rng.random() < 0.7 else LADDERS["hevc"].at(18 + fine)


def codec(name: str) -> Callable[[Pixels, int, np.random.Generator], Pixels]:
    """The distortion "encoded by ``name``" (a key of :data:`LADDERS`)."""

    def apply(frames: Pixels, level: int, rng: np.random.Generator) -> Pixels:
        return round_trip(frames, LADDERS[name].codec(level, int(rng.integers(-1, 2))))

    return apply


def two_generations(frames: Pixels, level: int, rng: np.random.Generator) -> Pixels:
    """Encoded by one codec, decoded, and encoded again by another: a random pair of two different codecs."""
    first, second = rng.choice(["h264", "hevc", "vp9", "mpeg2", "mpeg4"], size=2, replace=False)
    for name in (first, second):
        frames = round_trip(frames, LADDERS[str(name)].codec(level, int(rng.integers(-1, 1))))
    return frames


#: Bits per pixel of the starved encoder.
STARVED_RATES = (0.14, 0.08, 0.05, 0.034, 0.023)


def starved(frames: Pixels, level: int, rng: np.random.Generator) -> Pixels:
    """H.264 at a constant rate that is too low for the scene, with a short buffer: quality sags with motion."""
    _, height, width, _ = frames.shape
    rate = int(STARVED_RATES[level - 1] * rng.uniform(0.9, 1.1) * height * width * FRAME_RATE)
    options = ("-c:v", "libx264", "-preset", "veryfast", "-tune", "zerolatency", "-b:v", str(rate),
               "-maxrate", str(rate), "-bufsize", str(rate // 4), "-g", "50")  # fmt: skip
    return round_trip(frames, Codec(options))


#: What keyframe pulsing quantises predicted frames with; keyframes get ten steps less.
PULSE_QUANTISERS = (32, 38, 42, 46, 51)


def keyframe_pulsing(frames: Pixels, level: int, rng: np.random.Generator) -> Pixels:
    """H.264 with frequent keyframes much better than what lies between them: the picture breathes with each group."""
    group = int(rng.integers(5, 10))
    options = ("-c:v", "libx264", "-preset", "veryfast", "-qp", str(PULSE_QUANTISERS[level - 1]),
               "-x264-params", f"keyint={group}:min-keyint={group}:scenecut=0:ipratio=3.2:bframes=0")  # fmt: skip
    return round_trip(frames, Codec(options))


#: How many times smaller than shown a low-resolution encode is, per level.
DIVISORS = (1.25, 1.6, 2.0, 2.6, 3.6)
_LOW_RESOLUTION_CRF = (22, 24, 26, 28, 31)


def low_resolution(frames: Pixels, level: int, rng: np.random.Generator) -> Pixels:
    """A small H.264 encode shown at full size, as the low rungs of a streaming ladder are: bicubic or bilinear."""
    _, height, width, _ = frames.shape
    divisor = DIVISORS[level - 1]
    # Encoders want even sides; 16 is the least that all of them take.
    small_width, small_height = (max(16, round(side / divisor / 2) * 2) for side in (width, height))
    up = str(rng.choice(["bicubic", "bilinear"]))
    codec = Codec(("-c:v", "libx264", "-preset", "veryfast", "-crf", str(_LOW_RESOLUTION_CRF[level - 1])))
    even_width, even_height = width + width % 2, height + height % 2
    return round_trip(
        frames,
        codec,
        before=(f"scale={small_width}:{small_height}:flags=bicubic",),
        after=(f"scale={even_width}:{even_height}:flags={up}",),
    )
