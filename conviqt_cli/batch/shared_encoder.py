"""Several videos on one network: the earliest video goes first."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from conviqt_cli.model.encoder import Encoder


class Withdrawn(Exception):
    """The run was told to stop before the first frame of this video was scored."""


class PrioritySemaphore:
    """Admits at most ``places`` threads at once; of those that wait, the one with the lowest number first."""

    def __init__(self, places: int) -> None:
        self._free = places
        self._waiting: list[int] = []
        self._changed = threading.Condition()

    @contextmanager
    def acquire(self, number: int) -> Iterator[None]:
        """Wait for a place, and hold it for the block."""
        with self._changed:
            self._waiting.append(number)
            self._changed.wait_for(lambda: self._free > 0 and number == min(self._waiting))
            self._waiting.remove(number)
            self._free -= 1
            self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._free += 1
                self._changed.notify_all()


class SharedEncoder:
    """An encoder that several threads use, each for a video of its own.

    The videos take turns batch by batch, the earliest first, so a later one is decoded while an earlier one is scored
    and fills in whenever that one has to wait for its decoder. Frames of different videos are never put into one
    forward pass: with the arithmetic of a batch depending on its size, a score would depend on which other videos
    happened to be in flight, and a resumed run would no longer equal an uninterrupted one.
    """

    def __init__(self, encoder: Encoder, places: int, stopping: threading.Event) -> None:
        self.device, self.backend, self.precision = encoder.device, encoder.backend, encoder.precision
        self.encoder_id = encoder.encoder_id
        self._encoder, self._stopping = encoder, stopping
        self._semaphore = PrioritySemaphore(places)
        self._own = threading.local()

    def begin(self, number: int, begun: bool = False) -> None:
        """The calling thread now scores the video with this number, of which others may have ``begun`` to score."""
        self._own.number, self._own.begun = number, begun

    def spatial(self, frames: NDArray[np.uint8]) -> NDArray[np.float32]:
        """See :meth:`Encoder.spatial`; raises :class:`Withdrawn` when the run stops before the first frame."""
        with self._frames_turn():
            return self._encoder.spatial(frames)

    def pooled(self, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        """See :meth:`Encoder.pooled`; raises as :meth:`spatial` does."""
        with self._frames_turn():
            return self._encoder.pooled(pictures)

    def temporal(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """See :meth:`Encoder.temporal`."""
        with self._semaphore.acquire(self._own.number):
            return self._encoder.temporal(features)

    def batch_frames(self, height: int, width: int) -> int:
        """See :meth:`Encoder.batch_frames`."""
        return self._encoder.batch_frames(height, width)

    @contextmanager
    def _frames_turn(self) -> Iterator[None]:
        """This video's turn with frames of its own, unless the run stops before its first ones."""
        with self._semaphore.acquire(self._own.number):
            if self._stopping.is_set() and not self._own.begun:
                raise Withdrawn
            self._own.begun = True
            yield
