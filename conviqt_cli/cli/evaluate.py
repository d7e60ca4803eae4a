"""``conviqt evaluate``: how well a model agrees with opinion scores."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from conviqt_cli.cli import options
from conviqt_cli.cli.console import log
from conviqt_cli.cli.labels_shown import show_labels, show_left_out
from conviqt_cli.cli.option_groups import LabelOptions, ModelOptions, SplitOptions, grouped
from conviqt_cli.errors import UsageError
from conviqt_cli.files import write_text_whole

if TYPE_CHECKING:
    from conviqt_cli.evaluation.candidates import Candidates
    from conviqt_cli.evaluation.run import Evaluation
    from conviqt_cli.fitting.labelled_set import VectorSource
    from conviqt_cli.labels.opinions import Labels
    from conviqt_cli.parallel import StepProgress


@grouped
def evaluate(
    labels: Annotated[list[Path], typer.Argument(metavar="LABELS...", help="Tables of opinion scores, one per set.")],
    model: ModelOptions,
    reading: LabelOptions,
    splits: SplitOptions,
    videos: Annotated[
        list[Path] | None,
        typer.Option(metavar="DIR", help="Folder of the videos: one for all sets, or one per set, in order."),
    ] = None,
    features: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="Vectors instead of videos, one file for all sets or one per set: .npz, or another program's features "
            "as CSV or .mat.",
        ),
    ] = None,
    regressor: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", show_default="the bundle's", help="Regressor to evaluate (repeatable)."),
    ] = None,
    scores: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Evaluate these scores, written by `conviqt score -o`.")
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL", help="Test whether results differ from this regressor, bundle or file of scores."
        ),
    ] = None,
    against_features: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE", help="Vectors from which that regressor predicts, if other ones: one file or one per set."
        ),
    ] = None,
    refit: Annotated[
        bool,
        typer.Option("--refit", help="The literature's protocol: refit on each set, test on held-out contents."),
    ] = False,
    estimator: Annotated[str, typer.Option(metavar="ridge|svr", help="Kind of regressor that --refit fits.")] = "ridge",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE.json", help="Also write all results to this file.")
    ] = None,
    report: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Write a page (.html) or every prediction (.csv); repeatable."),
    ] = None,
    as_json: options.Json = False,
    draws: Annotated[
        int, typer.Option(min=0, max=100_000, help="Bootstrap draws; 0 for no confidence intervals.")
    ] = 1000,
    quiet: options.Quiet = False,
) -> None:
    """Evaluate a model on labelled sets: agreement with confidence intervals, coverage, comparison with another.

    Examples:

    conviqt evaluate labels.csv --videos clips/

    conviqt evaluate labels.csv --features vectors.npz --regressor mine --against conviqt-base
    """
    _check(labels, videos, features, regressor, scores, against, refit, output)
    _check_more(labels, against, against_features, report or [])
    splits.check()
    from conviqt_cli.cli.progress_bar import steps
    from conviqt_cli.evaluation.agreement import FEWEST_LABELS, Bootstrap
    from conviqt_cli.evaluation.refit import refit as refit_sets
    from conviqt_cli.evaluation.run import Evaluation, evaluate_sets, set_names
    from conviqt_cli.fitting.labelled_set import VectorSource
    from conviqt_cli.fitting.registry import by_name
    from conviqt_cli.labels.reading import read_labels

    kind, settings, extraction = by_name(estimator), reading.settings(), model.extraction()
    read = [read_labels(path, settings) for path in labels]
    for each in read:
        show_labels(each, quiet)
        each.check(FEWEST_LABELS)
    regressors = None if refit else tuple(regressor or ())
    with steps(quiet) as advance:
        sets = {}
        for i, (name, found) in enumerate(zip(set_names(read), read, strict=True)):
            source = VectorSource(_of_set(features, i), next(iter(_of_set(videos, i)), None), extraction)
            rival = (against, _of_set(against_features, i))
            sets[name] = _candidates(found, source, regressors, scores, rival, quiet, advance)
        if refit:
            data = {name: (each.labelled.data, each.labelled.labels.scale) for name, each in sets.items()}
            left_out = {name: each.labelled.all_left_out for name, each in sets.items()}
            outcome = refit_sets(kind, data, splits.repeats, splits.seed, splits.jobs, partial(advance, "refitting"))
            assumed = {name: each.labelled.labels.assumed for name, each in sets.items()}
            evaluation = Evaluation(left_out, refit=outcome, points=outcome.points, assumed=assumed)
        else:
            evaluation = evaluate_sets(sets, Bootstrap(draws, splits.seed, splits.jobs), advance)
    text = json.dumps(evaluation.to_dict(), indent=2)
    if output is not None:
        write_text_whole(output, text + "\n")
    layouts = {name: each.labelled.labels.layout for name, each in sets.items()}
    published = {name: layout.published if layout else None for name, layout in layouts.items()}
    for path in report or []:
        _write_report(path, evaluation, published)
    if as_json:
        typer.echo(text)
        return
    from conviqt_cli.report.evaluation_report import evaluation_report

    Console(highlight=False).print(evaluation_report(evaluation, published))


def _of_set(given: list[Path] | None, index: int) -> tuple[Path, ...]:
    """The path for the set of this index: one was given for all sets, or one for each."""
    return (given[min(index, len(given) - 1)],) if given else ()


def _candidates(
    labels: Labels,
    source: VectorSource,
    regressors: tuple[Path, ...] | None,
    scores: Path | None,
    rival: tuple[str | None, tuple[Path, ...]],
    quiet: bool,
    advance: StepProgress,
) -> Candidates:
    from conviqt_cli.evaluation.candidates import from_scores, from_vectors, with_rival

    if scores is not None:
        candidates = from_scores(labels, scores)
    else:
        candidates = from_vectors(labels, source, regressors, advance)
    show_left_out(candidates.labelled.left_out, quiet)
    against, features = rival
    if against is None:
        return candidates
    before = len(candidates.labelled.data)
    candidates = with_rival(candidates, against, source, advance, features)
    if candidates.unshared:
        log(f"compared on the {before - candidates.unshared} of {before} videos that {against} has too")
    return candidates


def _write_report(path: Path, evaluation: Evaluation, published: dict[str, float | None]) -> None:
    if path.suffix.lower() == ".csv":
        from conviqt_cli.report.predictions_table import predictions_csv

        write_text_whole(path, predictions_csv(evaluation.points))
    else:
        from conviqt_cli.report.evaluation_page import evaluation_page

        write_text_whole(path, evaluation_page(evaluation, published))


def _check_more(
    labels: list[Path], against: str | None, against_features: list[Path] | None, report: list[Path]
) -> None:
    if against_features:
        if against is None:
            raise UsageError("--against-features are those of a regressor; name it with --against")
        if len(against_features) not in (1, len(labels)):
            raise UsageError(
                f"--against-features: give one for all sets or one each ({len(against_features)} given, "
                f"{len(labels)} sets)"
            )
    for path in report:
        if path.suffix.lower() not in (".html", ".csv") or not path.absolute().parent.is_dir():
            raise UsageError(f"--report {path}: end the name in .html or .csv, in a folder that exists")


def _check(
    labels: list[Path],
    videos: list[Path] | None,
    features: list[Path] | None,
    regressor: list[Path] | None,
    scores: Path | None,
    against: str | None,
    refit: bool,
    output: Path | None,
) -> None:
    if sum(each is not None and each != [] for each in (videos, features, scores)) != 1:
        raise UsageError("give one of --videos DIR, --features FILE, or --scores FILE")
    for option, given in (("--videos", videos), ("--features", features)):
        if given and len(given) not in (1, len(labels)):
            raise UsageError(f"{option}: give one for all sets or one each ({len(given)} given, {len(labels)} sets)")
    if scores is not None and (regressor or refit):
        raise UsageError("--scores are evaluated as they are; --regressor and --refit do not apply to them")
    if refit and (regressor or against):
        raise UsageError("--refit fits its own regressors; --regressor and --against do not apply to it")
    if output is not None and (output.suffix.lower() != ".json" or not output.absolute().parent.is_dir()):
        raise UsageError(f"-o {output}: end the name in .json, in a folder that exists")
