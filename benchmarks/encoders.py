"""Is the trained encoder better than doing nothing? Four tables on content that no stage has seen.

    python benchmarks/encoders.py --bundle weights/conviqt-base --imagenet-bundle BASELINE \\
        --clips F --clips-held-out F --imagenet-clips F --imagenet-clips-held-out F \\
        --mos ../shared/data/mos --encodes ENCODES --features REGRESSOR_WORK --work WORK -o OUT

1. linear-probe accuracy of distortion type and level; 2. opinion scores on content-grouped splits; 3. rank agreement
with VMAF on encodes, and distortions that the ridge was not fitted on; 4. ablations. ``BASELINE`` is what
``conviqt_cli.training.heads.assembly.baseline_encoder`` writes; each ``F`` is a folder that ``conviqt train
features`` filled with one of the two bundles. Every encoder sees the same items, splits and draws. Whatever is not
given is left out, and said so. Spatial features, vectors and results are kept in WORK, so that a run can resume; OUT
gets ``encoders.md`` and ``encoders.json``.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from encoder_arms import (
    ARMS,
    BASELINE,
    BUNDLED,
    IMAGENET,
    NO_AUTHENTIC,
    ON_IMAGENET,
    TRAINED,
    UNTRAINED,
    Arm,
    Vectors,
)
from encoder_data import VIDEO_SET, Features, SpatialReader, check_packed, packed_clips, scored_items
from encoder_report import markdown
from encoder_tables import (
    chosen_on,
    compared,
    compared_splits,
    few_contents,
    judge_clips,
    judge_order,
    judge_transfer,
    judge_unseen_families,
    on_splits,
    probe_clips,
    rank_encodes,
    transfer_clips,
)
from numpy.typing import NDArray

from conviqt_cli.errors import ConviqtError, InputError
from conviqt_cli.fitting.estimator import Parameters
from conviqt_cli.model.bundle import Bundle, open_bundle
from conviqt_cli.training.heads.labelled_vectors import VMAF_STILLS, VMAF_VIDEOS, encoded_items

#: Raised whenever a result would come out differently for the same vectors and labels.
VERSION = 1


@dataclass
class Run:
    """What a run has found so far; :meth:`save` writes it as JSON."""

    notes: list[str] = field(default_factory=list)
    tables: dict[str, Any] = field(default_factory=dict)
    sets: dict[str, Any] = field(default_factory=dict)
    clips: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Add the time spent inside to ``seconds``."""
        began = time.monotonic()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.monotonic() - began

    def save(self, output: Path) -> str:
        """Write both files; returns the Markdown."""
        output.mkdir(parents=True, exist_ok=True)
        text = markdown(asdict(self))
        (output / "encoders.json").write_text(json.dumps(_finite(asdict(self)), indent=1) + "\n", encoding="utf-8")
        (output / "encoders.md").write_text(text, encoding="utf-8")
        return text


class Kept:
    """Results by what they were computed from."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def get(self, what: str, parts: list[Any], compute: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """``compute()``, or what it gave before for the same ``parts`` (arrays, or anything with a ``repr``)."""
        digest = hashlib.sha256(f"{VERSION} {what}".encode())
        for part in parts:
            array = isinstance(part, np.ndarray) and part.dtype.kind in "fi"
            digest.update(np.ascontiguousarray(part).tobytes() if array else repr(np.asarray(part).tolist()).encode())
        path = self._folder / f"{what}-{digest.hexdigest()[:24]}.json"
        if not path.exists():
            unfinished = path.with_suffix(".partial")
            unfinished.write_text(json.dumps(compute()), encoding="utf-8")
            unfinished.replace(path)
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return found


def compare_clips(
    run: Run, arms: list[Arm], folders: dict[str, tuple[Path, Path]], vectors: Vectors, kept: Kept
) -> None:
    """Tables of type, level and transfer from packed clips; ``folders`` are features to fit on and to judge on."""
    probes, transfers, known = {}, {}, None
    for source, (train_folder, test_folder) in folders.items():
        own = [arm for arm in arms if arm.source == source]
        with run.timed("reading clips"):
            (train, labels), (test, asked) = packed_clips(train_folder), packed_clips(test_folder)
        check_packed(labels, asked)
        marks = [labels.kinds.tolist(), labels.levels, labels.contents, asked.kinds.tolist(), asked.contents]
        if known is not None and not all(np.array_equal(a, b) for a, b in zip(known, marks, strict=True)):
            raise InputError(f"{train_folder}, {test_folder}: not the clips that the other bundle's features are of")
        known = marks
        for arm in own:
            with run.timed("vectors"):
                sides = [vectors.of(arm, each) for each in (train, test)]
            if sides[0] is None or sides[1] is None:
                continue
            _say(f"clips: {arm.key}")
            with run.timed("table 1"):
                found = kept.get("probe", [*sides, *marks[:3]], partial(probe_clips, sides[0], labels, sides[1]))
                probes[arm.key] = judge_clips(found, asked)
            with run.timed("transfer"):
                found = kept.get("transfer", [*sides, *marks[:3]], partial(transfer_clips, sides[0], labels, sides[1]))
                transfers[arm.key] = judge_transfer(found, asked)
    run.clips = {
        "kinds": len(np.unique(labels.kinds[labels.single])),
        "train": int(labels.single.sum()), "train contents": len(np.unique(labels.contents[labels.single])),
        "test": int(asked.single.sum()), "test contents": len(np.unique(asked.contents[asked.single])),
    }  # fmt: skip
    with run.timed("table 1"):
        run.tables["clips"] = _plain(compared(_ordered(probes), asked.contents, BASELINE))
    with run.timed("transfer"):
        run.tables["transfer"] = _plain(compared(_ordered(transfers), asked.contents, BASELINE))


def compare_scores(
    run: Run, arms: list[Arm], readers: dict[str, SpatialReader], mos: Path, vectors: Vectors, kept: Kept,
    *, repeats: int, jobs: int, pairs: int,
) -> None:  # fmt: skip
    """Table of agreement with opinion scores, a part for each set below ``mos``."""
    elsewhere: dict[str, Parameters] = {}
    chosen_from = ""
    for name, items in scored_items(mos).items():
        found: dict[str, Any] = {}
        few = few_contents(items)
        for source, reader in readers.items():
            with run.timed("features"):
                moving = name == VIDEO_SET
                features = reader.videos(items, pairs, _say) if moving else reader.items(items, _say)
            for arm, own in _made(run, arms, source, features, vectors):
                _say(f"{name}: {arm.key}")
                with run.timed("table 2"):
                    parts = [own, [item.score for item in items], [item.content for item in items]]
                    if not few and chosen_from in ("", name):
                        elsewhere[arm.key], chosen_from = (
                            kept.get("penalty", parts, partial(chosen_on, own, items)),
                            name,
                        )
                    given = elsewhere.get(arm.key) if few else None
                    judge = partial(on_splits, own, items, repeats, jobs, given)
                    found[arm.key] = kept.get("scores", [*parts, [repeats], [repr(given)]], judge)
        run.tables.setdefault("scores", {})[name] = compared_splits(_ordered(found), BASELINE)
        contents, splits = len({item.content for item in items}), len(next(iter(found.values()))["srocc"])
        whole = f"{splits} random 80/20 splits by content"
        if contents == 1:
            whole = f"{splits} random 80/20 splits by video (each its own configuration; all show one scene)"
        elif splits < repeats:
            whole = f"all {splits} ways to leave out {max(1, round(contents / 5))} of them"
        if few and chosen_from:
            whole += f"; too few contents to choose a penalty on, so each encoder has the one chosen on {chosen_from}"
        elif few:
            whole += "; their penalties are chosen on so few contents that they say little"
        run.sets[name] = {"items": len(items), "contents": contents, "splits": whole}


def compare_encodes(
    run: Run, arms: list[Arm], readers: dict[str, SpatialReader], encodes: Path, vectors: Vectors, kept: Kept
) -> None:
    """Table of rank agreement with VMAF, for photographs and videos."""
    items = encoded_items(encodes)
    asked = [item for item in items if item.held_out]
    labels = [[item.value for item in items], [(item.content, item.recipe, item.held_out) for item in items]]
    found = {}
    for source, reader in readers.items():
        with run.timed("features"):
            features = reader.items(items, _say)
        for arm, own in _made(run, arms, source, features, vectors):
            _say(f"encodes: {arm.key}")
            with run.timed("table 3"):
                found[arm.key] = kept.get("encodes", [own, *labels], partial(rank_encodes, own, items))
    for name, title in ((VMAF_STILLS, "photographs"), (VMAF_VIDEOS, "videos")):
        rows = np.flatnonzero([item.set == name for item in asked])
        chosen = [asked[row] for row in rows]
        contents = np.array([item.content for item in chosen])
        if not chosen:
            run.notes.append(f"no held-out encodes of {title}")
            continue
        with run.timed("table 3"):
            table: dict[str, dict[str, Any]] = {key: {} for key in _ordered(found)}
            for kind, judge in (("all", judge_order), ("classics", judge_unseen_families)):
                judges = {key: judge(np.array(found[key][kind])[rows], chosen) for key in table}
                for key, figures in _plain(compared(judges, contents, BASELINE)).items():
                    table[key] |= figures
        run.tables.setdefault("encodes", {})[title] = table
        run.sets[title] = {"items": len(chosen), "contents": len(set(contents.tolist()))}


def _made(
    run: Run, arms: list[Arm], source: str, features: Features, vectors: Vectors
) -> Iterator[tuple[Arm, NDArray[np.float32]]]:
    for arm in arms:
        if arm.source != source:
            continue
        with run.timed("vectors"):
            own = vectors.of(arm, features)
        if own is not None:
            yield arm, own


def _ordered(found: dict[str, Any]) -> dict[str, Any]:
    return {arm.key: found[arm.key] for arm in ARMS if arm.key in found}


def _plain(table: dict[str, Any]) -> dict[str, Any]:
    return {arm: {name: asdict(figure) for name, figure in figures.items()} for arm, figures in table.items()}


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _say(line: str) -> None:
    print(f"{time.strftime('%H:%M:%S')}  {line}", file=sys.stderr, flush=True)


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
    parser.add_argument("--encodes", type=Path, help="folder of encodes with VMAF labels")
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
