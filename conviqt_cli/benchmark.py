"""How fast this machine scores: videos made for the purpose, scored in processes of their own, one setting at a time.

What a setting costs is taken from two runs of different length, so that start-up (Python, the model, compiling it)
counts once, on a line of its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conviqt_cli.errors import ConviqtError
from conviqt_cli.video.synthetic import make_video

#: Frames per second of the videos.
FPS = 30

#: A sparse plan takes a clip a second, from eight seconds on; the longer run is this much longer than the shorter.
SHORT_SECONDS, LONG_SECONDS = 8, 16

#: Every frame of the whole picture is scored of so many frames: two clips after one.
SHORT_FRAMES, LONG_FRAMES = 16, 48


@dataclass(frozen=True)
class Setting:
    """A way of scoring: its ``name`` for people, and the options of ``conviqt score`` that stand for it."""

    name: str
    options: tuple[str, ...]

    @property
    def dense(self) -> bool:
        """Whether every frame is scored."""
        return "--exact" in self.options or "dense" in self.options


@dataclass(frozen=True)
class Speed:
    """What a setting costs at one size of picture.

    ``start`` is in seconds, ``per_second`` in seconds of work per second of video, ``cpu`` in seconds of computing time
    of all cores per second of video, ``memory`` the largest process in bytes. ``frames`` is how many went through the
    network per second. ``scored_with`` are the settings of its record: device, precision, sampling, picture, ...
    """

    setting: str
    lines: int
    scored_with: dict[str, Any]
    start: float
    per_second: float
    cpu: float
    memory: int
    frames: float

    @property
    def size(self) -> str:
        """The size of picture in words, such as ``1080p``."""
        return f"{self.lines}p"

    @property
    def precision(self) -> str:
        """What it was computed in."""
        return str(self.scored_with["precision"])

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "setting": self.setting,
            "size": self.size,
            "precision": self.precision,
            "start_s": round(self.start, 2),
            "s_per_video_s": round(self.per_second, 3),
            "cpu_s_per_video_s": round(self.cpu, 3),
            "frames_per_s": round(self.frames, 2),
            "peak_mib": round(self.memory / 2**20),
        }


@dataclass(frozen=True)
class Timed:
    """One process: what it wrote to stdout, wall and processor seconds, and the largest memory it took, in bytes."""

    output: bytes
    wall: float
    cpu: float
    memory: int


@dataclass(frozen=True)
class Run:
    """One process: its result (a JSON record), wall and processor seconds, and the largest memory it took."""

    record: dict[str, Any]
    wall: float
    cpu: float
    memory: int


#: The default, its neighbours in precision, and the published protocol.
SETTINGS = (
    Setting("default", ()),
    Setting("crops fp32", ("--picture", "crops", "--precision", "fp32")),
    Setting("crops int8", ("--picture", "crops", "--precision", "int8")),
    Setting("whole", ("--picture", "whole", "--sampling", "dense")),
    Setting("exact", ("--exact",)),
)


def run(video: Path, options: Sequence[str]) -> Run:
    """Score ``video`` in a process of its own; raises :class:`ConviqtError` with its error when that fails."""
    done = timed([sys.executable, "-m", "conviqt_cli", "score", str(video), "--json", "-q", *options])
    return Run(json.loads(done.output), done.wall, done.cpu, done.memory)


def timed(command: Sequence[str], folder: Path | None = None) -> Timed:
    """Run a command, in ``folder``; raises :class:`ConviqtError` with what it said on stderr when it fails."""
    # Messages go to a file: a pipe that nobody reads yet would stop a talkative program.
    with tempfile.TemporaryFile() as messages:
        began = time.perf_counter()
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=messages, cwd=folder) as process:
            assert process.stdout is not None
            out = process.stdout.read()
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        wall = time.perf_counter() - began
        if process.returncode != 0:
            messages.seek(0)
            raise ConviqtError(messages.read().decode(errors="replace").strip().removeprefix("error: "))
    unit = 1 if sys.platform == "darwin" else 1024
    return Timed(out, wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit)


def measure(
    folder: Path,
    heights: Sequence[int],
    settings: Sequence[Setting] = SETTINGS,
    extra: Sequence[str] = (),
    progress: Callable[[str], None] = lambda what: None,
) -> list[Speed]:
    """Measure ``settings`` on pictures of these ``heights``, with ``extra`` options; videos are made in ``folder``."""
    found = []
    for height in heights:
        video = make_video(folder, height, LONG_SECONDS, FPS)
        for setting in settings:
            progress(f"{height} lines, {setting.name}")
            short, long = _lengths(setting)
            runs = [run(video, [*setting.options, *extra, "--duration", f"{length:g}"]) for length in (short, long)]
            found.append(compared(setting.name, height, runs[0], runs[1], long - short))
        video.unlink()
    return found


def compared(setting: str, lines: int, short: Run, long: Run, more: float) -> Speed:
    """What ``more`` seconds of video cost, from two runs of which one scored so much more."""
    per_second = max(long.wall - short.wall, 1e-9) / more
    seconds = long.record["segments"][-1]["end"]
    frames = long.record["frames_scored"] - short.record["frames_scored"]
    return Speed(
        setting,
        lines,
        long.record["settings"],
        max(0.0, long.wall - per_second * seconds),
        per_second,
        max(0.0, long.cpu - short.cpu) / more,
        long.memory,
        frames / max(long.wall - short.wall, 1e-9),
    )


def _lengths(setting: Setting) -> tuple[float, float]:
    """Seconds of video of the shorter and the longer run."""
    if setting.dense:
        return SHORT_FRAMES / FPS, LONG_FRAMES / FPS
    return SHORT_SECONDS, LONG_SECONDS
