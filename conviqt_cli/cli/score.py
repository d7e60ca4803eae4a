"""``conviqt score``: judge videos and report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from conviqt_cli.cli import options
from conviqt_cli.errors import UsageError

_FOLDERS = "Folders and lists"
_RUN = "Many videos"


def score(
    videos: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="VIDEO...", show_default=False,
            help="Videos: files, folders, URLs that ffmpeg opens; - reads names from stdin, one a line.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE",
            help="Write a report: .csv, .json or .ndjson. Given again, finished rows are kept.",
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="JSON on stdout: an object; one a line for several videos.")
    ] = False,
    segments: Annotated[bool, typer.Option("--segments", help="CSV with a row per segment.")] = False,
    recursive: Annotated[
        bool, typer.Option("--recursive", "-r", help="Go into subfolders.", rich_help_panel=_FOLDERS)
    ] = False,
    include: Annotated[
        list[str] | None,
        typer.Option(metavar="GLOB", help="Only these files of a folder (repeatable).", rich_help_panel=_FOLDERS),
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option(metavar="GLOB", help="Not these files and subfolders.", rich_help_panel=_FOLDERS),
    ] = None,
    files_from: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE", help="Read names from a file, one a line; - is stdin.", rich_help_panel=_FOLDERS),
    ] = None,
    null: Annotated[
        bool, typer.Option("--null", "-0", help="Names in lists end with NUL, not newline.", rich_help_panel=_FOLDERS)
    ] = False,
    jobs: Annotated[
        int, typer.Option("--jobs", "-j", min=1, help="Videos judged at once, per device.", rich_help_panel=_RUN)
    ] = 1,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Try again what the output has as failed.", rich_help_panel=_RUN)
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Start over: drop what the output holds.", rich_help_panel=_RUN)
    ] = False,
    memory: Annotated[
        float | None,
        typer.Option(
            min=0.1, metavar="GB", show_default="80 % of what is free", rich_help_panel=_RUN,
            help="Memory for the videos in flight; one that needs more fails.",
        ),
    ] = None,
    pool: Annotated[
        str,
        typer.Option(
            "--pool", metavar="mean|median|harmonic|p5|p10|p20|min|hysteresis",
            help="How segments make one quality.", rich_help_panel="What is judged",
        ),
    ] = "mean",
    sampling: options.Sampling = "sparse",
    start: options.Start = None,
    duration: options.Duration = None,
    timeout: options.Timeout = 120.0,
    max_frames: options.MaxFrames = 1_000_000,
    weights: options.Weights = None,
    regressor: options.RegressorFile = None,
    device: options.Device = "auto",
    precision: options.Precision = "auto",
    threads: options.Threads = None,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:  # fmt: skip
    """Judge how good videos look: pooled quality, quality over time, worst segments.

    Quality runs from 1 (bad) to 5 (excellent). Exit code: 0 all scored, 1 some failed, 2 wrong usage.

    A folder with -o can be stopped at any time and resumed by the same command. Ctrl-C once finishes the videos
    being judged, twice stops at once.
    """
    # What needs no model is checked before PyTorch is imported.
    from conviqt_cli.scorefiles.formats import check_suffix

    if not videos and not files_from:
        raise UsageError("no videos named; give files, folders, URLs, or - for a list on stdin")
    if output:
        check_suffix(output)
    if segments and (output is None or output.suffix.lower() != ".csv"):
        raise UsageError("--segments: rows per segment are for -o FILE.csv; JSON always holds the segments")
    if (retry_failed or force) and output is None:
        raise UsageError(f"{'--force' if force else '--retry-failed'}: there is no output to go on with; give -o FILE")
    span = options.parse_span(start, duration)

    from conviqt_cli.cli.score_run import Inputs, Model, Reporting, run

    inputs = Inputs(
        tuple(videos or ()), tuple(files_from or ()), null, recursive, tuple(include or ()), tuple(exclude or ())
    )
    model = Model(weights, regressor, device, sampling, precision, threads, pool, timeout, max_frames)
    reporting = Reporting(output, as_json, segments, quiet, verbose, retry_failed, force)
    failed = run(inputs, model, reporting, span, jobs, None if memory is None else int(memory * 1e9))
    if failed:
        raise typer.Exit(1)
