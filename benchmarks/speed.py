"""How fast, and in how much memory? Frames a second of the spatial network, per size and precision.

    python -m benchmarks.speed [--device cpu|cuda] [--seconds S]

Settings are measured in turn, round after round, so that a machine that slows down slows all of them; quote the ratios.
Each setting runs in a process of its own for its peak memory.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time

import numpy as np

from benchmarks.common import ROOT

SIZES = {"540p": (540, 960), "1080p": (1080, 1920)}


def measure(size: str, precision: str, device: str, seconds: float) -> dict[str, float]:
    """Frames/s and peak memory of one setting, in this process."""
    from conviqt_cli.model.backends import open_encoder
    from conviqt_cli.model.bundle import open_bundle

    encoder = open_encoder(open_bundle(), device, precision)
    height, width = SIZES[size]
    count = encoder.batch_frames(height, width)
    frames = np.random.default_rng(0).integers(0, 256, (count, height, width, 3), dtype=np.uint8)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    encoder.spatial(frames)
    began, done = time.perf_counter(), 0
    while time.perf_counter() - began < seconds or done == 0:
        encoder.spatial(frames)
        done += count
    rate = done / (time.perf_counter() - began)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"frames_per_s": rate, "batch": count, "peak_mib": peak / 1024, "bytes_per_pixel":
            (peak - before) * 1024 / (count * height * width)}  # fmt: skip


def main() -> None:
    """Interleave all settings and print their medians."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--one", nargs=2, metavar=("SIZE", "PRECISION"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        size, precision = options.one
        print(json.dumps(measure(size, precision, options.device, options.seconds)))
        return
    precisions = ("fp32", "bf16") if options.device == "cpu" else ("fp32", "fp16", "bf16")
    settings = [(size, precision) for size in SIZES for precision in precisions]
    rounds: dict[tuple[str, str], list[dict[str, float]]] = {setting: [] for setting in settings}
    for _ in range(options.rounds):
        for setting in settings:
            command = [sys.executable, "-m", "benchmarks.speed", "--device", options.device]
            command += ["--seconds", str(options.seconds), "--one", *setting]
            done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
            rounds[setting].append(json.loads(done.stdout))
    print(f"{'size':<7}{'precision':<11}{'frames/s':>9}{'  (min to max)':<18}{'peak MiB':>9}{'B/pixel':>9}")
    for (size, precision), found in rounds.items():
        rate = [each["frames_per_s"] for each in found]
        print(
            f"{size:<7}{precision:<11}{np.median(rate):9.3f}  ({min(rate):.3f} to {max(rate):.3f})   "
            f"{np.median([each['peak_mib'] for each in found]):9.0f}"
            f"{np.median([each['bytes_per_pixel'] for each in found]):9.0f}"
        )


if __name__ == "__main__":
    main()
