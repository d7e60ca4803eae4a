"""Evaluate models on files of opinion scores: what ``conviqt evaluate`` does, as a function."""

from __future__ import annotations

from pathlib import Path

from conviqt_cli.errors import UsageError
from conviqt_cli.evaluation.agreement import FEWEST_LABELS, Bootstrap
from conviqt_cli.evaluation.candidates import Candidates, from_scores, from_vectors, with_rival
from conviqt_cli.evaluation.refit import refit as refit_sets
from conviqt_cli.evaluation.run import Evaluation, evaluate_sets, set_names
from conviqt_cli.fitting.extraction import ExtractionSettings
from conviqt_cli.fitting.from_files import PathLike, Paths, paths, vector_source
from conviqt_cli.fitting.registry import by_name
from conviqt_cli.labels.opinions import Labels
from conviqt_cli.labels.reading import read_labels
from conviqt_cli.labels.settings import LabelSettings
from conviqt_cli.parallel import StepProgress


def evaluate(
    labels: Paths,
    videos: PathLike | None = None,
    features: PathLike | None = None,
    scores: PathLike | None = None,
    regressor: Paths = (),
    against: str | None = None,
    refit: str | None = None,
    reading: LabelSettings | None = None,
    extraction: ExtractionSettings | None = None,
    bootstrap: Bootstrap | None = None,
    repeats: int = 100,
    progress: StepProgress | None = None,
) -> Evaluation:
    """How well models agree with opinion scores, with confidence intervals.

    Args:
        labels: one table of names and scores per set.
        videos, features, scores: exactly one: the folder of the videos of all sets, the file of their vectors, or a
            table of scores given elsewhere, such as ``conviqt score -o`` writes.
        regressor: regressor files to evaluate; without one, the bundle's.
        against: a regressor, bundle or file of scores from which results are tested to differ.
        refit: ``ridge`` or ``svr``: the literature's protocol, which fits anew on each set.
        reading: how tables are read, where it is not to be guessed.
        extraction: how vectors of videos are made and where they are kept.
        bootstrap: draws, seed and processes.
        repeats: splits of ``refit``.
        progress: called with the name of a step, how much of it is done, and of how much.

    Raises :class:`LabelError`, :class:`InputError`, :class:`RegressorError` and :class:`UsageError` for what cannot be
    evaluated.
    """
    bootstrap = bootstrap or Bootstrap()
    if refit is not None and (paths(regressor) or against or scores is not None):
        raise UsageError("refitting fits its own regressors; give none, no scores, and nothing to compare with")
    kind = None if refit is None else by_name(refit)
    read = [read_labels(Path(path), reading) for path in paths(labels)]
    sets: dict[str, Candidates] = {}
    for name, found in zip(set_names(read), read, strict=True):
        found.check(FEWEST_LABELS)
        sets[name] = _candidates(
            found, videos, features, scores, None if kind else paths(regressor), against, extraction, progress
        )
    if kind is None:
        return evaluate_sets(sets, bootstrap, progress)
    data = {name: (each.labelled.data, each.labelled.labels.scale) for name, each in sets.items()}
    outcome = refit_sets(kind, data, repeats, bootstrap.seed, bootstrap.jobs)
    return Evaluation(
        {name: each.labelled.all_left_out for name, each in sets.items()},
        refit=outcome,
        points=outcome.points,
        assumed={name: each.labelled.labels.assumed for name, each in sets.items()},
    )


def _candidates(
    labels: Labels,
    videos: PathLike | None,
    features: PathLike | None,
    scores: PathLike | None,
    regressors: list[PathLike] | None,
    against: str | None,
    extraction: ExtractionSettings | None,
    progress: StepProgress | None,
) -> Candidates:
    source = None
    if scores is None:
        source = vector_source(videos, features, extraction)
        models = None if regressors is None else tuple(map(Path, regressors))
        found = from_vectors(labels, source, models, progress)
    elif videos is not None or features is not None or regressors:
        raise UsageError("scores are evaluated as they are: give no videos, features or regressors with them")
    else:
        found = from_scores(labels, Path(scores))
    return found if against is None else with_rival(found, against, source, progress)
