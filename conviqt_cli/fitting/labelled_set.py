"""A labelled set: opinion scores paired with the clip vectors of their videos, and what was left out.

Vectors come from feature files or from the videos themselves (:class:`VectorSource`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from conviqt_cli.errors import InputError, LabelError
from conviqt_cli.files import cache_folder, short_id
from conviqt_cli.fitting.extraction import ExtractionProgress, ExtractionSettings, extract, media_files
from conviqt_cli.labels.dataset import Dataset
from conviqt_cli.labels.feature_tables import SUFFIXES, named_rows, read_feature_table
from conviqt_cli.labels.matching import Matching, match
from conviqt_cli.labels.opinions import Labels
from conviqt_cli.parallel import StepProgress
from conviqt_cli.plans.picture_plan import PICTURE_PLANS, WHOLE, PicturePlan
from conviqt_cli.scoring.feature_set import FeatureSet


@dataclass(frozen=True)
class VectorSource:
    """Where the vectors of labelled videos come from: feature files, or else a folder of videos.

    Args:
        features: files that ``conviqt features`` wrote, or tables and MATLAB files of another program's features.
        folder: the videos, also in subfolders; used when there are no ``features``.
        extraction: how vectors of the videos in ``folder`` are made.
    """

    features: tuple[Path, ...] = ()
    folder: Path | None = None
    extraction: ExtractionSettings = field(default_factory=ExtractionSettings)

    def seen_as(self, picture: str) -> VectorSource:
        """This source, its videos looked at by the picture plan of that id, where it is one of this version's."""
        plan = next((plan for plan in PICTURE_PLANS.values() if plan.id == picture), None)
        scoring = replace(self.extraction.scoring, picture=plan)
        return replace(self, extraction=replace(self.extraction, scoring=scoring))


@dataclass(frozen=True)
class LabelledSet:
    """Videos with vectors and labels.

    Args:
        labels: everything that was read from the label file.
        data: the videos that have both a label and vectors.
        encoder_id: what made the vectors; ``None`` for a set without vectors.
        vector_settings: with which settings.
        left_out: what is not in ``data`` and has not been left out in reading the labels, by reason.
    """

    labels: Labels
    data: Dataset
    encoder_id: str | None
    vector_settings: dict[str, Any] = field(default_factory=dict)
    left_out: dict[str, list[str]] = field(default_factory=dict)

    @property
    def all_left_out(self) -> dict[str, list[str]]:
        """What is not used, by reason, whether the labels or the vectors ruled it out."""
        return {**self.labels.left_out, **self.left_out}

    @property
    def picture(self) -> PicturePlan:
        """What the vectors show of each picture."""
        return PicturePlan.from_dict(self.vector_settings.get("picture", WHOLE.to_dict()))

    def origin(self) -> dict[str, Any]:
        """Where labels and vectors came from, JSON-ready, for the card of a regressor."""
        return {
            "labels_from": Path(self.labels.source).name,
            "read": self.labels.facts,
            "vector_settings": self.vector_settings,
            "left_out": {reason: len(items) for reason, items in self.all_left_out.items()},
        }


def load_labelled_set(labels: Labels, source: VectorSource, progress: StepProgress | None = None) -> LabelledSet:
    """Read or extract the vectors of the labelled videos, and pair them with their labels.

    Raises :class:`InputError` when no video can be read, :class:`LabelError` when no label fits a video.
    """
    if source.features:
        return pair(labels, *_read(source.features, labels))
    folder = source.folder or Path()
    files = media_files(folder)
    matching = match(labels.names, files)
    wanted = sorted(matching.found.values())
    if not wanted:
        raise _nothing_fits(labels, files)
    from conviqt_cli.scoring.scorer import load_scorer  # and PyTorch with it, which feature files do without

    scorer = load_scorer(source.extraction.scoring)
    sets, failed = extract(
        scorer,
        scorer.settings.features_dict(),
        folder,
        wanted,
        source.extraction.cache or cache_folder(),
        None if progress is None else _by_video(progress),
    )
    if not sets:
        name, why = next(iter(failed.items()))
        raise InputError(f"none of {len(failed)} videos could be read; the first, {name}: {why}")
    unread = {"videos that could not be read": [f"{name}: {why}" for name, why in failed.items()]} if failed else {}
    # Only what has a label was extracted, so the pairing below does not know of the others.
    unlabelled = {"videos without a label": matching.unlabelled} if matching.unlabelled else {}
    return pair(labels, FeatureSet.join(sets), {**unread, **unlabelled})


def preview(labels: Labels, source: VectorSource) -> tuple[int, dict[str, list[str]]]:
    """How many labels find their video, and what would be left out, without reading any video."""
    features = _read(source.features, labels)[0] if source.features else None
    names = features.videos if features else media_files(source.folder or Path())
    matching = match(labels.names, names)
    return len(matching.found), _unpaired(matching)


def _read(files: tuple[Path, ...], labels: Labels) -> tuple[FeatureSet, dict[str, list[str]]]:
    """Feature files joined, and what is to be said of them beside what is left out.

    Raises :class:`InputError` when they do not belong together or repeat a video, :class:`LabelError` for a table that
    cannot be read.
    """
    said: dict[str, list[str]] = {}
    sets = [_read_table(file, labels, said) if is_feature_table(file) else FeatureSet.load(file) for file in files]
    seen: set[str] = set()
    for file, each in zip(files, sets, strict=True):
        repeated = seen.intersection(each.videos)
        if repeated:
            raise InputError(f"{file}: {sorted(repeated)[0]} is also in another feature file")
        seen.update(each.videos)
    return FeatureSet.join(sets), said


def is_feature_table(file: Path) -> bool:
    """Whether a file is a table of another program's features, by its name."""
    return file.suffix.lower() in SUFFIXES


def _read_table(file: Path, labels: Labels, said: dict[str, list[str]]) -> FeatureSet:
    """A table as one vector a video; what is not finite is 0, as published evaluations of such features have it."""
    table = read_feature_table(file)
    names = named_rows(table, labels.names, file)
    if len(set(names)) < len(names):
        raise LabelError(f"{file}: two rows have the same name")
    finite = np.isfinite(table.values)
    if not finite.all():
        said["features that are not finite (0 is used)"] = [
            f"{file.name}: {int((~finite).sum())} of {finite.size} values, in {int((~finite).any(axis=1).sum())} videos"
        ]
    width = table.values.shape[1]
    # Features that are called the same are taken to be the same, whichever set they are of.
    kind = f"-{short_id(json.dumps(table.headings))}" if table.headings else ""
    count = len(names)
    return FeatureSet(
        np.where(finite, table.values, 0.0).astype(np.float32),
        np.zeros(count),
        np.zeros(count),
        np.array(names),
        f"external-{width}{kind}",
    )


def pair(labels: Labels, features: FeatureSet, left_out: dict[str, list[str]] | None = None) -> LabelledSet:
    """Pair labels with vectors; ``left_out`` is what has been left out before.

    Raises :class:`LabelError` when nothing pairs up.
    """
    matching = match(labels.names, features.videos)
    if not matching.found:
        raise _nothing_fits(labels, features.videos)
    names = [name for name in labels.names if name in matching.found]
    used = labels.take(names)
    index_of = {matching.found[name]: i for i, name in enumerate(names)}
    owner = np.array([index_of.get(video, -1) for video in features.names.tolist()], dtype=np.intp)
    order = np.argsort(owner, kind="stable")[int((owner < 0).sum()) :]
    data = Dataset(
        names=np.array(names),
        mos=used.mos,
        std=used.std,
        ratings=used.ratings,
        groups=np.array(used.groups),
        clips=features.clip_features[order].astype(np.float64),
        owner=owner[order],
    )
    return LabelledSet(
        labels, data, features.encoder_id, features.settings, {**_unpaired(matching), **(left_out or {})}
    )


def _unpaired(matching: Matching) -> dict[str, list[str]]:
    reasons = {
        "labels without a video": matching.no_file,
        "labels that several videos fit": [
            f"{label} ({', '.join(several[:3])}{', ...' if len(several) > 3 else ''})"
            for label, several in matching.ambiguous.items()
        ],
        "videos that several labels fit": [
            f"{video} ({', '.join(several)})" for video, several in matching.shared.items()
        ],
        "videos without a label": matching.unlabelled,
    }
    return {reason: items for reason, items in reasons.items() if items}


def _nothing_fits(labels: Labels, videos: list[str]) -> LabelError:
    return LabelError(
        f"{labels.source}: none of {len(labels.names)} labels fits any of {len(videos)} videos "
        f"(label {labels.names[0]!r}, video {videos[0]!r}); check which column holds the names of the videos",
        "video_col",
    )


def _by_video(progress: StepProgress) -> ExtractionProgress:
    """Each video as a step of its own, so that a log names them."""

    def report(done: int, total: int, name: str, kept: bool) -> None:
        progress(f"{'cached' if kept else 'extracting'} {name}"[-60:], done, total)

    return report
