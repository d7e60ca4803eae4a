"""The way to a backend: :func:`open_encoder` for one device, :func:`devices` for the devices of a machine."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from conviqt_cli.errors import BundleError, UsageError
from conviqt_cli.files import cache_folder
from conviqt_cli.model.bundle import Bundle
from conviqt_cli.model.calibration import Calibration
from conviqt_cli.model.cpu import has_bf16, has_vnni
from conviqt_cli.model.encoder import Encoder
from conviqt_cli.quality.regressor import WHOLE

logger = logging.getLogger(__name__)

BACKENDS = ("auto", "torch", "openvino")
PRECISIONS = ("auto", "fp32", "bf16", "fp16", "int8")

#: ``auto`` uses a precision only where pooled scores stay this close to those of fp32, and ranks agree this well, on
#: the labelled sets that the bundle was measured on (``accuracy`` in its manifest).
LARGEST_DIFFERENCE, LOWEST_SROCC = 0.05, 0.995


def open_encoder(
    bundle: Bundle,
    device: str = "auto",
    precision: str = "auto",
    threads: int | None = None,
    *,
    backend: str = "auto",
    picture: str = WHOLE,
    weight_bits: int | None = None,
) -> Encoder:
    """The encoder of ``bundle`` on a device, ready to run.

    On CUDA ``auto`` is fp16 by PyTorch. On a CPU it is the fastest precision that the bundle was found to agree in, by
    OpenVINO, tried on stored pictures first, so that a backend that computes wrongly on this CPU is passed over.

    Args:
        bundle: whose networks to load; every file is verified.
        device: ``auto`` (CUDA if there is one), ``cpu``, ``cuda`` or ``cuda:N``.
        precision: one of :data:`PRECISIONS`.
        threads: CPU threads; ``None`` for all.
        backend: one of :data:`BACKENDS`.
        picture: name of the picture plan that it will be used for.
        weight_bits: bits of weights in int8; ``None`` for what this CPU computes without overflow.

    Raises :class:`BundleError` for damaged weights, :class:`UsageError` for a device, backend or precision that is not
    there, or that computes wrongly here.
    """
    if backend not in BACKENDS:
        raise UsageError(f"unknown backend {backend!r}; choose one of {', '.join(BACKENDS)}", setting="backend")
    if precision not in PRECISIONS:
        raise UsageError(f"unknown precision {precision!r}; choose one of {', '.join(PRECISIONS)}", setting="precision")
    device = _resolved(device)
    on_cpu = device == "cpu"
    if backend == "openvino" and not on_cpu:
        raise UsageError("OpenVINO runs on the CPU only; choose the device cpu", setting="device")
    if precision == "fp16" and backend == "openvino":
        raise UsageError("OpenVINO does not compute fp16 here; choose fp32, bf16 or int8", setting="precision")
    if precision == "int8" and (backend == "torch" or not on_cpu):
        raise UsageError("int8 needs the backend openvino on the device cpu", setting="precision")
    if not on_cpu or backend == "torch" or (backend == "auto" and precision == "fp16"):
        if on_cpu and precision == "auto":
            precision = _torch_precision(bundle, picture)
        return _torch(bundle, device, precision, threads)
    for choice in _choices(bundle, precision, picture):
        encoder = _openvino(bundle, choice, threads, weight_bits or default_bits())
        if encoder is not None:
            return encoder
        if precision != "auto":
            raise UsageError(f"{choice} by OpenVINO computes wrongly on this CPU; choose another precision or backend")
    if backend == "openvino":
        raise UsageError("OpenVINO cannot be used here; choose the backend torch")
    return _torch(bundle, device, _torch_precision(bundle, picture), threads)


def why_precision(bundle: Bundle, picture: str, device: str = "auto") -> str:
    """In words: what ``auto`` chooses for a picture plan on this machine, and why."""
    if _resolved(device) != "cpu":
        return f"{picture} in fp16 by PyTorch on CUDA"
    choice = next(_choices(bundle, "auto", picture))
    found = _accuracy(bundle, picture, _measured_as(choice))
    if found is None:
        return f"{picture} in {choice} by OpenVINO, no faster precision being known to agree with it"
    return (
        f"{picture} in {choice} by OpenVINO, the fastest that agrees with fp32 "
        f"(within {found['largest_difference']:.3f}, SROCC {found['srocc']:.4f}, on {found['videos']} videos)"
    )


def devices(name: str = "auto") -> list[str]:
    """Names of the devices that ``name`` stands for: every CUDA device for ``auto`` and ``cuda``, else the one.

    Raises :class:`UsageError` for a device that this machine does not have.
    """
    if _resolved(name) == "cpu":
        return ["cpu"]
    import torch

    count = torch.cuda.device_count() if name in ("auto", "cuda") else 0
    return [f"cuda:{index}" for index in range(count)] if count > 1 else [_resolved(name)]


def agrees(bundle: Bundle, picture: str, precision: str) -> bool:
    """Whether the bundle's makers found ``precision`` to agree with fp32 on this picture plan.

    ``int8_7bit`` is int8 with weights of 7 bits.
    """
    found = _accuracy(bundle, picture, precision)
    if found is None:
        return False
    return bool(found["largest_difference"] <= LARGEST_DIFFERENCE and found["srocc"] >= LOWEST_SROCC)


def _accuracy(bundle: Bundle, picture: str, precision: str) -> Mapping[str, float] | None:
    """What the manifest says of a precision on a picture plan, ``None`` where it was not measured."""
    found: Mapping[str, float] | None = bundle.manifest.get("accuracy", {}).get(picture, {}).get(precision)
    return found


def _measured_as(precision: str) -> str:
    """The name in a manifest's ``accuracy`` of what this CPU computes in a precision."""
    return "int8_7bit" if precision == "int8" and default_bits() == 7 else precision


def default_bits() -> int:
    """Bits of int8 weights on this CPU: 7 where it adds 8-bit products in 16 bits, which would overflow."""
    return 8 if has_vnni() else 7


def _resolved(device: str) -> str:
    """The device that a name stands for; PyTorch is loaded only where there may be a CUDA device."""
    if device == "cpu" or (device == "auto" and not _may_have_cuda()):
        return "cpu"
    from conviqt_cli.model.torch_backend import choose_device

    return str(choose_device(device))


def _may_have_cuda() -> bool:
    """False only where no driver is loaded that PyTorch's CUDA devices need (NVIDIA, WSL, ROCm)."""
    if sys.platform != "linux":
        return True
    return any(Path(node).exists() for node in ("/dev/nvidiactl", "/dev/nvidia0", "/dev/dxg", "/dev/kfd"))


def _torch(bundle: Bundle, device: str, precision: str, threads: int | None) -> Encoder:
    from conviqt_cli.model.torch_backend import TorchEncoder

    return TorchEncoder(bundle, device, precision, threads)


def _torch_precision(bundle: Bundle, picture: str) -> str:
    """What ``auto`` stands for on PyTorch and a CPU."""
    return "bf16" if has_bf16() and agrees(bundle, picture, "bf16") else "fp32"


def _choices(bundle: Bundle, precision: str, picture: str) -> Iterator[str]:
    """Precisions to try on OpenVINO, fastest first."""
    if precision != "auto":
        yield precision
        return
    if "calibration" in bundle.manifest["files"] and agrees(bundle, picture, _measured_as("int8")):
        yield "int8"
    if has_bf16() and agrees(bundle, picture, "bf16"):
        yield "bf16"
    yield "fp32"


def _graphs() -> Path | None:
    """Where compiled graphs are kept, if anywhere."""
    folder = cache_folder() / "graphs"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return folder


def _openvino(bundle: Bundle, precision: str, threads: int | None, weight_bits: int) -> Encoder | None:
    """An OpenVINO encoder that has passed the bundle's check, ``None`` where there is none to be had."""
    try:
        from conviqt_cli.model.openvino_backend import OpenVinoEncoder
    except ImportError:  # pragma: no cover (a platform without OpenVINO)
        logger.warning("OpenVINO is not installed; PyTorch is used, which is slower")
        return None
    calibration: Calibration | None = None
    if "calibration" in bundle.manifest["files"]:
        calibration = Calibration.load(bundle.file("calibration"))
    elif precision == "int8":
        raise BundleError(f"{bundle.folder}: the bundle has no calibration, which int8 needs; choose another precision")
    ranges = calibration.ranges if calibration is not None and precision == "int8" else None
    # A graph in 8 bits takes 25 MB and saves a second at every start; in floating point it would take 94 MB.
    cache = _graphs() if precision == "int8" else None
    encoder = OpenVinoEncoder(bundle, precision, ranges, threads, weight_bits, cache)
    if calibration is not None and not calibration.passes(encoder):
        logger.warning("%s by OpenVINO computes wrongly on this CPU and is not used", precision)
        return None
    return encoder
