"""The run behind ``conviqt score``: inputs, model, engine, output and what is said on the way."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from conviqt_cli.batch.discovery import Found, Rules, find, read_list
from conviqt_cli.batch.engine import Control, Span
from conviqt_cli.batch.local_engine import LocalEngine
from conviqt_cli.batch.memory import SHARE, available
from conviqt_cli.batch.run import Resume, score_all
from conviqt_cli.cli.batch_progress import batch_progress
from conviqt_cli.cli.console import log, progress
from conviqt_cli.errors import ConviqtError, UsageError
from conviqt_cli.report.batch_report import batch_summary, printable
from conviqt_cli.scorefiles.journal import Journal
from conviqt_cli.scorefiles.output import check_same_maker, join, open_output
from conviqt_cli.scorefiles.record import Record
from conviqt_cli.scorefiles.tally import Tally
from conviqt_cli.scoring.results import VideoScore
from conviqt_cli.scoring.scorer import Scorer, load
from conviqt_cli.scoring.warnings import provisional_note
from conviqt_cli.video.ffmpeg import find_ffmpeg

if TYPE_CHECKING:
    from conviqt_cli.scorefiles.formats import Result


@dataclass(frozen=True)
class Inputs:
    """What the user named, and how lists and folders are read."""

    names: tuple[str, ...]
    lists: tuple[str, ...]
    null: bool
    recursive: bool
    include: tuple[str, ...]
    exclude: tuple[str, ...]

    @property
    def single(self) -> bool:
        """Whether exactly one video was named, by itself."""
        return not self.lists and len(self.names) == 1 and self.names[0] != "-" and not os.path.isdir(self.names[0])  # noqa: PTH112


@dataclass(frozen=True)
class Model:
    """The arguments of :func:`conviqt_cli.scoring.scorer.load`."""

    weights: str | None
    regressor: Path | None
    device: str
    sampling: str
    precision: str
    threads: int | None
    pool: str
    timeout: float
    max_frames: int

    def load(self, jobs: int) -> list[Scorer]:
        """A scorer for each device in use; on a CPU the threads are shared out between ``jobs``."""
        import torch

        devices = [self.device]
        count = torch.cuda.device_count() if self.device in ("auto", "cuda") and torch.cuda.is_available() else 0
        if count > 1:
            devices = [f"cuda:{index}" for index in range(count)]
        threads = self.threads
        if jobs > 1:
            threads = max(1, (threads or torch.get_num_threads()) // jobs)
        return [
            load(
                self.weights, self.regressor, device, self.sampling, self.precision, threads, self.pool, self.timeout,
                self.max_frames,
            )
            for device in devices
        ]  # fmt: skip


@dataclass(frozen=True)
class Reporting:
    """Where results go, and what of an output is kept."""

    output: Path | None
    as_json: bool
    segments: bool
    quiet: bool
    verbose: bool
    retry_failed: bool
    force: bool


def run(
    inputs: Inputs, model: Model, reporting: Reporting, span: tuple[float, float | None], jobs: int, memory: int | None
) -> bool:
    """Do it all; returns whether some video has no score."""
    found = _gather(inputs, reporting.output)
    scorers = model.load(1 if inputs.single else jobs)
    scorer = scorers[0]
    scorer.regressor  # noqa: B018 (a bundle without one is to fail here, not at the first video)
    if reporting.verbose:
        _describe(scorer)
    if memory is None:
        free = available()
        memory = None if free is None else int(free * SHARE)
    if scorer.bundle.provisional and not (reporting.quiet or inputs.single):
        log(f"warning: {provisional_note(scorer.bundle).text}")
    control = Control()
    tally = Tally(len(found.sources), found.skipped)
    shown: list[Result] = []
    with contextlib.ExitStack() as stack:
        journal: Journal | None = None
        if reporting.output:
            journal = stack.enter_context(open_output(reporting.output, reporting.segments, reporting.force))
        many = None if inputs.single or reporting.quiet else stack.enter_context(batch_progress(tally))
        callback = many or stack.enter_context(progress(reporting.quiet))
        engine = LocalEngine(scorers, jobs, Span(*span), reporting.as_json or journal is not None, memory, callback)
        # A report on this one video alone is simply made anew, whatever the settings were.
        if journal and not (inputs.single and set(journal.entries) <= set(found.sources)):
            check_same_maker(journal, engine.maker)
        stack.enter_context(_interrupts(control, inputs.single))
        # One video named by itself is always judged: whoever asks for it wants to see it now.
        resume = Resume(failed=reporting.retry_failed, everything=inputs.single)
        for record in stack.enter_context(
            contextlib.closing(score_all(found, engine, control, journal, resume, tally))
        ):
            if many:
                many.finished()
            _say(record, reporting, inputs.single)
            # For the list at the end, which names the worst segment only: a long run must not keep them all.
            if not reporting.as_json and (inputs.single or not journal):
                shown.append(record.result if inputs.single else _light(record.result))
        if journal and reporting.output and not (tally.missing or control.aborting.is_set()):
            join(journal, reporting.output, inputs.single)
    if control.aborting.is_set():
        _leave_now(tally)
    _show(shown, tally, scorer, reporting, inputs.single)
    return bool(tally.failed or tally.missing)


def _gather(inputs: Inputs, output: Path | None) -> Found:
    names: list[str] = []
    stdin_read = False
    for name in (*inputs.names, *(f"\0{name}" for name in inputs.lists)):
        listed = name.startswith("\0")
        name = name.removeprefix("\0")
        if name != "-" and not listed:
            names.append(name)
            continue
        if name == "-" and stdin_read:
            raise UsageError("-: stdin can be read once only")
        stdin_read = stdin_read or name == "-"
        try:
            data = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        except OSError as error:
            raise UsageError(f"--files-from {name}: cannot be read ({error.strerror})") from None
        names += read_list(data, b"\0" if inputs.null else b"\n", "stdin" if name == "-" else name)
    rules = Rules(inputs.recursive, inputs.include, inputs.exclude, None if output is None else os.fspath(output))
    found = find(names, rules)
    if not found.sources:
        skipped = ", ".join(f"{count} {reason}" for reason, count in sorted(found.skipped.items()))
        raise ConviqtError(f"{', '.join(inputs.names) or 'the list'}: no videos found ({skipped or 'nothing there'})")
    return found


def _describe(scorer: Scorer) -> None:
    binary = find_ffmpeg()
    log(f"ffmpeg {binary.version} ({binary.path})")
    log(f"model {scorer.bundle.id} ({scorer.bundle.folder}), encoder {scorer.encoder_id}")
    log(f"{scorer.encoder.device}, {scorer.encoder.precision}, sampling {scorer.plan.to_dict()}")


@contextlib.contextmanager
def _interrupts(control: Control, single: bool) -> Iterator[None]:
    """Ctrl-C once: finish what is being judged. Twice, or for a single video: stop now. SIGTERM: stop now."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        if single or control.stopping.is_set():
            # Not here: a lock that stopping needs may be held by the code this handler has interrupted.
            threading.Thread(target=control.abort, daemon=True).start()
            raise KeyboardInterrupt
        control.stop()
        log("finishing the videos being judged; Ctrl-C again stops at once")

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    except KeyboardInterrupt:
        control.abort()
    finally:
        signal.signal(signal.SIGINT, before)


def _say(record: Record, reporting: Reporting, single: bool) -> None:
    result = record.result
    if reporting.as_json:
        sys.stdout.write(json.dumps(record.to_dict(), allow_nan=False) + "\n")
        sys.stdout.flush()
    if not isinstance(result, VideoScore):
        log(f"error: {printable(result.reason)}")
    elif not reporting.quiet and (reporting.as_json or not single):
        for note in result.warnings:
            if single or note.code != "provisional":  # of many videos it is said once, at the beginning
                log(f"warning: {printable(result.source)}: {note.text}")


def _light(result: Result) -> Result:
    return replace(result, segments=tuple(result.worst(1))) if isinstance(result, VideoScore) else result


def _show(shown: list[Result], tally: Tally, scorer: Scorer, reporting: Reporting, single: bool) -> None:
    """The report for people: on stdout, or on stderr where stdout carries data."""
    from rich.console import Console

    from conviqt_cli.report.score_report import full_report, summary

    console = Console(highlight=False, stderr=reporting.as_json)
    if single:
        if shown and isinstance(shown[0], VideoScore):
            console.print(full_report(shown[0], console.width))
        return
    if shown:
        console.print(summary(shown))
        console.print()
    if not (reporting.as_json and reporting.quiet):
        console.print(batch_summary(tally, scorer.regressor.scale))


def _leave_now(tally: Tally) -> None:
    """End without waiting for threads that are still inside PyTorch; nothing of theirs is wanted any more."""
    log(f"stopped: {tally.missing} of {tally.total} videos are not scored; run the same command again to go on")
    sys.stdout.flush()
    os._exit(1)
