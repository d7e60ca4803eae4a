"""What is known of the videos of a run."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from conviqt_cli.scorefiles.record import Entry


@dataclass
class Tally:
    """What is known of the videos of a run: their entries, in no order, and how many of them were ``kept``."""

    total: int
    skipped: Counter[str]
    entries: list[Entry] = field(default_factory=list)
    kept: int = 0

    @property
    def scored(self) -> list[Entry]:
        """Those with a quality."""
        return [entry for entry in self.entries if not entry.failed]

    @property
    def failed(self) -> list[Entry]:
        """Those without."""
        return [entry for entry in self.entries if entry.failed]

    @property
    def missing(self) -> int:
        """Videos without a result, because the run was ended early."""
        return self.total - len(self.entries)

    @property
    def copies(self) -> list[tuple[str, str]]:
        """Videos with the same content as an earlier one, by name: (copy, first). Known where files were identified."""
        first: dict[str, str] = {}
        found = []
        for entry in sorted((entry for entry in self.entries if entry.file), key=lambda entry: entry.source):
            assert entry.file is not None
            if first.setdefault(entry.file.sha256, entry.source) != entry.source:
                found.append((entry.source, first[entry.file.sha256]))
        return found
