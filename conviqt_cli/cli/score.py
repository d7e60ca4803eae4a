"""``conviqt score``: score videos and report."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from conviqt_cli.cli import options
from conviqt_cli.errors import UsageError
from conviqt_cli.scorefiles.formats import FORMATS, Format, check_segments, format_named, format_of, suffix_list

_FOLDERS = "Folders and lists"
_RUN = "Many videos"
_GATE = "Gate"
_PAGES = "Pages and pictures"


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
            help=f"Write a score file: {suffix_list()}. Rows that it already holds are kept. - is stdout.",
        ),
    ] = None,
    format_name: Annotated[
        str | None,
        typer.Option(
            "--format", metavar="|".join(each.name for each in FORMATS),
            help="Format of the output, whatever its name; without -o it goes to stdout.",
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
        bool,
        typer.Option("--force", help="Start over; what the output holds is kept as a .bak file.", rich_help_panel=_RUN),
    ] = False,
    keep_missing: Annotated[
        bool, typer.Option("--keep-missing", help="Keep the rows of files that are gone.", rich_help_panel=_RUN)
    ] = False,
    fail_below: Annotated[
        float | None,
        typer.Option(
            metavar="QUALITY", rich_help_panel=_GATE,
            help="Exit with 3 if a video's quality is lower (higher, where higher is worse).",
        ),
    ] = None,
    fail_segment_below: Annotated[
        float | None,
        typer.Option(metavar="QUALITY", rich_help_panel=_GATE, help="The same for the worst segment of each video."),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.html", rich_help_panel=_PAGES,
            help="Write a page; of several videos a table and a page each. Scores regions of the worst frames, too.",
        ),
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE.svg|png", help="Draw one video's timeline.", rich_help_panel=_PAGES)
    ] = None,
    thumbnails: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Write frames of the worst segments as JPEG.", rich_help_panel=_PAGES),
    ] = None,
    memory: Annotated[
        float | None,
        typer.Option(
            min=0.1, metavar="GB", show_default="80 % of what is free", rich_help_panel=_RUN,
            help="Memory limit for the videos in progress; a video that needs more fails.",
        ),
    ] = None,
    engine: Annotated[
        str,
        typer.Option(
            metavar="local|ray", rich_help_panel=_RUN, help="Where videos are scored: this machine, or a Ray cluster.",
        ),
    ] = "local",
    address: Annotated[
        str | None,
        typer.Option(
            metavar="auto|ray://HOST:PORT", show_default="a cluster on this machine, or $RAY_ADDRESS",
            rich_help_panel=_RUN, help="The Ray cluster.",
        ),
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", show_default="30:00", rich_help_panel=_RUN,
            help="Divide longer videos among Ray's workers in parts of this length; the scores stay the same.",
        ),
    ] = None,
    pool: Annotated[
        str,
        typer.Option(
            "--pool", metavar="mean|median|harmonic|p5|p10|p20|min|hysteresis",
            help="How segment scores become one score.", rich_help_panel=options.SCORED,
        ),
    ] = "mean",
    sampling: options.Sampling = "sparse",
    picture: options.Picture = None,
    display: options.DisplaySize = None,
    exact: Annotated[
        bool,
        typer.Option(
            "--exact", rich_help_panel=options.SCORED,
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

    Quality runs from 1 (bad) to 5 (excellent). Exit code: 0 all scored, 1 some failed, 2 wrong usage, 3 all
    scored but some are below the gate.

    A run with -o can be stopped at any time and resumed by the same command. Press Ctrl-C once to finish the videos
    in progress, twice to stop at once.

    Examples:

    conviqt score holiday.mp4

    conviqt score videos/ --recursive -o scores.csv
    """
    # What needs no model is checked before PyTorch is imported.
    if not videos and not files_from:
        raise UsageError("no videos named; give files, folders, URLs, or - for a list on stdin")
    file, form, stdout = _destinations(output, format_name, as_json)
    rows = form or stdout
    if segments:
        if rows is None:
            raise UsageError("rows per segment need -o FILE.csv or --format csv", setting="segments")
        check_segments(rows)
    if (retry_failed or force) and file is None:
        raise UsageError(f"{'--force' if force else '--retry-failed'}: there is no output to resume; give -o FILE")
    span = options.parse_span(start, duration)
    if exact:
        sampling, picture, precision = _exact(sampling, picture, precision)

    from conviqt_cli.batch.discovery import Rules
    from conviqt_cli.batch.inputs import Inputs
    from conviqt_cli.plans.picture_plan import parse_display, parse_picture
    from conviqt_cli.plans.time_plan import parse_plan
    from conviqt_cli.scorefiles.shards import FINISHED
    from conviqt_cli.scoring.settings import ScoringSettings, Span
    from conviqt_cli.storage.staging import object_name, staged_file, staged_folder

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
    store = None if file is None else object_name(file)
    if store and rows and rows.text:
        raise UsageError(f"{store}: {rows.name} is written to local files only", setting="output")
    own = None if file is None or store else os.fspath(file)
    rules = Rules(recursive, tuple(include or ()), tuple(exclude or ()), own)
    inputs = Inputs(tuple(videos or ()), tuple(files_from or ()), b"\0" if null else b"\n", rules)

    if rows and rows.text and not inputs.single:
        raise UsageError(f"{rows.name} holds the segments of one video; name just one", setting="format")

    from conviqt_cli.cli.pages import Pages
    from conviqt_cli.cli.score_run import Reporting, Running, run_many, run_one
    from conviqt_cli.quality.gate import Gate

    gate = Gate(fail_below, fail_segment_below)
    pages = Pages(report, plot, thumbnails, inputs.single)
    pages.check()
    running = Running(engine, jobs, memory, address, options.parse_time(split, "--split"))
    running.check()
    with contextlib.ExitStack() as stack:
        folder = form is not None and form.folder
        if store is not None:
            file = stack.enter_context(staged_folder(store, FINISHED) if folder else staged_file(store))
        reporting = Reporting(
            file, form, stdout, segments, quiet, verbose, retry_failed, force, keep_missing, gate, pages
        )
        if folder:
            from conviqt_cli.cli.score_stream import run_stream

            code = run_stream(inputs, settings, reporting, running, store)
        else:
            run = run_one if inputs.single else run_many
            code = run(inputs.find(sys.stdin.buffer), settings, reporting, running)
    raise typer.Exit(code)


def _destinations(
    output: Path | None, format_name: str | None, as_json: bool
) -> tuple[Path | None, Format | None, Format | None]:
    """The score file, its format, and the format of stdout, where there are; raises :class:`UsageError`."""
    named = format_named(format_name) if format_name else None
    to_file = output is not None and os.fspath(output) != "-"
    json_lines = format_named("ndjson") if as_json else None
    if output is not None and to_file:
        return output, named or format_of(output), json_lines
    if output is None and named is None:
        return None, None, json_lines
    if as_json:
        raise UsageError("--json: stdout takes one format; leave out --json, or --format and -o -")
    stdout = named or format_named("csv")
    if stdout.folder:
        raise UsageError(f"{stdout.name} is a folder of files; name one for it", setting="output")
    if stdout.document:
        raise UsageError(f"{stdout.name} is one document; on stdout choose ndjson", setting="format")
    return None, None, stdout


def _exact(sampling: str, picture: str | None, precision: str) -> tuple[str, str, str]:
    """What --exact stands for; raises :class:`UsageError` when another option says otherwise."""
    stands_for = {"sampling": "dense", "picture": "whole", "precision": "fp32"}
    unless_given = {"sampling": "sparse", "picture": None, "precision": "auto"}
    for name, value in (("sampling", sampling), ("picture", picture), ("precision", precision)):
        if value not in (stands_for[name], unless_given[name]):
            raise UsageError(f"--exact means --{name} {stands_for[name]}, not {value}; leave one of them out")
    return "dense", "whole", "fp32"
