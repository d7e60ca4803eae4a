"""Packed clips to frozen spatial features: what the temporal stage, the diagnosis head and the probes learn from.

Features belong to a picture plan. Those of ``whole`` are of every frame. Those of ``crops`` are what scoring with that
plan makes of a video that looks like the item: the mean of its squares of each frame that it looks at.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
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
from conviqt_cli.plans.clips import Clip
from conviqt_cli.plans.picture_plan import WHOLE, PicturePlan
from conviqt_cli.plans.time_plan import CLIP_LENGTH
from conviqt_cli.scoring.features import FeatureExtractor
from conviqt_cli.training.distortions.distortion import Pixels
from conviqt_cli.training.packing.shards import Shards, distinct_frames
from conviqt_cli.training.stages.loss import authentic_ids
from conviqt_cli.video.decode import Frame
from conviqt_cli.video.picture import RgbPicture

#: How many sets of places a plan's squares are drawn from, for packed items: those of as many clips of a video.
_PLACES = 64


@dataclass(frozen=True)
class ClipFeatures:
    """Features of ``n`` clips.

    ``features`` (n, frames, 4096) float16, full scale then half; ``classes`` (n, c) multi-hot, named by ``names``,
    all zero for authentic clips; ``contents`` (n,) a number for each clip's scene; ``picture`` the id of the picture
    plan that they are features of.
    """

    features: Tensor
    classes: Tensor
    contents: Tensor
    names: list[str]
    picture: str = WHOLE.id

    @property
    def authentic(self) -> Tensor:
        """What the loss calls ``authentic``, (n,)."""
        return authentic_ids(self.classes, self.contents)

    def chosen(self, rows: Tensor) -> ClipFeatures:
        """Some of the clips."""
        return replace(self, features=self.features[rows], classes=self.classes[rows], contents=self.contents[rows])

    def named(self, names: Sequence[str]) -> ClipFeatures:
        """The same clips with classes in the order of ``names``, which must have all of this one's."""
        columns = [names.index(name) for name in self.names]
        classes = torch.zeros(len(self.classes), len(names), dtype=self.classes.dtype)
        classes[:, columns] = self.classes
        return replace(self, classes=classes, names=list(names))


def joined(parts: Sequence[ClipFeatures]) -> ClipFeatures:
    """Clips of one set of names and one picture plan as one; single frames stand still for the length of a clip."""
    length = max(part.features.shape[1] for part in parts)
    return ClipFeatures(
        torch.cat([part.features.expand(-1, length, -1) for part in parts]),
        torch.cat([part.classes for part in parts]),
        torch.cat([part.contents for part in parts]),
        parts[0].names,
        parts[0].picture,
    )


def extract(
    shards: Path,
    encoder: Encoder,
    output: Path,
    progress: Callable[[int, int], None] = lambda done, all: None,
    picture: PicturePlan = WHOLE,
) -> None:
    """Compute a plan's features of every shard in ``shards``, one file each in ``output``.

    Files that this encoder made for this plan are kept.
    """
    output.mkdir(parents=True, exist_ok=True)
    paths = sorted(shards.glob("*.safetensors"))
    if not paths:
        raise InputError(f"{shards}: holds no shards (*.safetensors); make some with `conviqt train pack`")
    for done, path in enumerate(paths, 1):
        target = output / path.name
        if not _is_of(target, encoder, picture):
            _extract(path, encoder, target, picture)
        progress(done, len(paths))


def _extract(path: Path, encoder: Encoder, target: Path, picture: PicturePlan) -> None:
    packed = Shards(path)
    items = [item for cell in range(len(packed)) for item in packed.cell(cell)]
    clips = [item.frames for item in items]
    if picture.whole:
        features = _spatial_features(clips, encoder)
    else:
        # Whatever is shown of one content is looked at in the same places, so that these say nothing of the class.
        places = [crc32(f"{path.stem}/{item.content}".encode()) % _PLACES for item in items]
        features = _features_of_squares(clips, places, encoder, picture)
    tensors = {
        "features": torch.from_numpy(features),
        "classes": torch.from_numpy(np.stack([item.classes for item in items])),
        "contents": torch.tensor([item.content for item in items], dtype=torch.int64),
    }
    told = {"classes": json.dumps(packed.classes), "encoder": encoder.encoder_id, "picture": picture.id}
    with write_whole(target) as temporary:
        save_file(tensors, temporary, metadata=told)


def _features_of_squares(
    clips: Sequence[Pixels], places: Sequence[int], encoder: Encoder, picture: PicturePlan
) -> NDArray[np.float16]:
    """A plan's features (n, frames that it looks at, 4096) of clips; a single picture stands still.

    ``places`` (n,) are the numbers that the clips would have in a video.
    """
    rows = []
    for pixels, place in zip(clips, places, strict=True):
        frames = [
            Frame(number, float(number), 1.0, RgbPicture(pixels[min(number, len(pixels) - 1)]))
            for number in range(CLIP_LENGTH)
        ]
        rows.append(FeatureExtractor(encoder, picture, first=place).spatial(Clip(tuple(frames))))
    return np.stack(rows).astype(np.float16)


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


def _is_of(path: Path, encoder: Encoder, picture: PicturePlan) -> bool:
    if not path.exists():
        return False
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
    except SafetensorError:
        return False
    return (metadata.get("encoder"), metadata.get("picture")) == (encoder.encoder_id, picture.id)


def read_features(folder: Path) -> ClipFeatures:
    """All features of a folder; raises :class:`InputError` for files that are not, or not of one encoder and plan."""
    names: list[str] | None = None
    makers: set[tuple[str, str]] = set()
    parts: list[ClipFeatures] = []
    for path in sorted(folder.glob("*.safetensors")):
        try:
            with safe_open(path, "pt") as file:
                metadata = file.metadata() or {}
                own: list[str] = json.loads(metadata["classes"])
                picture = metadata["picture"]
                makers.add((metadata["encoder"], picture))
                features, classes, contents = map(file.get_tensor, ("features", "classes", "contents"))
                parts.append(ClipFeatures(features, classes, contents, own, picture))
        except (SafetensorError, KeyError, ValueError) as error:
            raise InputError(
                f"{path}: not a features file, or a damaged one ({error}); delete it and compute it again"
            ) from None
        if len(makers) > 1 or own != (names or own):
            raise InputError(
                f"{path}: made with another encoder, picture plan or other distortions than the files beside it; "
                "compute all again"
            )
        names = own
    if names is None:
        raise InputError(f"{folder}: contains no features (*.safetensors)")
    return joined(parts)
