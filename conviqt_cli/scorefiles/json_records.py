"""JSON and NDJSON: the whole record of each result."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, BinaryIO

from conviqt_cli.scorefiles.record import Entry, FileFacts, Record, identity, interned
from conviqt_cli.scoring.results import SCHEMA, ModelInfo

#: How every line begins, by which half of one is told from what somebody else wrote.
_MARK = b'{"schema": "conviqt-score/'


class NdjsonFormat:
    """One object a line, ASCII: a name that is not text comes as lone surrogates (``\\udc80`` to ``\\udcff``)."""

    header = b""

    def encode(self, record: Record) -> bytes:
        """See :meth:`RowFormat.encode`."""
        return line(record.to_dict())

    def scan(self, file: BinaryIO) -> Iterator[tuple[int, Entry]]:
        """See :meth:`RowFormat.scan`."""
        broken, position = False, 0
        for raw in file:
            try:
                entry = entry_of(json.loads(raw)) if raw.endswith(b"\n") else None
            except (ValueError, KeyError, TypeError):
                entry = None
            ours = raw.startswith(_MARK[: len(raw)]) or not raw.strip(b"\0")
            if broken or (entry is None and not ours):
                raise ValueError(f"byte {position} is not within a record of this program")
            if entry is None:
                broken = True
            else:
                position += len(raw)
                yield len(raw), entry


def line(record: dict[str, Any]) -> bytes:
    """A JSON object as one line."""
    return (json.dumps(record, allow_nan=False) + "\n").encode("ascii")


def entry_of(record: dict[str, Any]) -> Entry:
    """What a JSON record says; raises ``ValueError``, ``KeyError`` or ``TypeError`` for anything else."""
    if record["schema"] != SCHEMA or record["status"] not in ("scored", "failed"):
        raise ValueError("not a score of this schema")
    scored = record["status"] == "scored"
    error = {"code": None, "text": None} if scored else record["error"]
    return Entry(
        source=str(record["source"]),
        quality=float(record["quality"]) if scored else None,
        code=error["code"],
        reason=error["text"],
        identity=interned(identity(ModelInfo(**record["model"]), record["settings"]).values()),
        file=None if record["file"] is None else FileFacts(**record["file"]),
    )
