"""A run over many videos: what is kept, what is scored, and what came of it."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass

from conviqt_cli.batch.discovery import Found
from conviqt_cli.batch.engine import Control, Engine
from conviqt_cli.batch.renamed import gone
from conviqt_cli.scorefiles.journal import Journal
from conviqt_cli.scorefiles.record import Entry, Record, unchanged
from conviqt_cli.scorefiles.tally import Tally


@dataclass(frozen=True)
class Resume:
    """Which videos to score again although there is a row: ``failed`` ones, or ``everything``."""

    failed: bool = False
    everything: bool = False


def to_score(found: Found, journal: Journal | None, resume: Resume) -> list[str]:
    """The sources without a row in ``journal``, or changed since, in order; a file that was touched is read whole."""
    entries = {} if journal is None else journal.entries
    return [source for source in found.sources if source not in entries or not _keep(entries[source], resume)]


def score_all(
    found: Found,
    todo: list[str],
    engine: Engine | None,
    control: Control,
    journal: Journal | None,
    missing: bool,
    tally: Tally,
) -> Generator[Record, None, None]:
    """Score ``todo``, as :func:`to_score` has it; yields the new records, in the order of the sources.

    A record is on disk as soon as its video is finished; it may then wait for those before it to be yielded.
    ``engine`` may be ``None`` where nothing is left to score. ``missing`` says that rows of files that are gone stay.
    ``tally`` is filled as it goes on. Raises :class:`StorageError` when a result cannot be written, and what
    :meth:`Engine.run` raises. When all is done, or the run is stopped, the rows are in the order of the sources.
    """
    if journal:
        again = set(todo)
        kept = [journal.entries[source] for source in found.sources if source not in again]
        tally.entries.extend(kept)
        tally.kept += len(kept)
    turn = todo[::-1]
    waiting: dict[str, Record] = {}
    for record in _records(found, todo, engine, control):
        if journal:
            journal.append(record)
        tally.entries.append(Entry.of(record))
        waiting[record.result.source] = record
        while turn and turn[-1] in waiting:
            yield waiting.pop(turn.pop())
    # Videos that a stopped run has finished after the first one that it has not.
    yield from (waiting[source] for source in reversed(turn) if source in waiting)
    if journal and not control.aborting.is_set():
        journal.arrange(found.sources, frozenset() if missing else gone(journal))


def _records(found: Found, todo: list[str], engine: Engine | None, control: Control) -> Iterator[Record]:
    if engine is None:
        assert not todo
        return
    for source in todo:
        if source in found.refused:
            yield Record(found.refused[source], engine.maker, None)
    readable = [source for source in todo if source not in found.refused]
    if readable:
        yield from engine.run(readable, control)


def _keep(entry: Entry, resume: Resume) -> bool:
    if resume.everything or (entry.failed and resume.failed):
        return False
    return unchanged(entry.source, entry.file)
