"""How fast, and in how much memory? Whole runs of the command line beside a plain rendition of the published procedure.

    python -m benchmarks.speed ratios [--size 540 --size 1080] [--rounds N]
    python -m benchmarks.speed growth
    python -m benchmarks.speed profile VIDEO
    python -m benchmarks.speed other COMMAND... VIDEO      # another program beside ours, such as a wrapper of uvq

What is compared is measured in turn, round after round, so that a machine that slows down slows all of it; quote the
ratios. ``ratios``: the default, ``--exact``, the default before there were picture plans (``--picture whole``), and
:mod:`benchmarks.plain`; seconds of work per second of video come from two lengths, so that start-up counts once.
``growth``: the default from 5 seconds to 10 minutes, and from 360 to 2160 lines. ``profile``: where the time goes.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import ROOT, SAMPLE, run_ffmpeg
from conviqt_cli.benchmark import FPS, LONG_FRAMES, SHORT_FRAMES, run, timed

#: Seconds of the shorter and the longer video of the default.
SHORT, LONG = 8, 24


def processor() -> str:
    """The CPU's name and what matters of its instructions."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.processor()
    name = next((line.split(":", 1)[1].strip() for line in text.splitlines() if line.startswith("model name")), "")
    has = [flag for flag in ("avx2", "avx512f", "avx512_vnni", "avx_vnni", "avx512_bf16", "amx_tile") if flag in text]
    return f"{os.cpu_count()} x {name} ({', '.join(has)})"


def clip(folder: Path, height: int, seconds: float) -> Path:
    """The tests' sample, looped and scaled, with a little noise, as 30 frames a second of H.264."""
    path = folder / f"{height}_{seconds:.3f}.mp4"
    if not path.exists() and seconds > 60:  # the same minute again and again: encoding all of it takes longer
        minute = clip(folder, height, 60)
        run_ffmpeg("-stream_loop", "-1", "-i", str(minute), "-t", f"{seconds:.3f}", "-c", "copy", str(path))
    elif not path.exists():
        size = f"{2 * round(height * 8 / 9)}:{height}"
        look = ["-vf", f"scale={size}:flags=bicubic,noise=alls=4:allf=t,fps={FPS}", "-t", f"{seconds:.3f}", "-an"]
        code = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "23", "-pix_fmt", "yuv420p", str(path)]
        run_ffmpeg("-stream_loop", "-1", "-i", str(SAMPLE), *look, *code)
    return path


def ours(*options: str) -> Callable[[Path], tuple[float, float, int]]:
    """A run of ``conviqt score`` with these options."""

    def measure(video: Path) -> tuple[float, float, int]:
        done = run(video, options)
        return done.wall, done.cpu, done.memory

    return measure


def plain(video: Path) -> tuple[float, float, int]:
    """A run of the plain rendition."""
    done = timed([sys.executable, "-m", "benchmarks.plain", str(video)], ROOT)
    return done.wall, done.cpu, done.memory


def ratios(sizes: list[int], rounds: int) -> None:
    """Interleave everything and print medians."""
    whole = ("--picture", "whole", "--sampling", "dense")
    contenders: dict[str, tuple[Callable[[Path], tuple[float, float, int]], float, float]] = {
        "default": (ours(), SHORT, LONG),
        "whole pictures": (ours(*whole), SHORT_FRAMES / FPS, LONG_FRAMES / FPS),
        "--exact": (ours("--exact"), SHORT_FRAMES / FPS, LONG_FRAMES / FPS),
        "plain PyTorch": (plain, SHORT_FRAMES / FPS, LONG_FRAMES / FPS),
    }
    print(processor())
    print(f"{'size':<6}{'what':<16}{'s per video s':>14}{'(min to max)':>18}{'CPU s':>8}{'start s':>9}{'MiB':>7}")
    with tempfile.TemporaryDirectory() as temporary:
        for size in sizes:
            found: dict[str, list[tuple[float, ...]]] = defaultdict(list)
            for _ in range(rounds):
                for name, (measure, short, long) in contenders.items():
                    videos = [clip(Path(temporary), size, seconds) for seconds in (short, long)]
                    (wall, cpu, _), (longer, more, memory) = (measure(video) for video in videos)
                    rate = (longer - wall) / (long - short)
                    found[name].append((rate, (more - cpu) / (long - short), longer - rate * long, memory))
                    # Every run as it comes, so that a benchmark that is cut short has still measured something.
                    print(
                        f"{size} {name}: {rate:.2f} s per video s, {memory / 2**20:.0f} MiB",
                        file=sys.stderr,
                        flush=True,
                    )
            for name, rows in found.items():
                rate, cpu, start, memory = (np.median([row[i] for row in rows]) for i in range(4))
                if name == "whole pictures":
                    # A sparse plan looks at 16 frames of each second's 30.
                    name, share = "before (sparse)", SHORT_FRAMES / FPS
                    rows = [(row[0] * share, row[1] * share, *row[2:]) for row in rows]
                    rate, cpu = rate * share, cpu * share
                rates = [row[0] for row in rows]
                spread = f"({min(rates):.2f} to {max(rates):.2f})"
                print(
                    f"{size:<6}{name:<16}{rate:14.2f}{spread:>18}{cpu:8.2f}{start:9.1f}{memory / 2**20:7.0f}",
                    flush=True,
                )


def growth(rounds: int) -> None:
    """The default over length at 1080 lines, and over size at 20 seconds."""
    print(processor())
    print(f"{'lines':<7}{'seconds':>8}{'wall s':>9}{'CPU s':>8}{'per video s':>12}{'MiB':>7}")
    with tempfile.TemporaryDirectory() as temporary:
        cases = [*((1080, seconds) for seconds in (5, 10, 60, 600)), *((size, 20) for size in (360, 540, 1080, 2160))]
        for size, seconds in cases:
            video = clip(Path(temporary), size, seconds)
            runs = [ours()(video) for _ in range(rounds if seconds < 600 else 1)]
            wall, cpu, memory = (float(np.median([each[i] for each in runs])) for i in range(3))
            print(f"{size:<7}{seconds:8}{wall:9.1f}{cpu:8.1f}{wall / seconds:12.2f}{memory / 2**20:7.0f}", flush=True)


def profile(video: str) -> None:
    """Seconds that threads wait in each step of the default, and what decoding costs in its own processes."""
    import resource

    from conviqt_cli import load
    from conviqt_cli.scoring import features, scorer
    from conviqt_cli.scoring.findings import Observer

    spent: dict[str, float] = defaultdict(float)

    def watch(owner: Any, name: str, label: str) -> None:
        function = getattr(owner, name)

        def watched(*args: Any, **kwargs: Any) -> Any:
            began = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                spent[label] += time.perf_counter() - began

        setattr(owner, name, watched)

    loaded = load()
    for owner, name, label in (
        (features, "shown", "convert"), (features, "half_size", "convert"), (scorer, "find_bars", "bars"),
        (scorer, "schedule", "packets"), (scorer, "probe", "probe"), (Observer, "see", "checks"),
        (loaded.encoder, "pooled", "network"), (loaded.encoder, "temporal", "network"),
    ):  # fmt: skip
        watch(owner, name, label)
    began = time.perf_counter()
    score = loaded.score(video)
    wall = time.perf_counter() - began
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    length = score.segments[-1].end
    spent["rest, waiting for frames included"] = wall - sum(spent.values())
    print(processor())
    print(f"{video}: {wall:.1f} s for {length:.1f} s of video, {score.settings.precision}")
    for label, seconds in sorted(spent.items(), key=lambda item: -item[1]):
        print(f"{label:<36}{seconds:8.2f} s{seconds / wall:7.0%}")
    print(f"{'decoder, in processes of its own':<36}{children.ru_utime + children.ru_stime:8.2f} s of CPU")


def other(command: list[str], rounds: int) -> None:
    """Another program's command line, its last word a video, and ours on the same video."""
    print(processor())
    for _ in range(rounds):
        for name, words in (("ours", [sys.executable, "-m", "conviqt_cli", "score", command[-1]]), ("other", command)):
            done = timed(words, ROOT)
            print(f"{name:<8}{done.wall:9.2f} s{done.cpu:9.2f} s of CPU{done.memory / 2**20:8.0f} MiB", flush=True)


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("what", choices=("ratios", "growth", "profile", "other"))
    parser.add_argument("--size", type=int, action="append")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("command", nargs="*")
    options = parser.parse_args()
    if options.what == "ratios":
        ratios(options.size or [360, 540, 1080], options.rounds)
    elif options.what == "growth":
        growth(options.rounds)
    elif options.what == "profile":
        profile(options.command[0])
    else:
        other(options.command, options.rounds)


if __name__ == "__main__":
    main()
