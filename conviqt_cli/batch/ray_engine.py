"""The Ray engine: workers on any number of machines, each with the model on one GPU or on a few CPU cores.

The driver, which is the process that the user started, draws names as workers have room for them, so it holds a few
names per worker however many there are. It never decodes anything and needs no model.

A worker may die at any time: killed for its memory, by a crash in a decoder, with its machine. Another is started in
its place, and what it was working on is done again elsewhere. Whatever was lost so is then done alone on a worker, so
that a video that kills its worker takes no other with it; after :data:`TRIES` deaths it is given up, as a failed row.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from conviqt_cli import __version__
from conviqt_cli.batch.engine import Control
from conviqt_cli.batch.worker import Divided, Loaded, Task, Worker
from conviqt_cli.errors import ConviqtError, UsageError
from conviqt_cli.scorefiles.record import FileFacts, Maker, Record
from conviqt_cli.scoring.results import FailedScore
from conviqt_cli.scoring.scorer import load_scorer
from conviqt_cli.scoring.settings import ScoringSettings

#: CPU cores of a worker, unless told otherwise: each holds the model, about a gigabyte.
CPUS = 4

#: Workers that may die over one video before it is given up.
TRIES = 3

#: Workers that may die, one after the other, before any has loaded the model.
LOAD_TRIES = 4

#: Seconds to wait for the first worker, which a cluster may have to start a machine for.
START_SECONDS = 900.0

#: Seconds between two looks at the cluster for machines that have joined it.
_LOOK_SECONDS = 15.0

#: Seconds for which the driver waits for results before it looks whether it is to stop.
_WAIT_SECONDS = 0.2

#: Shared memory, in bytes, of a cluster that is started for one run on this machine.
_LOCAL_STORE = 256 << 20


@dataclass(frozen=True)
class Slots:
    """What one worker takes of a cluster: ``cpus`` cores, and ``gpus``, 0 or 1."""

    cpus: int
    gpus: int


@dataclass(frozen=True)
class Cluster:
    """Ray, connected; ``ours`` says that the connection is to be ended with the run."""

    ray: Any
    ours: bool


@dataclass(eq=False)
class _Video:
    """A video in progress, over which workers died ``deaths`` times.

    One that is ``divided``, which refers to a :class:`Divided` in the cluster, has that many ``parts``; ``encoded``
    refers to what came of them.
    """

    number: int
    source: str
    divide: bool = True
    deaths: int = 0
    finished: bool = False
    divided: Any = None
    parts: int = 0
    encoded: dict[int, Any] = field(default_factory=dict)


@dataclass(eq=False)
class _Step:
    """Something for a worker to do with a video: score it, encode one of its parts, or (``part`` -1) join those.

    It is ``lost`` where a worker has died over it.
    """

    video: _Video
    part: int | None = None
    lost: bool = False


@dataclass(eq=False)
class _Seat:
    """A worker as the driver sees it: its handle, what it is doing, and whether it does that alone."""

    actor: Any
    loading: Any = None
    steps: dict[Any, tuple[_Step, Any]] = field(default_factory=dict)
    alone: bool = False


class RayEngine:
    """Workers of a Ray cluster.

    Args:
        task: what every worker does; its scorer has to be loadable on every machine of the cluster.
        slots: what a worker takes.
        cluster: as :func:`connect` gives it.

    Raises :class:`UsageError` where there is no room for a worker, and what loading the model raises.
    """

    def __init__(self, task: Task, slots: Slots, cluster: Cluster) -> None:
        self._cluster, self._ray = cluster, cluster.ray
        self._task, self._slots = task, slots
        self._seats: list[_Seat] = []
        self._looked = 0.0
        self._failed_loads = 0
        try:
            if cluster.ours and not self._room():
                raise UsageError(self._no_room())
            self._fill()
            first = self._first_loaded()
        except BaseException:
            self.close()
            raise
        self.maker, self.scale, self.backend = first.maker, first.scale, first.backend

    def run(self, sources: Iterable[str], control: Control) -> Iterator[Record]:
        """See :meth:`Engine.run`."""
        fresh = (_Video(number, source) for number, source in enumerate(sources))
        again: deque[_Step] = deque()
        told = False
        try:
            exhausted = False
            while not control.aborting.is_set():
                stopping = control.stopping.is_set()
                if stopping and not told:
                    told = True
                    for seat in self._seats:
                        seat.actor.stop.remote()
                self._fill()
                exhausted = self._hand_out(again, fresh, stopping or exhausted)
                if not again and exhausted and not any(seat.steps for seat in self._seats):
                    return
                for record in self._gather(again):
                    if control.aborting.is_set():
                        return
                    yield record
        finally:
            self.close()

    def close(self) -> None:
        """End all workers, with their decoders."""
        for seat in self._seats:
            self._kill(seat)
        self._seats = []
        if self._cluster.ours:
            self._ray.shutdown()

    def _hand_out(self, again: deque[_Step], fresh: Iterator[_Video], ending: bool) -> bool:
        """Give every worker with room something to do; whether nothing is left to begin."""
        again_now = deque(step for step in again if not step.video.finished)
        lost = deque(step for step in again_now if step.lost)
        others = deque(step for step in again_now if not step.lost)
        again.clear()
        # What a worker may have died of waits for one without anything else, and so many workers are left to run idle.
        for seat in sorted(self._ready(), key=lambda each: len(each.steps)):
            if lost:
                if not seat.steps:
                    seat.alone = True
                    self._begin(seat, lost.popleft())
                    continue
                again.append(lost.popleft())
                continue
            while len(seat.steps) < self._task.jobs + 1:
                if others:
                    self._begin(seat, others.popleft())
                    continue
                video = None if ending else next(fresh, None)
                if video is None:
                    ending = True
                    break
                self._begin(seat, _Step(video))
        again.extend((*lost, *others))
        return ending

    def _ready(self) -> list[_Seat]:
        return [seat for seat in self._seats if seat.loading is None and not seat.alone]

    def _begin(self, seat: _Seat, step: _Step) -> None:
        video, actor = step.video, seat.actor
        if step.part is None:
            done = actor.score.remote(video.number, video.source, video.divide)
            seat.steps[done] = (step, None)
        elif step.part < 0:
            parts = [video.encoded[part] for part in range(video.parts)]
            seat.steps[actor.conclude.remote(video.divided, *parts)] = (step, None)
        else:
            done, encoded = actor.encode.options(num_returns=2).remote(video.number, video.divided, step.part)
            seat.steps[done] = (step, encoded)

    def _gather(self, again: deque[_Step]) -> Iterator[Record]:
        """Wait a moment for results; what they lead to goes to ``again``."""
        seats = {ref: seat for seat in self._seats for ref in (*seat.steps, *([seat.loading] if seat.loading else []))}
        if not seats:
            time.sleep(_WAIT_SECONDS)
            return
        ready, _ = self._ray.wait(list(seats), num_returns=1, timeout=_WAIT_SECONDS)
        if ready:
            ready, _ = self._ray.wait(list(seats), num_returns=len(seats), timeout=0)
        for ref in ready:
            seat = seats[ref]
            if ref is seat.loading:
                self._loaded(seat)
                continue
            if ref not in seat.steps:  # the worker has died, and this was seen by another of its steps
                continue
            try:
                result = self._ray.get(ref)
            except self._ray.exceptions.RayActorError:
                yield from self._died(seat, again)
                continue
            except self._ray.exceptions.RayError:  # parts of it were on a machine that is gone
                step, _ = seat.steps.pop(ref)
                yield from self._lost(step, again)
                seat.alone = False
                continue
            step, heavy = seat.steps.pop(ref)
            seat.alone = False
            if not step.video.finished:
                yield from self._advance(step, result, heavy, again)

    def _advance(self, step: _Step, result: Any, heavy: Any, again: deque[_Step]) -> Iterator[Record]:
        """What follows from the end of a step."""
        video = step.video
        if isinstance(result, ConviqtError):
            raise result
        if isinstance(result, Record):
            video.finished = True
            yield replace(result, maker=self.maker)
        elif isinstance(result, Divided):
            video.divided, video.parts = self._ray.put(result), len(result.parts)
            again.extend(_Step(video, part) for part in range(video.parts))
        elif step.part is None:  # given back, as the run is stopping
            video.finished = True
        elif result is True:
            video.encoded[step.part] = heavy
            if len(video.encoded) == video.parts:
                again.append(_Step(video, -1))
        else:
            again.append(_Step(self._in_one_piece(video)))

    @staticmethod
    def _in_one_piece(video: _Video) -> _Video:
        """The video to be scored anew, as its parts do not add up; whatever is left of those is void."""
        video.finished = True
        return _Video(video.number, video.source, divide=False, deaths=video.deaths)

    def _died(self, seat: _Seat, again: deque[_Step]) -> Iterator[Record]:
        """Start another worker; what this one was doing is done again."""
        steps = [step for step, _ in seat.steps.values()]
        seat.steps = {}
        self._replace(seat)
        for step in steps:
            yield from self._lost(step, again)

    def _lost(self, step: _Step, again: deque[_Step]) -> Iterator[Record]:
        video = step.video
        if video.finished:
            return
        video.deaths += 1
        if video.deaths >= TRIES:
            video.finished = True
            reason = f"the worker died {TRIES} times while scoring it (out of memory, perhaps, or a crash); given up"
            facts = FileFacts.of(video.source) if self._task.identify else None
            yield Record(FailedScore(video.source, "internal", f"{video.source}: {reason}"), self.maker, facts)
        elif step.part is not None and step.part < 0:
            # Parts may have gone with the machine.
            video.encoded.clear()
            again.extend(_Step(video, part, lost=True) for part in range(video.parts))
        else:
            again.append(_Step(video, step.part, lost=True))

    def _fill(self) -> None:
        """As many workers as the cluster has room for."""
        if self._seats and time.monotonic() - self._looked < _LOOK_SECONDS:
            return
        self._looked = time.monotonic()
        # At least one is asked for, so that a cluster that grows on demand does.
        wanted = max(1, self._room())
        while len(self._seats) < wanted:
            self._seats.append(self._start())

    def _room(self) -> int:
        """How many workers the machines of the cluster hold."""
        return sum(room_on(node["Resources"], self._slots) for node in self._ray.nodes() if node["Alive"])

    def _start(self) -> _Seat:
        options = {"num_cpus": self._slots.cpus, "num_gpus": self._slots.gpus}
        # One more than it has videos, so that it can be told to stop.
        actor = self._ray.remote(Worker).options(**options, max_concurrency=self._task.jobs + 2).remote(self._task)
        return _Seat(actor, actor.load.remote())

    def _replace(self, seat: _Seat) -> None:
        self._kill(seat)
        self._seats[self._seats.index(seat)] = self._start()

    def _kill(self, seat: _Seat) -> None:
        with contextlib.suppress(Exception):  # it may have died, or its machine
            self._ray.kill(seat.actor)

    def _first_loaded(self) -> Loaded:
        """Wait for one worker to be ready."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            ready, _ = self._ray.wait([seat.loading for seat in self._seats], num_returns=1, timeout=1.0)
            for seat in [each for each in self._seats if each.loading in ready]:
                loaded = self._loaded(seat)
                if loaded is not None:
                    return loaded
        raise UsageError(f"{self._no_room()}, and none has come within {START_SECONDS:g} s")

    def _no_room(self) -> str:
        slots = self._slots
        need = f"{slots.cpus} CPU cores" + (" and a GPU" if slots.gpus else "")
        return f"no worker can be started: no machine has {need} to spare"

    def _loaded(self, seat: _Seat) -> Loaded | None:
        """Take a worker into service whose loading has ended; ``None`` where it has died, and another is started."""
        try:
            found = self._ray.get(seat.loading)
        except self._ray.exceptions.RayError as error:
            self._failed_loads += 1
            if self._failed_loads >= LOAD_TRIES:
                why = str(error).strip().splitlines()[0]
                raise UsageError(f"{LOAD_TRIES} workers died while they loaded the model: {why}") from None
            self._replace(seat)
            return None
        if isinstance(found, ConviqtError):
            raise found
        self._failed_loads, seat.loading = 0, None
        maker = getattr(self, "maker", found.maker)
        if found.version != __version__:
            raise UsageError(
                f"a worker has conviqt {found.version}, this is {__version__}; install the same everywhere"
            )
        if found.maker.identity != maker.identity:
            raise UsageError(
                f"workers score differently: {_difference(found.maker, maker)}; "
                "name the device, precision and weights, and have the same model everywhere",
                setting="precision",
            )
        return found  # type: ignore[no-any-return]


def _difference(one: Maker, other: Maker) -> str:
    """The first thing in which two makers differ."""
    for name in one.identity:
        a, b = one.identity[name], other.identity[name]
        if a != b and name == "settings":
            mine, theirs = json.loads(a), json.loads(b)
            name = next(key for key in mine if mine[key] != theirs.get(key))
            a, b = mine[name], theirs.get(name)
        if a != b:
            return f"{name} {a} and {b}"
    return "settings"


def load_ray_engine(
    settings: ScoringSettings,
    jobs: int = 1,
    identify: bool = True,
    memory: int | None = None,
    split: float | None = None,
    address: str | None = None,
) -> RayEngine:
    """An engine whose workers score with these settings: one per GPU, or per ``threads`` CPU cores.

    Without a number of threads a worker takes :data:`CPUS` cores, or all of a smaller machine. Arguments are as for
    :class:`Task` and :class:`RayEngine`; raises as the latter does.
    """
    if ":" in settings.device:
        raise UsageError(f"device {settings.device}: Ray gives each worker a GPU; say cuda", setting="device")
    cluster = connect(address)
    machines = [
        node["Resources"] for node in cluster.ray.nodes() if node["Alive"] and node["Resources"].get("CPU", 0) >= 1
    ]
    gpus = settings.device == "cuda" or (settings.device == "auto" and any(each.get("GPU") for each in machines))
    device = "cuda" if gpus else "cpu"
    cpus = settings.threads or min([CPUS, *(int(each["CPU"]) for each in machines)])
    slots = Slots(cpus, int(gpus))
    most = max((room_on(each, slots) for each in machines), default=1)
    load = partial(load_scorer, replace(settings, device=device, threads=cpus))
    task = Task(load, jobs, identify, split, memory, 1 / max(1, most))
    return RayEngine(task, slots, cluster)


def room_on(resources: Mapping[str, float], slots: Slots) -> int:
    """How many workers a machine with these resources holds."""
    by_cpu = resources.get("CPU", 0) // slots.cpus
    return int(min(by_cpu, resources.get("GPU", 0)) if slots.gpus else by_cpu)


def connect(address: str | None = None) -> Cluster:
    """Connect to a cluster.

    ``address`` is that of a running one, ``auto`` for the one that this machine belongs to; ``None`` starts one on this
    machine, unless the environment names another (``$RAY_ADDRESS``, which Ray sets in its jobs).

    Raises :class:`UsageError` where that cannot be done.
    """
    # Ray reports how it is used to its makers unless told not to.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError:
        raise UsageError("the Ray engine needs Ray: pip install 'conviqt[ray]'", setting="engine") from None
    if ray.is_initialized():
        return Cluster(ray, ours=False)
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    if address is not None:
        options["address"] = address
    elif not os.environ.get("RAY_ADDRESS"):
        options |= {"address": "local", "include_dashboard": False, "object_store_memory": _LOCAL_STORE}
    handler = signal.getsignal(signal.SIGTERM)
    try:
        ray.init(**options)
    except (ConnectionError, ValueError, RuntimeError) as error:
        where = address or os.environ.get("RAY_ADDRESS") or "this machine"
        raise UsageError(f"{where}: no Ray cluster there ({str(error).splitlines()[0]})", setting="address") from None
    # Ray takes over the signal that ends a run in order.
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, handler)
    # Ray prints its notices, such as of a dead worker, on stdout, which is for scores.
    with contextlib.suppress(AttributeError):
        ray._private.worker.print_to_stdstream = lambda *args, **kwargs: None
    return Cluster(ray, ours=True)
