"""The local engine: threads of this process."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial

from conviqt_cli.batch.engine import Control
from conviqt_cli.batch.memory import Budget, video_bytes
from conviqt_cli.batch.one_video import make_record
from conviqt_cli.batch.shared_encoder import SharedEncoder, Withdrawn
from conviqt_cli.model.backends import devices
from conviqt_cli.model.cpu import cpu_threads
from conviqt_cli.scorefiles.record import Maker, Record
from conviqt_cli.scoring.progress import ProgressCallback
from conviqt_cli.scoring.scorer import Scorer, load_scorer
from conviqt_cli.scoring.settings import ScoringSettings
from conviqt_cli.video.probe import VideoInfo

#: Finished videos that may wait to be written before no other is begun.
WAITING = 8

#: Seconds to wait for workers that are inside PyTorch when a run ends early: for an error, or because it was told to.
JOIN_SECONDS, ABORT_SECONDS = 30.0, 0.5


def load_scorers(settings: ScoringSettings, jobs: int = 1) -> list[Scorer]:
    """A scorer for each device that ``settings`` name; ``jobs`` share the CPU threads out among them.

    Raises as :func:`conviqt_cli.scoring.scorer.load` does.
    """
    if jobs > 1:
        settings = replace(settings, threads=max(1, (settings.threads or cpu_threads()) // jobs))
    return [load_scorer(replace(settings, device=device)) for device in devices(settings.device)]


class LocalEngine:
    """Threads of this process: per device, ``jobs`` videos are scored at once and one more is decoded ahead.

    Args:
        scorers: one per device, alike but for it; see :func:`load_scorers`.
        jobs: videos scored at once, per device.
        identify: read every file for its content key; without it records carry no file facts.
        memory: bytes that the videos in progress may take together; ``None`` for no limit.
        progress: called by the threads after each batch of frames.
    """

    def __init__(
        self,
        scorers: Sequence[Scorer],
        jobs: int = 1,
        identify: bool = True,
        memory: int | None = None,
        progress: ProgressCallback | None = None,
    ) -> None:
        self._scorers, self._jobs, self._identify = scorers, jobs, identify
        self._memory, self._progress = memory, progress
        self.maker = Maker(scorers[0].model_info(), scorers[0].settings)
        self.scale, self.backend = scorers[0].regressor.scale, scorers[0].encoder.backend

    def run(self, sources: Iterable[str], control: Control) -> Iterator[Record]:
        """See :meth:`Engine.run`."""
        done: queue.Queue[Record | BaseException | None] = queue.Queue(WAITING)

        def put(item: Record | BaseException | None) -> None:
            # Whoever takes them may have left.
            while not control.aborting.is_set():
                with contextlib.suppress(queue.Full):
                    return done.put(item, timeout=0.2)

        numbered = _Shared(enumerate(sources))
        budget = Budget(self._memory)
        workers = []
        for scorer in self._scorers:
            shared = SharedEncoder(scorer.encoder, self._jobs, control.stopping)
            sharing = scorer.sharing(shared, partial(_admit, budget, shared, scorer.settings))
            for _ in range(self._jobs + 1):
                task = partial(self._work, sharing, shared, numbered, control, put)
                workers.append(threading.Thread(target=task, daemon=True))
        for worker in workers:
            worker.start()
        try:
            for _ in workers:
                while (item := _next(done, control)) is not None:
                    if isinstance(item, BaseException):
                        raise item
                    yield item
        finally:
            # Whoever told the run to end at once leaves the process without its threads.
            deadline = time.monotonic() + (ABORT_SECONDS if control.aborting.is_set() else JOIN_SECONDS)
            if any(worker.is_alive() for worker in workers):
                control.abort()
            for worker in workers:
                worker.join(max(0.0, deadline - time.monotonic()))

    def _work(
        self,
        scorer: Scorer,
        encoder: SharedEncoder,
        numbered: _Shared,
        control: Control,
        put: Callable[[Record | BaseException | None], None],
    ) -> None:
        try:
            while not control.stopping.is_set() and (item := numbered.next()) is not None:
                number, source = item
                encoder.begin(number)
                record = make_record(scorer, source, self.maker, self._identify, self._progress)
                put(record)
        except Withdrawn:
            pass
        except BaseException as error:
            put(error)
        put(None)


def _next(done: queue.Queue[Record | BaseException | None], control: Control) -> Record | BaseException | None:
    """What comes next, ``None`` for the end of a worker, and at once when the run is to end."""
    while not control.aborting.is_set():
        with contextlib.suppress(queue.Empty):
            return done.get(timeout=0.2)
    return None


def _admit(
    budget: Budget, encoder: SharedEncoder, settings: ScoringSettings, info: VideoInfo
) -> AbstractContextManager[None]:
    return budget.hold(info, video_bytes(info, encoder, settings))


class _Shared:
    """An iterator that several threads draw from."""

    def __init__(self, items: enumerate[str]) -> None:
        self._items, self._lock = items, threading.Lock()

    def next(self) -> tuple[int, str] | None:
        with self._lock:
            return next(self._items, None)
