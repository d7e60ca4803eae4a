"""``conviqt evaluate``: how well a model agrees with opinion scores."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from conviqt_cli.cli import options
from conviqt_cli.cli.labels_shown import LabelsShown
from conviqt_cli.cli.option_groups import LabelOptions, ModelOptions, SplitOptions, grouped
from conviqt_cli.errors import UsageError
from conviqt_cli.files import write_text_whole

if TYPE_CHECKING:
    from conviqt_cli.evaluation.run import Evaluation


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
    from conviqt_cli.evaluation.agreement import Bootstrap
    from conviqt_cli.evaluation.from_files import evaluate as evaluate_files
    from conviqt_cli.fitting.registry import by_name

    by_name(estimator)  # an unknown one is an error even where nothing is refitted
    settings, extraction = reading.settings(), model.extraction()
    with steps(quiet) as advance:
        evaluation = evaluate_files(
            labels, videos, features, scores, regressor or (), against, against_features,
            estimator if refit else None, settings, extraction, Bootstrap(draws, splits.seed, splits.jobs),
            splits.repeats, advance, LabelsShown(quiet),
        )  # fmt: skip
    text = json.dumps(evaluation.to_dict(), indent=2)
    if output is not None:
        write_text_whole(output, text + "\n")
    for path in report or []:
        _write_report(path, evaluation)
    if as_json:
        typer.echo(text)
        return
    from conviqt_cli.report.evaluation_report import evaluation_report

    Console(highlight=False).print(evaluation_report(evaluation))


def _write_report(path: Path, evaluation: Evaluation) -> None:
    if path.suffix.lower() == ".csv":
        from conviqt_cli.report.predictions_table import predictions_csv

        write_text_whole(path, predictions_csv(evaluation.points))
    else:
        from conviqt_cli.report.evaluation_page import evaluation_page

        write_text_whole(path, evaluation_page(evaluation))


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
