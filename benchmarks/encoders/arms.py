"""The encoders that are compared, each a function from kept spatial features to one vector an item."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file

from benchmarks.common import cached_array
from benchmarks.encoders.data import Features
from conviqt_cli.files import sha256
from conviqt_cli.model.networks import FEATURES, HIDDEN, TemporalNetwork
from conviqt_cli.plans.time_plan import CLIP_LENGTH

IMAGENET, TRAINED = "imagenet", "trained"

#: GRUs by what they were trained on.
UNTRAINED, BUNDLED, ON_IMAGENET, NO_AUTHENTIC = "untrained", "bundled", "on ImageNet features", "no authentic clips"

BASELINE, BUNDLE = "a", "d"


@dataclass(frozen=True)
class Arm:
    """One encoder: whose spatial features (``source``), which GRU (``None``: the mean over frames), which scales.

    ``frames`` is the length of the sequences that the GRU reads: 8 are the first half of each clip, 32 two clips.
    ``spread`` adds the standard deviation over the frames to their mean.
    """

    key: str
    title: str
    source: str
    gru: str | None = None
    scales: str = "both"
    frames: int = CLIP_LENGTH
    spread: bool = False


ARMS = (
    Arm(BASELINE, "ImageNet, mean over frames (doing nothing)", IMAGENET),
    Arm("a+", "ImageNet, mean and spread over frames", IMAGENET, spread=True),
    Arm("b", "ImageNet, untrained GRU", IMAGENET, UNTRAINED),
    Arm("g", "ImageNet, GRU trained on its features", IMAGENET, ON_IMAGENET),
    Arm("c", "trained spatial, mean over frames", TRAINED),
    Arm("c+", "trained spatial, mean and spread over frames", TRAINED, spread=True),
    Arm("u", "trained spatial, untrained GRU", TRAINED, UNTRAINED),
    Arm(BUNDLE, "trained spatial, trained GRU (the bundle)", TRAINED, BUNDLED),
    Arm("d full", "the bundle, full scale only", TRAINED, BUNDLED, "full"),
    Arm("d half", "the bundle, half scale only", TRAINED, BUNDLED, "half"),
    Arm("d 8", "the bundle on 8 frames", TRAINED, BUNDLED, frames=8),
    Arm("d 32", "the bundle on 32 frames", TRAINED, BUNDLED, frames=32),
    Arm("f", "GRU trained without authentic clips", TRAINED, NO_AUTHENTIC),
)


class Vectors:
    """Vectors of arms, kept in ``folder`` by the features and weights that they come from."""

    def __init__(self, folder: Path, grus: Mapping[str, Path]) -> None:
        self._folder = folder
        self._grus = dict(grus)
        folder.mkdir(parents=True, exist_ok=True)

    def of(self, arm: Arm, features: Features) -> NDArray[np.float32] | None:
        """Vectors (n, d), the mean over an item's clips; ``None`` where items are too short for the arm."""
        if arm.frames > CLIP_LENGTH and features.values.shape[1] < 2:
            return None
        weights = sha256(self._grus[arm.gru]) if arm.gru else f"mean {arm.spread}"
        key = hashlib.sha256(f"{features.digest} {weights} {arm.frames}".encode()).hexdigest()[:32]
        vectors = cached_array(
            self._folder / f"{key}.npy",
            lambda: self._through_gru(arm, features.values) if arm.gru else pooled(features.values, arm.spread),
        )
        width = vectors.shape[1] // 2
        return {"both": vectors, "full": vectors[:, :width], "half": vectors[:, width:]}[arm.scales]

    def _through_gru(self, arm: Arm, values: NDArray[np.float16]) -> NDArray[np.float32]:
        network = TemporalNetwork().eval()
        stored = load_file(self._grus[str(arm.gru)])
        network.gru.load_state_dict({name: value.float() for name, value in stored.items()})
        sequences = in_sequences(values, arm.frames)
        vectors = np.empty((*sequences.shape[:2], 2 * HIDDEN), np.float32)
        with torch.inference_mode():
            for number in range(sequences.shape[1]):
                for start in range(0, len(sequences), 64):
                    part = torch.from_numpy(sequences[start : start + 64, number].astype(np.float32))
                    both = part.view(*part.shape[:2], 2, FEATURES).transpose(1, 2).flatten(0, 1)
                    vectors[start : start + 64, number] = network(both).view(len(part), -1).numpy()
        return np.asarray(vectors.mean(axis=1))


def in_sequences(values: NDArray[np.float16], frames: int) -> NDArray[np.float16]:
    """Features (n, clips, 16, 4096) as sequences (n, m, ``frames``, 4096): cut off, or consecutive clips joined."""
    if frames <= CLIP_LENGTH:
        return values[:, :, :frames]
    joined = frames // CLIP_LENGTH
    count, clips = values.shape[0], values.shape[1] // joined
    return values[:, : clips * joined].reshape(count, clips, frames, values.shape[3])


def pooled(values: NDArray[np.float16], spread: bool) -> NDArray[np.float32]:
    """Mean over frames of features (n, clips, frames, d), and with ``spread`` their deviation too, mean over clips."""
    rows = []
    for item in values:
        single = item.astype(np.float32)
        mean = single.mean(axis=1).mean(axis=0)
        rows.append(np.concatenate([mean, single.std(axis=1).mean(axis=0)]) if spread else mean)
    return np.stack(rows)
