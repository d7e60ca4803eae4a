"""JSON and NDJSON: the whole record of each result."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import Any, BinaryIO

from conviqt_cli.quality.scale import Scale
from conviqt_cli.scorefiles.cells import original, visible
from conviqt_cli.scorefiles.record import Entry, FileFacts, Record, identity, interned
from conviqt_cli.scoring.results import SCHEMA, ModelInfo

#: How every line begins, by which half of one is told from what somebody else wrote.
_MARK = b'{"schema": "conviqt-score/'


class NdjsonFormat:
    """One object a line, in ASCII; names that are not UTF-8 as :mod:`.cells` says."""

    header = b""

    def prepare(self, first_line: bytes) -> None:
        """See :meth:`RowFormat.prepare`."""

    def encode(self, record: Record) -> bytes:
        """See :meth:`RowFormat.encode`."""
        return line(record.to_dict())

    def renamed(self, rows: bytes, old: str, new: str, file: FileFacts) -> bytes:
        """See :meth:`RowFormat.renamed`."""
        record = json.loads(rows)
        record |= {"source": visible(new), "file": asdict(file)}
        if "error" in record:
            record["error"]["text"] = record["error"]["text"].replace(visible(old), visible(new), 1)
        return line(record)

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

    def adopt(self, data: bytes) -> bytes:
        """See :meth:`RowFormat.adopt`: other line ends, a byte order mark and blank lines are put right."""
        lines = []
        for number, text in enumerate(data.removeprefix(b"\xef\xbb\xbf").splitlines(), 1):
            if not text.strip():
                continue
            try:
                record = json.loads(text)
                entry_of(record)
            except (ValueError, KeyError, TypeError):
                raise ValueError(f"line {number} is not a record of this program") from None
            lines.append(line(record))
        return b"".join(lines)


def line(record: dict[str, Any]) -> bytes:
    """A JSON object as one line."""
    return (json.dumps(record, allow_nan=False) + "\n").encode("ascii")


def entry_of(record: dict[str, Any]) -> Entry:
    """What a JSON record says; raises ``ValueError``, ``KeyError`` or ``TypeError`` for anything else."""
    if record["schema"] != SCHEMA or record["status"] not in ("scored", "failed"):
        raise ValueError("not a score of this schema")
    model = ModelInfo(**record["model"])
    model = replace(model, regressor=original(model.regressor))
    made = interned(identity(model, record["settings"]).values())
    file = None if record["file"] is None else FileFacts(**record["file"])
    source = original(str(record["source"]))
    if record["status"] == "failed":
        return Entry(source, None, record["error"]["code"], original(record["error"]["text"]), made, file)
    scale = Scale.from_dict(record["scale"])
    worst = scale.worst(float(segment["quality"]) for segment in record["segments"])
    codes = sys.intern(" ".join(note["code"] for note in record["warnings"]))
    return Entry(source, float(record["quality"]), None, None, made, file, worst, scale, codes)
