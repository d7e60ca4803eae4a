"""The tables one after the other: features, vectors and figures of every arm, on the same items and splits."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.encoders.arms import (
    ARMS,
    BASELINE,
    Arm,
    Vectors,
)
from benchmarks.encoders.data import VIDEO_SET, Features, SpatialReader, check_packed, packed_clips, scored_items
from benchmarks.encoders.results import Kept, Run
from benchmarks.encoders.tables import (
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
from conviqt_cli.errors import InputError
from conviqt_cli.fitting.estimator import Parameters
from conviqt_cli.training.heads.labelled_vectors import METRIC_STILLS, METRIC_VIDEOS, encoded_items


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
    """Table of rank agreement with full-reference metrics, for photographs and videos."""
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
    for name, title in ((METRIC_STILLS, "photographs"), (METRIC_VIDEOS, "videos")):
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


def _say(line: str) -> None:
    print(f"{time.strftime('%H:%M:%S')}  {line}", file=sys.stderr, flush=True)
