"""A run over more videos than could be listed: each is drawn, scored, written and forgotten."""

from __future__ import annotations

import queue
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from itertools import chain

from conviqt_cli.batch.engine import Control, Engine
from conviqt_cli.scorefiles.record import Record
from conviqt_cli.scorefiles.shards import ShardedOutput
from conviqt_cli.scoring.results import FailedScore, VideoScore


@dataclass
class StreamTally:
    """How many videos have their rows: ``kept`` from an earlier run, ``scored`` and ``failed`` in this one.

    ``quality`` is the sum of those scored.
    """

    kept: int = 0
    scored: int = 0
    failed: int = 0
    quality: float = 0.0

    @property
    def done(self) -> int:
        """Videos that this run has dealt with."""
        return self.scored + self.failed


def score_stream(
    found: Iterator[tuple[str, FailedScore | None]],
    load_engine: Callable[[], Engine],
    control: Control,
    output: ShardedOutput,
    tally: StreamTally,
) -> Generator[Record, None, None]:
    """Score what ``output`` does not hold yet; yields the new records as they are finished and written.

    The engine is loaded when the first video is found that needs it. Raises :class:`StorageError` when a result cannot
    be written, and what :meth:`Engine.run` and the search raise.
    """
    refused: queue.SimpleQueue[FailedScore] = queue.SimpleQueue()

    def todo() -> Iterator[str]:
        for source, failure in found:
            if output.holds(source):
                tally.kept += 1
            elif failure is not None:
                refused.put(failure)
            else:
                yield source

    names = todo()
    first = next(names, None)
    if first is None and refused.empty():
        return
    engine = load_engine()
    output.check(engine.maker.identity)
    records = engine.run(chain([] if first is None else [first], names), control)
    for record in chain(_with_refused(records, refused, engine), _refused(refused, engine)):
        output.append(record)
        if isinstance(record.result, VideoScore):
            tally.scored += 1
            tally.quality += record.result.quality
        else:
            tally.failed += 1
        yield record


def _with_refused(
    records: Iterator[Record], refused: queue.SimpleQueue[FailedScore], engine: Engine
) -> Iterator[Record]:
    for record in records:
        yield from _refused(refused, engine)
        yield record


def _refused(refused: queue.SimpleQueue[FailedScore], engine: Engine) -> Iterator[Record]:
    while not refused.empty():
        yield Record(refused.get(), engine.maker, None)
