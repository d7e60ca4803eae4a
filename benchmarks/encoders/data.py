"""What encoders are compared on: packed clips with known distortions, scored pictures and videos, labelled encodes.

Spatial features are all that is read or, where they are not kept yet, computed; everything else follows from them.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.common import cached_array
from conviqt_cli.errors import InputError
from conviqt_cli.files import sha256
from conviqt_cli.model.backends import open_encoder
from conviqt_cli.model.bundle import Bundle
from conviqt_cli.model.encoder import Encoder
from conviqt_cli.model.torch_backend import choose_device, choose_precision
from conviqt_cli.plans.time_plan import CLIP_LENGTH
from conviqt_cli.quality.diagnosis import PRISTINE
from conviqt_cli.training.distortions.spatial_bank import SPATIAL
from conviqt_cli.training.distortions.video_bank import VIDEO
from conviqt_cli.training.heads.labelled_vectors import HUMAN_SETS, HumanSet, Item, clip_vectors, human_items
from conviqt_cli.training.packing.shards import type_and_level
from conviqt_cli.training.stages.clip_features import read_features
from conviqt_cli.video.decode import FrameStream
from conviqt_cli.video.probe import probe

#: The set whose videos are read here, at :data:`LINES` lines: more than one clip of each, at a bearable price.
VIDEO_SET = "inrs_av"
LINES = 360

#: All other sets of opinion scores, prepared as the regressor stage prepares them.
STILL_SETS = tuple(each for each in HUMAN_SETS if each.name != VIDEO_SET)

#: Groups that distortion types are reported by, and families that a single frame hardly shows.
GROUPS = ("spatial", "compression", "in time")
_IN_TIME = ("timing", "flicker", "ghosting", "interlacing", "noise")
_CODED = ("compression", "transmission")

Say = Callable[[str], None]


def group_of(kind: str) -> str:
    """The group of a distortion type, one of :data:`GROUPS`; other names (``pristine``) are their own group."""
    for bank in (SPATIAL, VIDEO):
        for each in bank:
            if each.name == kind:
                if each.family in _CODED or (bank is VIDEO and each.family == "scaling"):
                    return "compression"
                return "in time" if bank is VIDEO and each.family in _IN_TIME else "spatial"
    return kind


@dataclass(frozen=True)
class ClipLabels:
    """What packed clips (n) show.

    ``kinds`` are distortion types, ``pristine``, ``a+b`` for mixed clips and empty for authentic ones; ``levels`` 0 to
    5, -1 for authentic ones; ``contents`` numbers of their scenes.
    """

    kinds: NDArray[np.str_]
    levels: NDArray[np.intp]
    contents: NDArray[np.int64]

    @property
    def single(self) -> NDArray[np.bool_]:
        """Which clips are pristine or have exactly one distortion."""
        return np.array([bool(kind) and "+" not in kind for kind in self.kinds])

    def take(self, rows: NDArray[np.bool_]) -> ClipLabels:
        """Some of the clips."""
        return ClipLabels(self.kinds[rows], self.levels[rows], self.contents[rows])


@dataclass(frozen=True)
class Features:
    """Spatial features (n, clips, frames, 4096) float16 of n items, and a digest that identifies them."""

    values: NDArray[np.float16]
    digest: str

    @classmethod
    def of(cls, values: NDArray[np.float16]) -> Features:
        """With their digest."""
        values = np.ascontiguousarray(values)
        return cls(values, hashlib.sha256(repr(values.shape).encode() + values.tobytes()).hexdigest())


def packed_clips(folder: Path) -> tuple[Features, ClipLabels]:
    """Features and labels that ``conviqt train features`` wrote to ``folder``."""
    clips = read_features(folder)
    kinds, levels = [], []
    for row in clips.classes.numpy():
        shown = [type_and_level(clips.names[index]) for index in np.flatnonzero(row)]
        kinds.append("+".join(kind for kind, _ in shown))
        levels.append(shown[0][1] if shown else -1)
    labels = ClipLabels(np.array(kinds), np.array(levels), clips.contents.numpy())
    return Features.of(clips.features.numpy()[:, None]), labels


def check_packed(train: ClipLabels, test: ClipLabels) -> None:
    """Raise :class:`InputError` when a content is on both sides, or when pristine clips are missing."""
    if set(train.contents.tolist()) & set(test.contents.tolist()):
        raise InputError("the held-out clips show contents that the others show too; pack them with --held-out")
    for labels in (train, test):
        if PRISTINE not in labels.kinds:
            raise InputError("there are no pristine clips among the packed ones; pack more shards")


class SpatialReader:
    """Spatial features of labelled items under one bundle, read from ``kept`` or computed and kept there.

    The folder may be one that the regressor stage worked in: its features are found. ``precision`` must then be the
    one that they were computed in.
    """

    def __init__(self, bundle: Bundle, kept: Path, device: str = "auto", precision: str = "auto") -> None:
        self._bundle, self._kept = bundle, kept
        self._recorder = _Recorder(bundle, device, precision)

    def items(self, items: Sequence[Item], say: Say) -> Features:
        """Of pictures and short videos; a picture is one frame, repeated."""
        rows = []
        for done, item in enumerate(items):
            if done % 50 == 0:
                say(f"{self._bundle.id}: features of {item.set}, {done} of {len(items)}")
            flat = clip_vectors([item], self._bundle, self._recorder, self._kept)[0]
            rows.append(flat.reshape(len(flat), CLIP_LENGTH, -1).astype(np.float16))
        return Features.of(np.stack(rows))

    def videos(self, items: Sequence[Item], pairs: int, say: Say) -> Features:
        """Of ``pairs`` pairs of consecutive clips of each video, spread evenly, at :data:`LINES` lines."""
        spatial = self._bundle.manifest["files"]["spatial"]["sha256"]
        folder = self._kept / "video_features" / f"{spatial[:16]}_{self._recorder.precision}"
        folder.mkdir(parents=True, exist_ok=True)
        rows = []
        for done, item in enumerate(items):
            path = folder / f"{sha256(item.path)[:32]}_{LINES}_{pairs}.npy"
            if not path.exists():
                say(f"{self._bundle.id}: features of {item.set}, {done} of {len(items)}")
            rows.append(cached_array(path, partial(_of_video, item.path, pairs, self._recorder)))
        return Features.of(np.stack(rows))


def scored_items(mos: Path) -> dict[str, list[Item]]:
    """Items of each set of opinion scores below ``mos``, by the set's name; sets that are not there are left out."""
    found = human_items(mos, (*STILL_SETS, HumanSet(VIDEO_SET)))
    return {name: [item for item in found if item.set == name] for name in dict.fromkeys(item.set for item in found)}


class _Recorder:
    """An encoder whose clip vectors are the spatial features themselves; weights are loaded when first needed."""

    def __init__(self, bundle: Bundle, device: str, precision: str) -> None:
        self._bundle, self.backend = bundle, "torch"
        self.device = str(choose_device(device))
        self.precision = choose_precision(precision, choose_device(device))
        self.encoder_id = bundle.encoder_id
        self._real: Encoder | None = None

    def spatial(self, frames: NDArray[np.uint8]) -> NDArray[np.float32]:
        return self._encoder().spatial(frames)

    def pooled(self, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        return self._encoder().pooled(pictures)

    def temporal(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        return features.reshape(-1)

    def batch_frames(self, height: int, width: int) -> int:
        return self._encoder().batch_frames(height, width)

    def _encoder(self) -> Encoder:
        if self._real is None:
            threads = int(os.environ.get("OMP_NUM_THREADS", "0")) or None
            self._real = open_encoder(self._bundle, self.device, self.precision, threads)
        return self._real


def _of_video(path: Path, pairs: int, encoder: _Recorder) -> NDArray[np.float16]:
    """Features (2 * pairs, frames, 4096) of a video; one that ends early repeats its last frame."""
    info = probe(str(path))
    clips = []
    for number in range(pairs):
        with FrameStream(info, start=(info.duration or 0.0) * (number + 0.5) / pairs) as stream:
            frames = [_lower(frame.pixels) for frame in islice(stream, 2 * CLIP_LENGTH)]
        if not frames:
            raise InputError(f"{path}: no frames in its second half")
        step = encoder.batch_frames(*frames[0].shape[:2])
        parts = [encoder.spatial(np.stack(frames[at : at + step])) for at in range(0, len(frames), step)]
        rows = np.concatenate(parts).astype(np.float16)
        rows = np.concatenate([rows, np.repeat(rows[-1:], 2 * CLIP_LENGTH - len(rows), axis=0)])
        clips.append(rows.reshape(2, CLIP_LENGTH, -1))
    return np.concatenate(clips)


def _lower(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = pixels.shape[:2]
    if height <= LINES:
        return pixels
    return np.asarray(cv2.resize(pixels, (round(width * LINES / height), LINES), interpolation=cv2.INTER_AREA))
