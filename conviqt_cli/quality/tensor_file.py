"""Small models on disk: one safetensors file of arrays, with a JSON header. Nothing in such a file can execute."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import save

from conviqt_cli.files import write_whole

Tensors = dict[str, NDArray[Any]]


def write_tensors(path: Path, kind: str, header: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]]) -> None:
    """Write ``tensors`` and the JSON ``header`` as a file of format ``kind``.

    The file appears whole or not at all, and with the permissions that other files of the user have. Raises
    ``OSError`` or ``SafetensorError`` when it cannot be written; then nothing is left.
    """
    arrays = {name: np.ascontiguousarray(value) for name, value in tensors.items()}
    with write_whole(path) as temporary:
        # Bytes written by Python have the user's permissions; safetensors' own save_file makes the file private.
        temporary.write_bytes(save(arrays, metadata={"format": kind, "header": json.dumps(header)}))


def read_tensors(path: Path) -> tuple[dict[str, str], Tensors]:
    """The metadata (``format`` and ``header``, the latter as text, where the file has them) and the arrays.

    Raises ``FileNotFoundError``, another ``OSError`` or ``SafetensorError`` when it cannot be read as safetensors.
    """
    with safe_open(path, framework="numpy") as file:
        metadata = dict(file.metadata() or {})
        return metadata, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
