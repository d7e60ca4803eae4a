r"""Names in score files: always valid UTF-8, and never a formula, without losing which file is meant.

Two escapes, both undone on reading, so that a row is found again by its name:

- A byte of a name that is not UTF-8 is written as ``\x`` and two hex digits, in CSV and JSON alike. Where a name itself
  holds such a text, its backslash is written as ``\x5c``; any other backslash stays as it is.
- In CSV, a text that begins with ``=``, ``+``, ``-``, ``@``, a tab or a line break gets an apostrophe in front, so that
  no spreadsheet takes it for a formula; so does a text that begins with apostrophes and one of these. Numbers stay as
  they are.

>>> visible("a\udcff.mp4"), original(visible("a\udcff.mp4")) == "a\udcff.mp4"
('a\\xff.mp4', True)
>>> visible(r"c\xff.mp4") == r"c\x5cxff.mp4", original(r"c\x5cxff.mp4") == r"c\xff.mp4"
(True, True)
>>> guarded("=1+1.mp4"), guarded("it's.mp4"), unguarded("'=1+1.mp4")
("'=1+1.mp4", "it's.mp4", '=1+1.mp4')
"""

from __future__ import annotations

import re

_ESCAPE = re.compile(r"\\x([0-9a-f]{2})")
#: What :func:`visible` replaces: bytes that are not text, as Python holds them, other lone halves of a character, and
#: backslashes that would read as an escape.
_UNSAFE = re.compile(r"[\ud800-\udfff]|\\(?=x[0-9a-f]{2})")
_FORMULA = re.compile(r"'*[=+\-@\t\r\n]")


def visible(name: str) -> str:
    """``name``, whose bytes that are not UTF-8 are lone surrogates (:func:`os.fsdecode`), as valid text."""
    return _UNSAFE.sub(lambda found: f"\\x{ord(found[0]) & 0xFF:02x}", name)


def original(text: str) -> str:
    """The name that :func:`visible` made ``text`` of."""
    if "\\x" not in text:
        return text
    parts = _ESCAPE.split(text)
    # Between the texts stand the bytes; those from 80 on are not UTF-8 and become what os.fsdecode makes of them.
    codes = (int(code, 16) for code in parts[1::2])
    parts[1::2] = [chr(code) if code < 0x80 else chr(0xDC00 + code) for code in codes]
    return "".join(parts)


def guarded(text: str) -> str:
    """``text`` as a cell that no spreadsheet takes for a formula."""
    return f"'{text}" if _FORMULA.match(text) else text


def unguarded(cell: str) -> str:
    """The text that :func:`guarded` made ``cell`` of."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell
