"""The warnings of a run over many videos, grouped by kind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from conviqt_cli.report.batch_report import printable
from conviqt_cli.scoring.results import Note

#: Videos named per kind of warning; score files name them all.
NAMED = 3


@dataclass
class _Group:
    videos: int = 0
    examples: list[tuple[str, str]] = field(default_factory=list)


class WarningGroups:
    """Collects warnings while a run goes on, however many there are, in little memory."""

    def __init__(self) -> None:
        self._groups: dict[str, _Group] = {}

    def add(self, source: str, note: Note) -> None:
        """A warning about one video."""
        group = self._groups.setdefault(note.code, _Group())
        group.videos += 1
        if len(group.examples) < NAMED:
            group.examples.append((source, note.text))

    def lines(self) -> Iterator[str]:
        """What to print: a line per video, or per kind where many videos have it, the commonest kind first."""
        for code, group in sorted(self._groups.items(), key=lambda item: -item[1].videos):
            if group.videos > 1:
                yield f"warning: {code}: {group.videos} videos"
            for source, text in group.examples:
                yield f"{'  ' if group.videos > 1 else f'warning: {code}: '}{printable(source)}: {text}"
            if group.videos > len(group.examples):
                yield f"  and {group.videos - len(group.examples)} more"
