"""Spatial features of clips, computed once per frame."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from conviqt_cli.model.encoder import Encoder
from conviqt_cli.plans.clips import Clip


class FeatureExtractor:
    """Spatial features of one video's clips; frames that a clip shares with the one before are not computed again.

    ``count`` is how many frames have been computed; ``on_frames`` is called with it after each batch.
    """

    def __init__(self, encoder: Encoder, on_frames: Callable[[int], None]) -> None:
        self._encoder, self._on_frames = encoder, on_frames
        self._known: dict[int, NDArray[np.float32]] = {}
        self.count = 0

    def spatial(self, clip: Clip) -> NDArray[np.float32]:
        """(16, 4096) features of the clip's frames."""
        wanted = {frame.index: frame for frame in clip.frames}
        self._known = {index: row for index, row in self._known.items() if index in wanted}
        fresh = [frame for index, frame in wanted.items() if index not in self._known]
        if fresh:
            step = self._encoder.batch_frames(*fresh[0].pixels.shape[:2])
            for first in range(0, len(fresh), step):
                batch = fresh[first : first + step]
                rows = self._encoder.spatial(np.stack([frame.pixels for frame in batch]))
                self._known.update(zip((frame.index for frame in batch), rows, strict=True))
                self.count += len(batch)
                self._on_frames(self.count)
        return np.stack([self._known[frame.index] for frame in clip.frames])
