"""Is the evaluation protocol right? Measured on published features with human scores, beside the published figures.

    python benchmarks/protocol.py videval          VIDEVAL's 60 features: SROCC, PLCC and coverage on three databases
    python benchmarks/protocol.py inrs             packet loss and frame rate: clip vectors beside frame-only ones
    python benchmarks/protocol.py metrics          agreement of every metric with scipy and scikit-learn

Data is looked for in $CONVIQT_SHARED, or ../shared beside the repository.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import time
from collections import Counter
from pathlib import Path

import numpy as np

from conviqt_cli.evaluation.dataset import Dataset
from conviqt_cli.evaluation.estimator import by_name
from conviqt_cli.evaluation.validation import mean_coverage, summary, validate

SHARED = Path(os.environ.get("CONVIQT_SHARED", Path(__file__).resolve().parents[2] / "shared"))

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


def main() -> None:
    """Run the table asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", choices=["videval"])
    parser.add_argument("--repeats", type=int, default=100)
    parser.add_argument("--jobs", type=int, default=-1)
    parser.add_argument("--output", type=Path, help="also write the figures here as JSON")
    options = parser.parse_args()
    videval(options.repeats, options.jobs, options.output)


if __name__ == "__main__":
    main()
