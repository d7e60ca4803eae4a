"""Shards: packed pictures with their classes, some tens of MiB a file, so that a short slot can consume whole files.

A shard is a safetensors file. Its items come in cells: a few pictures, each clean and with the same few distortions,
so that within a cell content tells nothing about the class; some authentic items go with every cell. Pictures are
lossless WebP one after another in ``pictures``; item i is bytes ``ends[i - 1]`` to ``ends[i]``.
"""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from conviqt_cli.errors import InputError
from conviqt_cli.training.distortions.bank import LEVELS, Distortion, Pixels
from conviqt_cli.training.loss import SYNTHETIC

PRISTINE = "pristine"


def class_names(bank: Sequence[Distortion]) -> list[str]:
    """``pristine``, then ``type@level`` of every unmixed type of a bank."""
    return [PRISTINE, *(f"{kind.name}@{level}" for kind in bank if not kind.parts for level in LEVELS)]


def multi_hot(names: Sequence[str], kind: Distortion | None, level: int) -> NDArray[np.float32]:
    """The classes of one item, (c,): both parts of a mixed type, ``pristine`` without a type."""
    wanted = {PRISTINE} if kind is None else {f"{part}@{level}" for part in kind.parts or (kind.name,)}
    return np.array([name in wanted for name in names], np.float32)


@dataclass(frozen=True)
class PackedItem:
    """A picture of a shard. ``classes`` multi-hot (c,); ``authentic`` an id of its content, or ``SYNTHETIC``."""

    pixels: Pixels
    classes: NDArray[np.float32]
    authentic: int = SYNTHETIC


def write_shard(path: Path, names: Sequence[str], cells: Sequence[Sequence[PackedItem]]) -> None:
    """Write whole cells to ``path``, complete or not at all."""
    items = [item for cell in cells for item in cell]
    pictures = [_packed(item.pixels) for item in items]
    partial = path.with_suffix(".partial")
    save_file(
        {
            "pictures": torch.from_numpy(np.frombuffer(b"".join(pictures), np.uint8).copy()),
            "ends": torch.from_numpy(np.cumsum([len(data) for data in pictures])),
            "classes": torch.from_numpy(np.stack([item.classes for item in items]).astype(np.uint8)),
            "authentic": torch.tensor([item.authentic for item in items], dtype=torch.int64),
            "cells": torch.tensor([index for index, cell in enumerate(cells) for _ in cell], dtype=torch.int64),
        },
        partial,
        metadata={"classes": json.dumps(list(names))},
    )
    partial.rename(path)


def _packed(pixels: Pixels) -> bytes:
    stream = io.BytesIO()
    # Method 0 is seven times as fast as the default and a tenth larger.
    Image.fromarray(pixels).save(stream, "WEBP", lossless=True, method=0, quality=20)
    return stream.getvalue()


class Shards:
    """Shards of one folder, read at random by cell. Raises :class:`InputError` for what is not such a folder."""

    def __init__(self, folder: Path) -> None:
        self._pictures: list[Tensor] = []
        self._tables: list[dict[str, Tensor]] = []
        self._cells: list[tuple[int, Tensor]] = []
        self.classes: list[str] = []
        paths = sorted(folder.glob("*.safetensors"))
        if not paths:
            raise InputError(f"{folder}: holds no shards (*.safetensors); make some with `conviqt train pack`")
        for index, path in enumerate(paths):
            self._open(index, path)

    def _open(self, index: int, path: Path) -> None:
        try:
            with safe_open(path, "pt") as file:
                names = json.loads((file.metadata() or {})["classes"])
                tables = {name: file.get_tensor(name) for name in ("ends", "classes", "authentic", "cells")}
                pictures = file.get_tensor("pictures")
        except (SafetensorError, KeyError, ValueError) as error:
            raise InputError(f"{path}: not a shard, or a damaged one ({error}); pack it again") from None
        if self.classes and names != self.classes:
            raise InputError(f"{path}: its classes are not those of the other shards; pack all with one version")
        self.classes = names
        self._pictures.append(pictures)
        self._tables.append(tables)
        self._cells += [(index, torch.nonzero(tables["cells"] == cell)[:, 0]) for cell in tables["cells"].unique()]

    def __len__(self) -> int:
        """Number of cells."""
        return len(self._cells)

    def cell(self, index: int) -> list[PackedItem]:
        """All items of a cell, decoded."""
        shard, rows = self._cells[index]
        return [self._item(shard, int(row)) for row in rows]

    def _item(self, shard: int, row: int) -> PackedItem:
        table = self._tables[shard]
        start = int(table["ends"][row - 1]) if row else 0
        data = self._pictures[shard][start : int(table["ends"][row])].numpy().tobytes()
        return PackedItem(
            np.array(Image.open(io.BytesIO(data)).convert("RGB")),
            table["classes"][row].numpy().astype(np.float32),
            int(table["authentic"][row]),
        )
