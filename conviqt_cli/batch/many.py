"""Many videos from Python: scored several at once, as one result that turns into a table."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any, overload

from conviqt_cli.batch.engine import Control
from conviqt_cli.data_frames import data_frame
from conviqt_cli.errors import UsageError
from conviqt_cli.scoring.results import FailedScore, Result, VideoScore

if TYPE_CHECKING:
    import pandas

    from conviqt_cli.scoring.scorer import Scorer


@dataclass(frozen=True)
class Scores(Sequence[Result]):
    """Results in the order the videos were named: a :class:`VideoScore`, or a :class:`FailedScore` with its reason."""

    results: tuple[Result, ...]

    def __len__(self) -> int:
        return len(self.results)

    @overload
    def __getitem__(self, index: int) -> Result: ...
    @overload
    def __getitem__(self, index: slice) -> Scores: ...
    def __getitem__(self, index: int | slice) -> Result | Scores:
        return Scores(self.results[index]) if isinstance(index, slice) else self.results[index]

    @property
    def scored(self) -> list[VideoScore]:
        """Those that have a score."""
        return [each for each in self.results if isinstance(each, VideoScore)]

    @property
    def failed(self) -> list[FailedScore]:
        """Those that have none."""
        return [each for each in self.results if isinstance(each, FailedScore)]

    def rows(self) -> list[dict[str, Any]]:
        """A row per video: numbers as numbers, ``None`` where there is nothing to say."""
        return [each.row() for each in self.results]

    def to_frame(self) -> pandas.DataFrame:
        """:meth:`rows` as a table of pandas; raises :class:`UsageError` where pandas is not installed."""
        return data_frame(self.rows())

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{escape(each.source)}</td><td>{each.quality:.2f}</td><td>{escape(each.verdict.text)}</td></tr>"
            if isinstance(each, VideoScore)
            else f"<tr><td>{escape(each.source)}</td><td>failed</td><td>{escape(each.reason)}</td></tr>"
            for each in self.results
        )
        return f"<table><tr><th>video</th><th>quality</th><th>verdict</th></tr>{rows}</table>"


def score_many(videos: Iterable[str | os.PathLike[str]], scorer: Scorer | None = None, jobs: int = 1) -> Scores:
    """Score several videos; one that cannot be read becomes a :class:`FailedScore` and stops no other.

    Args:
        videos: paths or URLs, each once.
        scorer: from :func:`conviqt_cli.load`; ``None`` loads the bundled model with default settings.
        jobs: videos scored at once.

    Raises :class:`UsageError` for a video that is named twice or no videos at all, and what concerns every video (a
    damaged bundle, say).

    >>> from conviqt_cli import load, score_many
    >>> scores = score_many(["holiday.mp4", "missing.mp4"], load(device="cpu"))
    >>> [type(each).__name__ for each in scores]
    ['VideoScore', 'FailedScore']
    >>> scores.rows()[1]["error_code"]
    'unreadable'
    """
    return Scores(tuple(_in_order(videos, scorer, jobs)))


def _in_order(videos: Iterable[str | os.PathLike[str]], scorer: Scorer | None, jobs: int) -> Iterator[Result]:
    from conviqt_cli.batch.local_engine import LocalEngine
    from conviqt_cli.scoring.scorer import load

    names = [os.fspath(video) for video in videos]
    if not names:
        raise UsageError("no videos named")
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise UsageError(f"{twice}: named twice")
    engine = LocalEngine([scorer or load()], jobs, identify=False)
    found = {record.result.source: record.result for record in engine.run(names, Control())}
    return (found[name] for name in names)
