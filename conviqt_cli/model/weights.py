"""Tensors of a bundle into PyTorch modules."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from conviqt_cli.errors import BundleError


def fill(module: nn.Module, path: Path) -> None:
    """Load tensors by name into a module that may be unfilled, all of them and nothing else; halves become float32.

    Raises :class:`BundleError` when the file is damaged or holds the tensors of another network.
    """
    try:
        tensors: dict[str, Any] = load_file(path)
        module.load_state_dict({name: value.float() for name, value in tensors.items()}, strict=False, assign=True)
    except (SafetensorError, OSError, RuntimeError) as error:
        raise BundleError(f"{path}: cannot be loaded as weights of this network ({error})") from None
    wanted = {name for name in module.state_dict() if not name.endswith("num_batches_tracked")}
    if wanted != tensors.keys():
        odd = sorted(wanted ^ tensors.keys())
        raise BundleError(f"{path}: its tensors are not this network's ({len(odd)} differ, such as {odd[0]})")
