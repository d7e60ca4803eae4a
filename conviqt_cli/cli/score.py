"""``conviqt score``: score videos and report."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from conviqt_cli.cli import options
from conviqt_cli.cli.option_groups import grouped
from conviqt_cli.cli.score_options import FolderOptions, GateOptions, PageOptions, RunOptions, ScoringOptions
from conviqt_cli.errors import UsageError
from conviqt_cli.scorefiles.formats import FORMATS, Format, check_segments, format_named, format_of, suffix_list


@grouped
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
    folders: FolderOptions = FolderOptions(),
    many: RunOptions = RunOptions(),
    limits: GateOptions = GateOptions(),
    people: PageOptions = PageOptions(),
    scoring: ScoringOptions = ScoringOptions(),
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
    # What needs no model is checked before one is loaded.
    if not videos and not folders.files_from:
        raise UsageError("no videos named; give files, folders, URLs, or - for a list on stdin")
    file, form, stdout = _destinations(output, format_name, as_json)
    rows = form or stdout
    if segments:
        if rows is None:
            raise UsageError("rows per segment need -o FILE.csv or --format csv", setting="segments")
        check_segments(rows)
    many.check_output(file)
    settings = scoring.settings()

    from conviqt_cli.scorefiles.shards import FINISHED
    from conviqt_cli.storage.staging import object_name, staged_file, staged_folder

    store = None if file is None else object_name(file)
    if store and rows and rows.text:
        raise UsageError(f"{store}: {rows.name} is written to local files only", setting="output")
    inputs = folders.inputs(videos, None if file is None or store else os.fspath(file))
    if rows and rows.text and not inputs.single:
        raise UsageError(f"{rows.name} holds the segments of one video; name just one", setting="format")

    from conviqt_cli.cli.score_run import Reporting, run_many, run_one

    pages, running = people.pages(inputs.single), many.running()
    with contextlib.ExitStack() as stack:
        folder = form is not None and form.folder
        if store is not None:
            file = stack.enter_context(staged_folder(store, FINISHED) if folder else staged_file(store))
        reporting = Reporting(
            output=file,
            form=form,
            stdout=stdout,
            segments=segments,
            quiet=quiet,
            verbose=verbose,
            retry_failed=many.retry_failed,
            force=many.force,
            keep_missing=many.keep_missing,
            gate=limits.gate(),
            pages=pages,
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
