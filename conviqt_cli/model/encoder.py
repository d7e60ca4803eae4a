"""Frames to clip vectors: the interface that every backend offers.

Nothing outside ``model/`` knows which backend runs.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

#: Bytes of activations one input pixel needs in float32, both scales, with slack; measured at 540p and 1080p.
ACTIVATION_BYTES = 400


class Encoder(Protocol):
    """A frozen encoder. ``device``, ``backend`` and ``precision`` say what it runs on, for the report."""

    device: str
    backend: str
    precision: str
    encoder_id: str

    def spatial(self, frames: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Frames (n, height, width, 3) uint8 RGB to features (n, 4096): full scale, then half scale."""
        ...

    def pooled(self, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Pictures (n, height, width, 3) uint8 RGB to the average of the last feature map (n, 2048), not normalised."""
        ...

    def temporal(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Features of one clip (frames, 4096) to its vector (2048,)."""
        ...

    def batch_frames(self, height: int, width: int) -> int:
        """How many frames of this size to hand to :meth:`spatial` at once."""
        ...
