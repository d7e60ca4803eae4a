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
