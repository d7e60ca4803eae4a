"""The temporal network as a part of any backend: features of a clip to its vector."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from conviqt_cli.model.bundle import Bundle
from conviqt_cli.model.networks import FEATURES, TemporalNetwork, unfilled
from conviqt_cli.model.weights import fill


class TemporalEncoder:
    """The GRU of a bundle on one device, in float32. Raises :class:`BundleError` for damaged weights."""

    def __init__(self, bundle: Bundle, device: torch.device | None = None) -> None:
        with unfilled():
            network = TemporalNetwork()
        fill(network.gru, bundle.file("temporal"))
        self._device = device or torch.device("cpu")
        self._network = network.to(self._device).eval()

    @torch.inference_mode()
    def __call__(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Features of one clip (frames, 4096), full scale then half, to its vector (2048,)."""
        both = torch.from_numpy(features).to(self._device).view(-1, 2, FEATURES).transpose(0, 1)
        vector: NDArray[np.float32] = self._network(both).reshape(-1).cpu().numpy()
        return vector
