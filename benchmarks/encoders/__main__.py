"""Is the trained encoder better than doing nothing? Four tables on content that no stage has seen.

    python -m benchmarks.encoders --bundle weights/conviqt-base --imagenet-bundle BASELINE \\
        --clips F --clips-held-out F --imagenet-clips F --imagenet-clips-held-out F \\
        --mos ../shared/data/mos --encodes ENCODES --features REGRESSOR_WORK --work WORK -o OUT

1. linear-probe accuracy of distortion type and level; 2. opinion scores on content-grouped splits; 3. rank agreement
with metrics on encodes, and distortions that the ridge was not fitted on; 4. ablations. ``BASELINE`` is what
``conviqt_cli.training.heads.assembly.baseline_encoder`` writes; each ``F`` is a folder that ``conviqt train
features`` filled with one of the two bundles. Every encoder sees the same items, splits and draws. Whatever is not
given is left out, and said so. Spatial features, vectors and results are kept in WORK, so that a run can resume; OUT
gets ``encoders.md`` and ``encoders.json``.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks.encoders.arms import (
    ARMS,
    BUNDLED,
    IMAGENET,
    NO_AUTHENTIC,
    ON_IMAGENET,
    TRAINED,
    UNTRAINED,
    Arm,
    Vectors,
)
from benchmarks.encoders.comparison import compare_clips, compare_encodes, compare_scores
from benchmarks.encoders.data import SpatialReader
from benchmarks.encoders.results import Kept, Run
from conviqt_cli.errors import ConviqtError
from conviqt_cli.model.bundle import Bundle, open_bundle


def _arms(options: argparse.Namespace, bundles: dict[str, Bundle], run: Run) -> tuple[list[Arm], dict[str, Path]]:
    """The arms that can be computed, and the files of their GRUs; the others go to the notes."""
    grus: dict[str, Path | None] = {
        BUNDLED: bundles[TRAINED].file("temporal") if TRAINED in bundles else None,
        UNTRAINED: bundles[IMAGENET].file("temporal") if IMAGENET in bundles else None,
        NO_AUTHENTIC: options.no_authentic_gru,
        ON_IMAGENET: options.imagenet_gru,
    }
    given = {name: path for name, path in grus.items() if path is not None}
    arms = []
    for arm in ARMS:
        if options.arms and arm.key not in options.arms:
            continue
        if arm.source in bundles and (arm.gru is None or arm.gru in given):
            arms.append(arm)
        else:
            run.notes.append(f"left out, its weights not being given: {arm.key}, {arm.title}")
    return arms, given


def main(arguments: list[str] | None = None) -> None:
    """Print the tables and write them to the output folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", help="the trained encoder")
    parser.add_argument("--imagenet-bundle", help="the baseline: ImageNet features and an untrained GRU")
    parser.add_argument("--no-authentic-gru", type=Path, help="temporal.safetensors trained without authentic clips")
    parser.add_argument("--imagenet-gru", type=Path, help="temporal.safetensors trained on ImageNet features")
    for source, whose in (("", "the trained encoder's"), ("imagenet-", "the baseline's")):
        parser.add_argument(f"--{source}clips", type=Path, help=f"{whose} features of packed clips")
        parser.add_argument(f"--{source}clips-held-out", type=Path, help=f"{whose} features of held-out packed clips")
    parser.add_argument("--mos", type=Path, help="folder of sets of opinion scores")
    parser.add_argument("--encodes", type=Path, help="folder of encodes, labelled by `conviqt train labels`")
    parser.add_argument("--features", type=Path, help="kept features of labelled items (default: WORK)")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--arms", nargs="+", help="only these, by key")
    parser.add_argument("--repeats", type=int, default=100, help="splits of a scored set")
    parser.add_argument("--pairs", type=int, default=1, help="pairs of consecutive clips of each scored video")
    parser.add_argument("--jobs", type=int, default=-1)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", default="auto", help="of spatial features; only those kept in it are found")
    options = parser.parse_args(arguments)

    run = Run()
    named = {IMAGENET: options.imagenet_bundle, TRAINED: options.bundle}
    bundles = {source: open_bundle(name) for source, name in named.items() if name}
    for source, bundle in bundles.items():
        run.notes.append(f"{source}: {bundle.id}, encoder {bundle.encoder_id}")
    arms, grus = _arms(options, bundles, run)
    vectors, kept = Vectors(options.work / "vectors", grus), Kept(options.work / "results")
    readers = {
        source: SpatialReader(bundle, options.features or options.work, options.device, options.precision)
        for source, bundle in bundles.items()
    }
    folders = {IMAGENET: (options.imagenet_clips, options.imagenet_clips_held_out),
               TRAINED: (options.clips, options.clips_held_out)}  # fmt: skip
    folders = {source: pair for source, pair in folders.items() if source in bundles and all(pair)}
    if folders:
        compare_clips(run, arms, folders, vectors, kept)
        run.save(options.output)
    else:
        run.notes.append("tables of packed clips left out: no features of clips given")
    if options.mos:
        settings = {"repeats": options.repeats, "jobs": options.jobs, "pairs": options.pairs}
        compare_scores(run, arms, readers, options.mos, vectors, kept, **settings)
        run.save(options.output)
    else:
        run.notes.append("table of opinion scores left out: --mos not given")
    if options.encodes:
        compare_encodes(run, arms, readers, options.encodes, vectors, kept)
    else:
        run.notes.append("table of encodes left out: --encodes not given")
    print(run.save(options.output))


if __name__ == "__main__":
    try:
        main()
    except ConviqtError as error:
        sys.exit(f"error: {error}")
