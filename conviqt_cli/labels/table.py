"""A table of text cells, and the numbers in them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

#: Cells that say "no value".
MISSING = frozenset({"", "nan", "na", "n/a", "null", "none", "-", "nat", "#n/a", "?"})

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")


@dataclass(frozen=True)
class Table:
    """Cells of text. ``header`` names the columns, or is ``None``; every row has the same width.

    ``form`` says how the file was read, for people; ``odd_lines`` are lines (counted from one) of another width.
    """

    header: list[str] | None
    rows: list[list[str]]
    form: str
    odd_lines: list[int] = field(default_factory=list)

    @property
    def width(self) -> int:
        """Number of columns."""
        return len(self.rows[0]) if self.rows else len(self.header or [])

    def column(self, index: int) -> list[str]:
        """Cells of one column."""
        return [row[index] for row in self.rows]


def number(cell: str) -> float | None:
    """The number in a cell, NaN for a missing mark, ``None`` where it is no number. A decimal comma counts."""
    text = cell.strip()
    if text.lower() in MISSING:
        return float("nan")
    if _NUMBER.fullmatch(text):
        return float(text)
    return float(text.replace(",", ".")) if _DECIMAL_COMMA.fullmatch(text) else None
