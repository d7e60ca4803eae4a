"""Mutate small clips of many containers and codecs, score each, and see that nothing but a score or a reason comes.

    python -m benchmarks.fuzz --cases 2000 --seed 1 -o fuzz.csv

Every case must end as a score (of the frames that are intact) or as a failure with a code; it must not raise, hang,
leave a process behind, or score above its clean clip by more than the clean clip's own interval (by more than
``TOLERANCE`` where the bundle has none). Cases are reproducible from the seed. Exit code 1 when any does otherwise.
"""

from __future__ import annotations

import argparse
import csv
import faulthandler
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.common import SAMPLE, run_ffmpeg
from conviqt_cli.batch.one_video import score_one
from conviqt_cli.scoring.results import FailedScore, VideoScore
from conviqt_cli.scoring.scorer import Scorer, load

FRAMES, SIZE = 20, "64:48"

#: Seconds without a frame after which a decoder is given up, and seconds after which a case counts as hung.
TIMEOUT, HUNG = 10.0, 60.0
#: How far above its clean clip a case may score where no interval is known.
TOLERANCE = 0.5

#: Container (file ending), codec and the options that make it.
CLIPS = {
    "mp4-h264": ("mp4", "-c:v libx264 -g 8"),
    "mov-prores": ("mov", "-c:v prores_ks"),
    "mkv-hevc": ("mkv", "-c:v libx265 -x265-params log-level=error"),
    "mkv-ffv1": ("mkv", "-c:v ffv1"),
    "webm-vp9": ("webm", "-c:v libvpx-vp9 -deadline realtime"),
    "webm-vp8": ("webm", "-c:v libvpx -deadline realtime"),
    "avi-mpeg4": ("avi", "-c:v mpeg4"),
    "avi-mjpeg": ("avi", "-c:v mjpeg -pix_fmt yuvj420p"),
    "avi-huffyuv": ("avi", "-c:v huffyuv -pix_fmt yuv422p"),
    "ts-mpeg2": ("ts", "-c:v mpeg2video"),
    "ts-h264": ("ts", "-c:v libx264 -g 8"),
    "mpg-mpeg1": ("mpg", "-c:v mpeg1video"),
    "flv-flv1": ("flv", "-c:v flv"),
    "ogv-theora": ("ogv", "-c:v libtheora"),
    "wmv-wmv2": ("wmv", "-c:v wmv2"),
    "mxf-mpeg2": ("mxf", "-c:v mpeg2video"),
    "nut-snow": ("nut", "-c:v snow -strict experimental"),
    "ivf-av1": ("ivf", "-c:v libsvtav1 -preset 12"),
    "h264-h264": ("h264", "-c:v libx264 -g 8"),
    "y4m-raw": ("y4m", "-c:v rawvideo"),
}


@dataclass(frozen=True)
class Clip:
    """A clean clip: its bytes, its score, and the highest score that a mutation of it may have."""

    name: str
    suffix: str
    data: bytes
    quality: float
    ceiling: float


@dataclass(frozen=True)
class Case:
    """One mutated file: what was done to which clip, and the clips whose frames may be in it."""

    clip: Clip
    mutation: str
    data: bytes
    suffix: str
    ceiling: float


def make_clips(folder: Path, scorer: Scorer) -> list[Clip]:
    """Encode the clean clips and score them; raises :class:`RuntimeError` for one that has no score."""
    clips = []
    for name, (suffix, options) in CLIPS.items():
        path = folder / f"{name}.{suffix}"
        pixels = [] if "-pix_fmt" in options else ["-pix_fmt", "yuv422p10le" if "prores" in options else "yuv420p"]
        cut = ("-i", str(SAMPLE), "-frames:v", str(FRAMES), "-an", "-vf", f"scale={SIZE}")
        run_ffmpeg(*cut, *options.split(), *pixels, str(path))
        score = score_one(scorer, str(path))
        if isinstance(score, FailedScore):
            raise RuntimeError(score.reason)
        room = score.interval.high - score.quality if score.interval else TOLERANCE
        clips.append(Clip(name, suffix, path.read_bytes(), score.quality, score.quality + room))
    return clips


def flip_bits(data: bytearray, rng: random.Random) -> None:
    """One to 64 single bits, anywhere."""
    for _ in range(2 ** rng.randrange(7)):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def edit_header(data: bytearray, rng: random.Random) -> None:
    """Up to 8 bytes among the first 512, to anything."""
    for _ in range(rng.randint(1, 8)):
        data[rng.randrange(min(512, len(data)))] = rng.randrange(256)


def extreme_number(data: bytearray, rng: random.Random) -> None:
    """A 32-bit number in the first KiB: nothing, everything, or the sign's edge."""
    at = rng.randrange(max(1, min(1024, len(data)) - 4))
    data[at : at + 4] = rng.choice((b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\x80\0\0\0", b"\0\0\0\1"))


def truncate(data: bytearray, rng: random.Random) -> None:
    """Cut off the end, anywhere."""
    del data[rng.randrange(len(data)) :]


def overwrite(data: bytearray, rng: random.Random) -> None:
    """A run of up to 4 KiB becomes zeros or noise."""
    at, length = rng.randrange(len(data)), rng.randint(1, 4096)
    length = min(length, len(data) - at)
    data[at : at + length] = bytes(length) if rng.random() < 0.5 else rng.randbytes(length)


def remove(data: bytearray, rng: random.Random) -> None:
    """A piece out of the middle."""
    at = rng.randrange(len(data))
    del data[at : at + rng.randint(1, max(1, len(data) // 4))]


def repeat(data: bytearray, rng: random.Random) -> None:
    """A piece comes twice."""
    at = rng.randrange(len(data))
    piece = bytes(data[at : at + rng.randint(1, max(1, len(data) // 4))])
    data[at:at] = piece


MUTATIONS: tuple[Callable[[bytearray, random.Random], None], ...] = (
    flip_bits, edit_header, extreme_number, truncate, overwrite, remove, repeat,
)  # fmt: skip


def make_case(clips: list[Clip], rng: random.Random) -> Case:
    """A clip with one or two mutations, or with another's name, header or frames."""
    clip, other = rng.choice(clips), rng.choice(clips)
    kind = rng.randrange(len(MUTATIONS) + 2)
    data = bytearray(clip.data)
    if kind == len(MUTATIONS):
        # The other's container around this one's data, from some point on; at 0 it is the name alone that lies.
        at = rng.choice((0, rng.randrange(1, 512), rng.randrange(1, len(other.data))))
        return Case(clip, "swap", other.data[:at] + clip.data[at:], other.suffix, max(clip.ceiling, other.ceiling))
    if kind == len(MUTATIONS) + 1:
        return Case(clip, "join", clip.data + other.data, clip.suffix, max(clip.ceiling, other.ceiling))
    mutations = [MUTATIONS[kind], *([rng.choice(MUTATIONS)] if rng.random() < 0.2 else [])]
    for mutate in mutations:
        if data:
            mutate(data, rng)
    return Case(clip, "+".join(mutate.__name__ for mutate in mutations), bytes(data), clip.suffix, clip.ceiling)


def judge(case: Case, result: VideoScore | FailedScore, seconds: float) -> tuple[str, str]:
    """Outcome and, when it is one that must not be, what is wrong."""
    if isinstance(result, FailedScore):
        problem = result.reason if result.code == "internal" else ""
        return f"failed: {result.code}", problem
    if result.scale.clip(result.quality) != result.quality:
        return "scored", f"quality {result.quality} is outside its scale"
    if result.quality > case.ceiling:
        return "scored", f"quality {result.quality:.3f} where at most {case.ceiling:.3f} is believable"
    return "scored", f"took {seconds:.0f} s" if seconds > HUNG else ""


def children() -> set[str]:
    """Processes of ours that are still there, ended or not."""
    found: set[str] = set()
    for path in Path("/proc/self/task").glob("*/children"):
        found.update(path.read_text().split())
    return found


def run(cases: int, seed: int, output: Path | None = None, keep: Path | None = None) -> tuple[Counter[str], list[str]]:
    """Run ``cases`` cases; returns how many came out how, and what came out as it must not.

    ``output`` gets a row per case; ``keep`` the files of those that went wrong.
    """
    scorer = load(device="cpu", precision="fp32", threads=1, timeout=TIMEOUT)
    rng = random.Random(seed)
    before = children()  # whoever runs this may have workers of their own
    outcomes: Counter[str] = Counter()
    problems: list[str] = []
    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        clips = make_clips(folder, scorer)
        for number in range(cases):
            case = make_case(clips, rng)
            path = folder / f"case.{case.suffix}"
            path.write_bytes(case.data)
            faulthandler.dump_traceback_later(4 * HUNG, exit=True)
            began = time.perf_counter()
            result = score_one(scorer, str(path))
            seconds = time.perf_counter() - began
            faulthandler.cancel_dump_traceback_later()
            outcome, problem = judge(case, result, seconds)
            if left := children() - before:
                problem = problem or f"left processes behind: {sorted(left)}"
            outcomes[outcome] += 1
            if problem:
                problems.append(f"case {number} ({case.clip.name}, {case.mutation}): {problem}")
                if keep:
                    keep.mkdir(parents=True, exist_ok=True)
                    (keep / f"{seed}-{number}.{case.suffix}").write_bytes(case.data)
            quality = f"{result.quality:.4f}" if isinstance(result, VideoScore) else ""
            reason = result.reason if isinstance(result, FailedScore) else ""
            frames = result.video.frame_count if isinstance(result, VideoScore) else ""
            clean = f"{case.clip.quality:.4f}"
            rows.append(
                (number, case.clip.name, case.mutation, outcome, quality, clean, frames, f"{seconds:.3f}", reason)
            )
            path.unlink()
    if output:
        with output.open("w", newline="", encoding="utf-8", errors="surrogateescape") as file:
            writer = csv.writer(file)
            writer.writerow(("case", "clip", "mutation", "outcome", "quality", "clean", "frames", "seconds", "reason"))
            writer.writerows(rows)
    return outcomes, problems


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("-o", "--output", type=Path)
    parser.add_argument("--keep", type=Path, help="folder for the files of cases that went wrong")
    options = parser.parse_args()
    began = time.perf_counter()
    outcomes, problems = run(options.cases, options.seed, options.output, options.keep)
    for outcome, count in outcomes.most_common():
        print(f"{count:6}  {outcome}")
    print(f"{sum(outcomes.values()):6}  cases of {len(CLIPS)} clips in {time.perf_counter() - began:.0f} s")
    print(f"{len(problems):6}  went wrong")
    for problem in problems:
        print(problem)
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
