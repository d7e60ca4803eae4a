"""The PyTorch backend: the reference, on CPUs and CUDA devices."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from conviqt_cli.errors import UsageError
from conviqt_cli.model.bundle import Bundle
from conviqt_cli.model.cpu import has_bf16
from conviqt_cli.model.encoder import ACTIVATION_BYTES
from conviqt_cli.model.networks import SpatialNetwork, half_size, unfilled
from conviqt_cli.model.temporal import TemporalEncoder
from conviqt_cli.model.weights import fill

PRECISIONS = ("auto", "fp32", "bf16", "fp16")

_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}

#: Pixels pushed through the network at once on a CPU: one 1080p frame. More gains no speed there, only memory.
CPU_BATCH_PIXELS = 1920 * 1088


class TorchEncoder:
    """The reference backend: PyTorch on a CPU or a CUDA device. Raises :class:`BundleError` for damaged weights."""

    backend = "torch"

    def __init__(
        self, bundle: Bundle, device: str = "auto", precision: str = "auto", threads: int | None = None
    ) -> None:
        if threads:
            torch.set_num_threads(threads)
        self._device = choose_device(device)
        self.device = str(self._device)
        self.precision = choose_precision(precision, self._device)
        self.encoder_id = bundle.encoder_id
        self._dtype = _DTYPES[self.precision]

        with unfilled():
            spatial = SpatialNetwork(bundle.manifest["architecture"]["stride_in"])
        fill(spatial.backbone, bundle.file("spatial"))
        spatial = spatial.fold_batch_norm().eval().to(self._device, self._dtype)
        self._spatial = spatial.to(memory_format=torch.channels_last)
        self._temporal = TemporalEncoder(bundle, self._device)
        normalisation = bundle.manifest["normalisation"] or {"mean": [0.0] * 3, "std": [1.0] * 3}
        self._mean = torch.tensor(normalisation["mean"], device=self._device).view(1, 3, 1, 1)
        self._std = torch.tensor(normalisation["std"], device=self._device).view(1, 3, 1, 1)

    @property
    def network(self) -> nn.Module:
        """ResNet-50 with its batch normalisation folded, by torchvision's names."""
        backbone: nn.Module = self._spatial.backbone
        return backbone

    @torch.inference_mode()
    def spatial(self, frames: NDArray[np.uint8]) -> NDArray[np.float32]:
        """See :meth:`Encoder.spatial`."""
        full = torch.from_numpy(frames).to(self._device).permute(0, 3, 1, 2)
        return torch.cat([self._features(full), self._features(half_size(full))], dim=1).cpu().numpy()

    @torch.inference_mode()
    def pooled(self, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        """See :meth:`Encoder.pooled`."""
        tensor = torch.from_numpy(pictures).to(self._device).permute(0, 3, 1, 2)
        found: NDArray[np.float32] = self._spatial.backbone(self._prepared(tensor)).float().cpu().numpy()
        return found

    def temporal(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """See :meth:`Encoder.temporal`."""
        return self._temporal(features)

    def batch_frames(self, height: int, width: int) -> int:
        """See :meth:`Encoder.batch_frames`."""
        pixels = height * width
        if self._device.type == "cuda":
            free, _ = torch.cuda.mem_get_info(self._device)
            return max(1, min(16, int(free * 0.6 / (pixels * ACTIVATION_BYTES))))
        return max(1, min(16, CPU_BATCH_PIXELS // pixels))

    def _features(self, frames: Tensor) -> Tensor:
        return self._spatial(self._prepared(frames))  # type: ignore[no-any-return]

    def _prepared(self, frames: Tensor) -> Tensor:
        scaled = (frames.float() / 255 - self._mean) / self._std
        return scaled.to(self._dtype).contiguous(memory_format=torch.channels_last)


def choose_device(name: str) -> torch.device:
    """``auto`` (CUDA if there is one), ``cpu``, ``cuda`` or ``cuda:N``; raises :class:`UsageError` otherwise."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        device = torch.device("meta")
    if device.type not in ("cpu", "cuda"):
        raise UsageError(f"device {name}: choose auto, cpu, cuda or cuda:N", setting="device")
    if device.type == "cuda":
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if count == 0:
            raise UsageError(f"device {name}: this machine has no usable CUDA device; choose cpu", setting="device")
        if (device.index or 0) >= count:
            raise UsageError(f"device {name}: this machine has only cuda:0 to cuda:{count - 1}", setting="device")
    return device


def choose_precision(name: str, device: torch.device) -> str:
    """Resolve ``auto``: fp16 on CUDA, bf16 on CPUs that compute it natively, fp32 elsewhere.

    A CPU that merely emulates bf16 is slower with it than without. Raises :class:`UsageError` for an unknown name.
    """
    if name not in PRECISIONS:
        raise UsageError(f"precision {name}: choose one of {', '.join(PRECISIONS)}", setting="precision")
    if name != "auto":
        return name
    if device.type == "cuda":
        return "fp16"
    return "bf16" if has_bf16() else "fp32"
