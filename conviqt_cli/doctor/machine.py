"""What the installation runs on: Python, PyTorch, processors, memory, disks."""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from conviqt_cli.doctor.check import Check, State
from conviqt_cli.errors import ConviqtError

#: Bytes of free disk below which extracting vectors or a long score file may fail.
LITTLE_DISK = 1 << 30

OLDEST_PYTHON = (3, 10)


def python() -> Iterator[Check]:
    """The interpreter, and the libraries that scoring needs."""
    version = platform.python_version()
    if sys.version_info[:2] < OLDEST_PYTHON:
        oldest = ".".join(map(str, OLDEST_PYTHON))
        yield Check("python", State.PROBLEM, f"{version} is too old", f"install conviqt with Python {oldest} or newer")
    else:
        yield Check("python", State.OK, f"{version}, {platform.system()} {platform.machine()} ({sys.executable})")
    yield _library("torch", "torch", State.PROBLEM, "install torch and torchvision, both from the same index")
    yield _library("torchvision", "torchvision", State.PROBLEM, "install the torchvision that belongs to this torch")
    yield _library("openvino", "openvino", State.WARNING, "pip install openvino; without it some CPUs are slower")


def _library(name: str, module: str, missing: State, cure: str) -> Check:
    try:
        importlib.import_module(module)
        return Check(name, State.OK, importlib.metadata.version(name))
    except Exception as error:  # a build that does not fit this machine may raise anything
        text = " ".join(str(error).split())[:120]
        return Check(name, missing, f"cannot be imported ({type(error).__name__}: {text})", cure)


def processor(device: str, precision: str) -> Check:
    """The device, and whether ``precision`` suits it."""
    import torch

    from conviqt_cli.model.cpu import has_bf16, is_emulated
    from conviqt_cli.model.torch_backend import choose_device

    try:
        chosen = choose_device(device)
    except ConviqtError as error:
        return Check("device", State.PROBLEM, str(error), "choose another device")
    if chosen.type == "cuda":
        return Check("device", State.OK, f"{chosen}, {torch.cuda.get_device_name(chosen)}")
    units = "with bf16 units" if has_bf16() else "without bf16 units"
    found = f"CPU {units}, {torch.get_num_threads()} threads of {os.cpu_count()} cores"
    if is_emulated(precision, "cpu"):
        return Check("device", State.WARNING, found, f"{precision} is slow on this CPU; leave the precision to auto")
    return Check("device", State.OK, found)


def memory(needed: int, free: int | None) -> Check:
    """Memory that this process may still take, in bytes; ``needed`` is what a loaded model takes."""
    if free is None:
        return Check("memory", State.WARNING, "this system does not say how much is free", "watch the first run")
    found = f"{free / 1e9:.1f} GB may be used, of which a loaded model takes {needed / 1e9:.1f} GB"
    if free < needed:
        cure = "close other programs, or raise the limit of the container"
        return Check("memory", State.PROBLEM, found, cure)
    if free < 2 * needed:
        return Check("memory", State.WARNING, found, "score one video at a time (--jobs 1), none above 1080p")
    return Check("memory", State.OK, found)


def folder(part: str, path: Path, cure: str) -> Check:
    """A folder, made if missing, in which files must be writable; with the space on its disk."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path) as file:
            file.write(b"conviqt")
            file.flush()
        free = shutil.disk_usage(path).free
    except OSError as error:
        return Check(part, State.PROBLEM, f"{path}: not writable ({error.strerror or error})", cure)
    found = f"{path}: writable, {free / 1e9:.1f} GB free"
    if free < LITTLE_DISK:
        return Check(part, State.WARNING, found, "free some space")
    return Check(part, State.OK, found)
