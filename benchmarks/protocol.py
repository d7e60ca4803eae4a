"""Is the evaluation protocol right? Measured on published features with human scores, beside the published figures.

    python -m benchmarks.protocol videval          VIDEVAL's 60 features: SROCC, PLCC and coverage on three databases
    python -m benchmarks.protocol inrs             packet loss and frame rate: clip vectors beside frame-only ones
    python -m benchmarks.protocol metrics          agreement of every metric with scipy and scikit-learn

Data is looked for in $CONVIQT_SHARED, or ../shared beside the repository.
"""

from __future__ import annotations

import argparse
import csv
import json
import time
from collections import Counter
from pathlib import Path

import numpy as np

from benchmarks.common import SHARED, run_ffmpeg
from conviqt_cli.fitting.estimator import tune
from conviqt_cli.fitting.registry import by_name
from conviqt_cli.fitting.validation import mean_coverage, summary, validate
from conviqt_cli.labels.dataset import Dataset
from conviqt_cli.metrics.correlation import srocc

#: The 57 grey videos that published evaluations of YouTube-UGC leave out, as rows of its metadata counted from one
#: (listed in the evaluation script of VIDEVAL's release; Tu et al., IEEE TIP 30, 2021, section IV).
GREY_ROWS = (
    3, 6, 10, 22, 23, 46, 51, 52, 68, 74, 77, 99, 103, 122, 136, 141, 158, 173, 368, 426, 467, 477, 506, 563, 594, 639,
    654, 657, 666, 670, 671, 681, 690, 697, 702, 703, 710, 726, 736, 764, 768, 777, 786, 796, 977, 990, 1012, 1015,
    1023, 1091, 1118, 1205, 1282, 1312, 1336, 1344, 1380,
)  # fmt: skip

#: name -> (file stem, column of the score, name column, published median SROCC of VIDEVAL with an RBF SVR)
SETS = {
    "KoNViD-1k": ("KONVID_1K", "mos", "flickr_id", 0.783),
    "LIVE-VQC": ("LIVE_VQC", "MOS", "File", 0.752),
    "YouTube-UGC": ("YOUTUBE_UGC", "MOSFull", "vid", 0.779),
}


def videval_set(name: str, grey: bool = False) -> Dataset:
    """One database: 60 features a video, missing ones 0 as in the published protocol; ``grey`` keeps grey videos."""
    from scipy.io import loadmat

    stem, score, identity, _ = SETS[name]
    folder = SHARED / "data" / "features_with_mos"
    stored = loadmat(folder / f"{stem}_VIDEVAL_feats.mat")["feats_mat"]
    features = np.nan_to_num(stored, nan=0.0, posinf=0.0, neginf=0.0)
    with (folder / f"{stem}_metadata.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    keep = np.ones(len(rows), dtype=bool)
    if name == "YouTube-UGC" and not grey:
        keep[np.array(GREY_ROWS) - 1] = False
    known = {"names": np.array([row[identity] for row in rows])[keep]}
    if "stdFull" in rows[0]:
        known["std"] = np.array([float(row["stdFull"]) for row in rows])[keep]
        known["ratings"] = np.array([float(row["x_Subjects"]) for row in rows])[keep]
    return Dataset.of_vectors(features[keep], np.array([float(row[score]) for row in rows])[keep], **known)


def videval(repeats: int, jobs: int, output: Path | None) -> None:
    """Medians over grouped 80/20 splits, every choice made inside the training side; coverage on the test sides."""
    print(f"{repeats} random 80/20 splits by content; intervals 90 % nominal\n")
    print("set          estimator  items  SROCC  published  PLCC   RMSE    coverage  half width  seconds")
    found = []
    for estimator in ("svr", "ridge"):
        for name in SETS:
            data = videval_set(name)
            began = time.monotonic()
            outcomes = validate(by_name(estimator), data, repeats, jobs=jobs)
            spent = time.monotonic() - began
            figures = summary(outcomes)
            medians = {key: value.median for key, value in figures.items() if value is not None}
            width = float(np.median([each.half_width for each in outcomes]))
            published = SETS[name][3] if estimator == "svr" else None
            print(
                f"{name:12} {estimator:9} {len(data):6d}  {medians['srocc']:.4f} {published or '':9}"
                f"  {medians['plcc_mapped']:.4f} {medians['rmse_mapped']:7.4f} {mean_coverage(outcomes):8.4f}"
                f"  {width:9.3f}  {spent:7.0f}",
                flush=True,
            )
            chosen = Counter(json.dumps(each.parameters, sort_keys=True) for each in outcomes)
            found.append(
                {
                    "set": name,
                    "estimator": estimator,
                    "items": len(data),
                    "repeats": len(outcomes),
                    "published_srocc": published,
                    "medians": medians,
                    "srocc_std": float(np.std([each.agreement.srocc for each in outcomes])),
                    "mean_coverage": mean_coverage(outcomes),
                    "median_half_width": width,
                    "parameters": dict(chosen.most_common()),
                    "seconds": spent,
                }
            )
            if output is not None:
                output.write_text(json.dumps(found, indent=1) + "\n")


def inrs_features(clips: int, height: int, kept: Path | None) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Frame features (clips, 16, 4096) and clip vectors (clips, 2048) of each video, by file name.

    ``clips`` clips of 16 consecutive frames are taken evenly over a video, its picture scaled to ``height`` lines:
    the whole set at full size takes hours on a CPU. What is computed is kept in the folder ``kept``.
    """
    from conviqt_cli.model.bundle import open_bundle
    from conviqt_cli.model.torch_backend import TorchEncoder

    encoder = TorchEncoder(open_bundle(), precision="fp32")
    found = {}
    for path in sorted((SHARED / "data" / "mos" / "inrs_av" / "videos").iterdir()):
        stored = None if kept is None else kept / f"{path.stem}.npy"
        if stored is not None and stored.exists():
            features = np.load(stored)
        else:
            frames = _frames(path, height)
            starts = np.linspace(0, len(frames) - 16, clips + 2).round().astype(int)[1:-1]
            features = np.stack([encoder.spatial(frames[start : start + 16]) for start in starts])
            if stored is not None:
                np.save(stored, features)
        found[path.name] = features
        print(f"  {len(found)} {path.name}", end="\r", flush=True)
    print(" " * 78, end="\r")
    vectors = {name: np.stack([encoder.temporal(clip) for clip in features]) for name, features in found.items()}
    return {name: (features, vectors[name]) for name, features in found.items()}


def _frames(path: Path, height: int) -> np.ndarray:
    """All frames, (n, height, width, 3) uint8, at a width that keeps 16:9."""
    width = height * 16 // 9
    scaled = ("-i", str(path), "-fps_mode", "passthrough", "-vf", f"scale={width}:{height}:flags=area")
    data = run_ffmpeg(*scaled, "-f", "rawvideo", "-pix_fmt", "rgb24", "-")
    frames: np.ndarray = np.frombuffer(data, dtype=np.uint8).reshape(-1, height, width, 3).copy()
    return frames


def inrs(repeats: int, jobs: int, output: Path | None, clips: int, height: int, kept: Path | None) -> None:
    """One scene under packet loss, frame rate and quantiser: fitted on 80 % of the settings, judged on the others."""
    from conviqt_cli.labels.reading import read_labels

    labels = read_labels(SHARED / "data" / "mos" / "inrs_av" / "labels.csv")
    features = inrs_features(clips, height, kept)
    per_video = [features[Path(name).name] for name in labels.names]
    kinds = {
        "frames, both scales (4096)": [frames.reshape(-1, frames.shape[-1]) for frames, _ in per_video],
        "frames, full scale (2048)": [frames.reshape(-1, frames.shape[-1])[:, :2048] for frames, _ in per_video],
        "clips, temporal network (2048)": [vectors for _, vectors in per_video],
    }
    print(f"{len(labels.names)} settings of one scene, {clips} clips of 16 frames a video at {height} lines")
    print(f"{repeats} random 80/20 splits by setting, ridge, penalty chosen inside\n")
    print(
        "vectors                          SROCC  (std)    PLCC   RMSE   coverage  half width  SROCC of all 32 at once"
    )
    found = []
    for kind, vectors in kinds.items():
        owner = np.repeat(np.arange(len(vectors)), [len(each) for each in vectors])
        data = Dataset(
            np.array(labels.names), labels.mos, labels.std, labels.ratings, np.array(labels.names),
            np.concatenate(vectors).astype(np.float64), owner,
        )  # fmt: skip
        outcomes = validate(by_name("ridge"), data, repeats, jobs=jobs)
        figures = {key: value.median for key, value in summary(outcomes).items() if value is not None}
        deviation = float(np.std([each.agreement.srocc for each in outcomes]))
        width = float(np.median([each.half_width for each in outcomes]))
        whole = srocc(tune(by_name("ridge"), data).out_of_fold, data.mos)
        print(
            f"{kind:31} {figures['srocc']:6.3f} ({deviation:.3f}) {figures['plcc']:6.3f} {figures['rmse']:6.3f}"
            f" {mean_coverage(outcomes):9.3f} {width:9.3f} {whole:12.3f}"
        )
        found.append(
            {
                "vectors": kind,
                "cross_validated_srocc": whole,
                "medians": figures,
                "srocc_std": deviation,
                "coverage": mean_coverage(outcomes),
            }
        )
    if output is not None:
        output.write_text(json.dumps(found, indent=1) + "\n")


def metrics() -> None:
    """Largest difference of each metric from scipy or scikit-learn over random data with and without ties."""
    from scipy import stats
    from sklearn.metrics import mean_squared_error

    from conviqt_cli.metrics.correlation import krocc, plcc
    from conviqt_cli.metrics.error import confidence_95, rmse

    random = np.random.default_rng(0)
    worst = dict.fromkeys(("SROCC", "KROCC", "PLCC", "RMSE", "95 % confidence"), 0.0)
    for trial in range(1000):
        count = int(random.integers(3, 300))
        x = random.normal(size=count) * 10.0 ** random.uniform(-3, 3)
        y = x + random.normal(size=count) * np.abs(x).mean()
        if trial % 2:
            x, y = (np.round(each / np.ptp(each), 1) for each in (x, y))
        if not (np.ptp(x) and np.ptp(y)):
            continue
        for name, mine, theirs in (
            ("SROCC", srocc(x, y), stats.spearmanr(x, y).statistic),
            ("KROCC", krocc(x, y), stats.kendalltau(x, y).statistic),
            ("PLCC", plcc(x, y), stats.pearsonr(x, y).statistic),
            ("RMSE", rmse(x, y), np.sqrt(mean_squared_error(y, x))),
        ):
            worst[name] = max(worst[name], abs(mine - theirs) / max(abs(theirs), 1.0))
        std, ratings = abs(x[0]) + 0.1, count
        half = stats.t.interval(0.95, ratings - 1, loc=0, scale=std / np.sqrt(ratings))[1]
        mine = confidence_95(np.array([std]), np.array([ratings]))[0]
        worst["95 % confidence"] = max(worst["95 % confidence"], abs(mine - half) / half)
    for name, value in worst.items():
        print(f"{name:16} largest difference from scipy or scikit-learn {value:.1e}")


def main() -> None:
    """Run the table asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", choices=["videval", "inrs", "metrics"])
    parser.add_argument("--repeats", type=int, default=100)
    parser.add_argument("--jobs", type=int, default=-1)
    parser.add_argument("--output", type=Path, help="also write the figures here as JSON")
    parser.add_argument("--clips", type=int, default=2, help="inrs: clips a video")
    parser.add_argument("--height", type=int, default=270, help="inrs: lines the picture is scaled to")
    parser.add_argument("--keep", type=Path, help="inrs: folder to keep computed features in")
    options = parser.parse_args()
    if options.table == "videval":
        videval(options.repeats, options.jobs, options.output)
    elif options.table == "inrs":
        inrs(options.repeats, options.jobs, options.output, options.clips, options.height, options.keep)
    else:
        metrics()


if __name__ == "__main__":
    main()
