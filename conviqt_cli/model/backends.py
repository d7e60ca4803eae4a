"""The way to a backend: :func:`open_encoder` for one device, :func:`devices` for the devices of a machine."""

from __future__ import annotations

import torch

from conviqt_cli.model.bundle import Bundle
from conviqt_cli.model.encoder import Encoder
from conviqt_cli.model.torch_backend import TorchEncoder, choose_device


def open_encoder(bundle: Bundle, device: str = "auto", precision: str = "auto", threads: int | None = None) -> Encoder:
    """The encoder of ``bundle`` on a device, ready to run.

    Args:
        bundle: whose networks to load; every file is verified.
        device: ``auto`` (CUDA if there is one), ``cpu``, ``cuda`` or ``cuda:N``.
        precision: ``auto`` or one of :data:`conviqt_cli.model.torch_backend.PRECISIONS`.
        threads: CPU threads; ``None`` for all.

    Raises :class:`BundleError` for damaged weights, :class:`UsageError` for a device or precision that is not there.
    """
    return TorchEncoder(bundle, device, precision, threads)


def devices(name: str = "auto") -> list[str]:
    """Names of the devices that ``name`` stands for: every CUDA device for ``auto`` and ``cuda``, else the one.

    Raises :class:`UsageError` for a device that this machine does not have.
    """
    count = torch.cuda.device_count() if name in ("auto", "cuda") and torch.cuda.is_available() else 0
    return [f"cuda:{index}" for index in range(count)] if count > 1 else [str(choose_device(name))]


def cpu_threads() -> int:
    """How many threads the CPU backends use unless told otherwise."""
    return torch.get_num_threads()
