"""Videos whose picture changes its size midway (calls, broadcasts, turned phones): which size to score them at."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import replace
from fractions import Fraction

import numpy as np

from conviqt_cli.arrays import Floats, Indices
from conviqt_cli.video import ffmpeg, ffmpeg_process
from conviqt_cli.video.messages import FrameFacts, Line
from conviqt_cli.video.probe import VideoInfo, probe
from conviqt_cli.video.timeline import Timeline

#: Key frames looked at, evenly spread, to learn a video's sizes.
SAMPLES = 48

#: Containers that state one size for the whole stream, unless a packet brings new parameters.
_ONE_SIZE = re.compile(r"mov|mp4|avi|asf|gif|image2|_pipe|yuv4mpeg")


def settle_size(info: VideoInfo, timeline: Timeline, timeout: float) -> VideoInfo:
    """The facts of the first key frame that has the size shown for most of the time; ``info`` where there is but one.

    Only key frames are decoded, and only where the container allows a change.
    """
    numbers = timeline.key_packets
    if len(numbers) < 2 or (_ONE_SIZE.search(info.container) and not timeline.new_parameters):
        return info
    if len(numbers) > SAMPLES:
        numbers = numbers[np.linspace(0, len(numbers) - 1, SAMPLES).round().astype(int)]
    with ffmpeg.opened(info.source) as (options, name, descriptors):
        command = ffmpeg.frames_command(options, name, info.stream, numbers.tolist())
        try:
            said = ffmpeg_process.messages(command, descriptors, timeout)
        except TimeoutError:
            return info
    frames = FrameFacts.among(Line.read(said))
    if len(frames) != len(numbers):
        # Some could not be decoded, as where recordings were joined; the others know which packets they come from.
        numbers = np.array([facts.stamp for facts in frames if facts.stamp in set(numbers.tolist())], np.int64)
    sizes = [(facts.width, facts.height) for facts in frames]
    if len(set(sizes)) < 2 or len(sizes) != len(set(numbers.tolist())):
        return info
    spans = np.diff(np.append(_times(timeline, numbers), timeline.end))
    shown: dict[tuple[int, int], float] = defaultdict(float)
    for size, span in zip(sizes, spans, strict=True):
        shown[size] += float(span)
    most = max(shown, key=lambda size: (shown[size], size))
    if most == (info.width, info.height):
        return info
    found = probe(info.source, timeout, first_packet=int(numbers[sizes.index(most)]), stream=info.stream)
    # ffmpeg gives every frame the shape of pixel of the stream's first one, so that of a later size is not known.
    return replace(found, sample_aspect=Fraction(1))


def _times(timeline: Timeline, numbers: Indices) -> Floats:
    order = np.argsort(timeline.packets)
    places = np.minimum(np.searchsorted(timeline.packets[order], numbers), len(order) - 1)
    times: Floats = timeline.times[order[places]]
    return times
