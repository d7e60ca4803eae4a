"""The local engine: threads of this process."""

from __future__ import annotations

import copy
import logging
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from functools import partial

from conviqt_cli.batch.engine import Control, Span
from conviqt_cli.batch.memory import Budget, video_bytes
from conviqt_cli.batch.shared_encoder import SharedEncoder, Withdrawn
from conviqt_cli.errors import BundleError, ConviqtError, RegressorError, UsageError
from conviqt_cli.scorefiles.record import FileFacts, Maker, Record
from conviqt_cli.scoring.results import FailedScore, VideoScore
from conviqt_cli.scoring.scorer import ProgressCallback, Scorer
from conviqt_cli.video.probe import VideoInfo

logger = logging.getLogger(__name__)


class LocalEngine:
    """Threads of this process: per device, ``jobs`` videos are judged at once and one more is decoded ahead.

    ``scorers`` are alike but for their device. ``identify`` reads every file for its content key; without it records
    carry no file facts. ``memory`` is how many bytes the videos in flight may take (``None``: no limit).
    """

    def __init__(
        self,
        scorers: Sequence[Scorer],
        jobs: int = 1,
        span: Span | None = None,
        identify: bool = True,
        memory: int | None = None,
        progress: ProgressCallback | None = None,
    ) -> None:
        self._scorers, self._jobs, self._span, self._identify = scorers, jobs, span or Span(), identify
        self._memory, self._progress = memory, progress
        self.maker = Maker(scorers[0].model_info(), scorers[0].settings(self._span.start, self._span.duration))

    def run(self, sources: Sequence[str], control: Control) -> Iterator[Record]:
        """See :meth:`Engine.run`."""
        done: queue.SimpleQueue[Record | BaseException | None] = queue.SimpleQueue()
        numbered = _Shared(enumerate(sources))
        budget = Budget(self._memory)
        workers = []
        for scorer in self._scorers:
            # A copy of the scorer, so that sharing its network is this run's affair alone.
            shared = SharedEncoder(scorer.encoder, self._jobs, control.stopping)
            own = copy.copy(scorer)
            own.encoder, own.admit = shared, partial(_admit, budget, shared)
            for _ in range(min(self._jobs + 1, len(sources))):
                task = partial(self._work, own, shared, numbered, control, done.put)
                workers.append(threading.Thread(target=task, daemon=True))
        for worker in workers:
            worker.start()
        try:
            for _ in workers:
                while (item := done.get()) is not None:
                    if isinstance(item, BaseException):
                        raise item
                    if control.aborting.is_set():
                        return
                    yield item
        finally:
            if any(worker.is_alive() for worker in workers):
                control.abort()
            for worker in workers:
                worker.join(30)

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
                record = self._score(scorer, source)
                if not control.aborting.is_set():
                    put(record)
        except Withdrawn:
            pass
        except BaseException as error:
            put(error)
        put(None)

    def _score(self, scorer: Scorer, source: str) -> Record:
        facts = FileFacts.of(source) if self._identify else None
        result = score_one(scorer, source, self._span, self._progress)
        if facts is not None and isinstance(result, VideoScore) and not facts.same_stat(source):
            result = FailedScore(source, "changed", f"{source}: the file changed while it was being scored")
        return Record(result, self.maker, facts)


def score_one(
    scorer: Scorer, source: str, span: Span, progress: ProgressCallback | None = None
) -> VideoScore | FailedScore:
    """Score one video; whatever goes wrong with it becomes a :class:`FailedScore`, so that it stops no other.

    What is wrong with the model or the options is not the video's failure and is raised.
    """
    try:
        return scorer.score(source, span.start, span.duration, progress)
    except (BundleError, RegressorError, UsageError, Withdrawn):
        raise
    except ConviqtError as error:
        return FailedScore(source, error.code, str(error))
    except MemoryError:
        return FailedScore(source, "limit", f"{source}: not enough memory to judge it")
    except Exception as error:
        # A fault of ours, or of PyTorch (which reports lack of memory so). It must not end a run of days.
        logger.debug("%s", source, exc_info=True)
        text = " ".join(str(error).split())[:200]
        return FailedScore(source, "internal", f"{source}: {type(error).__name__}: {text}")


def _admit(budget: Budget, encoder: SharedEncoder, info: VideoInfo) -> AbstractContextManager[None]:
    return budget.hold(info, video_bytes(info, encoder))


class _Shared:
    """An iterator that several threads draw from."""

    def __init__(self, items: enumerate[str]) -> None:
        self._items, self._lock = items, threading.Lock()

    def next(self) -> tuple[int, str] | None:
        with self._lock:
            return next(self._items, None)
