"""``conviqt score``: judge videos and report."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from conviqt_cli.cli import options
from conviqt_cli.cli.console import log, progress
from conviqt_cli.errors import UsageError

if TYPE_CHECKING:
    from conviqt_cli.report.writer import Result, ResultWriter


def score(
    videos: options.Inputs,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write a report too: .csv, .json or .ndjson."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="JSON on stdout: an object; one a line for several videos.")
    ] = False,
    segments: Annotated[bool, typer.Option("--segments", help="CSV with a row per segment.")] = False,
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
    """
    from conviqt_cli.report.json_records import NdjsonWriter
    from conviqt_cli.report.writer import check_suffix, writer_for
    from conviqt_cli.scores import FailedScore

    span = options.parse_span(start, duration)
    if output:
        check_suffix(output)
    if segments and (output is None or output.suffix.lower() != ".csv"):
        raise UsageError("--segments: rows per segment are for -o FILE.csv; JSON always holds the segments")

    from conviqt_cli.batch import score_many
    from conviqt_cli.scoring import load
    from conviqt_cli.video.ffmpeg import find_ffmpeg

    scorer = load(weights, regressor, device, sampling, precision, threads, pool, timeout)
    scorer.regressor  # noqa: B018 (a bundle without one is to fail here, not at the first video)
    if verbose:
        binary = find_ffmpeg()
        log(f"ffmpeg {binary.version} ({binary.path})")
        log(f"model {scorer.bundle.id} ({scorer.bundle.folder}), encoder {scorer.encoder_id}")
        log(f"{scorer.encoder.device}, {scorer.encoder.precision}, sampling {scorer.plan.to_dict()}")

    results: list[Result] = []
    with contextlib.ExitStack() as stack:
        writers: list[ResultWriter] = []
        if output:
            # surrogateescape: names that are not text reach the CSV byte for byte.
            file = stack.enter_context(output.open("w", encoding="utf-8", errors="surrogateescape", newline=""))
            writers.append(writer_for(output, file, segments, several=len(videos) > 1))
        if as_json:
            writers.append(NdjsonWriter(sys.stdout))
        callback = stack.enter_context(progress(quiet))
        for result in score_many(scorer, videos, *span, callback):
            for writer in writers:
                writer.write(result)
            if isinstance(result, FailedScore):
                log(f"error: {result.reason}")
            elif not quiet and (as_json or len(videos) > 1):
                for note in result.warnings:
                    log(f"warning: {result.source}: {note.text}")
            results.append(result)
        for writer in writers:
            writer.close()
    if not as_json:
        _show(results)
    if any(isinstance(result, FailedScore) for result in results):
        raise typer.Exit(1)


def _show(results: list[Result]) -> None:
    """The report for people, on stdout."""
    from rich.console import Console

    from conviqt_cli.report.table import full_report, summary
    from conviqt_cli.scores import VideoScore

    console = Console(highlight=False)
    if len(results) > 1:
        console.print(summary(results))
    elif isinstance(results[0], VideoScore):
        console.print(full_report(results[0], console.width))
