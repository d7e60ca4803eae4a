"""stderr: progress, warnings, logs. Data never goes here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

if TYPE_CHECKING:
    from conviqt_cli.scoring.progress import ProgressCallback, ScoringProgress
    from conviqt_cli.video.probe import VideoInfo

#: Without a terminal to draw on, a run that will take longer than this says so once, in plain text.
ANNOUNCE_SECONDS = 20.0

stderr = Console(stderr=True, highlight=False, soft_wrap=True)


def log(text: str) -> None:
    """One plain line on stderr."""
    stderr.print(Text(text))


@contextmanager
def progress(
    quiet: bool, known_speed: Callable[[int], float | None] = lambda lines: None
) -> Iterator[ProgressCallback | None]:
    """A callback that shows how far a video is, with frames/s and time left, or ``None`` when ``quiet``.

    ``known_speed`` gives the frames/s that were measured on pictures of so many lines, if they ever were.
    """
    if quiet:
        yield None
    elif stderr.is_terminal:
        with _bar() as bar:
            yield _Bar(bar)
    else:
        yield _Announcement(known_speed)


def _bar() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[left]}"),
        console=stderr,
        transient=True,
    )


class _Bar:
    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._task = bar.add_task("", total=None, rate="", left="")
        self._source = ""

    def __call__(self, info: VideoInfo, done: ScoringProgress) -> None:
        if info.source != self._source:
            self._source = info.source
            self._bar.reset(self._task)
        left = f"about {duration(done.remaining)} left" if done.remaining is not None else ""
        name = info.source.replace("\\", "/").rsplit("/", 1)[-1]
        self._bar.update(
            self._task,
            description=Text(name[:40]).plain.replace("[", "\\["),
            completed=done.frames_done,
            total=done.frames_expected,
            rate=f"{done.frames_per_second:.2g} frames/s",
            left=left,
        )


class _Announcement:
    """For logs: one line per video that will take a while.

    The first frames alone say little of the speed: they wait for the decoder and for the networks to be compiled. What
    was measured on this machine is believed before them.
    """

    def __init__(self, known_speed: Callable[[int], float | None]) -> None:
        self._source = ""
        self._known_speed = known_speed

    def __call__(self, info: VideoInfo, done: ScoringProgress) -> None:
        if info.source == self._source or not done.frames_expected or not done.frames_done:
            return
        self._source = info.source
        known = self._known_speed(min(info.width, info.height))
        rate = known or done.frames_per_second
        left = (done.frames_expected - done.frames_done) / rate
        if left > ANNOUNCE_SECONDS:
            log(
                f"{info.source}: {info.width}x{info.height}, {done.frames_expected} frames to score at {rate:.2g} "
                f"frames/s{' (as measured by conviqt benchmark)' if known else ''}: about {duration(left)}"
            )


def duration(seconds: float) -> str:
    """A length of time in words short enough for a status line."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    if seconds < 3600:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
