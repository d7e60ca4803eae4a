"""Does another device or precision give the same scores, and how much sooner?

    python -m benchmarks.devices VIDEO... [--device cuda --precision fp16] [--picture whole]

Scores every video on the CPU in float32 and with what is asked for, in turn, and prints both scores, their difference
and the seconds each took, start-up included; then the largest difference, SROCC, and the ratio of times. The defaults
are those of a machine with a CUDA device; ``--device cpu --precision int8`` compares precisions of a CPU.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

from benchmarks.speed import processor
from conviqt_cli.benchmark import run
from conviqt_cli.errors import ConviqtError
from conviqt_cli.metrics.correlation import srocc


def compare(videos: list[Path], device: str, precision: str, options: list[str]) -> None:
    """Score ``videos`` both ways and print what came of it."""
    print(f"{processor()}; {device} {precision} against cpu fp32")
    rows = []
    for video in videos:
        reference = run(video, ("--device", "cpu", "--precision", "fp32", *options))
        other = run(video, ("--device", device, "--precision", precision, *options))
        rows.append((reference.record["quality"], other.record["quality"], reference.wall, other.wall))
        quality, found, wall, took = rows[-1]
        print(f"{quality:8.4f}{found:9.4f}{found - quality:+9.4f}{wall:9.1f} s{took:9.1f} s  {video}", flush=True)
    table = np.array(rows)
    ranks = f"SROCC {srocc(table[:, 0], table[:, 1]):.4f}, " if len(rows) > 2 else ""
    largest = np.abs(table[:, 1] - table[:, 0]).max()
    print(f"largest difference {largest:.4f}, {ranks}{table[:, 2].sum() / table[:, 3].sum():.1f} times as fast")


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("video", nargs="+", type=Path)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--picture", choices=("crops", "whole"), default="crops")
    options = parser.parse_args()
    try:
        compare(options.video, options.device, options.precision, ["--picture", options.picture])
    except ConviqtError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
