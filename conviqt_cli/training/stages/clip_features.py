"""Packed clips to frozen spatial features: what the temporal stage, the diagnosis head and the probes learn from."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from conviqt_cli.errors import InputError
from conviqt_cli.files import write_whole
from conviqt_cli.model.encoder import Encoder
from conviqt_cli.plans.picture_plan import VIEWS, View
from conviqt_cli.plans.time_plan import CLIP_LENGTH
from conviqt_cli.training.distortions.distortion import Pixels
from conviqt_cli.training.packing.shards import Shards, distinct_frames
from conviqt_cli.training.stages.loss import authentic_ids


@dataclass(frozen=True)
class ClipFeatures:
    """Features of ``n`` clips.

    ``features`` (n, frames, 4096) float16, full scale then half; ``classes`` (n, c) multi-hot, named by ``names``,
    all zero for authentic clips; ``contents`` (n,) a number for each clip's scene.
    """

    features: Tensor
    classes: Tensor
    contents: Tensor
    names: list[str]

    @property
    def authentic(self) -> Tensor:
        """What the loss calls ``authentic``, (n,)."""
        return authentic_ids(self.classes, self.contents)

    def chosen(self, rows: Tensor) -> ClipFeatures:
        """Some of the clips."""
        return ClipFeatures(self.features[rows], self.classes[rows], self.contents[rows], self.names)

    def named(self, names: Sequence[str]) -> ClipFeatures:
        """The same clips with classes in the order of ``names``, which must have all of this one's."""
        columns = [names.index(name) for name in self.names]
        classes = torch.zeros(len(self.classes), len(names), dtype=self.classes.dtype)
        classes[:, columns] = self.classes
        return ClipFeatures(self.features, classes, self.contents, list(names))


def joined(parts: Sequence[ClipFeatures]) -> ClipFeatures:
    """Clips of one set of names as one; single frames stand still for the length of a clip."""
    length = max(part.features.shape[1] for part in parts)
    return ClipFeatures(
        torch.cat([part.features.expand(-1, length, -1) for part in parts]),
        torch.cat([part.classes for part in parts]),
        torch.cat([part.contents for part in parts]),
        parts[0].names,
    )


def extract(
    shards: Path, encoder: Encoder, output: Path, progress: Callable[[int, int], None] = lambda done, all: None
) -> None:
    """Compute the features of every shard in ``shards``, one file each in ``output``; skip files of this encoder."""
    output.mkdir(parents=True, exist_ok=True)
    paths = sorted(shards.glob("*.safetensors"))
    if not paths:
        raise InputError(f"{shards}: holds no shards (*.safetensors); make some with `conviqt train pack`")
    for done, path in enumerate(paths, 1):
        target = output / path.name
        if not _is_of(target, encoder.encoder_id):
            _extract(path, encoder, target)
        progress(done, len(paths))


def _extract(path: Path, encoder: Encoder, target: Path) -> None:
    packed = Shards(path)
    items = [item for cell in range(len(packed)) for item in packed.cell(cell)]
    # Whatever is shown of one content is seen the same way, so that the way says nothing about the class.
    clips = [_view(path, item.content).of(item.frames) for item in items]
    tensors = {
        "features": torch.from_numpy(_spatial_features(clips, encoder)),
        "classes": torch.from_numpy(np.stack([item.classes for item in items])),
        "contents": torch.tensor([item.content for item in items], dtype=torch.int64),
    }
    with write_whole(target) as temporary:
        save_file(tensors, temporary, metadata={"classes": json.dumps(packed.classes), "encoder": encoder.encoder_id})


def _view(shard: Path, content: int) -> View:
    """The way in which a content of a shard is seen: one of those in which the picture plan looks at squares."""
    return VIEWS[crc32(f"{shard.stem}/{content}".encode()) % len(VIEWS)]


def _spatial_features(clips: Sequence[Pixels], encoder: Encoder) -> NDArray[np.float16]:
    """Features (n, frames, 4096) of clips (frames, h, w, 3) of one length, computed once for frames that are equal.

    Frames of the same size go through the network together, whichever clips they are from.
    """
    distinct, shown = distinct_frames(clips)
    by_size: dict[tuple[int, ...], list[int]] = {}
    for number, frame in enumerate(distinct):
        by_size.setdefault(frame.shape[:2], []).append(number)
    found: dict[int, NDArray[np.float16]] = {}
    for (height, width), numbers in by_size.items():
        step = encoder.batch_frames(height, width)
        for start in range(0, len(numbers), step):
            batch = numbers[start : start + step]
            rows = encoder.spatial(np.stack([distinct[number] for number in batch])).astype(np.float16)
            found.update(zip(batch, rows, strict=True))
    return np.stack([found[number] for number in range(len(distinct))])[shown]


def whole_clip(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """Features (frames, 4096) of at most a clip, brought to its length by repeating the last frame's."""
    missing = CLIP_LENGTH - len(features)
    return np.concatenate([features, np.repeat(features[-1:], missing, axis=0)]) if missing else features


def _is_of(path: Path, encoder_id: str) -> bool:
    if not path.exists():
        return False
    try:
        with safe_open(path, "pt") as file:
            return (file.metadata() or {}).get("encoder") == encoder_id
    except SafetensorError:
        return False


def read_features(folder: Path) -> ClipFeatures:
    """All features of a folder; raises :class:`InputError` for files that are not, or not of one encoder."""
    names: list[str] | None = None
    encoders: set[str] = set()
    parts: list[ClipFeatures] = []
    for path in sorted(folder.glob("*.safetensors")):
        try:
            with safe_open(path, "pt") as file:
                metadata = file.metadata() or {}
                own: list[str] = json.loads(metadata["classes"])
                encoders.add(metadata["encoder"])
                features, classes, contents = map(file.get_tensor, ("features", "classes", "contents"))
                parts.append(ClipFeatures(features, classes, contents, own))
        except (SafetensorError, KeyError, ValueError) as error:
            raise InputError(
                f"{path}: not a features file, or a damaged one ({error}); delete it and compute it again"
            ) from None
        if len(encoders) > 1 or own != (names or own):
            raise InputError(
                f"{path}: made with another encoder or other distortions than the files beside it; compute all again"
            )
        names = own
    if names is None:
        raise InputError(f"{folder}: contains no features (*.safetensors)")
    return joined(parts)
