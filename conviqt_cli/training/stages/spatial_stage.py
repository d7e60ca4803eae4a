"""The spatial stage: ResNet-50 learns to tell distortions apart on packed squares (CONTRIQUE; CONVIQT, section III-A).

Every item is seen at full and at half size; the whole square and its four quarters are items of the loss. Batch
normalisation stays as ImageNet left it and is folded into the convolutions: batches of a few contents, all distorted,
would make poor statistics, and the frozen encoder is used with fixed ones anyway.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d, normalize

from conviqt_cli.errors import InputError
from conviqt_cli.model.networks import FEATURES, IMAGENET_NORMALISATION, SpatialNetwork, unfilled
from conviqt_cli.model.torch_backend import choose_precision
from conviqt_cli.training.packing.shards import Shards
from conviqt_cli.training.stages.distributed import ProcessGroup, process_group
from conviqt_cli.training.stages.loop import ONCE, Limits, Loop, LoopConfig, RowCallback, autocast, silent
from conviqt_cli.training.stages.loss import Items, accuracy, authentic_ids
from conviqt_cli.training.stages.projector import Projector
from conviqt_cli.training.stages.views import two_views

#: Rows of the loss per view: the whole square and its quarters (CONTRIQUE's local patches).
PATCHES = 5


@dataclass(frozen=True)
class SpatialConfig(LoopConfig):
    """How the stage trains. ``frozen`` names the first parts of ResNet-50 that keep their ImageNet weights.

    ``cells`` is per step and process; ``crop`` in pixels, at most half the packed side. ``compiled``: the network runs
    through ``torch.compile``, which needs a C++ compiler and rounds a little differently.
    """

    cells: int = 4
    crop: int = 112
    frozen: tuple[str, ...] = ("conv1", "layer1")
    validation_cells: int = 24
    compiled: bool = False


#: Configurations by what they are for; the README says how long each takes.
PRESETS = {
    "cpu": SpatialConfig(),
    "gpu": SpatialConfig(steps=3000, cells=32, learning_rate=2e-4, frozen=()),
    "smoke": SpatialConfig(steps=6, cells=1, crop=32, checkpoint_every=3, validation_cells=1),
}


class SpatialLearner(nn.Module):
    """ResNet-50 and projector: views (n, 3, h, w), normalised, to n * PATCHES rows, whole squares first."""

    def __init__(self, initial: dict[str, Tensor], classes: int, frozen: tuple[str, ...]) -> None:
        super().__init__()
        with unfilled():
            network = SpatialNetwork("conv1")
        floats = {name: value.float() for name, value in initial.items()}
        missing = network.backbone.load_state_dict(floats, strict=False, assign=True).missing_keys
        if any("num_batches" not in name for name in missing):
            raise InputError(f"the initial weights lack {missing[0]}; give a ResNet-50 with torchvision's names")
        self.network = network.fold_batch_norm().backbone
        for name in frozen:
            for parameter in getattr(self.network, name).parameters():
                parameter.requires_grad_(False)
        self.projector = Projector(FEATURES, classes)

    def forward(self, views: Tensor) -> tuple[Tensor, Tensor]:
        """Embeddings and cosines to the centres; rows n of each patch follow one another."""
        maps = self._maps(views)
        pooled = [maps.mean(dim=(2, 3)), *adaptive_avg_pool2d(maps, 2).flatten(2).unbind(2)]
        features = torch.cat([normalize(part.float(), dim=1) for part in pooled])
        projected: tuple[Tensor, Tensor] = self.projector(features)
        return projected

    def compile_network(self) -> None:
        """Compile the network for the shapes of the training batch and of the validation batch, and no others."""
        self._maps = torch.compile(self._maps, dynamic=False)  # type: ignore[method-assign]

    def _maps(self, views: Tensor) -> Tensor:
        parts = self.network
        maps: Tensor = parts.maxpool(parts.relu(parts.bn1(parts.conv1(views))))
        for stage in (parts.layer1, parts.layer2, parts.layer3, parts.layer4):
            maps = stage(maps)
        return maps

    def weights(self) -> dict[str, Tensor]:
        """The backbone with torchvision's names, its batch norms being plain shifts by the folded biases."""
        with unfilled():
            reference = SpatialNetwork("conv1").backbone
        state: dict[str, Tensor] = {}
        for name, module in self.network.named_modules():
            if not isinstance(module, nn.Conv2d):
                continue
            norm = name.replace("downsample.0", "downsample.1").replace("conv", "bn")
            epsilon = reference.get_submodule(norm).eps
            bias = torch.zeros(module.out_channels) if module.bias is None else module.bias.detach().cpu()
            state[f"{name}.weight"] = module.weight.detach().cpu().contiguous()
            state[f"{norm}.weight"] = torch.ones_like(bias)
            state[f"{norm}.bias"] = bias.clone()
            state[f"{norm}.running_mean"] = torch.zeros_like(bias)
            state[f"{norm}.running_var"] = torch.full_like(bias, 1 - epsilon)
        return state


@dataclass(frozen=True)
class Batch:
    """``views`` (2n, 3, h, w) float in [0, 1], full sizes then half sizes; ``classes`` (n, c); ``authentic`` (n,)."""

    views: Tensor
    classes: Tensor
    authentic: Tensor


def train_spatial(
    shards: Path,
    initial: Path,
    output: Path,
    config: SpatialConfig,
    *,
    validation: Path | None = None,
    device: str = "auto",
    limits: Limits = ONCE,
    progress: RowCallback = silent,
) -> Path:
    """Train, or resume training, in the run folder ``output``; returns the path of the weights written at the end.

    ``initial`` holds the weights to begin with, of ImageNet (a state dict, ``.pth``) or of an earlier run
    (``.safetensors``), with torchvision's names and stages that stride in ``conv1``. ``validation`` are shards of
    held-out content, looked at for the curves only.
    """
    packed = Shards(shards)
    held_out = Shards(validation) if validation is not None else None
    torch.manual_seed(config.seed)
    learner = SpatialLearner(_read(initial), len(packed.classes), config.frozen)
    with process_group(device) as group:
        learner.to(group.device).to(memory_format=torch.channels_last)
        if config.compiled:
            learner.compile_network()
        loop: Loop[Batch] = Loop(output, config, learner, group, limits)
        loop.run(_SpatialStage(config, group, held_out), _batches(packed, config, group, loop.step), progress)
        return loop.finish("spatial.safetensors", learner.weights)


def _read(path: Path) -> dict[str, Tensor]:
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        state: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
        return state
    except (SafetensorError, RuntimeError, UnpicklingError, EOFError) as error:
        raise InputError(f"{path}: not a file of weights ({str(error).splitlines()[0]})") from None


class _SpatialStage:
    def __init__(self, config: SpatialConfig, group: ProcessGroup, held_out: Shards | None) -> None:
        self._config, self._device, self._held_out = config, group.device, held_out
        self._precision = choose_precision(config.precision, group.device)

    def compare(self, learner: nn.Module, batch: Batch) -> tuple[Items, Tensor]:
        batch = Batch(*(tensor.to(self._device) for tensor in (batch.views, batch.classes, batch.authentic)))
        with autocast(self._precision, self._device):
            embeddings, to_centres = learner(_normalised(batch.views))
        copies = len(embeddings) // len(batch.classes)
        return Items(embeddings, batch.classes.repeat(copies, 1), batch.authentic.repeat(copies)), to_centres

    def size(self, batch: Batch) -> int:
        return len(batch.classes)

    @torch.no_grad()
    def held_out_accuracy(self, learner: nn.Module) -> float | None:
        """Over validation cells together, by their whole squares at full size: the same crops every time."""
        if self._held_out is None:
            return None
        cosines, classes = [], []
        for cell in range(min(self._config.validation_cells, len(self._held_out))):
            batch = _batch(
                self._held_out, [cell], self._config.crop, np.random.default_rng([self._config.seed, 3, cell])
            )
            cosines.append(self.compare(learner, batch)[1][: len(batch.classes)])
            classes.append(batch.classes.to(self._device))
        return accuracy(torch.cat(cosines), torch.cat(classes))


def _batches(shards: Shards, config: SpatialConfig, group: ProcessGroup, start: int) -> Iterator[Batch]:
    """Batches from step ``start`` on, made ahead in a thread; each depends on seed, step and rank alone."""
    wanted = config.cells * group.count
    if len(shards) < wanted:
        raise InputError(f"a step needs {wanted} packed cells, but there are only {len(shards)}; pack more")
    per_epoch = len(shards) // wanted

    def make(step: int) -> Batch:
        epoch, place = divmod(step, per_epoch)
        order = np.random.default_rng([config.seed, 1, epoch]).permutation(len(shards))
        first = place * wanted + group.rank * config.cells
        rng = np.random.default_rng([config.seed, 2, step, group.rank])
        return _batch(shards, order[first : first + config.cells].tolist(), config.crop, rng)

    with ThreadPoolExecutor(1) as pool:
        ahead: list[Future[Batch]] = [pool.submit(make, step) for step in range(start, min(start + 2, config.steps))]
        for step in range(start, config.steps):
            batch = ahead.pop(0).result()
            if step + 2 < config.steps:
                ahead.append(pool.submit(make, step + 2))
            yield batch


def _batch(shards: Shards, cells: list[int], crop: int, rng: np.random.Generator) -> Batch:
    items = [item for cell in cells for item in shards.cell(cell)]
    views = torch.stack([two_views(item.frames[0], crop, rng) for item in items])
    classes = torch.from_numpy(np.stack([item.classes for item in items]))
    contents = torch.tensor([item.content for item in items], dtype=torch.int64)
    return Batch(views.transpose(0, 1).flatten(0, 1), classes, authentic_ids(classes, contents))


def _normalised(views: Tensor) -> Tensor:
    mean, std = (views.new_tensor(values).view(1, 3, 1, 1) for values in IMAGENET_NORMALISATION.values())
    return ((views - mean) / std).contiguous(memory_format=torch.channels_last)
