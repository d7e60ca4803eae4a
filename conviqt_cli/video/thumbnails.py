"""Single frames, decoded again after scoring, since the scorer keeps none: as small JPEG pictures, or as they are."""

from __future__ import annotations

import contextlib

from conviqt_cli.errors import ConviqtError
from conviqt_cli.video import ffmpeg, ffmpeg_process
from conviqt_cli.video.colour import filters
from conviqt_cli.video.decode import FrameStream
from conviqt_cli.video.picture import Picture
from conviqt_cli.video.probe import VideoInfo

#: Pixels across of the pictures in a report.
WIDTH = 320

#: The longest that one frame is waited for, in seconds. A report without a picture is better than none.
PATIENCE = 30.0


def thumbnail(info: VideoInfo, time: float, width: int = WIDTH) -> bytes | None:
    """The frame shown at ``time`` seconds as a JPEG file, at most ``width`` pixels across, with square pixels.

    ``None`` where it cannot be had: the source is gone, cannot be sought in, or took too long.
    """
    across = min(width, info.width)
    down = max(1, round(across * info.height / (info.width * float(info.sample_aspect))))
    chain = [*filters(info), f"scale={across}:{down}:flags=area:in_range=full:out_range=full", "format=yuvj420p"]
    with contextlib.suppress(ConviqtError, TimeoutError), ffmpeg.opened(info.source) as (options, name, descriptors):
        options = ffmpeg.with_decoder(options, info.decoder)
        command = ffmpeg.still_command(options, name, info.stream, chain, time if info.fps else 0.0)
        return ffmpeg_process.output(command, descriptors, PATIENCE) or None
    return None


def frame_at(info: VideoInfo, time: float) -> Picture | None:
    """The frame shown at ``time`` seconds, every pixel of it; ``None`` where it cannot be had."""
    with (
        contextlib.suppress(ConviqtError),
        FrameStream(info, time if info.fps else 0.0, timeout=PATIENCE, max_frames=2) as stream,
    ):
        return next((frame.picture for frame in stream), None)
    return None
