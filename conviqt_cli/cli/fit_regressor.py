"""``conviqt fit-regressor``: a regressor for your own opinion scores, and how good it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from conviqt_cli.cli import options
from conviqt_cli.cli.console import log
from conviqt_cli.cli.labels_shown import LabelsShown, show_labels, show_left_out
from conviqt_cli.cli.option_groups import LabelOptions, ModelOptions, SplitOptions, grouped
from conviqt_cli.errors import UsageError
from conviqt_cli.files import write_text_whole

if TYPE_CHECKING:
    from conviqt_cli.fitting.fit import FitReport
    from conviqt_cli.fitting.labelled_set import VectorSource
    from conviqt_cli.labels.settings import LabelSettings


@grouped
def fit_regressor(
    labels: Annotated[Path, typer.Argument(metavar="LABELS", help="Table of opinion scores: text or MAT.")],
    model: ModelOptions,
    reading: LabelOptions,
    splits: SplitOptions,
    videos: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of the videos, including subfolders.")
    ] = None,
    features: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="Vectors from `conviqt features`, or another program's features as CSV or .mat, instead of --videos "
            "(repeatable).",
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Regressor file to write.")
    ] = None,
    estimator: Annotated[str, typer.Option(metavar="ridge|svr", help="Kind of regressor.")] = "ridge",
    report: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE.html|.json|.csv",
            help="Also write the report to this file, or as .csv the held-out predictions (repeatable).",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show which labels and videos would be used, then stop.")
    ] = False,
    as_json: options.Json = False,
    level: Annotated[float, typer.Option(help="Nominal coverage of the intervals.")] = 0.9,
    quiet: options.Quiet = False,
) -> None:
    """Fit a regressor on labelled videos, test it on unseen contents, and report how far to trust it.

    Examples:

    conviqt fit-regressor labels.csv --videos clips/ --dry-run

    conviqt fit-regressor labels.csv --videos clips/ -o my-regressor --report my-regressor.html
    """
    _check(videos, features, output, report, dry_run, level)
    splits.check()
    from conviqt_cli.cli.progress_bar import steps
    from conviqt_cli.fitting.fit import FitSettings
    from conviqt_cli.fitting.from_files import fit
    from conviqt_cli.fitting.labelled_set import VectorSource
    from conviqt_cli.fitting.registry import by_name

    by_name(estimator)  # for a dry run, too
    extraction, settings = model.extraction(), reading.settings()
    if dry_run:
        _preview(labels, settings, VectorSource(tuple(features or ()), videos, extraction), quiet, as_json)
        return
    with steps(quiet) as advance:
        fitted = fit(
            labels, videos, features or None, estimator, settings, extraction,
            FitSettings(splits.repeats, splits.seed, level, splits.jobs), advance, LabelsShown(quiet),
        )  # fmt: skip
    if output is not None:
        fitted.regressor.save(output)
        if not quiet:
            log(f"{output}: {output.stat().st_size / 1e3:.0f} kB, for `conviqt score --regressor {output}`")
    record = {**fitted.to_dict(), "left_out": fitted.left_out}
    _write_reports(fitted, record, report or [])
    if as_json:
        typer.echo(json.dumps(record, indent=2))
    else:
        from conviqt_cli.report.fit_report import fit_report

        Console(highlight=False).print(fit_report(fitted))


def _preview(labels: Path, settings: LabelSettings, source: VectorSource, quiet: bool, as_json: bool) -> None:
    """What would be used, on stderr and with --json on stdout."""
    from conviqt_cli.fitting.labelled_set import preview
    from conviqt_cli.labels.reading import read_labels

    found = read_labels(labels, settings)
    show_labels(found, quiet)
    left_out = dict(found.left_out)
    if source.features or source.folder:
        usable, unpaired = preview(found, source)
        left_out |= unpaired
        log(f"would be used: {usable} of {len(found.names)} labels")
        show_left_out(unpaired, quiet)
    else:
        log("add --videos or --features to see which labels find their video")
    if as_json:
        typer.echo(json.dumps({**found.to_dict(), "left_out": left_out}, indent=2))


def _check(
    videos: Path | None,
    features: list[Path] | None,
    output: Path | None,
    report: list[Path] | None,
    dry_run: bool,
    level: float,
) -> None:
    if videos is not None and features:
        raise UsageError("--videos and --features exclude each other")
    if not 0.5 <= level < 1:
        raise UsageError(f"--level {level:g}: give a share from 0.5 to below 1, e.g. 0.9")
    if dry_run:
        return
    if videos is None and not features:
        raise UsageError("give the videos with --videos DIR, or their vectors with --features FILE")
    if output is None and not report:
        raise UsageError("nowhere to put the regressor: give -o FILE (or --dry-run, or --report for figures alone)")
    for path in [*([output] if output else []), *(report or [])]:
        if path.is_dir() or not path.absolute().parent.is_dir():
            raise UsageError(f"{path}: is a folder, or its folder does not exist")
    for path in report or []:
        if path.suffix.lower() not in (".html", ".json", ".csv"):
            raise UsageError(f"--report {path}: end the name in .html, .json or .csv")


def _write_reports(fitted: FitReport, record: dict[str, Any], paths: list[Path]) -> None:
    for path in paths:
        if path.suffix.lower() == ".html":
            from conviqt_cli.report.fit_page import fit_page

            write_text_whole(path, fit_page(fitted))
        elif path.suffix.lower() == ".csv":
            from conviqt_cli.report.predictions_table import predictions_csv

            write_text_whole(path, predictions_csv([fitted.points]))
        else:
            write_text_whole(path, json.dumps(record, indent=2) + "\n")
