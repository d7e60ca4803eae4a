"""``conviqt score``: score videos and report."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from conviqt_cli.cli import options
from conviqt_cli.errors import UsageError
from conviqt_cli.scorefiles.formats import check_format, suffix_list

_FOLDERS = "Folders and lists"
_RUN = "Many videos"


def score(
    videos: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="VIDEO...", show_default=False,
            help="Videos: files, folders, URLs that ffmpeg opens; - reads names from stdin, one per line.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE",
            help=f"Write a score file: {suffix_list()}. Rows that it already holds are kept.",
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="JSON on stdout: one object, or one per line for several videos.")
    ] = False,
    segments: Annotated[bool, typer.Option("--segments", help="One CSV row per segment.")] = False,
    recursive: Annotated[
        bool, typer.Option("--recursive", "-r", help="Search subfolders, too.", rich_help_panel=_FOLDERS)
    ] = False,
    include: Annotated[
        list[str] | None,
        typer.Option(metavar="GLOB", help="Score only these files of a folder (repeatable).", rich_help_panel=_FOLDERS),
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option(metavar="GLOB", help="Skip these files and subfolders (repeatable).", rich_help_panel=_FOLDERS),
    ] = None,
    files_from: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE", help="Read names from a file, one a line; - is stdin.", rich_help_panel=_FOLDERS),
    ] = None,
    null: Annotated[
        bool, typer.Option("--null", "-0", help="Names in lists end with NUL, not newline.", rich_help_panel=_FOLDERS)
    ] = False,
    jobs: Annotated[
        int, typer.Option("--jobs", "-j", min=1, help="Videos scored at once, per device.", rich_help_panel=_RUN)
    ] = 1,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Retry videos that failed before.", rich_help_panel=_RUN)
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Start over: discard what the output holds.", rich_help_panel=_RUN)
    ] = False,
    memory: Annotated[
        float | None,
        typer.Option(
            min=0.1, metavar="GB", show_default="80 % of what is free", rich_help_panel=_RUN,
            help="Memory limit for the videos in progress; a video that needs more fails.",
        ),
    ] = None,
    pool: Annotated[
        str,
        typer.Option(
            "--pool", metavar="mean|median|harmonic|p5|p10|p20|min|hysteresis",
            help="How segment scores become one score.", rich_help_panel="What is scored",
        ),
    ] = "mean",
    sampling: options.Sampling = "sparse",
    picture: options.Picture = None,
    display: options.DisplaySize = None,
    exact: Annotated[
        bool,
        typer.Option(
            "--exact", rich_help_panel="What is scored",
            help="The published protocol: every frame, all of its pixels, fp32. Slow.",
        ),
    ] = False,
    start: options.Start = None,
    duration: options.Duration = None,
    timeout: options.Timeout = 120.0,
    max_frames: options.MaxFrames = 1_000_000,
    stream: options.Stream = None,
    crop_bars: options.CropBars = True,
    weights: options.Weights = None,
    regressor: options.RegressorFile = None,
    device: options.Device = "auto",
    precision: options.Precision = "auto",
    backend: options.Backend = "auto",
    threads: options.Threads = None,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:  # fmt: skip
    """Score how good videos look: overall quality, quality over time, worst segments.

    Quality runs from 1 (bad) to 5 (excellent). Exit code: 0 all scored, 1 some failed, 2 wrong usage.

    A run with -o can be stopped at any time and resumed by the same command. Press Ctrl-C once to finish the videos
    in progress, twice to stop at once.

    Examples:

    conviqt score holiday.mp4

    conviqt score videos/ --recursive -o scores.csv
    """
    # What needs no model is checked before PyTorch is imported.
    if not videos and not files_from:
        raise UsageError("no videos named; give files, folders, URLs, or - for a list on stdin")
    if segments and output is None:
        raise UsageError("--segments: rows per segment need -o FILE.csv; JSON always holds the segments")
    if output:
        check_format(output, segments)
    if (retry_failed or force) and output is None:
        raise UsageError(f"{'--force' if force else '--retry-failed'}: there is no output to resume; give -o FILE")
    span = options.parse_span(start, duration)
    if exact:
        sampling, picture, precision = _exact(sampling, picture, precision)

    from conviqt_cli.batch.discovery import Rules
    from conviqt_cli.batch.inputs import Inputs
    from conviqt_cli.plans.picture_plan import parse_display, parse_picture
    from conviqt_cli.plans.time_plan import parse_plan
    from conviqt_cli.scoring.settings import ScoringSettings, Span

    settings = ScoringSettings(
        weights,
        regressor,
        device,
        precision,
        threads,
        parse_plan(sampling),
        pool,
        Span(*span),
        timeout,
        max_frames,
        stream,
        None if picture is None else parse_picture(picture),
        None if display is None else parse_display(display),
        backend,
        crop_bars,
    )
    rules = Rules(recursive, tuple(include or ()), tuple(exclude or ()), None if output is None else os.fspath(output))
    inputs = Inputs(tuple(videos or ()), tuple(files_from or ()), b"\0" if null else b"\n", rules)
    found = inputs.find(sys.stdin.buffer)

    from conviqt_cli.batch.memory import default_budget
    from conviqt_cli.cli.score_run import Reporting, run_many, run_one

    limit = default_budget() if memory is None else int(memory * 1e9)
    reporting = Reporting(output, as_json, segments, quiet, verbose, retry_failed, force)
    if inputs.single:
        failed = run_one(found, settings, reporting, limit)
    else:
        failed = run_many(found, settings, reporting, jobs, limit)
    if failed:
        raise typer.Exit(1)


def _exact(sampling: str, picture: str | None, precision: str) -> tuple[str, str, str]:
    """What --exact stands for; raises :class:`UsageError` when another option says otherwise."""
    stands_for = {"sampling": "dense", "picture": "whole", "precision": "fp32"}
    unless_given = {"sampling": "sparse", "picture": None, "precision": "auto"}
    for name, value in (("sampling", sampling), ("picture", picture), ("precision", precision)):
        if value not in (stands_for[name], unless_given[name]):
            raise UsageError(f"--exact means --{name} {stands_for[name]}, not {value}; leave one of them out")
    return "dense", "whole", "fp32"
