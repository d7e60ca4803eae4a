"""The diagnosis head's own labels: clips of the bank, whose distortions are known because we made them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from conviqt_cli.errors import InputError
from conviqt_cli.model.bundle import open_bundle
from conviqt_cli.model.encoder import Encoder, TorchEncoder
from conviqt_cli.quality.diagnosis import DiagnosisHead
from conviqt_cli.training.assemble import seal
from conviqt_cli.training.clip_features import ClipFeatures, read_features
from conviqt_cli.training.distortions.spatial import SPATIAL
from conviqt_cli.training.distortions.video import VIDEO
from conviqt_cli.training.shards import type_and_level


def family_of(kind: str) -> str:
    """The family that the bank gives a distortion type; other names (``pristine``) are their own family."""
    return next((each.family for each in (*SPATIAL, *VIDEO) if each.name == kind), kind)


@dataclass(frozen=True)
class KnownClips:
    """Clips with one known distortion or none: ``vectors`` (n, 2048), type and family names (n), levels 0 to 5 (n,).

    Clips of mixed types and authentic clips are not among them. ``contents`` (n,) are numbers of scenes.
    """

    vectors: NDArray[np.float32]
    types: list[str]
    families: list[str]
    levels: NDArray[np.float64]
    contents: NDArray[np.int64]


def known_clips(clips: ClipFeatures, encoder: Encoder) -> KnownClips:
    """The clips whose label is a single type or ``pristine``, as vectors of ``encoder``."""
    rows, types, levels = [], [], []
    for row, hot in enumerate(clips.classes.numpy()):
        if hot.sum() != 1:
            continue
        name, level = type_and_level(clips.names[int(hot.argmax())])
        rows.append(row)
        types.append(name)
        levels.append(float(level))
    return KnownClips(
        np.stack([encoder.temporal(clips.features[row].float().numpy()) for row in rows]),
        types,
        [family_of(name) for name in types],
        np.array(levels),
        clips.contents.numpy()[rows],
    )


def fit_diagnosis_stage(
    bundle: Path, features: Path, progress: Callable[[str], None] = lambda step: None
) -> dict[str, Any]:
    """Fit a diagnosis head on packed clips' ``features`` and add it to ``bundle``; returns the figures of its card.

    Raises :class:`InputError` for a folder that holds no features of this kind, or too few to fit on.
    """
    opened = open_bundle(bundle)
    progress("clip vectors")
    clips = known_clips(read_features(features), TorchEncoder(opened, "cpu", "fp32"))
    progress("fitting")
    groups = [str(content) for content in clips.contents]
    try:
        head = DiagnosisHead.fit(clips.vectors, clips.families, clips.levels, groups, encoder_id=opened.encoder_id)
    except ValueError as error:
        raise InputError(f"{features}: no diagnosis head can be fitted on these clips ({error})") from None
    head.save(bundle / "diagnosis.safetensors")
    seal(
        bundle,
        {"diagnosis": "diagnosis.safetensors"},
        {"diagnosis": "linear probe on our own distortions of known type and level; see MODEL_CARD.md"},
    )
    return head.card
