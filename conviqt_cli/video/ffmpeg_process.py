"""ffmpeg as a process: in a group of its own, within a memory limit, and never left behind."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence

#: Most memory, in bytes, that one ffmpeg may allocate. It fits an 8K stream with its reference pictures; a file that
#: makes a decoder ask for more is failed by that decoder, before the system has to choose a victim. Linux only.
MEMORY_LIMIT = 8 << 30

#: Bytes of ffmpeg's messages kept when only its messages are wanted.
MESSAGES_LIMIT = 4 << 20

#: Bytes read from a pipe at once.
_BLOCK = 1 << 16

_live: set[subprocess.Popen[bytes]] = set()
_lock = threading.Lock()


def start(command: Sequence[str], descriptors: tuple[int, ...], pictures: bool) -> subprocess.Popen[bytes]:
    """Run ffmpeg with its messages on a pipe, and with its ``pictures`` on another; end it with :func:`stop`.

    It is no member of the terminal's process group, so Ctrl-C reaches the program alone, which decides what to stop.
    """
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if pictures else subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        pass_fds=descriptors,
        bufsize=0,
        start_new_session=True,
    )
    with _lock:
        _live.add(process)
    if sys.platform == "linux":
        import resource

        # Private writable memory. Address space (RLIMIT_AS) would also count what is merely reserved.
        with contextlib.suppress(OSError, ValueError):
            resource.prlimit(process.pid, resource.RLIMIT_DATA, (MEMORY_LIMIT, MEMORY_LIMIT))
    return process


def stop(process: subprocess.Popen[bytes]) -> None:
    """Kill it, with whatever it started, and collect it; harmless when it has ended already."""
    _kill(process)
    process.wait()
    with _lock:
        _live.discard(process)


def stop_all() -> None:
    """Kill every ffmpeg this program has running, from any thread; whoever reads from one sees its end."""
    with _lock:
        running = list(_live)
    for process in running:
        _kill(process)


def messages(command: Sequence[str], descriptors: tuple[int, ...], timeout: float) -> bytes:
    """Run ffmpeg to its end and return what it said, the first :data:`MESSAGES_LIMIT` bytes of it.

    Raises ``TimeoutError`` when it takes longer than ``timeout`` seconds.
    """
    return _both(command, descriptors, timeout)[1]


def output(command: Sequence[str], descriptors: tuple[int, ...], timeout: float) -> bytes:
    """Run ffmpeg to its end and return what it wrote to stdout, the first :data:`MESSAGES_LIMIT` bytes of it.

    Raises ``TimeoutError`` when it takes longer than ``timeout`` seconds.
    """
    return _both(command, descriptors, timeout)[0]


def _both(command: Sequence[str], descriptors: tuple[int, ...], timeout: float) -> tuple[bytes, bytes]:
    """What ffmpeg wrote to stdout and to stderr."""
    process = start(command, descriptors, pictures=True)
    assert process.stdout is not None and process.stderr is not None
    held = {process.stdout: bytearray(), process.stderr: bytearray()}
    pending, deadline = set(held), time.monotonic() + timeout
    try:
        while pending:
            left = deadline - time.monotonic()
            ready = select.select(list(pending), [], [], left)[0] if left > 0 else []
            if not ready:
                raise TimeoutError
            for pipe in ready:
                block = os.read(pipe.fileno(), _BLOCK)
                held[pipe] += block[: MESSAGES_LIMIT - len(held[pipe])]
                if not block:
                    pending.discard(pipe)
        try:
            process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise TimeoutError from None
        return bytes(held[process.stdout]), bytes(held[process.stderr])
    finally:
        stop(process)
        process.stdout.close()
        process.stderr.close()


def lines(process: subprocess.Popen[bytes], timeout: float) -> Iterator[tuple[bool, bytes]]:
    """Lines of its stderr (``True``) and of its stdout (``False``) as they come, however many; closes both.

    Raises ``TimeoutError`` when nothing comes for ``timeout`` seconds. A line longer than a block is cut.
    """
    assert process.stdout is not None and process.stderr is not None
    pending = {process.stdout: b"", process.stderr: b""}
    try:
        while pending:
            ready, _, _ = select.select(list(pending), [], [], timeout)
            if not ready:
                raise TimeoutError
            for pipe in ready:
                block = os.read(pipe.fileno(), _BLOCK)
                *complete, rest = (pending[pipe] + block).split(b"\n")
                for line in complete:
                    yield pipe is process.stderr, line
                pending[pipe] = rest[:_BLOCK]
                if not block:
                    del pending[pipe]
    finally:
        process.stdout.close()
        process.stderr.close()


def pictures(command: Sequence[str], descriptors: tuple[int, ...], size: int, timeout: float) -> Iterator[bytearray]:
    """Run a silent ffmpeg and yield its raw pictures of ``size`` bytes; ends early, without a word, when it fails.

    What takes longer than ``timeout`` seconds in all counts as failed.
    """
    process = start(command, descriptors, pictures=True)
    assert process.stdout is not None and process.stderr is not None
    deadline = time.monotonic() + timeout
    try:
        while True:
            picture, filled = bytearray(size), 0
            while filled < size:
                left = deadline - time.monotonic()
                if left <= 0 or not select.select([process.stdout], [], [], left)[0]:
                    return
                block = os.read(process.stdout.fileno(), min(1 << 20, size - filled))
                if not block:
                    return
                picture[filled : filled + len(block)] = block
                filled += len(block)
            yield picture
    finally:
        stop(process)
        process.stdout.close()
        process.stderr.close()


def _kill(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
