"""Ctrl-C: how a run is asked to end."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import TYPE_CHECKING

from conviqt_cli.cli.console import log

if TYPE_CHECKING:
    from conviqt_cli.batch.engine import Control


@contextlib.contextmanager
def interrupts(control: Control, finish_first: bool) -> Iterator[None]:
    """For the block, Ctrl-C stops now; with ``finish_first`` the first one lets the videos in progress finish."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        if not finish_first or control.stopping.is_set():
            # Not here: a lock that stopping needs may be held by the code this handler has interrupted.
            threading.Thread(target=control.abort, daemon=True).start()
            raise KeyboardInterrupt
        control.stop()
        log("finishing the videos in progress; press Ctrl-C again to stop at once")

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    except KeyboardInterrupt:
        control.abort()
    finally:
        signal.signal(signal.SIGINT, before)
