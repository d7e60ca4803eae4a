"""Where in a damaged stream the decoder repaired pictures: a second pass that looks for nothing else."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import numpy as np

from conviqt_cli.arrays import Indices
from conviqt_cli.video import ffmpeg, ffmpeg_process
from conviqt_cli.video.messages import Line, repaired_frames
from conviqt_cli.video.probe import VideoInfo
from conviqt_cli.video.selection import runs
from conviqt_cli.video.timeline import Timeline

#: Repaired frames at most this far apart belong together: errors live on in the frames between them.
_NEAR = 4


def repaired_stretches(
    info: VideoInfo, timeline: Timeline, kept: str, threads: int | None = None, timeout: float = 120.0
) -> tuple[tuple[float, float], ...]:
    """Stretches, in seconds, in which the decoder repaired pictures, of those packets that ``kept`` leaves.

    The timeline must be one whose packets are ``stamped``. None where ffmpeg says nothing for ``timeout`` seconds.
    """
    with ffmpeg.opened(info.source) as (options, name, descriptors):
        options = ffmpeg.with_decoder(options, info.decoder, threads)
        command = ffmpeg.repairs_command(options, name, info.stream, kept)
        process = ffmpeg_process.start(command, descriptors, pictures=True)
        try:
            repaired = repaired_frames(_messages(process, timeout))
        except TimeoutError:
            return ()
        finally:
            ffmpeg_process.stop(process)
    places: Indices = np.flatnonzero(np.isin(timeline.packets, repaired))
    if not len(places):
        return ()
    ends = timeline.times + timeline.durations
    return tuple((float(timeline.times[first]), float(ends[last])) for first, last in runs(places, _NEAR))


def _messages(process: subprocess.Popen[bytes], timeout: float) -> Iterator[Line]:
    for _, line in ffmpeg_process.lines(process, timeout):
        yield from Line.split(line.decode("utf-8", "replace"))
