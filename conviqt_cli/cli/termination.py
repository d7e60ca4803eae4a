"""SIGTERM and closed pipes: the program ends at once, leaving no decoder behind and every finished row on the disk."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from types import FrameType
from typing import Any, NoReturn

#: Seconds that an orderly end may take before the process leaves without one.
GRACE_SECONDS = 1.0


class Terminated(BaseException):
    """The process was told to end (SIGTERM)."""


#: What a shell reports of a process that SIGTERM has ended.
EXIT_TERMINATED = 128 + signal.SIGTERM


@contextlib.contextmanager
def termination() -> Iterator[None]:
    """For the block, SIGTERM raises :class:`Terminated`, and ends the process if the block does not end soon.

    The main thread may be inside PyTorch or waiting for a thread that is, where no exception reaches it. The signal
    therefore also wakes a thread of its own. Score files survive such an end as they survive ``kill -9``.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    receiver, sender = socket.socketpair()
    sender.setblocking(False)
    before = signal.signal(signal.SIGTERM, _terminate)
    before_fd = signal.set_wakeup_fd(sender.fileno(), warn_on_full_buffer=False)
    threading.Thread(target=_watch, args=(receiver,), daemon=True).start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(before_fd)
        signal.signal(signal.SIGTERM, before)
        sender.close()


def quiet_pipes() -> None:
    """End the process without a word when the reader of stdout or stderr has left, as in ``conviqt ... | head -1``.

    A file name need not be text, and a terminal need not know every character: both are shown rather than refused.
    """
    for name in ("stdout", "stderr"):
        stream: Any = getattr(sys, name)
        if stream is None:  # closed by whoever started the program
            continue
        try:
            raw = _Pipe(stream.fileno(), "wb", closefd=False)
        except OSError:  # not a file: somebody has replaced it, and knows why
            stream.reconfigure(errors="backslashreplace")
            continue
        stream.flush()
        wrapper = io.TextIOWrapper(
            io.BufferedWriter(raw), stream.encoding, "backslashreplace", line_buffering=name == "stderr" or raw.isatty()
        )
        setattr(sys, name, wrapper)


def leave(code: int) -> NoReturn:
    """End the process now, without waiting for threads that are inside PyTorch; no decoder stays behind."""
    _stop_decoders()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()
    os._exit(code)


class _Pipe(io.FileIO):
    """A file descriptor to write to, whose reader may leave."""

    def write(self, data: Any) -> int:
        """See :meth:`io.FileIO.write`."""
        try:
            return super().write(data)
        except BrokenPipeError:
            _stop_decoders()
            os._exit(0)


def _terminate(number: int, frame: FrameType | None) -> NoReturn:
    raise Terminated


def _watch(receiver: socket.socket) -> None:
    with receiver:
        while signals := receiver.recv(64):
            if signal.SIGTERM in signals:
                _stop_decoders()
                time.sleep(GRACE_SECONDS)
                os._exit(EXIT_TERMINATED)


def _stop_decoders() -> None:
    # Not imported for this: what was never imported has started nothing.
    decoders = sys.modules.get("conviqt_cli.video.ffmpeg_process")
    if decoders is not None:
        decoders.stop_all()
