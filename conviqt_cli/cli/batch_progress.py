"""How far a run over many videos is: a bar on a terminal, a line a minute in a log."""

from __future__ import annotations

import threading
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
        self._lock = threading.Lock()
        #: Frames scored of each video in progress, and which share of it that is.
        self._frames: dict[str, tuple[int, float]] = {}
        self._earlier_frames = 0
        self._task = None if bar is None else bar.add_task("", total=tally.total, rate="", left="")

    def __call__(self, info: VideoInfo, done: ScoringProgress) -> None:
        """Frames of one of the videos have been scored."""
        with self._lock:
            share = min(1.0, done.frames_done / done.frames_expected) if done.frames_expected else 0.0
            self._frames[info.source] = (done.frames_done, share)
        if self._bar is not None and self._task is not None:
            name = printable(info.source.rsplit("/", 1)[-1])
            rate = f"{done.frames_per_second:.2g} frames/s"
            self._bar.update(self._task, description=f"{name[:40]:40}", rate=rate)
        self._say()

    def finished(self, source: str) -> None:
        """A video has its result."""
        with self._lock:
            self._earlier_frames += self._frames.pop(source, (0, 0.0))[0]
        if self._bar is not None and self._task is not None:
            left = self._left()
            text = "" if left is None else f"about {duration(left)} left"
            self._bar.update(self._task, completed=len(self._tally.entries), left=text)
        self._say()

    def _left(self) -> float | None:
        """Estimated seconds to go: videos so far, those in progress by their share, at the speed so far."""
        with self._lock:
            begun = sum(share for _, share in self._frames.values())
        done = len(self._tally.entries) - self._tally.kept + begun
        if not done:
            return None
        return (time.monotonic() - self._began) / done * max(0.0, self._tally.missing - begun)

    def _say(self) -> None:
        """A line in a log, where a minute has passed since the last one."""
        now = time.monotonic()
        with self._lock:
            if self._bar is not None or now - self._said < LINE_SECONDS:
                return
            self._said = now
            frames = self._earlier_frames + sum(count for count, _ in self._frames.values())
        tally, left = self._tally, self._left()
        parts = [f"{len(tally.entries)} of {tally.total} videos", f"{len(tally.failed)} failed"]
        parts.append(f"{frames / (now - self._began):.2g} frames/s")
        if left is not None:
            end = time.localtime(time.time() + left)
            day = "" if end[:3] == time.localtime()[:3] else "%Y-%m-%d "
            parts.append(f"about {duration(left)} left, finished about {time.strftime(f'{day}%H:%M', end)}")
        log(", ".join(parts))


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
