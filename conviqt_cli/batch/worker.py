"""What one worker of a cluster does: it holds the model on one device, and scores videos or parts of them.

Nothing here knows how calls reach a worker. Each call that works on a video runs in a thread of its own; how many there
may be at once is settled by whoever calls.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from threading import Event

from conviqt_cli import __version__
from conviqt_cli.batch.fetched import at_hand, named
from conviqt_cli.batch.memory import SHARE, Budget, available, video_bytes
from conviqt_cli.batch.one_video import attempt, if_unchanged, make_record
from conviqt_cli.batch.shared_encoder import SharedEncoder, Withdrawn
from conviqt_cli.errors import ConviqtError
from conviqt_cli.quality.scale import Scale
from conviqt_cli.scorefiles.record import FileFacts, Maker, Record
from conviqt_cli.scoring.parts import Encoded, NotDivisible, Part, Prepared
from conviqt_cli.scoring.results import FailedScore
from conviqt_cli.scoring.scorer import Scorer
from conviqt_cli.video.probe import VideoInfo


@dataclass(frozen=True)
class Task:
    """How workers score.

    Args:
        load: makes the scorer.
        jobs: videos scored at once on one device; one more is decoded ahead.
        identify: read every file for its content key.
        split: seconds from which on a video is divided into parts of that length; ``None``: none is.
        memory: bytes that a worker's videos may take together; ``None`` for its share of what is free.
        share: which part of its machine's memory is a worker's, 0 to 1.
    """

    load: Callable[[], Scorer]
    jobs: int = 1
    identify: bool = True
    split: float | None = None
    memory: int | None = None
    share: float = 1.0


@dataclass(frozen=True)
class Loaded:
    """A worker that is ready: what its scores are made by, on which scale and with what, and its process."""

    maker: Maker
    scale: Scale
    backend: str
    version: str
    pid: int


@dataclass(frozen=True)
class Divided:
    """A long video, ready to be encoded in parts; ``file`` as it was then."""

    prepared: Prepared
    parts: Sequence[Part]
    file: FileFacts | None


class Worker:
    """A model on one device. Errors that no video is at fault for are returned, not raised, so that they stay whole."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._stopping = Event()

    def load(self) -> Loaded | ConviqtError:
        """Load the model; to be called once, before anything else."""
        # One unusable video is a row of the score file; no log of a worker's own is needed.
        logging.getLogger("conviqt_cli").setLevel(logging.ERROR)
        task = self._task
        try:
            scorer = task.load()
            scale = scorer.regressor.scale
        except ConviqtError as error:
            return error
        free = available()
        limit = task.memory if task.memory is not None else None if free is None else int(free * SHARE * task.share)
        self._maker = Maker(scorer.model_info(), scorer.settings)
        self._encoder = SharedEncoder(scorer.encoder, task.jobs, self._stopping)
        self._scorer = scorer.sharing(self._encoder, partial(self._admit, Budget(limit)))
        return Loaded(self._maker, scale, scorer.encoder.backend, __version__, os.getpid())

    def score(self, number: int, source: str, divide: bool = True) -> Record | Divided | ConviqtError | None:
        """The record of a video, or how it is divided; ``None`` when the run stops before it has begun.

        Of several videos on one device, that of the lowest ``number`` goes first.
        """
        self._encoder.begin(number)
        try:
            if self._task.split is None or not divide:
                return make_record(self._scorer, source, self._maker, self._task.identify)
            return self._score_or_divide(source, self._task.split)
        except Withdrawn:
            return None
        except ConviqtError as error:
            return error

    def encode(self, number: int, divided: Divided, part: int) -> tuple[bool, Encoded | None]:
        """Whether a part could be encoded so that it adds up with the others, and what came of it."""
        self._encoder.begin(number, begun=True)
        source = divided.prepared.source
        try:
            found = attempt(source, partial(self._encoded, divided, divided.parts[part]))
        except (NotDivisible, ConviqtError):
            return False, None
        return (False, None) if isinstance(found, FailedScore) else (True, found)

    def conclude(self, divided: Divided, *parts: Encoded) -> Record | None:
        """The record of a video of which all parts are encoded; ``None`` when they do not add up."""
        try:
            result = attempt(divided.prepared.source, partial(self._scorer.conclude, divided.prepared, parts))
        except NotDivisible:
            return None
        return Record(if_unchanged(result, divided.file), self._maker, divided.file)

    def stop(self) -> None:
        """Begin nothing more; videos of which no frame was scored yet are given back."""
        self._stopping.set()

    def _encoded(self, divided: Divided, part: Part) -> Encoded:
        with at_hand(divided.prepared.source, identify=False) as (path, _):
            return self._scorer.encode(divided.prepared.at(path), part)

    def _score_or_divide(self, source: str, seconds: float) -> Record | Divided:
        found = attempt(source, partial(self._scored_or_divided, source, seconds))
        if isinstance(found, FailedScore):
            return Record(found, self._maker, FileFacts.of(source) if self._task.identify else None)
        return found

    def _scored_or_divided(self, source: str, seconds: float) -> Record | Divided:
        with at_hand(source, self._task.identify) as (path, facts):
            prepared = attempt(path, partial(self._scorer.prepare, path))
            if isinstance(prepared, FailedScore):
                return Record(named(prepared, path, source), self._maker, facts)
            parts = prepared.divided(seconds)
            if parts:
                return Divided(prepared.at(source), parts, facts)
            result = attempt(path, partial(self._scorer.score_prepared, prepared))
            return Record(if_unchanged(named(result, path, source), facts), self._maker, facts)

    def _admit(self, budget: Budget, info: VideoInfo) -> AbstractContextManager[None]:
        return budget.hold(info, video_bytes(info, self._encoder, self._scorer.settings))
