"""Fit a regressor on a file of opinion scores: what ``conviqt fit-regressor`` does, as a function."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from conviqt_cli.errors import UsageError
from conviqt_cli.fitting.extraction import ExtractionSettings
from conviqt_cli.fitting.fit import FEWEST_LABELS, FitReport, FitSettings
from conviqt_cli.fitting.fit import fit as fit_set
from conviqt_cli.fitting.labelled_set import VectorSource, load_labelled_set
from conviqt_cli.fitting.listener import Listener
from conviqt_cli.fitting.registry import by_name
from conviqt_cli.labels.reading import read_labels
from conviqt_cli.labels.settings import LabelSettings
from conviqt_cli.parallel import StepProgress

PathLike = str | os.PathLike[str]
#: One path, or several.
Paths = PathLike | Sequence[PathLike]


def fit(
    labels: PathLike,
    videos: PathLike | None = None,
    features: Paths | None = None,
    estimator: str = "ridge",
    reading: LabelSettings | None = None,
    extraction: ExtractionSettings | None = None,
    settings: FitSettings | None = None,
    progress: StepProgress | None = None,
    listener: Listener | None = None,
) -> FitReport:
    """Fit a regressor on opinion scores, and test how well such a fit does on contents it has not seen.

    Args:
        labels: a table of names and scores, almost any.
        videos: the folder of the videos; or instead
        features: files of their vectors: ``.npz`` of ``conviqt features``, or another program's as CSV or ``.mat``.
        estimator: ``ridge`` or ``svr``.
        reading: how the table is read, where it is not to be guessed.
        extraction: how vectors of videos are made and where they are kept.
        settings: splits, seed, level of the intervals, processes.
        progress: called with the name of a step, how much of it is done, and of how much.
        listener: told how labels were read and what is not used.

    The report's ``regressor.save(path)`` writes the file that ``load(regressor=path)`` reads; ``to_frame()`` gives the
    held-out predictions. Raises :class:`LabelError` for labels that cannot be used, :class:`InputError` for vectors or
    videos that cannot be read, :class:`UsageError` for settings out of range.
    """
    listener = listener or Listener()
    kind, source = by_name(estimator), vector_source(videos, features, extraction)
    found = read_labels(Path(labels), reading)
    listener.read(found)
    # What the labels alone rule out is said now, not after hours of extraction.
    found.check(FEWEST_LABELS)
    labelled = load_labelled_set(found, source, progress)
    listener.left_out(labelled.left_out)
    report = fit_set(
        kind, labelled.data, found.scale, labelled.encoder_id or "", labelled.origin(), settings, progress,
        labelled.picture, found.assumed,
    )  # fmt: skip
    return replace(report, left_out=labelled.all_left_out)


def vector_source(
    videos: PathLike | None, features: Paths | None, extraction: ExtractionSettings | None
) -> VectorSource:
    """Where vectors come from; raises :class:`UsageError` unless exactly one of the two is given."""
    if (videos is None) == (features is None):
        raise UsageError("give the folder of the videos, or files of their features")
    files = () if features is None else tuple(map(Path, paths(features)))
    return VectorSource(files, None if videos is None else Path(videos), extraction or ExtractionSettings())


def paths(given: Paths) -> list[PathLike]:
    """Several paths, or one, as a list."""
    return [given] if isinstance(given, str | os.PathLike) else list(given)
