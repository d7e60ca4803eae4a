"""What a bundle knows about running its encoder in other arithmetic: ranges for 8 bits, and a check of any backend.

``calibration.safetensors`` holds, for each convolution that may run in 8 bits, the largest value of its input over
distorted pictures (``range/NAME``, one float), and a few pictures with the features that float32 gives of them
(``pictures`` (n, side, side, 3) uint8, ``features`` (n, 2048) float32). Nothing in it can execute.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from conviqt_cli.arrays import unit_rows
from conviqt_cli.errors import BundleError
from conviqt_cli.model.encoder import Encoder

_PREFIX = "range/"

#: The largest relative error of features, over the stored pictures, that a precision may show. A backend that computes
#: wrongly on some CPU (8-bit sums that overflow, say) is off by far more.
TOLERANCES = {"fp32": 0.002, "fp16": 0.02, "bf16": 0.15, "int8": 0.15}


@dataclass(frozen=True)
class Calibration:
    """``ranges`` by the name of a convolution; ``pictures`` and their float32 ``features``, as above."""

    ranges: dict[str, float]
    pictures: NDArray[np.uint8]
    features: NDArray[np.float32]

    def save(self, path: Path) -> None:
        """Write it to one safetensors file."""
        ranges = {_PREFIX + name: np.array([value], np.float32) for name, value in self.ranges.items()}
        save_file({**ranges, "pictures": self.pictures, "features": self.features}, path)

    @classmethod
    def load(cls, path: Path) -> Calibration:
        """Read it; raises :class:`BundleError` when it is damaged."""
        try:
            tensors = load_file(path)
            ranges = {name.removeprefix(_PREFIX): float(value[0]) for name, value in tensors.items() if "/" in name}
            found = cls(ranges, tensors["pictures"], tensors["features"])
        except (SafetensorError, OSError, KeyError, IndexError) as error:
            raise BundleError(f"{path}: not a calibration file, or damaged ({error})") from None
        if found.pictures.ndim != 4 or found.features.shape != (len(found.pictures), 2048):
            raise BundleError(f"{path}: a calibration file whose pictures and features do not belong together")
        return found

    def error(self, encoder: Encoder) -> float:
        """The largest relative error of ``encoder``'s features of the stored pictures, against float32."""
        return relative_error(encoder.pooled(self.pictures), self.features)

    def passes(self, encoder: Encoder) -> bool:
        """Whether ``encoder`` computes what it should on this machine, to within what its precision allows."""
        return self.error(encoder) <= TOLERANCES[encoder.precision]


def relative_error(found: NDArray[np.float32], expected: NDArray[np.float32]) -> float:
    """The largest distance between unit vectors along features (n, d) and ``expected`` ones; infinite if not finite."""
    if not np.isfinite(found).all():
        return float("inf")
    return float(np.linalg.norm(unit_rows(found) - unit_rows(expected), axis=1).max())
