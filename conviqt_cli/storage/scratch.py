"""A place for files fetched from elsewhere, which does not outlive its process by more than a run.

Each process has a folder of its own with a locked file in it. A lock ends with its process, however that ends, so the
next process that needs scratch finds the folders without an owner and removes them.
"""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from conviqt_cli.errors import LimitError

#: Bytes that are left free on the disk.
RESERVE = 1 << 30

#: Seconds to wait for room that other videos take.
_PATIENCE = 600.0

_LOCK = "in-use"


class Scratch:
    """A folder of this process, removed with it.

    Args:
        base: where such folders are; ``$CONVIQT_SCRATCH``, else the system's folder for temporary files.
    """

    def __init__(self, base: Path | None = None) -> None:
        self.base = base or _default_base()
        self.base.mkdir(parents=True, exist_ok=True, mode=0o700)
        _remove_orphans(self.base)
        while True:
            self._folder = Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=self.base))
            self._lock = os.open(self._folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX)
            # Before it was locked, another process may have taken it for one without an owner.
            if (self._folder / _LOCK).exists():
                break
            os.close(self._lock)
        self._numbers = itertools.count()

    @contextlib.contextmanager
    def room(self, name: str, size: int) -> Iterator[Path]:
        """A path for a file of ``size`` bytes, which is removed after the block.

        Waits for room that other files take; raises :class:`LimitError` where there is none. ``name`` is for messages;
        the path ends as it does.
        """
        deadline = time.monotonic() + _PATIENCE
        while shutil.disk_usage(self._folder).free - RESERVE < size:
            alone = len(list(self._folder.iterdir())) == 1
            if alone or time.monotonic() > deadline:
                raise LimitError(
                    f"{name}: {size / 1e9:.1f} GB do not fit into the scratch folder {self.base}; "
                    "set CONVIQT_SCRATCH to a folder on a larger disk"
                )
            time.sleep(1.0)
        folder = self._folder / str(next(self._numbers))
        folder.mkdir()
        try:
            yield folder / (Path(name).name[-100:] or "video")
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def close(self) -> None:
        """Remove it."""
        shutil.rmtree(self._folder, ignore_errors=True)
        os.close(self._lock)


_own: dict[int, Scratch] = {}
_lock = threading.Lock()


def scratch() -> Scratch:
    """This process's scratch, made when it is first needed and removed when the process ends in order."""
    import atexit

    with _lock:
        if os.getpid() not in _own:
            _own.clear()
            _own[os.getpid()] = Scratch()
            atexit.register(_own[os.getpid()].close)
        return _own[os.getpid()]


def _default_base() -> Path:
    chosen = os.environ.get("CONVIQT_SCRATCH")
    return Path(chosen) if chosen else Path(tempfile.gettempdir()) / f"conviqt-scratch-{os.getuid()}"


def _remove_orphans(base: Path) -> None:
    """Remove the folders of processes that have ended."""
    for folder in base.iterdir():
        try:
            descriptor = os.open(folder / _LOCK, os.O_RDWR)
        except OSError:
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        except OSError:  # in use
            pass
        finally:
            os.close(descriptor)
