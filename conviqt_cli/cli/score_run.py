"""The run behind ``conviqt score``: one video with its full report, or many with a summary."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

from conviqt_cli.batch.discovery import Found
from conviqt_cli.batch.engine import Control
from conviqt_cli.batch.local_engine import LocalEngine, load_scorers
from conviqt_cli.batch.run import Resume, score_all
from conviqt_cli.cli.batch_progress import batch_progress
from conviqt_cli.cli.console import log, progress
from conviqt_cli.cli.interrupts import interrupts
from conviqt_cli.model import devices
from conviqt_cli.report.batch_report import batch_summary, printable
from conviqt_cli.scorefiles.journal import Journal
from conviqt_cli.scorefiles.output import check_same_maker, join, open_output
from conviqt_cli.scorefiles.record import Record
from conviqt_cli.scorefiles.tally import Tally
from conviqt_cli.scoring.results import Result, VideoScore
from conviqt_cli.scoring.scorer import Scorer, load_scorer
from conviqt_cli.scoring.settings import ScoringSettings
from conviqt_cli.scoring.warnings import provisional_note
from conviqt_cli.video.ffmpeg import find_ffmpeg


@dataclass(frozen=True)
class Reporting:
    """Where results go, and what of an output is kept.

    Args:
        output: a score file, or ``None``.
        as_json: records go to stdout, and the report for people to stderr.
        segments: rows of a CSV file are segments.
        quiet: no progress and no warnings.
        verbose: ffmpeg, model and settings are named on stderr.
        retry_failed: videos that the output holds as failed are tried again.
        force: whatever the output holds is dropped.
    """

    output: Path | None
    as_json: bool
    segments: bool
    quiet: bool
    verbose: bool
    retry_failed: bool
    force: bool

    @property
    def wants_records(self) -> bool:
        """Whether complete records are written, which hold facts of the files."""
        return self.as_json or self.output is not None


def run_one(found: Found, settings: ScoringSettings, reporting: Reporting, memory: int | None) -> bool:
    """Score the one video of ``found`` and report on it in full; returns whether it failed."""
    scorer = load_scorer(replace(settings, device=devices(settings.device)[0]))
    _check(scorer, reporting)
    control, tally = Control(), Tally(1, found.skipped)
    shown: Result | None = None
    with contextlib.ExitStack() as stack:
        journal = stack.enter_context(_journal(reporting))
        callback = stack.enter_context(progress(reporting.quiet))
        engine = LocalEngine([scorer], 1, reporting.wants_records, memory, callback)
        # A file that holds this one video alone is simply written anew, whatever its settings were.
        if journal and not set(journal.entries) <= set(found.sources):
            check_same_maker(journal, engine.maker)
        stack.enter_context(interrupts(control, finish_first=False))
        # A video named by itself is always scored: whoever asks for it wants to see it now.
        resume = Resume(everything=True)
        for record in _closing(stack, score_all(found, engine, control, journal, resume, tally)):
            shown = record.result
            _print_record(record, reporting)
            if reporting.as_json:
                _warn(shown, reporting)
        _finish(journal, reporting, tally, control, single=True)
    if control.aborting.is_set():
        _leave_now(tally)
    if isinstance(shown, VideoScore):
        _show_one(shown, reporting)
    return bool(tally.failed or tally.missing)


def run_many(found: Found, settings: ScoringSettings, reporting: Reporting, jobs: int, memory: int | None) -> bool:
    """Score all videos of ``found`` and sum up; returns whether some video has no score."""
    scorers = load_scorers(settings, jobs)
    scorer = scorers[0]
    _check(scorer, reporting)
    if scorer.bundle.provisional and not reporting.quiet:
        log(f"warning: {provisional_note(scorer.bundle).text}")
    control, tally = Control(), Tally(len(found.sources), found.skipped)
    listed: list[Result] = []
    with contextlib.ExitStack() as stack:
        journal = stack.enter_context(_journal(reporting))
        display = None if reporting.quiet else stack.enter_context(batch_progress(tally))
        engine = LocalEngine(scorers, jobs, reporting.wants_records, memory, display)
        if journal:
            check_same_maker(journal, engine.maker)
        stack.enter_context(interrupts(control, finish_first=True))
        resume = Resume(failed=reporting.retry_failed)
        for record in _closing(stack, score_all(found, engine, control, journal, resume, tally)):
            if display:
                display.finished()
            _print_record(record, reporting)
            _warn(record.result, reporting, omit="provisional")  # said once, above
            if not reporting.wants_records:
                listed.append(_light(record.result))
        _finish(journal, reporting, tally, control, single=False)
    if control.aborting.is_set():
        _leave_now(tally)
    _show_many(listed, tally, scorer, reporting)
    return bool(tally.failed or tally.missing)


def _check(scorer: Scorer, reporting: Reporting) -> None:
    """Fail before the first video when the bundle has no regressor; with ``verbose`` name what will run."""
    scorer.regressor  # noqa: B018 (raises)
    if reporting.verbose:
        binary, settings = find_ffmpeg(), scorer.settings
        log(f"ffmpeg {binary.version} ({binary.path})")
        log(f"model {scorer.bundle.id} ({scorer.bundle.folder}), encoder {scorer.encoder_id}")
        log(f"{settings.device}, {settings.precision} by {scorer.encoder.backend}, sampling {settings.plan.to_dict()}")
        if settings.picture is not None:
            log(f"picture {settings.picture.to_dict()}, display {settings.display}")


@contextlib.contextmanager
def _journal(reporting: Reporting) -> Iterator[Journal | None]:
    if reporting.output is None:
        yield None
        return
    with open_output(reporting.output, reporting.segments, reporting.force) as journal:
        yield journal


def _closing(stack: contextlib.ExitStack, records: Generator[Record, None, None]) -> Iterator[Record]:
    """The records; whatever ends the block ends the run behind them, too."""
    return stack.enter_context(contextlib.closing(records))


def _finish(journal: Journal | None, reporting: Reporting, tally: Tally, control: Control, single: bool) -> None:
    """Turn the rows into the output, when all of them are there."""
    if journal and reporting.output and not (tally.missing or control.aborting.is_set()):
        join(journal, reporting.output, single)


def _print_record(record: Record, reporting: Reporting) -> None:
    """The record on stdout with ``--json``; the reason of a failure on stderr."""
    if reporting.as_json:
        sys.stdout.write(json.dumps(record.to_dict(), allow_nan=False) + "\n")
        sys.stdout.flush()
    if not isinstance(record.result, VideoScore):
        log(f"error: {printable(record.result.reason)}")


def _warn(result: Result, reporting: Reporting, omit: str = "") -> None:
    """Warnings of a score on stderr, but those with the code ``omit``."""
    if reporting.quiet or not isinstance(result, VideoScore):
        return
    for note in result.warnings:
        if note.code != omit:
            log(f"warning: {printable(result.source)}: {note.text}")


def _light(result: Result) -> Result:
    """What the list at the end needs, which names the worst segment only: a long run must not keep them all."""
    return replace(result, segments=tuple(result.worst(1))) if isinstance(result, VideoScore) else result


def _show_one(score: VideoScore, reporting: Reporting) -> None:
    """The full report, unless stdout carries the record."""
    from rich.console import Console

    from conviqt_cli.report.score_report import full_report

    if not reporting.as_json:
        console = Console(highlight=False)
        console.print(full_report(score, console.width))


def _show_many(listed: list[Result], tally: Tally, scorer: Scorer, reporting: Reporting) -> None:
    """List and summary: on stdout, or on stderr where stdout carries data."""
    from rich.console import Console

    from conviqt_cli.report.score_report import summary

    console = Console(highlight=False, stderr=reporting.as_json)
    if listed:
        console.print(summary(listed))
        console.print()
    if not (reporting.as_json and reporting.quiet):
        console.print(batch_summary(tally, scorer.regressor.scale))


def _leave_now(tally: Tally) -> NoReturn:
    """End without waiting for threads that are still inside PyTorch; nothing of theirs is wanted any more."""
    log(f"stopped: {tally.missing} of {tally.total} videos are not scored; run the same command again to resume")
    sys.stdout.flush()
    os._exit(1)
