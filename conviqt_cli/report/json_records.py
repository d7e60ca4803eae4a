"""JSON and NDJSON: the whole record of each result."""

from __future__ import annotations

import json
from typing import TextIO

from conviqt_cli.report.writer import Result


class JsonWriter:
    """One indented object, or an array when there are ``several`` results; written when all are in."""

    def __init__(self, file: TextIO, several: bool) -> None:
        self._file, self._several = file, several
        self._records: list[object] = []

    def write(self, result: Result) -> None:
        """Keep one result."""
        self._records.append(result.to_dict())

    def close(self) -> None:
        """Write the document."""
        document = self._records if self._several or len(self._records) != 1 else self._records[0]
        self._file.write(json.dumps(document, indent=2, allow_nan=False) + "\n")


class NdjsonWriter:
    """One object a line, each flushed as it comes."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, result: Result) -> None:
        """Write one line."""
        self._file.write(json.dumps(result.to_dict(), allow_nan=False) + "\n")
        self._file.flush()

    def close(self) -> None:
        """Nothing is left to do."""
