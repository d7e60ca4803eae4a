"""The regressor stage: a ridge on the frozen encoder's clip vectors (CONVIQT, section III-D), for a bundle.

Labels are opinion scores, brought to one scale, and full-reference metrics' of our own encodes, named as such. Held-out
contents are labelled to measure with; nothing here is fitted on them, chosen by them, or calibrated on them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from conviqt_cli.arrays import Floats
from conviqt_cli.errors import LabelError
from conviqt_cli.files import write_text_whole
from conviqt_cli.model.backends import open_encoder
from conviqt_cli.model.bundle import open_bundle, role_of
from conviqt_cli.model.encoder import Encoder
from conviqt_cli.plans.picture_plan import WHOLE, PicturePlan
from conviqt_cli.quality.novelty import Novelty
from conviqt_cli.quality.regressor import LinearRegressor
from conviqt_cli.quality.scale import ACR
from conviqt_cli.training.heads.assembly import seal
from conviqt_cli.training.heads.figures import RegressorFigures
from conviqt_cli.training.heads.labelled import FOLDS, Labelled
from conviqt_cli.training.heads.labelled_vectors import (
    HUMAN_SETS,
    HumanSet,
    Item,
    ItemProgress,
    clip_vectors,
    encoded_items,
    human_items,
)
from conviqt_cli.training.heads.measuring import Errors, FittedRidge, measure
from conviqt_cli.training.heads.ridge_search import search
from conviqt_cli.training.heads.set_alignment import align_sets


def fit_regressor_stage(
    bundle: Path,
    mos: Path,
    encodes: Path,
    work: Path,
    progress: ItemProgress | None = None,
    *,
    encoder: Encoder | None = None,
    picture: PicturePlan = WHOLE,
    human_sets: Sequence[HumanSet] = HUMAN_SETS,
) -> RegressorFigures:
    """Fit a regressor for the encoder in ``bundle`` and add it there; returns the figures that the card quotes.

    Args:
        bundle: folder of the bundle.
        mos: folder of the sets of opinion scores, ``<set>/labels.csv``.
        encodes: folder that :func:`~conviqt_cli.training.heads.labelled_encodes.label_encodes` filled.
        work: folder that keeps spatial features and the figures (:func:`figures_name`).
        progress: called before each item.
        encoder: the bundle's, to compute clip vectors with; ``None`` for :func:`open_encoder`'s choice.
        picture: the picture plan to fit for; the first plan that a bundle gets a regressor for is its default.
        human_sets: the sets of opinion scores to look for.

    Raises :class:`LabelError` when there are too few labels, and what reading labels, pictures and bundles raises.
    """
    opened = open_bundle(bundle)
    items = [*human_items(mos, human_sets), *encoded_items(encodes)]
    anchors = [each.name for each in human_sets if each.anchor]
    if not any(item.set in anchors for item in items):
        raise LabelError(f"{mos}: none of the sets that define the scale is there ({', '.join(anchors)})")
    encoder = encoder or open_encoder(opened, picture=picture.name)
    clips = clip_vectors(items, opened, encoder, work, progress, picture)
    head, figures = fit_items(items, clips, anchors)
    role = role_of("regressor", picture.name)
    head.for_encoder(opened.encoder_id, picture.id).save(bundle / f"{role}.safetensors")
    seal(
        bundle,
        {role: f"{role}.safetensors"},
        {role: "ridge on human opinion scores and on FDIM of our own encodes; see MODEL_CARD.md"},
        picture,
    )
    write_text_whole(work / figures_name(picture), json.dumps(figures.to_dict(), indent=2) + "\n")
    return figures


def figures_name(picture: PicturePlan) -> str:
    """The file in the work folder that holds a plan's figures."""
    return f"{role_of('regressor', picture.name)}_figures.json"


def fit_items(
    items: Sequence[Item], clips: Sequence[Floats], anchors: Sequence[str]
) -> tuple[LinearRegressor, RegressorFigures]:
    """The regressor, not yet tied to an encoder, and its figures; ``clips`` are the items' clip vectors (clips, d).

    Raises :class:`LabelError` when the labels are of too few contents.
    """
    everything = Labelled.of(items, clips)
    held_out = np.array([item.held_out for item in items])
    if everything.contents_of(~held_out) < 2 * FOLDS:
        raise LabelError(f"too few labels: a regressor needs at least {2 * FOLDS} contents")
    aligned = align_sets(everything, ~held_out, anchors)
    data, labels = everything.take(aligned.fitted), aligned.labels[aligned.fitted]
    fit = FittedRidge.of(data, labels, search(data, labels))
    errors = Errors.of(fit, [clips[i] for i in np.flatnonzero(aligned.fitted).tolist()])
    figures = measure(fit, aligned, everything.take(held_out), anchors, errors)
    head = LinearRegressor(
        coef=fit.coef,
        intercept=fit.intercept,
        scale=ACR,
        encoder_id="",
        card={"labels": "human opinion scores; FDIM of our own encodes", **figures.to_dict()},
        intervals=errors.intervals,
        novelty=Novelty.fit(data.vectors, data.contents),
    )
    return head, figures
