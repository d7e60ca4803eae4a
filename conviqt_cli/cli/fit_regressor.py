"""``conviqt fit-regressor``: a regressor for your own opinion scores, and how good it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from conviqt_cli.cli import labelled, options
from conviqt_cli.cli.console import log
from conviqt_cli.errors import UsageError
from conviqt_cli.files import write_text_whole

if TYPE_CHECKING:
    from conviqt_cli.fitting.fit import FitReport


def fit_regressor(
    labels: Annotated[Path, typer.Argument(metavar="LABELS", help="Table of opinion scores: text or MAT.")],
    videos: Annotated[
        Path | None, typer.Option("--videos", metavar="DIR", help="Folder of the videos, including subfolders.")
    ] = None,
    features: Annotated[
        list[Path] | None,
        typer.Option("--features", metavar="FILE.npz", help="Vectors from `conviqt features`, instead of --videos."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Regressor file to write.")
    ] = None,
    estimator: Annotated[str, typer.Option("--estimator", metavar="ridge|svr", help="Kind of regressor.")] = "ridge",
    report: Annotated[
        list[Path] | None,
        typer.Option("--report", metavar="FILE.html|.json", help="Also write the report to this file (repeatable)."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show which labels and videos would be used, then stop.")
    ] = False,
    as_json: labelled.Json = False,
    level: Annotated[float, typer.Option("--level", help="Nominal coverage of the intervals.")] = 0.9,
    repeats: labelled.Repeats = 100,
    seed: labelled.Seed = 0,
    jobs: labelled.Jobs = -1,
    video_col: labelled.VideoCol = None,
    mos_col: labelled.MosCol = None,
    group_col: labelled.GroupCol = None,
    std_col: labelled.StdCol = None,
    ratings_col: labelled.RatingsCol = None,
    dmos: labelled.Dmos = None,
    scale: labelled.ScaleRange = None,
    missing: labelled.Missing = None,
    layout: labelled.LayoutName = None,
    weights: options.Weights = None,
    device: options.Device = "auto",
    sampling: options.Sampling = "sparse",
    precision: options.Precision = "auto",
    threads: options.Threads = None,
    cache: labelled.Cache = None,
    quiet: options.Quiet = False,
) -> None:
    """Fit a regressor on labelled videos, test it on unseen contents, and report how far to trust it."""
    _check(videos, features, output, report, dry_run, level, jobs)
    from conviqt_cli.cli.progress_bar import steps
    from conviqt_cli.fitting.extraction import assemble, media_files
    from conviqt_cli.fitting.fit import FEWEST_LABELS, FitSettings, fit
    from conviqt_cli.fitting.registry import by_name
    from conviqt_cli.labels.matching import match
    from conviqt_cli.labels.reading import read_labels

    kind = by_name(estimator)
    how = labelled.reading(video_col, mos_col, group_col, std_col, ratings_col, dmos, scale, missing, layout)
    found = read_labels(labels, how)
    labelled.show_labels(found, quiet)
    left_out = dict(found.left_out)

    if dry_run:
        if features or videos:
            names = labelled.features_from_files(features).videos if features else media_files(videos or Path())
            pairs = match(found.names, names)
            left_out |= {"labels without a video": pairs.no_file, "videos without a label": pairs.unlabelled}
            left_out |= {"labels that several videos fit": list(pairs.ambiguous)}
            left_out |= {"videos that several labels fit": list(pairs.shared)}
            left_out = {reason: items for reason, items in left_out.items() if items}
            new = {reason: items for reason, items in left_out.items() if reason not in found.left_out}
            log(f"would be used: {len(pairs.found)} of {len(found.names)} labels")
            labelled.show_left_out(new, quiet)
        else:
            log("give --videos or --features to see which labels find their video")
        if as_json:
            typer.echo(labelled.dry_run_record(found, left_out))
        return

    # What the labels alone rule out is said now, not after hours of extraction.
    found.check(FEWEST_LABELS)
    failed: dict[str, str] = {}
    unlabelled: list[str] = []
    if features:
        vectors = labelled.features_from_files(features)
    else:
        vectors, failed, unlabelled = labelled.features_from_videos(
            found, videos or Path(), weights, device, sampling, precision, threads, cache, quiet
        )
    data, unpaired = assemble(found, vectors)
    if failed:
        unpaired["videos that could not be read"] = [f"{name}: {why}" for name, why in failed.items()]
    if unlabelled:
        unpaired["videos without a label"] = unlabelled
    labelled.show_left_out(unpaired, quiet)
    left_out |= unpaired
    origin = {
        "labels_from": labels.name,
        "read": found.facts,
        "vector_settings": vectors.settings,
        "left_out": {reason: len(items) for reason, items in left_out.items()},
    }
    with steps(quiet) as advance:
        fitted = fit(
            kind, data, found.scale, vectors.encoder_id, origin, FitSettings(repeats, seed, level, jobs), advance
        )
    if output is not None:
        fitted.regressor.save(output)
        if not quiet:
            log(f"{output}: {output.stat().st_size / 1e3:.0f} kB, for `conviqt score --regressor {output}`")
    _write_reports(fitted, left_out, report or [])
    if as_json:
        typer.echo(json.dumps({**fitted.to_dict(), "left_out": left_out}, indent=2))
    else:
        from conviqt_cli.report.fit_report import fit_report

        Console(highlight=False).print(fit_report(fitted))


def _check(
    videos: Path | None,
    features: list[Path] | None,
    output: Path | None,
    report: list[Path] | None,
    dry_run: bool,
    level: float,
    jobs: int,
) -> None:
    labelled.check_jobs(jobs)
    if videos is not None and features:
        raise UsageError("--videos and --features exclude each other")
    if not 0.5 <= level < 1:
        raise UsageError(f"--level {level:g}: give a share from 0.5 to below 1, e.g. 0.9")
    if dry_run:
        return
    if videos is None and not features:
        raise UsageError("give the videos with --videos DIR, or their vectors with --features FILE.npz")
    if output is None and not report:
        raise UsageError("nowhere to put the regressor: give -o FILE (or --dry-run, or --report for figures alone)")
    for path in [*([output] if output else []), *(report or [])]:
        if path.is_dir() or not path.absolute().parent.is_dir():
            raise UsageError(f"{path}: is a folder, or its folder does not exist")
    for path in report or []:
        if path.suffix.lower() not in (".html", ".json"):
            raise UsageError(f"--report {path}: end the name in .html or .json")


def _write_reports(fitted: FitReport, left_out: dict[str, list[str]], paths: list[Path]) -> None:
    for path in paths:
        if path.suffix.lower() == ".html":
            from conviqt_cli.report.fit_page import fit_page

            write_text_whole(path, fit_page(fitted))
        else:
            write_text_whole(path, json.dumps({**fitted.to_dict(), "left_out": left_out}, indent=2) + "\n")
