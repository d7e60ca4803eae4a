"""Watching some of the frames on their way through ffmpeg: are they marked as interlaced, are they transparent?"""

from __future__ import annotations

from conviqt_cli.video.pixel_formats import has_alpha
from conviqt_cli.video.probe import VideoInfo

#: One frame in so many is watched.
_ONE_IN = 4


def watching(info: VideoInfo) -> list[str]:
    """ffmpeg filters that leave the frames as they are and report on some of them; see
    :class:`~conviqt_cli.video.messages.DecoderLog`.
    """
    some = f"select='not(mod(n,{_ONE_IN}))'"
    parts = [f"[watched]{some},showinfo=checksum=0,nullsink"]
    if has_alpha(info.pixel_format):
        # alphaextract does not cope with every format that it accepts.
        see = "format=gbrap,alphaextract,signalstats,metadata=mode=print:key=lavfi.signalstats.YMIN"
        parts.append(f"[seen]{some},{see},nullsink")
    labels = "[watched][seen]" if len(parts) > 1 else "[watched]"
    return [f"split={len(parts) + 1}[shown]{labels};{';'.join(parts)};[shown]null"]
