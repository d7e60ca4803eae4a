"""What this machine's CPU computes by itself, told without loading PyTorch, which takes seconds."""

from __future__ import annotations

import os
import platform
from pathlib import Path


def cpu_threads() -> int:
    """How many threads the CPU backends use unless told otherwise: the cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def has_vnni() -> bool:
    """Whether this CPU adds 8-bit products in 32 bits (AVX512-VNNI, AVX-VNNI, AMX, or Arm with dot products)."""
    if platform.machine().lower() in ("arm64", "aarch64"):
        return True
    return any(flag in _flags() for flag in ("avx512_vnni", "avx_vnni", "amx_int8"))


def has_bf16() -> bool:
    """Whether this CPU multiplies bf16 in hardware (AVX512-BF16 or AMX), as far as its system tells."""
    return any(flag in _flags() for flag in ("avx512_bf16", "amx_bf16"))


def is_emulated(precision: str, device: str) -> bool:
    """Whether a device computes a precision only by way of another, which is slower than float32."""
    return device == "cpu" and (precision == "fp16" or (precision == "bf16" and not has_bf16()))


def _flags() -> str:
    try:
        return Path("/proc/cpuinfo").read_text()
    except OSError:
        return ""
