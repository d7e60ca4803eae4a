"""How much memory a run takes: a formula, and a budget that enforces it.

A run needs, at most, in bytes::

    BASE + sum over the videos in progress of  held * 3 * W * H  +  decoder(W, H)  +  batch * W * H * ACTIVATION_BYTES

with W x H the picture in pixels (in the last term: what goes through the network), ``held`` the decoded frames kept
(:func:`frames_held`), ``batch`` the frames in one forward pass, and ``decoder`` what ffmpeg takes
(:func:`decoder_bytes`). There are ``jobs`` + 1 videos in progress: one more than are scored, being decoded ahead.
Nothing in it grows with a video's length or with the number of videos but 8 KiB a clip, and some 0.5 KiB a row.
``python -m benchmarks.batch memory`` compares it with what is measured.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from conviqt_cli.errors import LimitError
from conviqt_cli.model.encoder import ACTIVATION_BYTES, Encoder
from conviqt_cli.plans.picture_plan import SOURCE
from conviqt_cli.plans.time_plan import CLIP_LENGTH
from conviqt_cli.scoring.prefetch import decodes_ahead
from conviqt_cli.scoring.settings import ScoringSettings
from conviqt_cli.video.decode import QUEUE_FRAMES
from conviqt_cli.video.probe import VideoInfo

#: Python, PyTorch and a ResNet-50 with its GRU, loaded.
BASE = 1_200 << 20

#: Share of the memory that is free at the start which a run may fill.
SHARE = 0.8

#: Limit and usage of this process's control group, in bytes: version 2, then version 1.
_GROUPS = (
    (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")),
    (Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"), Path("/sys/fs/cgroup/memory/memory.usage_in_bytes")),
)


def frames_held(info: VideoInfo, batch: int) -> int:
    """Decoded frames in memory at once, at most: queue, clips in progress, and the batch handed to the network."""
    clips = 4 if decodes_ahead(info) else 2
    return QUEUE_FRAMES + 2 + clips * CLIP_LENGTH + batch


def decoder_bytes(info: VideoInfo) -> int:
    """What ffmpeg takes: 150 MB and 40 pictures in 4:2:0 (references, one per thread, filters)."""
    return (150 << 20) + 40 * info.width * info.height * 3 // 2 * (2 if info.bit_depth > 8 else 1)


def video_bytes(info: VideoInfo, encoder: Encoder, settings: ScoringSettings) -> int:
    """Memory for one video in progress."""
    height, width = (settings.display or SOURCE).size(info.height, info.width)
    if settings.picture is not None and not settings.picture.whole:
        height, width = (min(side, settings.picture.side) for side in (height, width))
    batch = encoder.batch_frames(height, width)
    activations = batch * width * height * ACTIVATION_BYTES if encoder.device == "cpu" else 0
    return frames_held(info, batch) * info.frame_bytes + decoder_bytes(info) + activations


def available() -> int | None:
    """Bytes that the machine and the control group still allow this process; ``None`` where neither is known."""
    found = []
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                found.append(int(line.split()[1]) * 1024)
    except (OSError, ValueError):
        if hasattr(os, "sysconf") and "SC_AVPHYS_PAGES" in os.sysconf_names:
            found.append(os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    for limit, usage in _GROUPS:
        try:
            found.append(max(0, int(limit.read_text()) - int(usage.read_text())))
        except (OSError, ValueError):  # no such group, or "max"
            continue
    return min(found, default=None)


def default_budget() -> int | None:
    """Bytes that a run may use unless told otherwise: :data:`SHARE` of what is :func:`available`."""
    free = available()
    return None if free is None else int(free * SHARE)


class Budget:
    """Admits videos while they fit into ``total`` bytes together (``None``: no limit)."""

    def __init__(self, total: int | None) -> None:
        self._total = total
        self._taken = 0
        self._changed = threading.Condition()

    @contextmanager
    def hold(self, info: VideoInfo, need: int) -> Iterator[None]:
        """Wait until ``need`` bytes are free, and keep them for the block.

        Raises :class:`LimitError` for a video that would not fit even alone.
        """
        if self._total is not None and need > self._total:
            raise LimitError(
                f"{info.source}: {info.width}x{info.height} pixels need about {need / 1e9:.1f} GB of memory, "
                f"but only {self._total / 1e9:.1f} GB may be used; free some, or raise the memory limit"
            )
        with self._changed:
            self._changed.wait_for(lambda: self._total is None or self._taken + need <= self._total)
            self._taken += need
        try:
            yield
        finally:
            with self._changed:
                self._taken -= need
                self._changed.notify_all()
