"""Decoding ahead: the next clip is decoded while the current one is encoded."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import TypeVar

from conviqt_cli.plans.clips import Clip
from conviqt_cli.plans.time_plan import CLIP_LENGTH
from conviqt_cli.video.decode import FrameStream
from conviqt_cli.video.probe import VideoInfo

#: Decoding runs ahead by one clip while that costs less than this many bytes.
PREFETCH_BYTES = 1 << 30

T = TypeVar("T")


@contextmanager
def clips_ahead(stream: FrameStream, cut: Iterator[Clip]) -> Iterator[Iterator[Clip]]:
    """The clips ``cut`` from ``stream``, decoded ahead where they are small; what ends the block ends the decoding."""
    ahead = _ahead(cut) if decodes_ahead(stream.info) else None
    try:
        yield ahead or cut
    finally:
        stream.stop()
        if ahead is not None:
            ahead.close()


def decodes_ahead(info: VideoInfo) -> bool:
    """Whether the clips of this video are small enough for one to be decoded while another is scored."""
    return 4 * CLIP_LENGTH * info.frame_bytes < PREFETCH_BYTES


def _ahead(items: Iterator[T]) -> Generator[T, None, None]:
    """Pull ``items`` from a thread of their own, one ahead, so that decoding overlaps with what the caller does."""
    ready: queue.Queue[T | BaseException | None] = queue.Queue(maxsize=1)
    stop = threading.Event()

    def put(item: T | BaseException | None) -> None:
        while not stop.is_set():
            try:
                ready.put(item, timeout=0.2)
                return
            except queue.Full:
                continue

    def work() -> None:
        try:
            for item in items:
                put(item)
                if stop.is_set():
                    return
            put(None)
        except BaseException as error:
            put(error)

    worker = threading.Thread(target=work, daemon=True)
    worker.start()
    try:
        while (item := ready.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stop.set()
        worker.join()
