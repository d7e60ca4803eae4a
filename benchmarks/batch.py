"""What a run over a folder must stand: kills, a full disk; and what it costs: memory and time.

    python -m benchmarks.batch kill   [--data DIR]   # 200 files, 40 of them bad, SIGKILL at ten moments, resumed
    python -m benchmarks.batch disk   --on DIR       # DIR is a small file system, such as a tmpfs of 1 MB
    python -m benchmarks.batch memory                # peak memory against the formula
    python -m benchmarks.batch speed                 # one run over 50 short clips against 50 runs

``--data`` is a folder of videos from which some are taken beside those that ffmpeg makes here. Needs Linux.
"""

from __future__ import annotations

import argparse
import csv
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import cast

from benchmarks.common import run_ffmpeg
from conviqt_cli.batch.memory import BASE, decoder_bytes, frames_held, video_bytes
from conviqt_cli.model.encoder import Encoder
from conviqt_cli.model.torch_backend import CPU_BATCH_PIXELS
from conviqt_cli.scoring.settings import ScoringSettings
from conviqt_cli.video.probe import probe

ENCODERS = (
    ("mp4", "libx264"), ("mkv", "libx265"), ("webm", "libvpx-vp9"), ("avi", "mpeg4"), ("mov", "mjpeg"),
    ("ts", "mpeg2video"), ("flv", "flv"), ("wmv", "wmv2"), ("ogv", "libtheora"), ("mpg", "mpeg1video"),
)  # fmt: skip
LF = b"\n"
ODD_NAMES = (
    "it's.mp4", 'quo"ted, and.mp4', "line\nbreak.mp4", "-dash.mp4", "\udcff\udcfe.mp4", "\u00e9.mp4", "e\u0301.mp4",
)  # fmt: skip


def encode(path: Path, codec: str, frames: int, size: str = "64x48", source: str = "testsrc2") -> Path:
    """Make one video."""
    pixels = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    drawn = ("-f", "lavfi", "-i", f"{source}=s={size}:r=25", "-frames:v", str(frames))
    run_ffmpeg(*drawn, "-c:v", codec, "-pix_fmt", pixels, "-f", muxer(path), f"file:{path}")
    return path


def muxer(path: Path) -> str:
    """ffmpeg's name for a file's ending."""
    ending = path.suffix[1:]
    return {"mkv": "matroska", "ts": "mpegts", "wmv": "asf", "ogv": "ogg", "mpg": "mpeg"}.get(ending, ending)


def make_folder(folder: Path, data: Path | None, good: int = 160, bad: int = 40) -> None:
    """``good`` videos, of ffmpeg's and of ``data``'s, and ``bad`` files that look like videos; and some that do not."""
    rng = random.Random(5)
    (folder / "sub").mkdir(parents=True)
    taken = sorted(path for path in data.rglob("*") if path.is_file())[:12] if data else []
    for index, path in enumerate(taken):
        (folder / f"real{index:02}{path.suffix}").write_bytes(path.read_bytes())
    for index in range(good - len(taken)):
        suffix, codec = ENCODERS[index % len(ENCODERS)]
        name = ODD_NAMES[index] if index < len(ODD_NAMES) else f"{index:03}.{suffix}"
        # Odd names are given afterwards, as not every muxer takes them.
        made = encode(folder / f"made.{suffix}", codec, rng.randint(1, 40))
        made.rename(folder / ("sub" if index % 9 == 8 else ".") / name)
    whole = encode(folder / "whole.mp4", "libx264", 30).read_bytes()
    (folder / "whole.mp4").unlink()
    for index in range(bad):
        content = (b"", b"no video\n" * 50, whole[: len(whole) // 2], rng.randbytes(5000), whole[100:])[index % 5]
        (folder / f"bad{index:02}.mp4").write_bytes(content)
    for name in ("notes.txt", "cover.jpg", "song.mp3", ".DS_Store", "list.m3u8"):
        (folder / name).write_bytes(b"#EXTM3U\n/etc/passwd\n")
    (folder / "sub" / "loop").symlink_to(folder)


def conviqt(*arguments: object) -> list[str]:
    """A command line of the program."""
    return [sys.executable, "-m", "conviqt_cli", *map(str, arguments)]


def without_times(path: Path) -> list[bytes]:
    """The rows of a score file with ``wall_seconds``, its last column, cut off."""
    with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        return [repr(row[:-1]).encode("utf-8", "surrogateescape") for row in csv.reader(file)]


def count_rows(path: Path) -> int:
    """Rows of a score file, whole or not, without its header."""
    return max(0, len(without_times(path)) - 1) if path.exists() else 0


def kill(options: argparse.Namespace) -> bool:
    """Kill a run at ten moments and resume it; whether its file ends as that of a run left alone."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "videos"
        make_folder(folder, options.data)
        alone, killed = Path(temporary) / "alone.csv", Path(temporary) / "killed.csv"
        extra = ["-r", "-q", "--threads", options.threads, "--jobs", options.jobs, "--sampling", options.sampling]
        began = time.monotonic()
        done = subprocess.run([*conviqt("score", folder, "-o", alone, *extra)], capture_output=True)
        seconds = time.monotonic() - began
        sys.stdout.buffer.write(done.stdout)
        print(f"left alone: {seconds:.0f} s, exit code {done.returncode}", flush=True)
        rng = random.Random(options.seed)
        rows = 0
        for number in range(10):
            process = subprocess.Popen(
                conviqt("score", folder, "-o", killed, *extra), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            if number in (3, 7):  # while it starts
                wait = rng.uniform(0, 5)
            else:  # within the work, which begins with the first new row
                while process.poll() is None and count_rows(killed) <= rows:
                    time.sleep(0.01)
                wait = rng.uniform(0, seconds / 15)
            time.sleep(wait)
            if process.poll() is not None:
                print("finished before it was killed")
                return False
            process.send_signal(signal.SIGKILL)
            process.wait()
            rows = count_rows(killed)
            end = killed.read_bytes()[-1:] if killed.exists() else b""
            print(f"killed: {rows} rows, {'a whole' if end == LF else 'no whole'} one at the end", flush=True)
        done = subprocess.run(conviqt("score", folder, "-o", killed, *extra), capture_output=True)
        equal = without_times(alone) == without_times(killed)
        print(f"killed 10 times, then resumed: exit code {done.returncode}, {count_rows(killed)} rows")
        left = sorted(path.name for path in killed.parent.iterdir())
        print(f"equal but for wall_seconds: {equal}; beside the videos: {left}")
        return equal


def disk(options: argparse.Namespace) -> bool:
    """Fill a small file system up, score until it is full, make room, resume."""
    with tempfile.TemporaryDirectory() as temporary:
        folder, output = Path(temporary) / "videos", options.on / "scores.csv"
        make_folder(folder, None, good=20, bad=5)
        filler = options.on / "filler"
        stat = os.statvfs(options.on)
        filler.write_bytes(bytes((stat.f_bavail - 1) * stat.f_frsize))
        command = conviqt("score", folder, "-r", "-o", output, "-q", "--threads", options.threads)
        full = subprocess.run(command, capture_output=True, text=True, errors="replace")
        print(f"full: exit code {full.returncode}: {full.stderr.splitlines()[-1]}")
        data = output.read_bytes()
        print(f"{len(without_times(output)) - 1} rows in {len(data)} bytes, the last one whole: {data[-1:] == LF}")
        filler.unlink()
        done = subprocess.run(command, capture_output=True, text=True, errors="replace")
        print(f"resumed: exit code {done.returncode}, {len(without_times(output)) - 1} rows")
        output.unlink()
        return full.returncode == 1 and len(done.stdout) > 0


def memory(options: argparse.Namespace) -> bool:
    """Peak memory of the program and of one of its decoders, for a few sizes and jobs, against the formula."""
    fits = True
    with tempfile.TemporaryDirectory() as temporary:
        print("picture     jobs  program MB  formula MB   decoder MB  formula MB")
        for size, jobs in (("320x240", 1), ("320x240", 4), ("1280x720", 1), ("1920x1080", 1), ("1920x1080", 2)):
            folder = Path(temporary) / f"{size}-{jobs}"
            folder.mkdir()
            for index in range(jobs + 1):
                encode(folder / f"{index}.mp4", "libx264", 100, size)
            info = probe(str(folder / "0.mp4"))
            own, decoder = peaks(
                conviqt("score", folder, "-q", "--sampling", "dense", "--picture", "whole", "--jobs", jobs),
                options.seconds,
            )
            batch = max(1, min(16, CPU_BATCH_PIXELS // (info.width * info.height)))
            encoder = _Batches(batch)
            program = BASE + (jobs + 1) * (
                video_bytes(info, cast(Encoder, encoder), ScoringSettings()) - decoder_bytes(info)
            )
            fits = fits and own <= program and decoder <= decoder_bytes(info)
            row = (f"{value / 1e6:10.0f}" for value in (own, program, decoder, decoder_bytes(info)))
            print(f"{size:10} {jobs:5} ", "  ".join(row), f"  ({frames_held(info, batch)} frames a video)", flush=True)
    return fits


class _Batches:
    """As much of an encoder as the formula asks."""

    device, precision, encoder_id = "cpu", "fp32", ""

    def __init__(self, batch: int) -> None:
        self._batch = batch

    def batch_frames(self, height: int, width: int) -> int:
        return self._batch


def peaks(command: list[str], seconds: float) -> tuple[int, int]:
    """Highest resident memory, in bytes, of a command and of any one of its children, by looking often.

    The command is stopped after ``seconds``: by then every queue is full and the largest batch has been judged.
    """
    deadline = time.monotonic() + seconds
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    own = child = 0
    while process.poll() is None:
        own = max(own, high_water(process.pid))
        for path in Path(f"/proc/{process.pid}/task").glob("*/children"):
            try:
                child = max([child, *(high_water(int(pid)) for pid in path.read_text().split())])
            except OSError:
                continue
        if time.monotonic() > deadline:
            process.terminate()
        time.sleep(0.02)
    return own, child


def high_water(pid: int) -> int:
    """``VmHWM`` of a process; 0 when it has ended, or is still a copy of its parent."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
        if b"conviqt_cli" in command and os.getpid() != int(Path(f"/proc/{pid}/stat").read_text().split()[3]):
            return 0  # a child that has not become ffmpeg yet
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM")), 0)


def speed(options: argparse.Namespace) -> bool:
    """One run over short clips, with one job and with two, against a run for each."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        paths = [encode(folder / f"{index:02}.mp4", "libx264", 20, "160x96") for index in range(options.clips)]
        runs = {f"one run, --jobs {jobs}": [conviqt("score", folder, "-q", "--jobs", jobs)] for jobs in (1, 2)}
        runs[f"{len(paths)} runs"] = [conviqt("score", path, "-q") for path in paths]
        rates = {}
        for name, commands in runs.items():
            began = time.monotonic()
            for command in commands:
                done = subprocess.run(command, capture_output=True, text=True)
                if done.returncode:
                    print(f"exit code {done.returncode}: {done.stderr}")
                    return False
            seconds = time.monotonic() - began
            rates[name] = len(paths) / seconds
            print(f"{name:20} {seconds:7.1f} s  {rates[name]:6.2f} clips/s", flush=True)
        return max(rates, key=lambda name: rates[name]).startswith("one")


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("kill", "disk", "memory", "speed"))
    parser.add_argument("--data", type=Path)
    parser.add_argument("--on", type=Path)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--sampling", default="sparse")
    parser.add_argument("--clips", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    commands = {"kill": kill, "disk": disk, "memory": memory, "speed": speed}
    sys.exit(0 if commands[options.what](options) else 1)


if __name__ == "__main__":
    main()
