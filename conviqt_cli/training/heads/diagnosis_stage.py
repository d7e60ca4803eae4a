"""The diagnosis head's own labels: clips of the bank, whose distortions are known because we made them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from conviqt_cli.errors import InputError
from conviqt_cli.fitting.diagnosis_head import FOLDS, fit_head, recalibrated
from conviqt_cli.model.backends import open_encoder
from conviqt_cli.model.bundle import open_bundle, role_of
from conviqt_cli.model.encoder import Encoder
from conviqt_cli.plans.picture_plan import WHOLE, PicturePlan
from conviqt_cli.training.distortions.spatial_bank import SPATIAL
from conviqt_cli.training.distortions.video_bank import VIDEO
from conviqt_cli.training.heads.assembly import seal
from conviqt_cli.training.packing.packer import IN_TIME_ONLY
from conviqt_cli.training.packing.shards import type_and_level
from conviqt_cli.training.stages.clip_features import ClipFeatures, read_features, whole_clip


def family_of(kind: str) -> str:
    """The family that the bank gives a distortion type; other names (``pristine``) are their own family."""
    return next((each.family for each in (*SPATIAL, *VIDEO) if each.name == kind), kind)


@dataclass(frozen=True)
class KnownClips:
    """Clips with one known distortion or none: ``vectors`` (n, 2048), type and family names (n), levels 0 to 5 (n,).

    Clips of mixed types and authentic clips are not among them, nor, for squares, faults that only time shows.
    ``contents`` (n,) are numbers of scenes.
    """

    vectors: NDArray[np.float32]
    types: list[str]
    families: list[str]
    levels: NDArray[np.float64]
    contents: NDArray[np.int64]


def known_clips(clips: ClipFeatures, encoder: Encoder, picture: PicturePlan = WHOLE) -> KnownClips:
    """The clips whose label is a single type or ``pristine``, as vectors of ``encoder``; a square stands still."""
    rows, types, levels = [], [], []
    for row, hot in enumerate(clips.classes.numpy()):
        if hot.sum() != 1:
            continue
        name, level = type_and_level(clips.names[int(hot.argmax())])
        # The few frames that squares are taken from do not show these; as classes they would only take probability
        # from others.
        if not picture.whole and family_of(name) in IN_TIME_ONLY:
            continue
        rows.append(row)
        types.append(name)
        levels.append(float(level))
    features = clips.features[rows].float().numpy()
    return KnownClips(
        np.stack([encoder.temporal(whole_clip(each) if picture.whole else each) for each in features]),
        types,
        [family_of(name) for name in types],
        np.array(levels),
        clips.contents.numpy()[rows],
    )


def _together(folders: Sequence[Path], encoder: Encoder, picture: PicturePlan) -> KnownClips:
    parts = []
    for folder in folders:
        clips = read_features(folder)
        if clips.picture != picture.id:
            raise InputError(
                f"{folder}: features of the picture plan {clips.picture}, but the head is for {picture.id}; compute "
                f"them with `conviqt train features --picture {picture.name}`"
            )
        parts.append(known_clips(clips, encoder, picture))
    return KnownClips(
        np.concatenate([part.vectors for part in parts]),
        [name for part in parts for name in part.types],
        [name for part in parts for name in part.families],
        np.concatenate([part.levels for part in parts]),
        np.concatenate([part.contents for part in parts]),
    )


def fit_diagnosis_stage(
    bundle: Path,
    features: Sequence[Path],
    progress: Callable[[str], None] = lambda step: None,
    *,
    held_out: Sequence[Path] = (),
    picture: PicturePlan = WHOLE,
) -> dict[str, Any]:
    """Fit a diagnosis head on packed items' ``features`` and add it to ``bundle``; returns the figures of its card.

    Each folder holds features of clips or of squares; squares are cheap and bring many contents, clips bring what only
    time shows. Families with too few contents to measure the head on are left out, and named in the card. Of
    ``held_out``, features of contents that the encoder has not seen, half calibrate the head's probabilities and half
    measure it. ``picture`` is the plan that the head is for. Raises :class:`InputError` for a folder that holds no
    features of this kind, or too few to fit on.
    """
    opened = open_bundle(bundle)
    encoder = open_encoder(opened, "cpu", "fp32")
    progress("clip vectors")
    known = _together(features, encoder, picture)
    families = np.array(known.families)
    rare = [name for name in np.unique(families).tolist() if len(np.unique(known.contents[families == name])) < FOLDS]
    kept = ~np.isin(families, rare)
    progress("fitting")
    try:
        head = fit_head(
            known.vectors[kept],
            families[kept].tolist(),
            known.levels[kept],
            known.contents[kept].astype(str),
            encoder_id=opened.encoder_id,
        )
        if held_out:
            unseen = _together(held_out, encoder, picture)
            head = recalibrated(head, unseen.vectors, unseen.families, unseen.levels, unseen.contents.astype(str))
    except ValueError as error:
        where = ", ".join(map(str, [*features, *held_out]))
        raise InputError(f"{where}: no diagnosis head can be fitted on these features ({error})") from None
    head.card["families_left_out"] = rare
    role = role_of("diagnosis", picture.name)
    head.for_encoder(opened.encoder_id, picture.id).save(bundle / f"{role}.safetensors")
    seal(
        bundle,
        {role: f"{role}.safetensors"},
        {role: "linear probe on our own distortions of known type and level; see MODEL_CARD.md"},
    )
    return head.card
