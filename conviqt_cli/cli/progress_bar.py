"""A bar on stderr for work in named steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from conviqt_cli.cli.console import log, stderr


@contextmanager
def steps(quiet: bool) -> Iterator[Callable[[str, int, int], None]]:
    """A callback (step, done, total): a bar on a terminal, one line a step in a log, nothing when ``quiet``."""
    if quiet:
        yield lambda step, done, total: None
        return
    if not stderr.is_terminal:
        said: set[str] = set()

        def say(step: str, done: int, total: int) -> None:
            if step not in said:
                said.add(step)
                log(f"{step} ({total})" if done <= 1 else f"{step} ({done} of {total})")

        yield say
        return
    columns = (TextColumn("{task.description}", markup=False), BarColumn(bar_width=30), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=stderr, transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda step, done, total: bar.update(task, description=step, completed=done, total=total)
