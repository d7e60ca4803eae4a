"""Shards: packed pictures with their classes, some tens of MiB a file, so that a short GPU slot can use up whole files.

A shard is a safetensors file. Its items, single pictures or clips, come in cells: a few contents, each clean and with
the same few distortions, so that within a cell content tells nothing about the class; some authentic items go with
every cell. Pictures are lossless WebP one after another in ``pictures``; picture i is bytes ``ends[i - 1]`` to
``ends[i]``. Frame f of item i is picture ``shown[i, f]``: one that several frames show is stored once, as faults of
timing show the frames of the clean clip at other times.
"""

from __future__ import annotations

import hashlib
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
from conviqt_cli.files import write_whole
from conviqt_cli.quality.diagnosis import PRISTINE
from conviqt_cli.training.distortions.distortion import LEVELS, Distortion, Pixels


def class_names(bank: Sequence[Distortion]) -> list[str]:
    """``pristine``, then ``type@level`` of every unmixed type of a bank."""
    return [PRISTINE, *(f"{kind.name}@{level}" for kind in bank if not kind.parts for level in LEVELS)]


def type_and_level(name: str) -> tuple[str, int]:
    """What a name of :func:`class_names` says: the type, and its level, 0 for ``pristine``."""
    kind, _, level = name.partition("@")
    return kind, int(level or 0)


def multi_hot(names: Sequence[str], kind: Distortion | None, level: int) -> NDArray[np.float32]:
    """The classes of one item, (c,): both parts of a mixed type, ``pristine`` without a type."""
    wanted = {PRISTINE} if kind is None else {f"{part}@{level}" for part in kind.parts or (kind.name,)}
    return np.array([name in wanted for name in names], np.float32)


@dataclass(frozen=True)
class PackedItem:
    """An item of a shard: ``frames`` (f, h, w, 3), its ``classes`` multi-hot (c,), a number for its ``content``.

    The classes of an authentic item are all zero.
    """

    frames: Pixels
    classes: NDArray[np.float32]
    content: int


def distinct_frames(clips: Sequence[Pixels]) -> tuple[list[Pixels], NDArray[np.int64]]:
    """The different frames of clips of one length, and which of them is shown where, (clips, frames)."""
    places: dict[bytes, int] = {}
    distinct: list[Pixels] = []
    shown = np.empty((len(clips), len(clips[0])), np.int64)
    for number, clip in enumerate(clips):
        for index, frame in enumerate(clip):
            shown[number, index] = place = places.setdefault(hashlib.sha256(frame.tobytes()).digest(), len(distinct))
            if place == len(distinct):
                distinct.append(frame)
    return distinct, shown


def write_shard(path: Path, names: Sequence[str], cells: Sequence[Sequence[PackedItem]]) -> None:
    """Write cells to ``path``; the file appears complete or not at all."""
    items = [item for cell in cells for item in cell]
    distinct, shown = distinct_frames([item.frames for item in items])
    pictures = [_packed(frame) for frame in distinct]
    tensors = {
        "pictures": torch.from_numpy(np.frombuffer(b"".join(pictures), np.uint8).copy()),
        "ends": torch.from_numpy(np.cumsum([len(data) for data in pictures])),
        "shown": torch.from_numpy(shown),
        "classes": torch.from_numpy(np.stack([item.classes for item in items]).astype(np.uint8)),
        "contents": torch.tensor([item.content for item in items], dtype=torch.int64),
        "cells": torch.tensor([index for index, cell in enumerate(cells) for _ in cell], dtype=torch.int64),
    }
    with write_whole(path) as temporary:
        save_file(tensors, temporary, metadata={"classes": json.dumps(list(names))})


def _packed(pixels: Pixels) -> bytes:
    stream = io.BytesIO()
    # Method 0 is seven times as fast as the default and a tenth larger.
    Image.fromarray(pixels).save(stream, "WEBP", lossless=True, method=0, quality=20)
    return stream.getvalue()


class Shards:
    """Shards of a folder, or one shard, read at random by cell. Raises :class:`InputError` for anything else."""

    def __init__(self, place: Path) -> None:
        self._pictures: list[Tensor] = []
        self._tables: list[dict[str, Tensor]] = []
        self._cells: list[tuple[int, Tensor]] = []
        self.classes: list[str] = []
        paths = [place] if place.is_file() else sorted(place.glob("*.safetensors"))
        if not paths:
            raise InputError(f"{place}: holds no shards (*.safetensors); make some with `conviqt train pack`")
        for index, path in enumerate(paths):
            self._open(index, path)

    def _open(self, index: int, path: Path) -> None:
        try:
            with safe_open(path, "pt") as file:
                names = json.loads((file.metadata() or {})["classes"])
                tables = {name: file.get_tensor(name) for name in ("ends", "shown", "classes", "contents", "cells")}
                pictures = file.get_tensor("pictures")
        except (SafetensorError, KeyError, ValueError) as error:
            raise InputError(f"{path}: not a shard, or a damaged one ({error}); pack it again") from None
        if self.classes and names != self.classes:
            raise InputError(
                f"{path}: its classes differ from those of the other shards; pack all of them with the same version"
            )
        self.classes = names
        self._pictures.append(pictures)
        # From where each picture begins to where the last ends, so that no item has to look behind itself.
        tables["bounds"] = torch.cat([torch.zeros(1, dtype=torch.int64), tables.pop("ends")])
        self._tables.append(tables)
        self._cells += [(index, torch.nonzero(tables["cells"] == cell)[:, 0]) for cell in tables["cells"].unique()]

    def __len__(self) -> int:
        """Number of cells."""
        return len(self._cells)

    def cell(self, index: int) -> list[PackedItem]:
        """All items of a cell, decoded."""
        shard, rows = self._cells[index]
        table = self._tables[shard]
        numbers = np.unique(table["shown"][rows].numpy()).tolist()
        pictures = {number: self._picture(shard, number) for number in numbers}
        return [
            PackedItem(
                np.stack([pictures[number] for number in table["shown"][row].tolist()]),
                table["classes"][row].numpy().astype(np.float32),
                int(table["contents"][row]),
            )
            for row in rows.tolist()
        ]

    def _picture(self, shard: int, number: int) -> Pixels:
        start, end = self._tables[shard]["bounds"][number : number + 2].tolist()
        data = self._pictures[shard][start:end].numpy().tobytes()
        return np.array(Image.open(io.BytesIO(data)).convert("RGB"))
