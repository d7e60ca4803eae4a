"""Do scores fall as compression grows, and stay where nothing that matters is changed?

    python -m benchmarks.properties ladder WORK SCENE ... [--weights BUNDLE]
    python -m benchmarks.properties same WORK SCENE ... [--weights BUNDLE]

SCENES are clean videos and photographs (a window moves over those); WORK is a folder for what is made. ``ladder``
encodes two seconds of each scene by four codecs, in steps of 6 of their constant rate factor, and prints the scores,
how many steps are in order, and the largest rise where a score should fall. ``same`` encodes each scene once (x264,
CRF 24), changes what does not change its quality without further loss, and prints by how much the scores differ.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from benchmarks.causes import faults
from benchmarks.common import run_ffmpeg
from conviqt_cli.metrics.correlation import srocc
from conviqt_cli.scoring.scorer import Scorer, load

#: Encoders and their constant rate factors, in steps of 6.
LADDERS: dict[str, tuple[tuple[str, ...], tuple[int, ...]]] = {
    "H.264": (("-c:v", "libx264"), (18, 24, 30, 36, 42, 48)),
    "HEVC": (("-c:v", "libx265", "-x265-params", "log-level=none"), (18, 24, 30, 36, 42, 48)),
    "VP9": (("-c:v", "libvpx-vp9", "-b:v", "0", "-cpu-used", "4"), (24, 30, 36, 42, 48, 54, 60)),
    "AV1": (("-c:v", "libsvtav1", "-preset", "8"), (24, 30, 36, 42, 48, 54, 60)),
}

#: A rise of a score from one step to the next above which the two are out of order.
TOLERANCE = 0.05

_LOSSLESS = ("-c:v", "ffv1")
#: What should change nothing: ffmpeg's options and the container.
CHANGES: dict[str, tuple[tuple[str, ...], str]] = {
    "other container": (("-c", "copy"), ".mp4"),
    "10 bit instead of 8": (("-pix_fmt", "yuv420p10le", *_LOSSLESS), ".mkv"),
    "mirrored": (("-vf", "hflip", *_LOSSLESS), ".mkv"),
    "upside down": (("-vf", "vflip", *_LOSSLESS), ".mkv"),
    "quarter turn": (("-vf", "transpose=1", *_LOSSLESS), ".mkv"),
    "black bars above and below": (("-vf", "pad=iw:'2*trunc(ih*2/3)':0:-1", *_LOSSLESS), ".mkv"),
    "black bars at the sides": (("-vf", "pad='2*trunc(iw*2/3)':ih:-1:0", *_LOSSLESS), ".mkv"),
}

_SECONDS = "2"


def ladder(scorer: Scorer, scenes: Sequence[faults.Source], work: Path) -> None:
    """Print the scores of every scene by codec and constant rate factor, then a summary by codec."""
    found: dict[str, list[list[float]]] = {name: [] for name in LADDERS}
    path = work / "encode.mkv"
    for scene in scenes:
        for name, (encoder, factors) in LADDERS.items():
            scores = []
            for factor in factors:
                run_ffmpeg("-i", str(scene.path), "-t", _SECONDS, *encoder, "-crf", str(factor), str(path))
                scores.append(scorer.score(path).quality)
            found[name].append(scores)
            print(f"{scene.path.stem[:28]:28}  {name:6}  " + "  ".join(f"{score:.2f}" for score in scores), flush=True)
    print(f"\n{'codec':8}{'SROCC within a scene':>22}{'steps in order':>16}{'largest rise':>14}  mean by CRF")
    for name, (_, factors) in LADDERS.items():
        steps = np.array([late - early for scores in found[name] for early, late in pairwise(scores)])
        within = np.mean([srocc(-np.array(factors, float), np.array(scores)) for scores in found[name]])
        means = ", ".join(f"{f} {m:.2f}" for f, m in zip(factors, np.mean(found[name], axis=0), strict=True))
        print(f"{name:8}{within:22.3f}{np.mean(steps <= TOLERANCE):16.1%}{max(0.0, steps.max()):14.2f}  {means}")


def same(scorer: Scorer, scenes: Sequence[faults.Source], work: Path) -> None:
    """Print by how much each change moves the scores."""
    moved: dict[str, list[float]] = {name: [] for name in CHANGES}
    base = work / "base.mkv"
    for scene in scenes:
        run_ffmpeg("-i", str(scene.path), "-t", _SECONDS, "-c:v", "libx264", "-crf", "24", str(base))
        score = scorer.score(base).quality
        for name, (options, suffix) in CHANGES.items():
            changed = work / f"changed{suffix}"
            run_ffmpeg("-i", str(base), *options, str(changed))
            moved[name].append(scorer.score(changed).quality - score)
        print(f"{scene.path.stem[:28]:28}  {score:.2f}  " + "  ".join(f"{moved[name][-1]:+.2f}" for name in CHANGES),
              flush=True)  # fmt: skip
    print(f"\n{'change':30}{'mean':>8}{'mean size':>11}{'largest':>9}")
    for name, differences in moved.items():
        sizes = np.abs(differences)
        print(f"{name:30}{np.mean(differences):+8.3f}{sizes.mean():11.3f}{sizes.max():9.3f}")


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("ladder", "same"))
    parser.add_argument("work", type=Path)
    parser.add_argument("scenes", type=Path, nargs="+")
    parser.add_argument("--weights")
    given = parser.parse_args()
    given.work.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    scenes = [faults.prepare(scene, given.work / f"{scene.stem}.mkv", rng) for scene in given.scenes]
    (ladder if given.what == "ladder" else same)(load(given.weights), scenes, given.work)


if __name__ == "__main__":
    main()
