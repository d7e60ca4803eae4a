"""Rows of a score file whose videos have another name by now, or are gone."""

from __future__ import annotations

import os

from conviqt_cli.batch.discovery import Found
from conviqt_cli.scorefiles.journal import Journal
from conviqt_cli.scorefiles.record import FileFacts, unchanged
from conviqt_cli.video.ffmpeg import is_url


def follow_renames(found: Found, journal: Journal) -> int:
    """Give the rows of videos that were renamed or moved their new names; returns how many.

    A source is such a video if its name has no row, or that of another content, and a row holds its size and content
    key whose own file is gone or has another content now. Reads each source whole that has the size of such a file.
    """
    sources = set(found.sources)
    left = {
        source
        for source, entry in journal.entries.items()
        if _is_gone(source) or (source in sources and not unchanged(source, entry.file))
    }
    readable = (source for source in found.sources if source not in found.refused)
    new = [source for source in readable if source not in journal.entries or source in left]
    by_content = {file.sha256: source for source in sorted(left) if (file := journal.entries[source].file)}
    sizes = {file.bytes for source in left if (file := journal.entries[source].file)}
    names = []
    for source in new:
        facts = FileFacts.of(source) if _size(source) in sizes else None
        before = by_content.pop(facts.sha256, None) if facts else None
        if before is not None and facts is not None:
            names.append((before, source, facts))
    journal.rename(names)
    return len(names)


def gone(journal: Journal) -> set[str]:
    """Names in the rows that no file has any more."""
    return {source for source in journal.entries if _is_gone(source)}


def _is_gone(source: str) -> bool:
    return not is_url(source) and not os.path.lexists(source)


def _size(source: str) -> int | None:
    try:
        return os.stat(source).st_size  # noqa: PTH116 (a name that is not text is fine here too)
    except (OSError, ValueError):
        return None
