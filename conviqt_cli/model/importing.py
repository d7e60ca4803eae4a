"""Published checkpoints into a bundle: whoever has the authors' files gets the authors' model.

Layout of the published files: ``CONTRIQUE_checkpoint25.tar`` is a state dict of a torchvision ResNet-50 cut before its
classifier, under ``encoder.<child index>``; ``CONVIQT_checkpoint10.tar`` holds ``gru.*``; both also carry a
``projector`` that only training needs. Frames go in as RGB in [0, 1], without mean/std normalisation.
"""

from __future__ import annotations

import pickle
import shutil
import tempfile
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from conviqt_cli.errors import BundleError, RegressorError
from conviqt_cli.files import sha256
from conviqt_cli.model.bundle import Bundle, open_bundle, write_manifest
from conviqt_cli.model.networks import FEATURES, SpatialNetwork, TemporalNetwork, unfilled
from conviqt_cli.model.published_ridge import read_ridge
from conviqt_cli.quality.regressor import LinearRegressor, load_regressor
from conviqt_cli.quality.scale import Scale

#: torchvision's names of a ResNet's children, in order.
_CHILDREN = ("conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3", "layer4", "avgpool")

_CARD = """# {name}

Imported from published CONVIQT checkpoints with `conviqt weights import`.

| file | SHA-256 of the original |
|---|---|
{rows}

Method: Madhusudana, Birkbeck, Wang, Adsumilli, Bovik, "CONVIQT: Contrastive Video Quality Estimator", IEEE TIP 2023.
Weights and regressor are their authors' work; their terms apply. Scores are on the regressor's own scale:
{scale}.
"""


def import_published(
    spatial: Path, temporal: Path, output: Path, regressor: Path | None = None, scale: Scale | None = None
) -> Bundle:
    """Write a bundle at ``output`` from published files; returns it opened.

    ``regressor`` may be a pickled scikit-learn ``Ridge`` (read through an allow-list), a ``.npz`` with ``coef`` and
    ``intercept``, or a conviqt regressor. Its scores keep their own scale, as ``scale`` declares.
    Raises :class:`BundleError` or :class:`RegressorError` when a file is not what it should be; then nothing is
    written. An existing ``output`` is not overwritten.
    """
    if output.exists():
        raise BundleError(f"{output}: already exists; remove it or choose another folder")
    networks = {"spatial": _read_spatial(spatial), "temporal": _read_temporal(temporal)}
    scale = scale or Scale("the imported regressor's own scale", None, None)
    head = _read_regressor(regressor, scale) if regressor else None

    output.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{output.name}.", dir=output.parent))
    try:
        for role, tensors in networks.items():
            save_file(tensors, work / f"{role}.safetensors")
        sources = {"spatial": spatial, "temporal": temporal}
        if regressor:
            sources["regressor"] = regressor
        rows = "\n".join(f"| {path.name} | {sha256(path)} |" for path in sources.values())
        (work / "MODEL_CARD.md").write_text(
            _CARD.format(name=output.name, rows=rows, scale=scale.description), encoding="utf-8"
        )
        manifest = {
            "name": output.name,
            "version": "imported",
            "provisional": False,
            "architecture": {"spatial": "resnet50", "stride_in": "conv2", "temporal": "gru"},
            "normalisation": None,
            "clip_length": 16,
            "scales": [1.0, 0.5],
            "score_scale": scale.to_dict() if head else None,
            "licence": "that of the imported files",
            "provenance": {role: {"file": path.name, "sha256": sha256(path)} for role, path in sources.items()},
        }
        files = {"spatial": "spatial.safetensors", "temporal": "temporal.safetensors", "card": "MODEL_CARD.md"}
        write_manifest(work, manifest, files)
        if head:
            head.for_encoder(open_bundle(work).encoder_id).save(work / "regressor.safetensors")
            write_manifest(work, manifest, {**files, "regressor": "regressor.safetensors"})
        work.chmod(0o755)
        work.rename(output)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return open_bundle(output)


def _read_spatial(path: Path) -> dict[str, Tensor]:
    tensors = {}
    for key, value in _read_checkpoint(path).items():
        index, _, rest = key.removeprefix("encoder.").partition(".")
        if key.startswith("encoder.") and index.isdigit() and int(index) < len(_CHILDREN):
            tensors[f"{_CHILDREN[int(index)]}.{rest}"] = value
    with unfilled():
        network = SpatialNetwork().backbone
    return _matching(path, tensors, network, "the published spatial network (encoder.*)")


def _read_temporal(path: Path) -> dict[str, Tensor]:
    checkpoint = _read_checkpoint(path)
    tensors = {key.removeprefix("gru."): value for key, value in checkpoint.items() if key.startswith("gru.")}
    with unfilled():
        network = TemporalNetwork().gru
    return _matching(path, tensors, network, "the published temporal network (gru.*)")


def _read_checkpoint(path: Path) -> dict[str, Tensor]:
    """A PyTorch state dict, read with ``weights_only`` so that nothing in it runs."""
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise BundleError(f"{path}: no such file") from None
    except (pickle.UnpicklingError, RuntimeError, OSError, EOFError, ValueError, KeyError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise BundleError(f"{path}: not a plain PyTorch checkpoint, or damaged ({reason})") from None
    if not isinstance(state, dict):
        raise BundleError(f"{path}: not a state dict")
    # Training on several devices leaves a prefix on each name.
    return {str(key).removeprefix("module."): value for key, value in state.items() if isinstance(value, Tensor)}


def _matching(path: Path, tensors: dict[str, Tensor], network: nn.Module, what: str) -> dict[str, Tensor]:
    """The tensors ``network`` needs, as float32; raises :class:`BundleError` when one is missing or misshapen."""
    wanted = {key: value for key, value in network.state_dict().items() if not key.endswith("num_batches_tracked")}
    missing = sorted(wanted.keys() - tensors.keys())
    if missing:
        raise BundleError(f"{path}: not {what}: {len(missing)} tensors are missing, e.g. {missing[0]}")
    for key, value in wanted.items():
        if tensors[key].shape != value.shape:
            raise BundleError(f"{path}: {key} has shape {tuple(tensors[key].shape)}, expected {tuple(value.shape)}")
        if not torch.isfinite(tensors[key]).all():
            raise BundleError(f"{path}: {key} contains values that are not finite")
    return {key: tensors[key].float().contiguous() for key in wanted}


def _read_regressor(path: Path, scale: Scale) -> LinearRegressor:
    """A regressor from any of the accepted files, not yet tied to an encoder."""
    facts: dict[str, Any] = {}
    if path.suffix == ".npz":
        try:
            with np.load(path, allow_pickle=False) as file:
                coef, intercept = file["coef"].astype(np.float64).reshape(-1), float(file["intercept"].reshape(-1)[0])
        except (OSError, ValueError, KeyError, IndexError, EOFError, zipfile.BadZipFile) as error:
            raise RegressorError(f"{path}: not a .npz with coef and intercept ({error})") from None
    elif path.suffix == ".safetensors":
        loaded = load_regressor(path)
        if not isinstance(loaded, LinearRegressor):
            raise RegressorError(f"{path}: only a linear regressor can be part of an imported bundle")
        return loaded
    else:
        coef, intercept, facts = read_ridge(path)
    if coef.shape != (FEATURES,):
        raise RegressorError(f"{path}: has {coef.size} coefficients, but a CONVIQT regressor has {FEATURES}")
    card = {"source": path.name, "sha256": sha256(path), "imported": date.today().isoformat(), **facts}
    return LinearRegressor(coef=coef, intercept=intercept, scale=scale, encoder_id="", card=card)
