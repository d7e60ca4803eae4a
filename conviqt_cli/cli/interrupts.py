"""Ctrl-C and SIGTERM: how a run is asked to end."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import TYPE_CHECKING

from conviqt_cli.cli.console import log
from conviqt_cli.cli.termination import Terminated

if TYPE_CHECKING:
    from conviqt_cli.batch.engine import Control


@contextlib.contextmanager
def interrupts(control: Control, finish_first: bool) -> Iterator[None]:
    """For the block, Ctrl-C stops now; with ``finish_first`` the first one lets the videos in progress finish.

    SIGTERM stops now and raises :class:`Terminated`.
    """

    def abort() -> None:
        # Not in the handler: a lock that stopping needs may be held by the code it has interrupted.
        threading.Thread(target=control.abort, daemon=True).start()

    def interrupt(number: int, frame: FrameType | None) -> None:
        if not finish_first or control.stopping.is_set():
            abort()
            raise KeyboardInterrupt
        control.stop()
        log("finishing the videos in progress; press Ctrl-C again to stop at once")

    def terminate(number: int, frame: FrameType | None) -> None:
        abort()
        raise Terminated

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = [(each, signal.getsignal(each)) for each in (signal.SIGINT, signal.SIGTERM)]
    signal.signal(signal.SIGINT, interrupt)
    signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    except KeyboardInterrupt:
        control.abort()
    finally:
        for number, handler in before:
            signal.signal(number, handler)
