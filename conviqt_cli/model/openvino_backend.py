"""The OpenVINO backend: CPUs, in float32, bfloat16 or 8-bit integers, several pictures at once.

Pictures run side by side, one a stream, rather than one picture on all cores: no thread waits for another inside a
layer, which on two cores is twice as fast and keeps its speed when other programs take their share.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file

from conviqt_cli.arrays import unit_rows
from conviqt_cli.errors import BundleError, UsageError
from conviqt_cli.model.bundle import Bundle
from conviqt_cli.model.gru import GatedRecurrentUnit
from conviqt_cli.model.openvino_graph import GraphBuilder, folded
from conviqt_cli.model.resizing import half_size

#: Picture sizes whose compiled graphs are kept; a video needs two.
_KEPT_SIZES = 6

#: How OpenVINO calls the arithmetic of each precision. The graph of int8 quantises itself; what is left runs in fp32.
_HINTS = {"fp32": "f32", "bf16": "bf16", "int8": "f32"}


class OpenVinoEncoder:
    """ResNet-50 by OpenVINO, GRU by NumPy; see :class:`conviqt_cli.model.encoder.Encoder`.

    Args:
        bundle: whose networks to load.
        precision: ``fp32``, ``bf16`` (needs a CPU that computes it) or ``int8`` (needs ``ranges``).
        ranges: of each convolution's input, as :class:`.openvino_graph.GraphBuilder` takes them; without, nothing is
            quantised.
        threads: CPU threads; ``None`` for all.
        weight_bits: of quantised weights: 8, or 7 where sums of 8-bit products would overflow.
        cache: folder for compiled graphs, so that the next start is quick; ``None`` keeps none.

    Raises :class:`BundleError` for damaged weights, :class:`UsageError` for a precision that this CPU does not compute.
    """

    backend = "openvino"
    device = "cpu"

    def __init__(
        self,
        bundle: Bundle,
        precision: str,
        ranges: Mapping[str, float] | None = None,
        threads: int | None = None,
        weight_bits: int = 8,
        cache: Path | None = None,
    ) -> None:
        import openvino as ov

        self.precision, self.encoder_id = precision, bundle.encoder_id
        self._core = ov.Core()
        if precision == "bf16" and "BF16" not in self._core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
            raise UsageError("bf16: this CPU does not compute it; choose fp32 or int8")
        self._options: dict[str, Any] = {
            "PERFORMANCE_HINT": "THROUGHPUT",
            "INFERENCE_PRECISION_HINT": _HINTS[precision],
            **({"INFERENCE_NUM_THREADS": threads} if threads else {}),
            **({"CACHE_DIR": str(cache)} if cache else {}),
        }
        self._builder = _builder(bundle, ranges, weight_bits)
        self._temporal = GatedRecurrentUnit(bundle)
        self._queues: OrderedDict[tuple[int, int], Any] = OrderedDict()
        self._lock = threading.Lock()

    def spatial(self, frames: NDArray[np.uint8]) -> NDArray[np.float32]:
        """See :meth:`conviqt_cli.model.encoder.Encoder.spatial`."""
        scales = [unit_rows(self.pooled(pictures)) for pictures in (frames, half_size(frames))]
        return np.concatenate(scales, axis=1)

    def pooled(self, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        """See :meth:`conviqt_cli.model.encoder.Encoder.pooled`."""
        found = np.empty((len(pictures), 2048), np.float32)

        def keep(request: Any, index: int) -> None:
            found[index] = request.get_output_tensor(0).data[0]

        with self._lock:
            queue = self._queue(pictures.shape[1], pictures.shape[2])
            queue.set_callback(keep)
            for index in range(len(pictures)):
                queue.start_async({0: pictures[index : index + 1]}, index)
            queue.wait_all()
        return found

    def temporal(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """See :meth:`conviqt_cli.model.encoder.Encoder.temporal`."""
        return self._temporal(features)

    def batch_frames(self, height: int, width: int) -> int:
        """See :meth:`conviqt_cli.model.encoder.Encoder.batch_frames`."""
        return 16 if height * width <= 512 * 512 else 2

    def _queue(self, height: int, width: int) -> Any:
        import openvino as ov

        size = (height, width)
        if size not in self._queues:
            model = self._builder.build((1, height, width, 3))
            self._queues[size] = ov.AsyncInferQueue(self._core.compile_model(model, "CPU", self._options))
            if len(self._queues) > _KEPT_SIZES:
                self._queues.popitem(last=False)
        self._queues.move_to_end(size)
        return self._queues[size]


def _builder(bundle: Bundle, ranges: Mapping[str, float] | None, weight_bits: int) -> GraphBuilder:
    path = bundle.file("spatial")
    try:
        convolutions = folded(load_file(path))
    except (SafetensorError, OSError, KeyError) as error:
        raise BundleError(f"{path}: cannot be loaded as weights of this network ({error})") from None
    return GraphBuilder(
        convolutions,
        bundle.manifest["normalisation"] or {"mean": [0.0] * 3, "std": [1.0] * 3},
        bundle.manifest["architecture"]["stride_in"],
        ranges,
        weight_bits,
    )
