"""Videos in object stores, scored from a copy that lasts as long as that takes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from conviqt_cli.errors import InputError
from conviqt_cli.scorefiles.record import FileFacts
from conviqt_cli.scoring.results import FailedScore, VideoScore
from conviqt_cli.storage.objects import fetch, is_object, stat
from conviqt_cli.storage.scratch import scratch


@contextmanager
def at_hand(source: str, identify: bool) -> Iterator[tuple[str, FileFacts | None]]:
    """A path of the video, and its facts if it is to be identified; a name in an object store is fetched for the block.

    Raises :class:`InputError` or :class:`LimitError` for what cannot be fetched.
    """
    if not is_object(source):
        yield source, FileFacts.of(source) if identify else None
        return
    found = stat(source)
    if found is None:
        raise InputError(f"{source}: no such object")
    with scratch().room(source, found.bytes) as path:
        was, key = fetch(source, path)
        yield os.fspath(path), FileFacts(was.bytes, was.mtime_ns, key) if identify else None


def named(result: VideoScore | FailedScore, path: str, source: str) -> VideoScore | FailedScore:
    """The result of the video at ``path`` as that of ``source``."""
    if path == source:
        return result
    if isinstance(result, VideoScore):
        return replace(result, source=source, video=replace(result.video, source=source))
    return replace(result, source=source, reason=result.reason.replace(path, source))
