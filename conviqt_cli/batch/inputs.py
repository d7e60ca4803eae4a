"""What the user named, lists of names included, as the sources of a run."""

from __future__ import annotations

import glob
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from conviqt_cli.batch.discovery import Found, Rules, find, read_list, search
from conviqt_cli.errors import ConviqtError, UsageError
from conviqt_cli.scoring.results import FailedScore
from conviqt_cli.storage.objects import is_object
from conviqt_cli.video.ffmpeg import is_url
from conviqt_cli.video.media_kinds import Kind, kind_by_name

#: This name stands for a list of names on stdin.
STDIN = "-"


def expand(name: str) -> list[str]:
    """What a pattern such as ``*.mp4`` matches, sorted by the bytes of the names, where no shell has seen to that.

    A name without a match, one that exists, and a URL stand for themselves.
    """
    if is_url(name) or os.path.lexists(name) or not glob.has_magic(name):
        return [name]
    return sorted(glob.iglob(name, recursive=True), key=os.fsencode) or [name]  # noqa: PTH207 (names, not paths)


def _names_a_file(name: str) -> bool:
    if is_object(name):
        return kind_by_name(name) is Kind.VIDEO
    return not os.path.isdir(name) and expand(name) == [name]  # noqa: PTH112


@dataclass(frozen=True)
class Inputs:
    """Videos, folders, patterns and URLs by name, and files that list further ones.

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
        return not self.lists and len(self.names) == 1 and self.names[0] != STDIN and _names_a_file(self.names[0])

    def find(self, stdin: BinaryIO) -> Found:
        """All sources, in order.

        Raises :class:`UsageError` for a list that cannot be read, :class:`ConviqtError` when nothing is found.
        """
        found = find(list(self._all_names(stdin)), self.rules)
        if not found.sources:
            skipped = ", ".join(f"{count} {reason}" for reason, count in sorted(found.skipped.items()))
            raise ConviqtError(f"{', '.join(self.names) or 'the list'}: no videos found ({skipped or 'nothing there'})")
        return found

    def search(self, stdin: BinaryIO, skipped: Counter[str]) -> Iterator[tuple[str, FailedScore | None]]:
        """The same as they are found (see :func:`~conviqt_cli.batch.discovery.search`), however many there are."""
        return search(self._all_names(stdin), self.rules, skipped)

    def _all_names(self, stdin: BinaryIO) -> Iterator[str]:
        if (*self.names, *self.lists).count(STDIN) > 1:
            raise UsageError(f"{STDIN}: stdin can be read only once")
        for name in self.names:
            if name == STDIN:
                yield from self._listed(name, stdin)
            else:
                yield from expand(name)
        for name in self.lists:
            yield from self._listed(name, stdin)

    def _listed(self, name: str, stdin: BinaryIO) -> Iterator[str]:
        if name == STDIN:
            yield from read_list(stdin, self.separator, "stdin")
            return
        try:
            with Path(name).open("rb") as file:
                yield from read_list(file, self.separator, name)
        except OSError as error:
            raise UsageError(f"{name}: the list cannot be read ({error.strerror})", setting="files_from") from None
