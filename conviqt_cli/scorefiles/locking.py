"""One writer at a time for an output."""

from __future__ import annotations

import fcntl
import logging
import os
from pathlib import Path

from conviqt_cli.errors import UsageError

logger = logging.getLogger(__name__)


def open_locked(file: Path, output: Path) -> int:
    """A descriptor of ``file``, made if missing, with the lock on it; messages name ``output``.

    Raises :class:`UsageError` when the file cannot be written, or another process holds the lock.
    """
    try:
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise UsageError(f"{output}: cannot be written ({error.strerror})", setting="output") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise UsageError(
            f"{output}: another conviqt is writing to it; wait until it has finished, or choose another output"
        ) from None
    except OSError as error:
        logger.warning("%s: this file system has no locks (%s); do not run two on it", output, error.strerror)
    return descriptor
