"""How sparse may sampling be? Pooled quality under several plans, against every frame.

    python -m benchmarks.sampling WORK VIDEO...

Spatial features of every frame are computed once and kept in WORK, so that a run can resume; each plan then cuts its
clips from them. A plan is good enough when its pooled score stays within 0.05 of dense on every video.

The cap on clips for long videos follows from the spread of clip quality over all the scenes together, a programme that
cuts between them: n clips spread over it give its mean with a standard error of spread / sqrt(n).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from conviqt_cli import load
from conviqt_cli.plans.clips import clips
from conviqt_cli.plans.time_plan import DENSE, SPARSE, SPARSE_MAX_CLIPS, SamplingPlan
from conviqt_cli.scoring.scorer import Scorer
from conviqt_cli.video.decode import Frame, FrameStream
from conviqt_cli.video.picture import RgbPicture
from conviqt_cli.video.probe import probe

PLANS = (SPARSE, *(SamplingPlan(f"every:{period:g}", period) for period in (0.7, 0.8, 1.0, 1.5, 2.0, 4.0)))
TOLERANCE = 0.05
NOTHING = RgbPicture(np.zeros((1, 1, 3), np.uint8))


def frame_features(scorer: Scorer, video: Path, work: Path) -> tuple[np.ndarray, np.ndarray]:
    """Features (frames, 4096) and times (frames,) of every frame, from WORK where they are known."""
    cache = work / f"{video.parent.name}__{video.name}.npz"
    if not cache.exists():
        info = probe(str(video))
        step = scorer.encoder.batch_frames(info.height, info.width)
        rows, times, held = [], [], []
        with FrameStream(info) as stream:
            for frame in stream:
                held.append(frame.pixels)
                times.append(frame.time)
                if len(held) == step:
                    rows.append(scorer.encoder.spatial(np.stack(held)))
                    held = []
        if held:
            rows.append(scorer.encoder.spatial(np.stack(held)))
        np.savez(cache, f=np.concatenate(rows), t=np.array(times))
    with np.load(cache) as found:
        return found["f"], found["t"]


def qualities(scorer: Scorer, features: np.ndarray, times: np.ndarray, plan: SamplingPlan) -> tuple[np.ndarray, int]:
    """Quality of each clip of ``plan``, and how many different frames they look at."""
    duration = float(times[-1] - times[0]) + 0.04
    frames = [Frame(index, float(time), 0.04, NOTHING) for index, time in enumerate(times)]
    found = list(clips(frames, plan, duration))
    vectors = np.stack([scorer.encoder.temporal(features[[f.index for f in clip.frames]]) for clip in found])
    quality = np.clip(scorer.regressor.predict(vectors), 1, 5)
    return quality, len({f.index for clip in found for f in clip.frames})


def measure(work: Path, videos: list[Path]) -> None:
    """Measure and print one row a plan."""
    work.mkdir(parents=True, exist_ok=True)
    scorer = load(device="auto", precision="fp32")
    measured, programme = [], []
    for video in videos:
        features, times = frame_features(scorer, video, work)
        each, every = qualities(scorer, features, times, DENSE)
        programme.append(each)
        dense = float(each.mean())
        row = []
        for plan in PLANS:
            quality, looked = qualities(scorer, features, times, plan)
            row.append((abs(float(quality.mean()) - dense), looked / every))
        measured.append(row)
        seconds = times[-1] - times[0]
        shifts = "  ".join(f"{shift:.3f}" for shift, _ in row)
        print(f"{video.name[:50]:<50} {seconds:6.2f} s  dense {dense:.3f}  {shifts}", flush=True)
    table = np.array(measured)
    print(f"\n{len(videos)} videos")
    print(f"plan        largest shift   95th percentile   mean   within {TOLERANCE}   frames looked at")
    for index, plan in enumerate(PLANS):
        shift, share = table[:, index, 0], table[:, index, 1].mean()
        print(
            f"{plan.name:<11} {shift.max():13.3f} {np.percentile(shift, 95):17.3f} {shift.mean():6.3f} "
            f"{(shift <= TOLERANCE).mean():13.1%} {share:18.0%}"
        )
    spread = float(np.concatenate(programme).std())
    print(
        f"\nspread of clip quality over all scenes {spread:.2f}: standard error of {SPARSE_MAX_CLIPS} clips "
        f"{spread / SPARSE_MAX_CLIPS**0.5:.3f}"
    )
    programmes(scorer, [frame_features(scorer, video, work)[0] for video in videos])


def programmes(scorer: Scorer, scenes: list[np.ndarray], each: int = 16) -> None:
    """The default plan on longer videos: scenes in random order, cut together, at 25 frames a second."""
    chance = np.random.default_rng(0)
    for seconds in (6, 8, 10, 15, 30):
        shifts = []
        for _ in range(each):
            joined = np.concatenate([scenes[index] for index in chance.permutation(len(scenes))])[: seconds * 25]
            times = np.arange(len(joined)) / 25
            dense, sparse = (qualities(scorer, joined, times, plan)[0].mean() for plan in (DENSE, SPARSE))
            shifts.append(abs(float(dense - sparse)))
        print(f"{each} programmes of {seconds:2d} s: {np.mean(shifts):.3f} on average, {max(shifts):.3f} at worst")


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", metavar="WORK", type=Path, help="folder to keep the features of frames in")
    parser.add_argument("videos", metavar="VIDEO", type=Path, nargs="+")
    options = parser.parse_args()
    measure(options.work, options.videos)


if __name__ == "__main__":
    main()
