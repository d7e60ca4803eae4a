"""Score sets too large for one file: a folder of Parquet files, of which the last is still being written as NDJSON.

``scores-00000.parquet``, ``scores-00001.parquet``, ... hold :data:`SHARD_ROWS` rows each and never grow. Behind them
comes one ``scores-NNNNN.ndjson.partial``, a :class:`~conviqt_cli.scorefiles.journal.Journal` with all that it promises:
each row is on the disk before the next is begun. When it is full, or the run ends, a Parquet file is made of it.

Memory does not grow with the rows but by 16 bytes each: of the finished files only a hash of each row's video is kept,
which says whether that video, of that size and modification time, has its row. A video that was scored anew has two
rows until the run ends, when the older ones are dropped.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from conviqt_cli.errors import UsageError
from conviqt_cli.scorefiles.cells import original
from conviqt_cli.scorefiles.journal import Journal, StorageError
from conviqt_cli.scorefiles.json_records import NdjsonFormat
from conviqt_cli.scorefiles.locking import open_locked
from conviqt_cli.scorefiles.output import check_makers, check_same_maker
from conviqt_cli.scorefiles.parquet_rows import drop_rows, pyarrow, read_parquet, row_of, write_parquet
from conviqt_cli.scorefiles.record import FileFacts, Record, interned, stat_of

#: Hashes of names, or of names with sizes and times, 64 bits each.
Hashes = NDArray[np.uint64]

#: Rows of a file.
SHARD_ROWS = 5000

#: Names of finished files.
FINISHED = r"scores-(\d{5,})\.parquet"

_FINISHED = re.compile(FINISHED)
_PARTIAL = re.compile(r"scores-(\d{5,})\.ndjson\.partial")

#: Columns that say what a row is of, and what made it.
_IDENTITY = ["model", "model_checksum", "encoder_id", "regressor", "settings"]
_KEYS = ["source", "status", "bytes", "mtime_ns", *_IDENTITY]


class ShardedOutput:
    """An open, locked folder of scores.

    Args:
        folder: made if missing.
        identity: that of the run's maker; a folder with rows of another is refused.
        retry_failed: rows of failed videos do not count.
        publish: called with each file that is finished, or written anew.
        rows: rows of a file.

    Raises :class:`UsageError` for a folder that is in use, or holds something else.
    """

    def __init__(
        self,
        folder: Path,
        identity: dict[str, str],
        retry_failed: bool = False,
        publish: Callable[[Path], None] = lambda path: None,
        rows: int = SHARD_ROWS,
    ) -> None:
        pyarrow()
        self._publish = publish
        self.folder, self._identity, self._retry_failed, self._rows = folder, identity, retry_failed, rows
        self._lock = _locked(folder)
        #: Hashes of the names that have more than one row in finished files.
        self._doubled: set[int] = set()
        try:
            self._videos, self._names = self._read_finished()
            self._journal = self._open_partial()
        except BaseException:
            os.close(self._lock)
            raise

    def check(self, identity: dict[str, str]) -> None:
        """Raise :class:`UsageError` when the rows of the open file were made in another way."""
        self._identity = identity
        check_same_maker(self._journal, identity)

    def holds(self, source: str) -> bool:
        """Whether there is a row of this video as it is now."""
        entry = self._journal.entries.get(source)
        if entry is not None:
            return not (self._retry_failed and entry.failed) and stat_of(source) == _stat(entry.file)
        # Only a name that is known is worth a look at its file.
        return _among(self._names, _hash(source)) and _among(self._videos, _video(source, stat_of(source)))

    def append(self, record: Record) -> None:
        """Add a record, on the disk when this returns; raises :class:`StorageError` when that fails."""
        name = _hash(record.result.source)
        if _among(self._names, name):
            self._doubled.add(name)
        self._journal.append(record)
        if len(self._journal.entries) >= self._rows:
            self._finish_file()
            self._journal = self._open_partial()

    def finish(self) -> None:
        """Make a Parquet file of the rows so far, and drop those of videos that were scored anew since."""
        self._finish_file()
        seen: set[int] = set()
        changed: list[Path] = []
        for path in reversed(finished_files(self.folder) if self._doubled else []):
            names = {_hash(original(row["source"])) for row in read_parquet(path, ["source"])}
            if names & seen:
                changed.append(path)
                drop_rows(path, lambda source, newer=frozenset(seen): _hash(original(source)) in newer)  # type: ignore[misc]
            seen |= names & self._doubled
        self._doubled = set()
        for path in changed:
            self._publish(path)
        self._journal = self._open_partial()

    def close(self) -> None:
        """Close and unlock it; rows of an unfinished file stay where they are."""
        self._journal.close()
        os.close(self._lock)

    def _read_finished(self) -> tuple[Hashes, Hashes]:
        """Hashes of the videos, and of the names, that have rows in finished files; sorted."""
        videos, names = [np.empty(0, np.uint64)], [np.empty(0, np.uint64)]
        for _, path in _numbered(self.folder, _FINISHED):
            made, found_videos, found_names = set(), [], []
            for row in read_parquet(path, _KEYS):
                made.add(interned(row[name] or "" for name in _IDENTITY))
                source = original(row["source"])
                found_names.append(_hash(source))
                if not (self._retry_failed and row["status"] == "failed"):
                    then = None if row["bytes"] is None else (row["bytes"], row["mtime_ns"])
                    found_videos.append(_video(source, then))
            check_makers(path, made, self._identity)
            videos.append(np.array(found_videos, np.uint64))
            names.append(np.array(found_names, np.uint64))
        every, counts = np.unique(np.concatenate(names), return_counts=True)
        # A run that scored some videos anew was killed before it had dropped their older rows.
        self._doubled = {int(name) for name in every[counts > 1]}
        return np.unique(np.concatenate(videos)), every

    def _open_partial(self) -> Journal:
        finished = {number for number, _ in _numbered(self.folder, _FINISHED)}
        for number, path in _numbered(self.folder, _PARTIAL):
            if number in finished:  # killed between making the one and removing the other
                path.unlink()
        partial = [path for _, path in _numbered(self.folder, _PARTIAL)]
        number = max(finished, default=-1) + 1
        path = partial[-1] if partial else self.folder / f"scores-{number:05d}.ndjson.partial"
        journal = Journal(path, NdjsonFormat())
        check_same_maker(journal, self._identity)
        return journal

    def _finish_file(self) -> None:
        entries, path = self._journal.entries, self._journal.path
        if not entries:
            self._journal.close()
            return
        self._journal.arrange(list(entries))
        target = path.with_name(path.name.replace(".ndjson.partial", ".parquet"))
        try:
            write_parquet(target, _partial_rows(path))
        except OSError as error:
            raise StorageError(
                f"{target}: cannot be written ({error.strerror}); the results are safe in {path}: make room and run "
                "the same command again"
            ) from None
        names = [_hash(source) for source in entries]
        videos = [
            _video(each.source, _stat(each.file))
            for each in entries.values()
            if not (self._retry_failed and each.failed)
        ]
        self._names = np.union1d(self._names, np.array(names, np.uint64))
        self._videos = np.union1d(self._videos, np.array(videos, np.uint64))
        self._journal.close()
        path.unlink()
        self._publish(target)


def finished_files(folder: Path) -> list[Path]:
    """The Parquet files of a folder, oldest first."""
    return [path for _, path in _numbered(folder, _FINISHED)]


def partial_file(folder: Path) -> Path | None:
    """The file that is still being written, if there is one."""
    found = _numbered(folder, _PARTIAL)
    return found[-1][1] if found else None


def newest(folder: Path) -> Iterator[dict[str, Any]]:
    """All rows of a folder, those of an unfinished file last; of several of one video only the last."""
    files, partial = finished_files(folder), partial_file(folder)
    hashes = [np.array([_hash(row["source"]) for row in read_parquet(path, ["source"])], np.uint64) for path in files]
    if partial is not None:
        hashes.append(np.array([_hash(row["source"]) for row in _partial_rows(partial)], np.uint64))
    every = np.concatenate([*hashes, np.empty(0, np.uint64)])
    last = np.zeros(len(every), bool)
    # numpy names the first of equal ones, so they are looked at from behind.
    last[len(every) - 1 - np.unique(every[::-1], return_index=True)[1]] = True
    rows = chain.from_iterable(map(read_parquet, files))
    for counts, row in zip(last, chain(rows, _partial_rows(partial) if partial is not None else ()), strict=True):
        if counts:
            yield row


def _partial_rows(path: Path) -> Iterator[dict[str, Any]]:
    with path.open("rb") as lines:
        for line in lines:
            if line.endswith(b"\n"):  # the last one may be half-written
                yield row_of(json.loads(line))


def _numbered(folder: Path, pattern: re.Pattern[str]) -> list[tuple[int, Path]]:
    found = ((pattern.fullmatch(path.name), path) for path in folder.iterdir())
    return sorted((int(match[1]), path) for match, path in found if match)


def _locked(folder: Path) -> int:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{folder}: cannot be written ({error.strerror})", setting="output") from None
    return open_locked(folder / ".lock", folder)


def _stat(file: FileFacts | None) -> tuple[int, int] | None:
    return None if file is None else (file.bytes, file.mtime_ns)


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(os.fsencode(text), digest_size=8).digest(), "little")


def _video(source: str, stat: tuple[int, int] | None) -> int:
    return _hash(f"{source}\0{stat}")


def _among(sorted_hashes: Hashes, value: int) -> bool:
    at = int(np.searchsorted(sorted_hashes, np.uint64(value)))
    return at < len(sorted_hashes) and int(sorted_hashes[at]) == value
