"""Score files of every ending behind one interface, and what of them a run can keep."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from conviqt_cli.errors import UsageError
from conviqt_cli.files import back_up
from conviqt_cli.scorefiles.formats import Format
from conviqt_cli.scorefiles.journal import Journal, StorageError
from conviqt_cli.scorefiles.json_records import entry_of, line


@contextmanager
def open_output(path: Path, form: Format, segments: bool = False, fresh: bool = False) -> Iterator[Journal]:
    """Open a score file for a run, as a journal; ``fresh`` drops what it holds. Raises as :class:`Journal` does.

    ``form`` is a format with rows; ``segments`` asks for one row per segment.

    A ``.json`` file is one document, to which nothing can be appended: while the run goes on its rows are in
    ``NAME.json.partial``, and :func:`join` makes the document from them.
    """
    assert form.rows is not None
    rows = form.rows(segments)
    target = path
    if form.document:
        path = Path(os.path.realpath(path))
        target = _partial(path)
        if not fresh and path.exists() and not target.exists():
            _split(path, target)
    journal = Journal(target, rows, fresh)
    if form.document and fresh and (copy := back_up(path)):
        journal.notes.append(f"{path}: what it held is kept in {copy.name}")
    try:
        yield journal
    finally:
        journal.close()


def join(journal: Journal, path: Path, single: bool) -> None:
    """Finish a ``.json`` file: the records as an array, or as an object when there is a ``single`` one.

    Raises :class:`StorageError`; the rows then stay where they are.
    """
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


def check_same_maker(journal: Journal, identity: dict[str, str]) -> None:
    """Raise :class:`UsageError` when the file holds scores of another model, or made with other settings.

    ``identity`` is that of the run's :class:`Maker`. Before a model is loaded, ``auto`` may stand for a device or a
    precision in its settings, and for whatever the file's rows were made with.
    """
    check_makers(journal.path, {entry.identity for entry in journal.entries.values()}, identity)


def check_makers(path: Path, makers: Iterable[tuple[str, ...]], identity: dict[str, str]) -> None:
    """The same for any file, by the identities of those who made its rows."""
    new = _settings(identity["settings"])
    decided = {name: value for name, value in new.items() if value != "auto"}
    for entry_identity in makers:
        then = dict(zip(identity, entry_identity, strict=True))
        old = _settings(then["settings"])
        changes = [
            f"{name} {then[name]}, not {value}"
            for name, value in identity.items()
            if name != "settings" and then[name] != value
        ] or [
            f"{name} {old.get(name)}, not {new.get(name)}"
            for name in (*new, *(name for name in old if name not in new))
            if (name in decided or name not in new) and old.get(name) != new.get(name)
        ]
        if changes:
            raise UsageError(
                f"{path}: holds scores made with {'; '.join(changes)}; scores made in different ways do not "
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
    except (ValueError, KeyError, TypeError) as error:
        where = f"line {error.lineno}: {error.msg}" if isinstance(error, json.JSONDecodeError) else repr(error)
        raise UsageError(
            f"{path}: not scores that can be carried on ({where}); choose another output, or replace it",
            setting="force",
        ) from None
    temporary = target.with_name(target.name + ".tmp")
    temporary.write_bytes(b"".join(line(record) for record in records))
    temporary.replace(target)
