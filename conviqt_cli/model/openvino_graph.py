"""ResNet-50 as an OpenVINO graph, from the tensors of a bundle: float, or quantised to 8 bits by stored ranges.

The graph is built operation by operation, so neither a converter nor a quantiser is needed at run time. Quantisation is
what OpenVINO's plugins understand: a ``FakeQuantize`` on the input of each convolution (per tensor, unsigned, ranges
measured when the bundle was made) and one on its weights (per output channel, symmetric).

Without VNNI, x86 CPUs add pairs of 8-bit products in 16 bits, which overflows: weights are then limited to seven bits
(Intel, "Lower numerical precision deep learning inference and training", 2018). The product of an unsigned byte and a
seven-bit weight, twice, fits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Bottleneck blocks of each stage of a ResNet-50 (He et al., 2015).
BLOCKS = (3, 4, 6, 3)

#: Batch normalisation's guard against division by nothing, as torchvision has it.
_EPSILON = 1e-5

Convolutions = dict[str, tuple[NDArray[np.float32], NDArray[np.float32]]]


def folded(tensors: Mapping[str, NDArray[Any]]) -> Convolutions:
    """Weight (out, in, k, k) and bias (out,) of each convolution, its batch normalisation merged into both.

    ``tensors`` has torchvision's names of a ResNet-50.
    """
    found: Convolutions = {}
    for name, weight in tensors.items():
        if weight.ndim != 4:
            continue
        convolution = name.removesuffix(".weight")
        norm = convolution.replace("downsample.0", "downsample.1").replace("conv", "bn")
        gain, shift, mean, variance = (
            tensors[f"{norm}.{part}"].astype(np.float64) for part in ("weight", "bias", "running_mean", "running_var")
        )
        gain = gain / np.sqrt(variance + _EPSILON)
        found[convolution] = (
            (weight.astype(np.float64) * gain[:, None, None, None]).astype(np.float32),
            (shift - mean * gain).astype(np.float32),
        )
    return found


class GraphBuilder:
    """Builds the graph of one bundle for any shape of input.

    Args:
        convolutions: as :func:`folded` gives them.
        normalisation: ``mean`` and ``std`` of RGB in [0, 1].
        stride_in: which convolution of a stage's first block strides, ``conv1`` or ``conv2``.
        ranges: for each convolution to quantise, the largest value of its input (its smallest is 0, or for ``conv1``
            minus the largest); ``None`` builds the float graph.
        weight_bits: 8, or 7 for CPUs without VNNI.
    """

    def __init__(
        self,
        convolutions: Convolutions,
        normalisation: Mapping[str, Sequence[float]],
        stride_in: str,
        ranges: Mapping[str, float] | None = None,
        weight_bits: int = 8,
    ) -> None:
        self._convolutions, self._normalisation, self._stride_in = convolutions, normalisation, stride_in
        self._ranges, self._weight_bits = ranges or {}, weight_bits

    def build(self, shape: tuple[int, int, int, int]) -> Any:
        """An ``openvino.Model`` from uint8 RGB of ``shape`` (n, height, width, 3) to pooled features (n, 2048)."""
        import openvino as ov
        from openvino import opset13 as ops

        pictures = ops.parameter(list(shape), np.uint8, name="pictures")
        mean, std = (
            255 * np.asarray(self._normalisation[key], np.float32).reshape(1, 3, 1, 1) for key in ("mean", "std")
        )
        node = ops.transpose(ops.convert(pictures, "f32"), np.array([0, 3, 1, 2]))
        node = self._convolution(ops.divide(ops.subtract(node, mean), std), "conv1", stride=2, padding=3)
        node = ops.max_pool(ops.relu(node), [2, 2], [1, 1], [1, 1], [1, 1], [3, 3]).output(0)
        for stage, count in enumerate(BLOCKS, 1):
            for index in range(count):
                node = self._block(node, f"layer{stage}.{index}", stride=2 if stage > 1 and index == 0 else 1)
        return ov.Model([ops.reduce_mean(node, np.array([2, 3]), False)], [pictures], "resnet50")

    def _block(self, node: Any, name: str, stride: int) -> Any:
        from openvino import opset13 as ops

        first, second = (stride, 1) if self._stride_in == "conv1" else (1, stride)
        inner = ops.relu(self._convolution(node, f"{name}.conv1", first, 0))
        inner = ops.relu(self._convolution(inner, f"{name}.conv2", second, 1))
        inner = self._convolution(inner, f"{name}.conv3", 1, 0)
        shortcut = f"{name}.downsample.0"
        beside = self._convolution(node, shortcut, stride, 0) if shortcut in self._convolutions else node
        return ops.relu(ops.add(inner, beside))

    def _convolution(self, node: Any, name: str, stride: int, padding: int) -> Any:
        from openvino import opset13 as ops

        weight, bias = self._convolutions[name]
        kernel: Any = ops.constant(weight)
        if name in self._ranges:
            high = np.float32(self._ranges[name]).reshape(1, 1, 1, 1)
            low = -high if name == "conv1" else np.zeros_like(high)
            node = ops.fake_quantize(node, low, high, low, high, 256)
            reach = np.abs(weight).reshape(len(weight), -1).max(axis=1).reshape(-1, 1, 1, 1)
            # Twice the reach leaves the upper half of the 255 levels unused: seven bits.
            reach = np.maximum(reach, 1e-8).astype(np.float32) * (2 if self._weight_bits == 7 else 1)
            kernel = ops.fake_quantize(kernel, -reach, reach, -reach, reach, 255)
        pads = [padding, padding]
        return ops.add(ops.convolution(node, kernel, [stride, stride], pads, pads, [1, 1]), bias.reshape(1, -1, 1, 1))
