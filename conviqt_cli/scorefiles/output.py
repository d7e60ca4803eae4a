"""Score files of every ending behind one interface, and what of them a run can keep."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from conviqt_cli.errors import UsageError
from conviqt_cli.scorefiles.formats import format_of, row_format
from conviqt_cli.scorefiles.journal import Journal, StorageError
from conviqt_cli.scorefiles.json_records import entry_of, line
from conviqt_cli.scorefiles.record import Maker


@contextmanager
def open_output(path: Path, segments: bool = False, fresh: bool = False) -> Iterator[Journal]:
    """Open a score file for a run, as a journal; ``fresh`` drops what it holds. Raises as :class:`Journal` does.

    A ``.json`` file is one document, to which nothing can be appended: while the run goes on its rows are in
    ``NAME.json.partial``, and :func:`join` makes the document from them.
    """
    rows = row_format(path, segments)
    target = path
    if format_of(path).document:
        path = Path(os.path.realpath(path))
        target = _partial(path)
        if not fresh and path.exists() and not target.exists():
            _split(path, target)
    journal = Journal(target, rows, fresh)
    try:
        yield journal
    finally:
        journal.close()


def join(journal: Journal, path: Path, single: bool) -> None:
    """Finish a ``.json`` file: the records as an array, or as an object when there is a ``single`` one.

    For other endings there is nothing to do. Raises :class:`StorageError`; the rows then stay where they are.
    """
    if not format_of(path).document:
        return
    path = Path(os.path.realpath(path))
    temporary = path.with_name(path.name + ".tmp")
    try:
        with journal.path.open(encoding="ascii") as rows, temporary.open("w", encoding="ascii") as file:
            records = (json.dumps(json.loads(row), indent=2, allow_nan=False) for row in rows)
            if single and len(journal.entries) == 1:
                file.write(next(records) + "\n")
            else:
                file.write("[\n" + next(records, ""))
                file.writelines(",\n" + record for record in records)
                file.write("\n]\n")
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise StorageError(
            f"{path}: cannot be written ({error.strerror}); the results are safe in {journal.path}: "
            "make room and run the same command again"
        ) from None
    journal.path.unlink()


def check_same_maker(journal: Journal, maker: Maker) -> None:
    """Raise :class:`UsageError` when the file holds scores of another model, or made with other settings."""
    for entry in journal.entries.values():
        if entry.identity == maker.key:
            continue
        then = dict(zip(maker.identity, entry.identity, strict=True))
        differing = [name for name, value in maker.identity.items() if then[name] != value]
        if differing == ["settings"]:
            old, new = _settings(then["settings"]), _settings(maker.identity["settings"])
            changes = [f"{name} {old.get(name)}, not {new.get(name)}" for name in new if old.get(name) != new.get(name)]
        else:
            changes = [f"{name} {then[name]}, not {maker.identity[name]}" for name in differing if name != "settings"]
        raise UsageError(
            f"{journal.path}: holds scores made with {'; '.join(changes)}; scores made in different ways do not "
            "belong in one file: use the same settings, choose another output, or start over",
            setting="force",
        )


def _settings(text: str) -> dict[str, Any]:
    try:
        parsed = json.loads(text)
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _partial(path: Path) -> Path:
    return path.with_name(path.name + ".partial")


def _split(path: Path, target: Path) -> None:
    """Turn a finished ``.json`` file back into rows."""
    try:
        document = json.loads(path.read_bytes() or b"[]")
        records: Sequence[Any] = document if isinstance(document, list) else [document]
        for record in records:
            entry_of(record)
    except (ValueError, KeyError, TypeError):
        raise UsageError(
            f"{path}: not a file that this command wrote; choose another output, or replace it", setting="force"
        ) from None
    temporary = target.with_name(target.name + ".tmp")
    temporary.write_bytes(b"".join(line(record) for record in records))
    temporary.replace(target)
