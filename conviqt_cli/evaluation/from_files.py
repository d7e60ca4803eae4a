"""Evaluate models on files of opinion scores: what ``conviqt evaluate`` does, as a function."""

from __future__ import annotations

from pathlib import Path

from conviqt_cli.errors import UsageError
from conviqt_cli.evaluation.agreement import FEWEST_LABELS, Bootstrap
from conviqt_cli.evaluation.candidates import Candidates, from_scores, from_vectors, with_rival
from conviqt_cli.evaluation.run import Evaluation, evaluate_sets, refit_sets, set_names
from conviqt_cli.fitting.extraction import ExtractionSettings
from conviqt_cli.fitting.from_files import PathLike, Paths, paths, vector_source
from conviqt_cli.fitting.listener import Listener
from conviqt_cli.fitting.registry import by_name
from conviqt_cli.labels.reading import read_labels
from conviqt_cli.labels.settings import LabelSettings
from conviqt_cli.parallel import StepProgress


def evaluate(
    labels: Paths,
    videos: Paths | None = None,
    features: Paths | None = None,
    scores: PathLike | None = None,
    regressor: Paths = (),
    against: str | None = None,
    against_features: Paths | None = None,
    refit: str | None = None,
    reading: LabelSettings | None = None,
    extraction: ExtractionSettings | None = None,
    bootstrap: Bootstrap | None = None,
    repeats: int = 100,
    progress: StepProgress | None = None,
    listener: Listener | None = None,
) -> Evaluation:
    """How well models agree with opinion scores, with confidence intervals.

    Args:
        labels: one table of names and scores per set.
        videos, features, scores: exactly one: the folder of the videos or the file of their vectors, one for all sets
            or one per set, in order; or a table of scores given elsewhere, such as ``conviqt score -o`` writes.
        regressor: regressor files to evaluate; without one, the bundle's.
        against: a regressor, bundle or file of scores from which results are tested to differ.
        against_features: files of vectors from which that regressor predicts, if other ones: one for all sets or one
            per set.
        refit: ``ridge`` or ``svr``: the literature's protocol, which fits anew on each set.
        reading: how tables are read, where it is not to be guessed.
        extraction: how vectors of videos are made and where they are kept.
        bootstrap: draws, seed and processes.
        repeats: splits of ``refit``.
        progress: called with the name of a step, how much of it is done, and of how much.
        listener: told how labels were read and what is not used.

    Raises :class:`LabelError`, :class:`InputError`, :class:`RegressorError` and :class:`UsageError` for what cannot be
    evaluated.
    """
    listener, bootstrap = listener or Listener(), bootstrap or Bootstrap()
    if refit is not None and (paths(regressor) or against or scores is not None):
        raise UsageError("refitting fits its own regressors; give none, no scores, and nothing to compare with")
    kind = None if refit is None else by_name(refit)
    regressors = None if kind else tuple(map(Path, paths(regressor)))
    read = [read_labels(Path(path), reading) for path in paths(labels)]
    for each in read:
        listener.read(each)
        # What the labels alone rule out is said now, not after hours of extraction.
        each.check(FEWEST_LABELS)
    folders, files = _by_set(videos, "videos", len(read)), _by_set(features, "features", len(read))
    rivals = _by_set(against_features, "against_features", len(read))
    sets: dict[str, Candidates] = {}
    for name, found, folder, file, rival in zip(set_names(read), read, folders, files, rivals, strict=True):
        source = None
        if scores is None:
            source = vector_source(folder, file, extraction)
            candidates = from_vectors(found, source, regressors, progress)
        elif folder is not None or file is not None or regressors:
            raise UsageError("scores are evaluated as they are: give no videos, features or regressors with them")
        else:
            candidates = from_scores(found, Path(scores))
        listener.left_out(candidates.labelled.left_out)
        if against is not None:
            candidates = with_rival(candidates, against, source, progress, () if rival is None else (Path(rival),))
            if candidates.unshared:
                shared = len(candidates.labelled.data)
                listener.unshared(against, shared, shared + candidates.unshared)
        sets[name] = candidates
    if kind is None:
        return evaluate_sets(sets, bootstrap, progress)
    return refit_sets(kind, sets, repeats, bootstrap.seed, bootstrap.jobs, progress)


def _by_set(given: Paths | None, setting: str, count: int) -> list[PathLike | None]:
    """The path for each of ``count`` sets: one was given for all of them, or one for each, or none."""
    each: list[PathLike | None] = [*(() if given is None else paths(given))] or [None]
    if len(each) not in (1, count):
        raise UsageError(f"give one for all sets or one each ({len(each)} given, {count} sets)", setting)
    return each if len(each) == count else each * count
