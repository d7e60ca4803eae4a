"""A score file that loses nothing: appended to, synced, repaired, resumed.

Each record is written with one call and synced to the disk before the next is begun, so ``kill -9`` and power loss
cost at most the record being written; what such an end leaves half-written is cut off when the file is opened again.
A write that fails (a full disk) is taken back, and the rows before it stay as they were.

While a run goes on, rows stand in the order in which videos finished, and a video that was scored anew has its old row
further up. :meth:`Journal.arrange` then puts one row per video in the order of the inputs, by replacing the file as a
whole: a run that was interrupted any number of times ends with the file of one that was not.

The file is locked for as long as it is open; a second process is refused, and a killed one's lock goes with it.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import shutil
from collections.abc import Iterable, Sequence, Set
from dataclasses import replace
from pathlib import Path

from conviqt_cli.errors import ConviqtError, UsageError
from conviqt_cli.files import back_up
from conviqt_cli.scorefiles.formats import RowFormat
from conviqt_cli.scorefiles.locking import open_locked
from conviqt_cli.scorefiles.record import Entry, FileFacts, Record

logger = logging.getLogger(__name__)


class StorageError(ConviqtError):
    """Results cannot be written; those before are safe."""

    code = "storage"


class Journal:
    """An open, locked score file. ``entries`` is what it says of each source; of several rows the last one counts.

    Rows that another program has saved again are brought back into this program's form (:meth:`RowFormat.adopt`);
    ``notes`` say so to the user. With ``fresh`` whatever the file holds is dropped, after a copy was made. A file that
    is closed without a single row, and did not exist before, is removed.

    Raises :class:`UsageError` when another process has it open, or it holds something else than scores of this format.
    """

    def __init__(self, path: Path, rows: RowFormat, fresh: bool = False) -> None:
        self.path = Path(os.path.realpath(path))
        self._rows = rows
        self.entries: dict[str, Entry] = {}
        #: Where each source's row is: offset and length.
        self._places: dict[str, tuple[int, int]] = {}
        self._superseded = False
        self._end = 0
        self.notes: list[str] = []
        self._existed = self.path.exists()
        self._file = _open_locked(self.path)
        try:
            # Left by a process that was killed while it arranged the rows; we hold the lock, so nobody needs it.
            self._temporary.unlink(missing_ok=True)
            if fresh:
                self._start_over()
            self._read()
        except BaseException:
            self.close()
            raise

    def append(self, record: Record) -> None:
        """Add a record, on the disk when this returns; raises :class:`StorageError` when that fails."""
        data = self._rows.encode(record)
        self._write(data)
        self._note(Entry.of(record), len(data))
        self._end += len(data)

    def rename(self, names: Sequence[tuple[str, str, FileFacts]]) -> None:
        """Give rows the names that their files have now: old name, new name, the file; raises as :meth:`append` does.

        A new name may be the old one of another row.
        """
        moved = []
        for old, new, file in names:
            offset, length = self._places[old]
            data = self._rows.renamed(os.pread(self._file, length, offset), old, new, file)
            moved.append((replace(self.entries[old], source=new, file=file), data))
        for old, _, _ in names:
            del self._places[old], self.entries[old]
            self._superseded = True
        for entry, data in moved:
            self._write(data)
            self._note(entry, len(data))
            self._end += len(data)

    def arrange(self, order: Sequence[str], dropped: Set[str] = frozenset()) -> None:
        """Leave one row per source: those not in ``order`` first, as they are, then ``order``'s.

        Rows of ``dropped`` that are not in ``order`` go; the file is copied before, and ``notes`` say so.

        Raises :class:`StorageError` when there is no room for it; every row is then still there, in the old order.
        """
        wanted = set(order)
        dropped = (dropped - wanted) & self._places.keys()
        sources = [source for source in self._places if source not in wanted and source not in dropped]
        sources += [source for source in dict.fromkeys(order) if source in self._places]
        if not self._superseded and sources == list(self._places):
            return
        places = [self._places[source] for source in sources]
        try:
            copy = back_up(self.path) if dropped else None
            self._replace(os.pread(self._file, length, offset) for offset, length in places)
        except OSError as error:
            raise StorageError(
                f"{self.path}: the rows are complete but could not be put in order ({error.strerror}); "
                "make room and run the same command again"
            ) from None
        self._read()
        if copy is not None:
            rows = "1 row" if len(dropped) == 1 else f"{len(dropped)} rows"
            self.notes.append(f"{self.path}: {rows} of files that are gone left out; {copy.name} holds them")

    def _replace(self, rows: Iterable[bytes]) -> None:
        """Replace the file by one with these rows, as a whole; raises ``OSError``, with the file as it was."""
        temporary = self._temporary
        try:
            with temporary.open("x+b") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                file.write(self._rows.header)
                file.writelines(rows)
                file.flush()
                os.fsync(file.fileno())
                shutil.copymode(self.path, temporary)
                # Locked before it takes the name, so no other process can come between.
                descriptor = os.dup(file.fileno())
                temporary.replace(self.path)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
        os.close(self._file)
        self._file = descriptor
        _sync_folder(self.path.parent)

    def close(self) -> None:
        """Close and unlock it; harmless when closed already."""
        if self._file >= 0:
            # By what is on the disk: a run may end between a row's being written and its being noted.
            if not self._existed and os.fstat(self._file).st_size <= len(self._rows.header):
                self.path.unlink(missing_ok=True)
            os.close(self._file)
            self._file = -1

    @property
    def _temporary(self) -> Path:
        return self.path.with_name(self.path.name + ".tmp")

    def _start_over(self) -> None:
        try:
            copy = back_up(self.path)
            os.ftruncate(self._file, 0)
        except OSError as error:
            raise UsageError(f"{self.path}: no copy of it can be made ({error.strerror})", setting="force") from None
        if copy is not None:
            self.notes.append(f"{self.path}: what it held is kept in {copy.name}")

    def _take_over(self) -> None:
        """Bring a file that is not in this program's form into it; raises :class:`UsageError` where it cannot be."""
        try:
            rows = self._rows.adopt(self.path.read_bytes())
            self._replace([rows])
        except ValueError as error:
            raise UsageError(
                f"{self.path}: not scores that can be carried on: {error}; choose another output, or replace it",
                setting="force",
            ) from None
        except OSError as error:
            raise UsageError(f"{self.path}: cannot be written ({error.strerror})", setting="output") from None
        self.notes.append(f"{self.path}: another program had saved it; its rows were read and it is carried on")
        self._read(adopted=True)

    def _read(self, adopted: bool = False) -> None:
        """Learn what the file holds; ``adopted`` says that its rows have just been written anew."""
        self.entries, self._places, self._superseded = {}, {}, False
        with os.fdopen(os.dup(self._file), "rb") as file:
            file.seek(0)
            self._rows.prepare(file.readline())
            header = self._rows.header
            file.seek(0)
            start = file.read(len(header))
            if start != header:
                if not header.startswith(start):
                    return self._take_over()
                start = b""
            self._end = len(start)
            if start or not header:
                try:
                    for length, entry in self._rows.scan(file):
                        self._note(entry, length)
                        self._end += length
                except ValueError:
                    if adopted:
                        raise
                    return self._take_over()
            size = file.seek(0, os.SEEK_END)
        if size > self._end:
            logger.info("%s: a half-written row of %d bytes was cut off", self.path, size - self._end)
            os.ftruncate(self._file, self._end)
        if self._end == 0 and header:
            self._write(header)
            self._end = len(header)

    def _note(self, entry: Entry, length: int) -> None:
        if entry.source in self._places:
            self._superseded = True
            del self._places[entry.source]
        self._places[entry.source] = (self._end, length)
        self.entries[entry.source] = entry

    def _write(self, data: bytes) -> None:
        """Write at the end and sync, or leave the file as it was."""
        try:
            written = 0
            while written < len(data):
                written += os.pwrite(self._file, data[written:], self._end + written)
            os.fsync(self._file)
        except OSError as error:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, self._end)
                os.fsync(self._file)
            raise StorageError(
                f"{self.path}: cannot be written ({error.strerror}); the {len(self._places)} results before are safe "
                "in it: make room and run the same command again"
            ) from None


def _open_locked(path: Path) -> int:
    """A descriptor of the file, made if missing, with the lock on it."""
    while True:
        descriptor = open_locked(path, path)
        # Between opening and locking, the file may have been replaced by its owner before.
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(descriptor), path.stat()):
                _sync_folder(path.parent)
                return descriptor
        os.close(descriptor)


def _sync_folder(folder: Path) -> None:
    """Make a new name in ``folder`` survive a power loss, where the file system can."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
