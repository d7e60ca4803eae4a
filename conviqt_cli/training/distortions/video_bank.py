"""The bank of video distortions: real encoders, real streams and real timing, five levels each.

Every type takes a clip of RGB frames, uint8 (frames, height, width, 3), taken as 25 frames/s, and gives one of the
same shape. The same random generator gives the same clip.
"""

from __future__ import annotations

import numpy as np

from conviqt_cli.training.distortions import video_codec, video_light, video_loss, video_motion, video_timing
from conviqt_cli.training.distortions.distortion import Distortion, Pixels

_SINGLE = (
    *(Distortion(name, "compression", video_codec.codec(name)) for name in video_codec.LADDERS),
    Distortion("h264_starved", "compression", video_codec.starved),
    Distortion("two_generation", "compression", video_codec.two_generations),
    Distortion("low_resolution", "scaling", video_codec.low_resolution),
    Distortion("packet_loss", "transmission", video_loss.h264_loss),
    Distortion("packet_loss_mpeg2", "transmission", video_loss.mpeg2_loss),
    Distortion("freeze", "timing", video_timing.timed(video_timing.freeze)),
    Distortion("frame_drop", "timing", video_timing.timed(video_timing.drop)),
    Distortion("judder", "timing", video_timing.timed(video_timing.judder)),
    Distortion("low_frame_rate", "timing", video_timing.timed(video_timing.low_frame_rate)),
    Distortion("frame_order", "timing", video_timing.timed(video_timing.reorder)),
    Distortion("flicker", "flicker", video_light.flicker),
    Distortion("exposure_pumping", "flicker", video_light.exposure_pumping),
    Distortion("mains_bands", "flicker", video_light.mains_bands),
    Distortion("keyframe_pulsing", "flicker", video_codec.keyframe_pulsing),
    Distortion("changing_grain", "noise", video_light.changing_grain),
    Distortion("ghosting", "ghosting", video_motion.ghosting),
    Distortion("temporal_denoise", "ghosting", video_motion.temporal_denoise),
    Distortion("frame_blending", "ghosting", video_motion.frame_blending),
    Distortion("interlaced", "interlacing", video_motion.interlaced),
    Distortion("shake", "timing", video_motion.shake),
)
_BY_NAME = {distortion.name: distortion for distortion in _SINGLE}


def _mixed(first: str, second: str, family: str) -> Distortion:
    """Both parts at the same level, ``first`` before ``second``; the family is that of the part seen first."""

    def apply(frames: Pixels, level: int, rng: np.random.Generator) -> Pixels:
        return _BY_NAME[second].apply(_BY_NAME[first].apply(frames, level, rng), level, rng)

    return Distortion(f"{first}+{second}", family, apply, (first, second))


_MIXED = (
    _mixed("h264", "freeze", "timing"),
    _mixed("low_frame_rate", "hevc", "compression"),
    _mixed("low_resolution", "packet_loss", "transmission"),
    _mixed("flicker", "hevc", "flicker"),
    _mixed("vp9", "frame_drop", "timing"),
    _mixed("changing_grain", "h264", "compression"),
)

#: All types, singles first.
VIDEO: tuple[Distortion, ...] = (*_SINGLE, *_MIXED)
