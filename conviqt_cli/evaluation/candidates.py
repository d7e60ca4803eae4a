"""The models that are evaluated on a labelled set: regressors, bundles, or files of scores, and the one they face."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from conviqt_cli.errors import UsageError
from conviqt_cli.evaluation.agreement import FEWEST_LABELS
from conviqt_cli.evaluation.given_scores import align, as_predictions, is_score_file, read_scores
from conviqt_cli.evaluation.predictions import Predictions, predict_set
from conviqt_cli.fitting.labelled_set import LabelledSet, VectorSource, load_labelled_set
from conviqt_cli.labels.dataset import Dataset
from conviqt_cli.labels.opinions import Labels
from conviqt_cli.model.bundle import open_bundle
from conviqt_cli.parallel import StepProgress
from conviqt_cli.quality.regressor import Regressor, check_belongs, load_regressor
from conviqt_cli.quality.scale import Scale


@dataclass(frozen=True)
class Candidates:
    """A labelled set with the predictions of the models to evaluate on it.

    ``unshared`` counts videos of the set that were dropped because the rival has no prediction for them.
    """

    labelled: LabelledSet
    predictions: list[Predictions]
    rival: Predictions | None = None
    unshared: int = 0


def from_vectors(
    labels: Labels,
    source: VectorSource,
    regressors: tuple[Path, ...] | None = (),
    progress: StepProgress | None = None,
) -> Candidates:
    """A set with vectors, and what each of ``regressors`` predicts from them; without any, the bundle's regressor.

    ``None`` for regressors asks for no predictions, but for the vectors alone.

    Raises :class:`RegressorError` for a regressor of another encoder, :class:`LabelError` when too little can be used.
    """
    if regressors and source.extraction.scoring.picture is None:
        source = source.seen_as(load_regressor(regressors[0]).picture)
    labelled = load_labelled_set(labels, source, progress)
    labelled.data.check(FEWEST_LABELS)
    if regressors is None:
        return Candidates(labelled, [])
    if regressors:
        models = {str(file): _regressor(file, labelled) for file in regressors}
    else:
        bundle = open_bundle(source.extraction.scoring.weights)
        models = {bundle.id: bundle.regressor(labelled.picture.name)}
        check_belongs(
            models[bundle.id], labelled.encoder_id or "", f"the regressor of {bundle.id}", labelled.picture.id
        )
    return Candidates(
        labelled, [predict_set(name, model, labelled.data, labels.scale) for name, model in models.items()]
    )


def from_scores(labels: Labels, path: Path) -> Candidates:
    """A set without vectors: the labels that have a score in the file ``path``, and those scores."""
    scores = align(labels, read_scores(path), str(path))
    names = [name for name in labels.names if name in scores.values]
    used = labels.take(names)
    data = Dataset.of_vectors(
        np.zeros((len(names), 1)),
        used.mos,
        np.array(used.groups),
        names=np.array(names),
        std=used.std,
        ratings=used.ratings,
    )
    data.check(FEWEST_LABELS)
    missing = [name for name in labels.names if name not in scores.values]
    labelled = LabelledSet(labels, data, None, left_out={"labels without a score": missing} if missing else {})
    return Candidates(labelled, [as_predictions(str(path), scores, data, labels.scale)])


def with_rival(
    candidates: Candidates,
    against: str,
    source: VectorSource | None,
    progress: StepProgress | None = None,
    features: tuple[Path, ...] = (),
) -> Candidates:
    """Add the model ``against``, and keep the videos that all models have.

    ``against`` is a file of scores, a regressor file, or a bundle. A regressor predicts from ``features``, files of
    vectors that need not be of the set's kind, or without them from the set's own. A bundle makes vectors of its own,
    from the videos of ``source``. Raises :class:`UsageError` when there is nothing to make its predictions from.
    """
    labelled = candidates.labelled
    names, rival = _rival(against, labelled, source, progress, features)
    if not names:
        raise UsageError(f"{against}: it has no video in common with the model to compare it with", "against")
    position = {str(name): i for i, name in enumerate(labelled.data.names)}
    shared = np.array([position[name] for name in names], dtype=np.intp)
    return Candidates(
        replace(labelled, data=labelled.data.take(shared)),
        [each.take(shared) for each in candidates.predictions if each.model != rival.model],
        rival,
        len(labelled.data) - len(shared),
    )


def _rival(
    against: str,
    labelled: LabelledSet,
    source: VectorSource | None,
    progress: StepProgress | None,
    features: tuple[Path, ...],
) -> tuple[list[str], Predictions]:
    """The names of the set's videos that the rival has, and its predictions for them."""
    path, scale = Path(against), labelled.labels.scale
    names = [str(name) for name in labelled.data.names]
    if path.is_file() and is_score_file(path):
        scores = align(labelled.labels, read_scores(path), against)
        at = np.array([i for i, name in enumerate(names) if name in scores.values], dtype=np.intp)
        found = as_predictions(against, scores, labelled.data.take(at), scale) if len(at) else _nothing(against)
        return [names[i] for i in at], found
    if path.is_file():
        if features:
            return _from(load_labelled_set(labelled.labels, VectorSource(features), progress), path, names, scale)
        if labelled.encoder_id is None:
            raise UsageError(
                f"{against}: a regressor needs vectors; give videos or feature files, not scores", "against"
            )
        return names, predict_set(against, _regressor(path, labelled), labelled.data, scale)
    bundle = open_bundle(against)
    if source is None or source.folder is None:
        raise UsageError(f"{against}: another bundle makes its own vectors, so it needs the videos", "against")
    scoring = replace(source.extraction.scoring, weights=against)
    extraction = replace(source.extraction, scoring=scoring)
    other = load_labelled_set(labelled.labels, replace(source, features=(), extraction=extraction), progress)
    return _shared(names, other, predict_set(bundle.id, bundle.regressor(other.picture.name), other.data, scale))


def _from(other: LabelledSet, regressor: Path, names: list[str], scale: Scale) -> tuple[list[str], Predictions]:
    """The same of a rival with vectors of its own, those of ``other``."""
    return _shared(names, other, predict_set(str(regressor), _regressor(regressor, other), other.data, scale))


def _shared(names: list[str], other: LabelledSet, found: Predictions) -> tuple[list[str], Predictions]:
    position = {str(name): i for i, name in enumerate(other.data.names)}
    shared = [name for name in names if name in position]
    return shared, found.take(np.array([position[name] for name in shared], dtype=np.intp))


def _nothing(model: str) -> Predictions:
    return Predictions(model, np.zeros(0), None)


def _regressor(path: Path, labelled: LabelledSet) -> Regressor:
    regressor = load_regressor(path)
    check_belongs(regressor, labelled.encoder_id or "", str(path), labelled.picture.id)
    return regressor
