"""The temporal network in NumPy: for backends that run without PyTorch, which takes seconds to load."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file

from conviqt_cli.arrays import unit_rows
from conviqt_cli.errors import BundleError
from conviqt_cli.model.bundle import Bundle

_Array = NDArray[np.float32]


class GatedRecurrentUnit:
    """A bundle's one-layer GRU (Cho et al., 2014, with the reset gate after the product, as cuDNN and PyTorch have it).

    Raises :class:`BundleError` for damaged weights.
    """

    def __init__(self, bundle: Bundle) -> None:
        path = bundle.file("temporal")
        try:
            tensors = {name: value.astype(np.float32) for name, value in load_file(path).items()}
            self._inputs, self._states, self._input_bias, self._state_bias = (
                tensors.pop(f"{name}_l0") for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
            )
        except (SafetensorError, OSError, KeyError) as error:
            raise BundleError(f"{path}: cannot be loaded as weights of this network ({error})") from None
        rows, hidden = self._states.shape
        if tensors or rows != 3 * hidden or self._inputs.shape != (rows, 2048):
            raise BundleError(f"{path}: its tensors are not this network's")

    def __call__(self, features: _Array) -> _Array:
        """Features of one clip (frames, 4096), full scale then half, to its vector (2048,)."""
        # One product of all frames and scales: frame by frame, NumPy reads the whole matrix anew for each.
        products = features.reshape(2 * len(features), -1) @ self._inputs.T
        inputs = products.reshape(len(features), 2, -1) + self._input_bias
        state = total = np.zeros((2, self._states.shape[1]), np.float32)
        for of_inputs in inputs:  # (2, 3 * hidden): reset, update and new gate
            of_state = state @ self._states.T + self._state_bias
            (reset, update, new), (r, u, n) = np.split(of_inputs, 3, axis=1), np.split(of_state, 3, axis=1)
            update = _sigmoid(update + u)
            state = (1 - update) * np.tanh(new + _sigmoid(reset + r) * n) + update * state
            total = total + state
        mean: _Array = total / np.float32(len(features))
        return unit_rows(mean).reshape(-1)


def _sigmoid(values: _Array) -> _Array:
    # By tanh, which does not overflow.
    half: _Array = 0.5 * (1 + np.tanh(0.5 * values))
    return half
