"""The run behind ``conviqt score -o FOLDER --format parquet``: any number of videos into a folder of Parquet files."""

from __future__ import annotations

import contextlib
import sys
import time
from collections import Counter
from functools import partial
from pathlib import Path

from conviqt_cli.batch.engine import Control, Engine
from conviqt_cli.batch.inputs import Inputs
from conviqt_cli.batch.stream import StreamTally, score_stream
from conviqt_cli.cli.batch_progress import LINE_SECONDS
from conviqt_cli.cli.console import log
from conviqt_cli.cli.interrupts import interrupts
from conviqt_cli.cli.score_run import EXIT_FAILED, Reporting, Running, exit_code, load_engine
from conviqt_cli.cli.termination import leave
from conviqt_cli.errors import ConviqtError, UsageError
from conviqt_cli.report.batch_report import printable
from conviqt_cli.scorefiles.record import Maker
from conviqt_cli.scorefiles.shards import ShardedOutput
from conviqt_cli.scoring.planned import planned
from conviqt_cli.scoring.results import VideoScore
from conviqt_cli.scoring.settings import ScoringSettings
from conviqt_cli.storage.staging import publish

#: Most failures, and videos below the gate, that are named on stderr; all of them are rows.
_NAMED = 20


def run_stream(
    inputs: Inputs, settings: ScoringSettings, reporting: Reporting, running: Running, store: str | None = None
) -> int:
    """Score what the folder does not hold yet, and say how much that was; returns the exit code.

    Finished files are copied to the folder ``store`` of an object store.
    """
    if reporting.force or reporting.keep_missing or reporting.stdout or reporting.pages.wanted:
        raise UsageError(
            "a folder of Parquet files is only ever added to, and nothing else is written beside it; choose another "
            "format for --force, --keep-missing, --json, --report, --plot and --thumbnails",
            setting="format",
        )
    assert reporting.output is not None
    to_store = partial(publish, name=store) if store else _nowhere
    output = ShardedOutput(reporting.output, Maker(*planned(settings)).identity, reporting.retry_failed, to_store)
    control, tally, skipped, said = Control(), StreamTally(), Counter[str](), _Said(reporting)
    with contextlib.ExitStack() as stack:
        stack.callback(output.close)

        def load() -> Engine:
            engine = load_engine(settings, reporting, running, lambda used: None)
            stack.enter_context(interrupts(control, finish_first=True))
            return engine

        found = inputs.search(sys.stdin.buffer, skipped)
        for record in stack.enter_context(contextlib.closing(score_stream(found, load, control, output, tally))):
            said.see(record.result, tally)
        if not control.aborting.is_set():
            output.finish()
    if not tally.done and not tally.kept and not control.stopping.is_set():
        raise ConviqtError(f"no videos found ({_counts(skipped) or 'nothing there'})")
    if not reporting.quiet:
        mean = f", mean quality {tally.quality / tally.scored:.2f}" if tally.scored else ""
        kept = f"; {tally.kept} from an earlier run" if tally.kept else ""
        print(f"{tally.scored} scored{mean}, {tally.failed} failed{kept}", file=sys.stdout)  # noqa: T201
        if skipped:
            print(f"skipped: {_counts(skipped)}", file=sys.stdout)  # noqa: T201
    said.finish()
    if control.stopping.is_set():
        log("stopped: run the same command again to resume")
        if control.aborting.is_set():
            leave(EXIT_FAILED)
        return EXIT_FAILED
    return exit_code(bool(tally.failed), bool(said.below))


def _nowhere(path: Path) -> None:
    """Files stay where they are."""


class _Said:
    """What is said on the way: a line a minute, and the first failures."""

    def __init__(self, reporting: Reporting) -> None:
        self._reporting, self._began = reporting, time.monotonic()
        self._said = self._began
        self._named, self._unnamed, self.below = 0, 0, 0

    def see(self, result: object, tally: StreamTally) -> None:
        """A video has its row."""
        if isinstance(result, VideoScore):
            worst = result.worst(1)[0].quality
            texts = list(self._reporting.gate.failures(result.quality, worst, result.scale))
            self.below += bool(texts)
            for text in texts:
                self._name(f"{printable(result.source)}: {text}")
        else:
            self._name(f"error: {printable(getattr(result, 'reason', ''))}")
        now = time.monotonic()
        if not self._reporting.quiet and now - self._said >= LINE_SECONDS:
            self._said = now
            rate = tally.done / (now - self._began)
            log(f"{tally.done} videos, {tally.failed} failed, {rate:.2g} videos/s; {tally.kept} from an earlier run")

    def finish(self) -> None:
        """Say how many were not named."""
        if self._unnamed:
            log(f"and {self._unnamed} more, which are rows of the output")

    def _name(self, text: str) -> None:
        if self._named < _NAMED:
            self._named += 1
            log(text)
        else:
            self._unnamed += 1


def _counts(skipped: Counter[str]) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in sorted(skipped.items()))
