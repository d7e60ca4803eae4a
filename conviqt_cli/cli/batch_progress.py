"""How far a run over many videos is: a bar on a terminal, a line a minute in a log."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from conviqt_cli.cli.console import duration, log, stderr
from conviqt_cli.report.batch_report import printable

if TYPE_CHECKING:
    from conviqt_cli.scorefiles.tally import Tally
    from conviqt_cli.scoring.progress import ScoringProgress
    from conviqt_cli.video.probe import VideoInfo

#: Seconds between two lines in a log.
LINE_SECONDS = 60.0


class BatchProgress:
    """Shows ``tally`` as it fills; called by the engine's threads for frames, by the run for finished videos."""

    def __init__(self, tally: Tally, bar: Progress | None) -> None:
        self._tally, self._bar = tally, bar
        self._began = self._said = time.monotonic()
        self._task = None if bar is None else bar.add_task("", total=tally.total, rate="", left="")

    def __call__(self, info: VideoInfo, done: ScoringProgress) -> None:
        """Frames of one of the videos have been scored."""
        if self._bar is not None and self._task is not None:
            name = printable(info.source.rsplit("/", 1)[-1])
            rate = f"{done.frames_per_second:.2g} frames/s"
            self._bar.update(self._task, description=f"{name[:40]:40}", rate=rate)

    def finished(self) -> None:
        """A video has its result."""
        tally, now = self._tally, time.monotonic()
        fresh = len(tally.entries) - tally.kept
        left = (now - self._began) / fresh * tally.missing if fresh else None
        text = f"about {duration(left)} left" if left is not None else ""
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=len(tally.entries), left=text)
        elif now - self._said > LINE_SECONDS:
            self._said = now
            log(f"{len(tally.entries)} of {tally.total} videos, {len(tally.failed)} failed, {text}")


@contextmanager
def batch_progress(tally: Tally) -> Iterator[BatchProgress]:
    """A display of ``tally`` on stderr for the block."""
    if not stderr.is_terminal:
        yield BatchProgress(tally, None)
        return
    columns = (
        MofNCompleteColumn(),
        BarColumn(bar_width=30),
        TextColumn("{task.fields[left]}", markup=False),
        TimeElapsedColumn(),
        TextColumn("{task.description} {task.fields[rate]}", markup=False),
    )
    with Progress(*columns, console=stderr, transient=True) as bar:
        yield BatchProgress(tally, bar)
