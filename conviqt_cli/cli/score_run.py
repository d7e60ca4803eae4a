"""The run behind ``conviqt score``: one video with its full report, or many with a summary."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from conviqt_cli.batch.discovery import Found
from conviqt_cli.batch.engine import Control
from conviqt_cli.batch.renamed import follow_renames
from conviqt_cli.batch.run import Resume, score_all, to_score
from conviqt_cli.cli.batch_progress import batch_progress
from conviqt_cli.cli.console import log, progress
from conviqt_cli.cli.interrupts import interrupts
from conviqt_cli.cli.pages import Pages
from conviqt_cli.cli.termination import leave
from conviqt_cli.errors import UsageError
from conviqt_cli.files import back_up, write_text_whole
from conviqt_cli.model.bundle import open_bundle
from conviqt_cli.quality.gate import Gate
from conviqt_cli.report.batch_report import batch_summary, printable
from conviqt_cli.report.warning_groups import WarningGroups
from conviqt_cli.scorefiles.formats import Format, RowFormat
from conviqt_cli.scorefiles.journal import Journal
from conviqt_cli.scorefiles.output import check_same_maker, join, open_output
from conviqt_cli.scorefiles.record import Maker, Record
from conviqt_cli.scorefiles.subtitles import is_ours
from conviqt_cli.scorefiles.tally import Tally
from conviqt_cli.scoring.planned import planned
from conviqt_cli.scoring.results import Result, VideoScore
from conviqt_cli.scoring.settings import ScoringSettings
from conviqt_cli.scoring.warnings import provisional_note
from conviqt_cli.video.ffmpeg import find_ffmpeg

if TYPE_CHECKING:  # PyTorch is imported only where there is something to score
    from conviqt_cli.batch.engine import Engine
    from conviqt_cli.scoring.progress import ProgressCallback

EXIT_OK, EXIT_FAILED, EXIT_BELOW_GATE = 0, 1, 3

ENGINES = ("local", "ray")

#: Seconds from which on the Ray engine divides a video, unless told otherwise.
SPLIT_SECONDS = 1800.0


@dataclass(frozen=True)
class Running:
    """How many videos are scored at once, where, and within what.

    Args:
        engine: ``local`` or ``ray``.
        jobs: videos scored at once, per device.
        memory: limit in GB that was asked for: of this process, or of each worker.
        address: of a Ray cluster.
        split: seconds from which on a video is divided among workers.
    """

    engine: str = "local"
    jobs: int = 1
    memory: float | None = None
    address: str | None = None
    split: float | None = None

    @property
    def memory_bytes(self) -> int | None:
        """The limit in bytes."""
        return None if self.memory is None else int(self.memory * 1e9)

    def check(self) -> None:
        """Raise :class:`UsageError` for an unknown engine, and for what another engine needs."""
        if self.engine not in ENGINES:
            raise UsageError(f"engine {self.engine}: choose {' or '.join(ENGINES)}", setting="engine")
        if self.engine != "ray" and (self.address is not None or self.split is not None):
            name = "address" if self.address is not None else "split"
            raise UsageError(f"--{name} is of the Ray engine; add --engine ray")
        if self.split is not None and self.split < 1:
            raise UsageError("parts have to be at least a second long", setting="split")


@dataclass(frozen=True)
class Reporting:
    """Where results go, and what of an output is kept.

    Args:
        output: a score file, or ``None``.
        form: the format of ``output``.
        stdout: the format in which results go to stdout, and the report for people to stderr; ``None``: none do.
        segments: rows of CSV are segments.
        quiet: no progress and no warnings.
        verbose: ffmpeg, model and settings are named on stderr.
        retry_failed: videos that the output holds as failed are tried again.
        force: whatever the output holds is dropped, after a copy was made.
        keep_missing: rows of files that are gone stay.
        gate: the quality that every video must reach.
        pages: what is written for people.
    """

    output: Path | None
    form: Format | None
    stdout: Format | None
    segments: bool
    quiet: bool
    verbose: bool
    retry_failed: bool
    force: bool
    keep_missing: bool = False
    gate: Gate = field(default_factory=Gate)
    pages: Pages = field(default_factory=Pages)

    @property
    def wants_records(self) -> bool:
        """Whether complete records are written, which hold facts of the files."""
        return self.stdout is not None or self.output is not None


def run_one(found: Found, settings: ScoringSettings, reporting: Reporting, running: Running) -> int:
    """Score the one video of ``found`` and report on it in full; returns the exit code."""
    maker = Maker(*planned(settings))
    control, tally, stdout = Control(), Tally(1, found.skipped), _Stdout(reporting)
    shown: Result | None = None
    with contextlib.ExitStack() as stack:
        journal = stack.enter_context(_journal(reporting))
        # A file that holds this one video alone is simply written anew, whatever its settings were.
        others = journal is not None and not set(journal.entries) <= set(found.sources)
        if journal and others:
            check_same_maker(journal, maker.identity)
        _check_text_output(reporting)

        from conviqt_cli.known_speeds import known_speed

        def callback(used: ScoringSettings) -> ProgressCallback | None:
            return stack.enter_context(progress(reporting.quiet, partial(known_speed, used.to_dict())))

        engine = load_engine(settings, reporting, running, callback, single=True)
        if journal and others:
            check_same_maker(journal, engine.maker.identity)
        stack.enter_context(interrupts(control, finish_first=False))
        # A video named by itself is always scored: whoever asks for it wants to see it now.
        todo = to_score(found, journal, Resume(everything=True))
        run = score_all(found, todo, engine, control, journal, reporting.keep_missing, tally)
        for record in _closing(stack, run):
            shown = record.result
            stdout.write(record)
            reporting.pages.see(record.result)
        _finish(journal, reporting, tally, control, single=True)
    if control.aborting.is_set():
        _leave_stopped(tally)
    if isinstance(shown, VideoScore):
        if reporting.output and reporting.form and reporting.form.text:
            write_text_whole(reporting.output, reporting.form.text(shown))
        if reporting.stdout is None:
            _show_one(shown)
        elif not reporting.quiet:
            for note in shown.warnings:
                log(f"warning: {printable(shown.source)}: {note.text}")
    return _verdict(tally, reporting)


def run_many(found: Found, settings: ScoringSettings, reporting: Reporting, running: Running) -> int:
    """Score all videos of ``found`` and sum up; returns the exit code. Arguments are as for :func:`run_one`."""
    maker = Maker(*planned(settings))
    control, tally, stdout = Control(), Tally(len(found.sources), found.skipped), _Stdout(reporting)
    seen = _Seen(list_results=not reporting.wants_records)
    with contextlib.ExitStack() as stack:
        journal = stack.enter_context(_journal(reporting))
        if journal:
            check_same_maker(journal, maker.identity)
            follow_renames(found, journal)
        engine = display = None
        todo = to_score(found, journal, Resume(failed=reporting.retry_failed))
        # A model is loaded only if there is something to score with it.
        if todo or journal is None:
            display = None if reporting.quiet else stack.enter_context(batch_progress(tally))
            engine = load_engine(settings, reporting, running, lambda used: display)
            if journal:
                check_same_maker(journal, engine.maker.identity)
            stack.enter_context(interrupts(control, finish_first=True))
        elif (scale := next((entry.scale for entry in journal.entries.values() if entry.scale), None)) is not None:
            reporting.gate.check(scale)
        run = score_all(found, todo, engine, control, journal, reporting.keep_missing, tally)
        for record in _closing(stack, run):
            if display:
                display.finished(record.result.source)
            stdout.write(record)
            reporting.pages.see(record.result)
            seen.add(record.result)
        _finish(journal, reporting, tally, control, single=False)
        reporting.pages.finish(tally, "Video quality")
    if not control.aborting.is_set():
        _show_many(seen.listed, tally, found, reporting)
    if not reporting.quiet:
        for line in seen.notes.lines():
            log(line)
    code = _verdict(tally, reporting)
    if control.aborting.is_set():
        _leave_stopped(tally)
    return code


def load_engine(
    settings: ScoringSettings,
    reporting: Reporting,
    running: Running,
    callback: Callable[[ScoringSettings], ProgressCallback | None],
    single: bool = False,
) -> Engine:
    """An engine that is ready; with what it will score has been checked, and named where that was asked for.

    ``callback`` makes what the local engine tells of its progress, from the settings that it uses.
    """
    engine: Engine
    if running.engine == "ray":
        from conviqt_cli.batch.ray_engine import load_ray_engine

        engine = load_ray_engine(
            settings,
            running.jobs,
            reporting.wants_records,
            running.memory_bytes,
            running.split or SPLIT_SECONDS,
            running.address,
        )
    else:
        from conviqt_cli.batch.local_engine import LocalEngine, load_scorers
        from conviqt_cli.batch.memory import default_budget
        from conviqt_cli.model import devices

        if single:
            settings = replace(settings, device=devices(settings.device)[0])
        jobs = 1 if single else running.jobs
        memory = running.memory_bytes or default_budget()
        scorers = load_scorers(settings, jobs)
        reporting.pages.mapped_by(scorers[0])
        engine = LocalEngine(scorers, jobs, reporting.wants_records, memory, callback(scorers[0].settings))
    _check(engine, settings, reporting)
    bundle = open_bundle(settings.weights)
    if bundle.provisional and not reporting.quiet and not single:
        log(f"warning: {provisional_note(bundle).text}")
    return engine


class _Seen:
    """What the end of a run reports of the videos scored in it."""

    def __init__(self, list_results: bool) -> None:
        self.listed: list[Result] = []
        self.notes = WarningGroups()
        self._list_results = list_results

    def add(self, result: Result) -> None:
        """A video has its result."""
        if isinstance(result, VideoScore):
            for note in result.warnings:
                if note.code != "provisional":  # said once, at the beginning
                    self.notes.add(result.source, note)
        if self._list_results:
            self.listed.append(_light(result))


class _Stdout:
    """Records on stdout, in the format that was asked for."""

    def __init__(self, reporting: Reporting) -> None:
        self._form = reporting.stdout
        self._rows: RowFormat | None = None
        if self._form and self._form.rows:
            self._rows = self._form.rows(reporting.segments)
        self._begun = False

    def write(self, record: Record) -> None:
        """Print a record at once."""
        if self._form and self._form.text and isinstance(record.result, VideoScore):
            self._put(self._form.text(record.result).encode())
        elif self._rows:
            self._put((b"" if self._begun else self._rows.header) + self._rows.encode(record))

    def _put(self, data: bytes) -> None:
        self._begun = True
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()


def _check(engine: Engine, asked: ScoringSettings, reporting: Reporting) -> None:
    """Fail before the first video for what no video can be scored with; name what will run, and what will be slow."""
    reporting.gate.check(engine.scale)
    model, settings = engine.maker.model, engine.maker.settings
    if reporting.verbose:
        binary = find_ffmpeg()
        log(f"ffmpeg {binary.version} ({binary.path})")
        log(f"model {model.id} ({open_bundle(asked.weights).folder}), encoder {model.encoder_id}")
        log(f"{settings.device}, {settings.precision} by {engine.backend}, sampling {settings.plan.to_dict()}")
        if settings.picture is not None:
            log(f"picture {settings.picture.to_dict()}, display {settings.display}")
    if not reporting.quiet and asked.precision != "auto":
        from conviqt_cli.model.cpu import is_emulated

        if is_emulated(asked.precision, settings.device):
            log(f"warning: --precision {asked.precision} is slow on this CPU; --precision auto is faster")


@contextlib.contextmanager
def _journal(reporting: Reporting) -> Iterator[Journal | None]:
    if reporting.output is None or reporting.form is None or reporting.form.rows is None:
        yield None
        return
    with open_output(reporting.output, reporting.form, reporting.segments, reporting.force) as journal:
        said = 0
        if not reporting.quiet:
            for note in journal.notes:
                log(f"note: {note}")
                said += 1
        yield journal
        if not reporting.quiet:
            for note in journal.notes[said:]:
                log(f"note: {note}")


def _check_text_output(reporting: Reporting) -> None:
    """Raise :class:`UsageError` rather than overwrite subtitles that are not this program's; keep a copy if forced."""
    path = reporting.output
    if path is None or reporting.form is None or reporting.form.text is None:
        return
    if not path.parent.is_dir():
        raise UsageError(f"{path}: there is no folder {path.parent}", setting="output")
    if path.exists() and not is_ours(path):
        if not reporting.force:
            raise UsageError(f"{path}: not subtitles that this program wrote; choose another output", setting="force")
        copy = back_up(path)
        if copy and not reporting.quiet:
            log(f"note: {path}: what it held is kept in {copy.name}")


def _closing(stack: contextlib.ExitStack, records: Generator[Record, None, None]) -> Iterator[Record]:
    """The records; whatever ends the block ends the run behind them, too."""
    return stack.enter_context(contextlib.closing(records))


def _finish(journal: Journal | None, reporting: Reporting, tally: Tally, control: Control, single: bool) -> None:
    """Turn the rows into the output, when all of them are there."""
    unfinished = tally.missing or control.aborting.is_set()
    if journal and reporting.output and reporting.form and reporting.form.document and not unfinished:
        join(journal, reporting.output, single)


def _light(result: Result) -> Result:
    """What the list at the end needs, which names the worst segment only: a long run must not keep them all."""
    return replace(result, segments=tuple(result.worst(1))) if isinstance(result, VideoScore) else result


def _show_one(score: VideoScore) -> None:
    from rich.console import Console

    from conviqt_cli.report.score_report import full_report

    console = Console(highlight=False)
    console.print(full_report(score, console.width))


def _show_many(listed: list[Result], tally: Tally, found: Found, reporting: Reporting) -> None:
    """List and summary: on stdout, or on stderr where stdout carries data."""
    from rich.console import Console

    from conviqt_cli.report.score_report import summary

    data = reporting.stdout is not None
    console = Console(highlight=False, stderr=data)
    if listed and not data:
        console.print(summary(listed))
        console.print()
    if not (data and reporting.quiet):
        console.print(batch_summary(tally, found.links))
    sys.stdout.flush()


def _verdict(tally: Tally, reporting: Reporting) -> int:
    """Name what failed and what is below the gate, last of all; returns the exit code."""
    below = False
    for entry in tally.scored:
        assert entry.quality is not None and entry.scale is not None
        for text in reporting.gate.failures(entry.quality, entry.worst, entry.scale):
            below = True
            log(f"{printable(entry.source)}: {text}")
    for entry in tally.failed:
        log(f"error: {printable(entry.reason or entry.source)}")
    return exit_code(bool(tally.failed or tally.missing), below)


def exit_code(failed: bool, below: bool) -> int:
    """The exit code of a run: whether anything ``failed``, and whether anything is ``below`` the gate."""
    # What could not be scored comes first: the gate has not seen it.
    return EXIT_FAILED if failed else EXIT_BELOW_GATE if below else EXIT_OK


def _leave_stopped(tally: Tally) -> None:
    log(f"stopped: {tally.missing} of {tally.total} videos are not scored; run the same command again to resume")
    leave(EXIT_FAILED)
