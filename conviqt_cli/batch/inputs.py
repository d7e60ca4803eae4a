"""What the user named, lists of names included, as the sources of a run."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from conviqt_cli.batch.discovery import Found, Rules, find, read_list
from conviqt_cli.errors import ConviqtError, UsageError

#: This name stands for a list of names on stdin.
STDIN = "-"


@dataclass(frozen=True)
class Inputs:
    """Videos, folders and URLs by name, and files that list further ones.

    Args:
        names: as the user gave them; ``-`` is a list on stdin.
        lists: files with names in them; ``-`` is stdin.
        separator: what ends a name in a list: ``b"\\n"`` or ``b"\\0"``.
        rules: how folders are searched.
    """

    names: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()
    separator: bytes = b"\n"
    rules: Rules = field(default_factory=Rules)

    @property
    def single(self) -> bool:
        """Whether exactly one video was named, by itself."""
        return not self.lists and len(self.names) == 1 and self.names[0] != STDIN and not os.path.isdir(self.names[0])  # noqa: PTH112

    def find(self, stdin: BinaryIO) -> Found:
        """All sources, in order.

        Raises :class:`UsageError` for a list that cannot be read, :class:`ConviqtError` when nothing is found.
        """
        found = find(list(self._all_names(stdin)), self.rules)
        if not found.sources:
            skipped = ", ".join(f"{count} {reason}" for reason, count in sorted(found.skipped.items()))
            raise ConviqtError(f"{', '.join(self.names) or 'the list'}: no videos found ({skipped or 'nothing there'})")
        return found

    def _all_names(self, stdin: BinaryIO) -> Iterator[str]:
        if (*self.names, *self.lists).count(STDIN) > 1:
            raise UsageError(f"{STDIN}: stdin can be read only once")
        for name in self.names:
            if name == STDIN:
                yield from self._listed(name, stdin)
            else:
                yield name
        for name in self.lists:
            yield from self._listed(name, stdin)

    def _listed(self, name: str, stdin: BinaryIO) -> list[str]:
        if name == STDIN:
            return read_list(stdin.read(), self.separator, "stdin")
        try:
            data = Path(name).read_bytes()
        except OSError as error:
            raise UsageError(f"{name}: the list cannot be read ({error.strerror})", setting="files_from") from None
        return read_list(data, self.separator, name)
