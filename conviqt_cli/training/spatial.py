"""The spatial stage: ResNet-50 learns to tell distortions apart on packed squares (CONTRIQUE; CONVIQT, section III-A).

Every item is seen at full and at half size; the whole square and its four quarters are items of the loss. Batch
normalisation stays as ImageNet left it and is folded into the convolutions: batches of a few contents, all distorted,
would make poor statistics, and the frozen encoder is used with fixed ones anyway.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d, normalize
from torch.nn.parallel import DistributedDataParallel

from conviqt_cli.errors import InputError
from conviqt_cli.model.encoder import choose_precision
from conviqt_cli.model.networks import FEATURES, SpatialNetwork
from conviqt_cli.training.loss import TEMPERATURE, Items, Memory, contrastive_loss, joined, neighbour_accuracy
from conviqt_cli.training.optimiser import Schedule, adamw
from conviqt_cli.training.processes import Processes, processes
from conviqt_cli.training.projector import Projector
from conviqt_cli.training.run_folder import RunFolder
from conviqt_cli.training.shards import Shards
from conviqt_cli.training.views import two_views

#: Rows of the loss per view: the whole square and its quarters (CONTRIQUE's local patches).
PATCHES = 5

#: What the ImageNet weights were trained with, and so every network that starts from them.
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class SpatialConfig:
    """How the stage trains. ``frozen`` names the first parts of ResNet-50 that keep their ImageNet weights.

    ``cells`` is per step and process; ``crop`` in pixels, at most half the packed side; ``memory`` in items of earlier
    steps that are compared with; ``checkpoint_every`` in steps.
    """

    steps: int = 1500
    cells: int = 1
    crop: int = 128
    learning_rate: float = 1e-4
    head_learning_rate: float = 1e-3
    weight_decay: float = 1e-4
    warm_up: float = 0.05
    temperature: float = TEMPERATURE
    memory: int = 4096
    frozen: tuple[str, ...] = ("conv1", "layer1")
    checkpoint_every: int = 100
    validation_cells: int = 12
    precision: str = "auto"
    seed: int = 0


#: Configurations by what they are for; the README says how long each takes.
PRESETS = {
    "cpu": SpatialConfig(),
    "gpu": SpatialConfig(steps=3000, cells=16, learning_rate=2e-4, memory=8192, frozen=()),
    "smoke": SpatialConfig(steps=6, crop=32, memory=64, checkpoint_every=3, validation_cells=1),
}


class SpatialLearner(nn.Module):
    """ResNet-50 and projector: views (n, 3, h, w) normalised to embeddings (n * PATCHES, 128), whole square first."""

    def __init__(self, imagenet: dict[str, Tensor], frozen: tuple[str, ...]) -> None:
        super().__init__()
        network = SpatialNetwork("conv1")
        missing = network.backbone.load_state_dict(imagenet, strict=False).missing_keys
        if any("num_batches" not in name for name in missing):
            raise InputError(f"the initial weights lack {missing[0]}; give a ResNet-50 with torchvision's names")
        self.backbone = network.fold_batch_norm().backbone
        for name in frozen:
            for parameter in getattr(self.backbone, name).parameters():
                parameter.requires_grad_(False)
        self.projector = Projector(FEATURES)

    def forward(self, views: Tensor) -> Tensor:
        """Unit embeddings; rows n of each patch follow one another."""
        maps = self._maps(views)
        pooled = [maps.mean(dim=(2, 3)), *adaptive_avg_pool2d(maps, 2).flatten(2).unbind(2)]
        features = torch.cat([normalize(part.float(), dim=1) for part in pooled])
        embeddings: Tensor = self.projector(features)
        return embeddings

    def _maps(self, views: Tensor) -> Tensor:
        parts = self.backbone
        maps: Tensor = parts.maxpool(parts.relu(parts.bn1(parts.conv1(views))))
        for stage in (parts.layer1, parts.layer2, parts.layer3, parts.layer4):
            maps = stage(maps)
        return maps

    def spatial_state(self) -> dict[str, Tensor]:
        """The backbone with torchvision's names, its batch norms being plain shifts by the folded biases."""
        reference = SpatialNetwork("conv1").backbone
        state: dict[str, Tensor] = {}
        for name, module in self.backbone.named_modules():
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

    def rows(self, embeddings: Tensor) -> tuple[Items, Tensor]:
        """The learner's embeddings of all patches as items of the loss, and which packed item each row is of."""
        copies = len(embeddings) // len(self.classes)
        items = Items(embeddings, self.classes.repeat(copies, 1), self.authentic.repeat(copies))
        return items, torch.arange(len(self.classes), device=embeddings.device).repeat(copies)

    def to(self, device: torch.device) -> Batch:
        """The same on a device."""
        return Batch(self.views.to(device), self.classes.to(device), self.authentic.to(device))


def train_spatial(
    shards: Path,
    imagenet: Path,
    output: Path,
    config: SpatialConfig,
    *,
    validation: Path | None = None,
    device: str = "auto",
    resume: bool = False,
    stop_after: float | None = None,
    progress: Callable[[dict[str, float]], None] = lambda row: None,
) -> Path:
    """Train, or go on training, in the run folder ``output``; returns the path of the weights written at the end.

    ``imagenet`` is a state dict with torchvision's names whose stages stride in ``conv1``. ``validation`` are shards
    of held-out content, looked at for the curves only. Ends early, resumable, after ``stop_after`` seconds.
    """
    with processes(device) as group:
        return _train(shards, imagenet, output, config, validation, group, resume, stop_after, progress)


def _train(
    shards: Path,
    imagenet: Path,
    output: Path,
    config: SpatialConfig,
    validation: Path | None,
    group: Processes,
    resume: bool,
    stop_after: float | None,
    progress: Callable[[dict[str, float]], None],
) -> Path:
    began = time.monotonic()
    torch.manual_seed(config.seed)
    folder = RunFolder(output, asdict(config), resume or not group.first)
    packed = Shards(shards)
    held_out = Shards(validation) if validation is not None else None
    learner = SpatialLearner(torch.load(imagenet, map_location="cpu", weights_only=True), config.frozen)
    learner.to(group.device).to(memory_format=torch.channels_last)
    optimiser = adamw(
        {"backbone": config.learning_rate, "projector": config.head_learning_rate}, learner, config.weight_decay
    )
    schedule = Schedule(config.steps, config.warm_up)
    memory = Memory(config.memory, Projector.OUTPUT, len(packed.classes), group.device)
    step = 0
    if resume and (state := folder.restore()) is not None:
        learner.load_state_dict(state["learner"])
        optimiser.load_state_dict(state["optimiser"])
        memory.restore(state["memory"])
        step = state["step"]
    wrapped: nn.Module = DistributedDataParallel(learner) if group.count > 1 else learner
    precision = choose_precision(config.precision, group.device)
    before = time.monotonic()

    def save() -> None:
        if group.first:
            state = {"learner": learner.state_dict(), "optimiser": optimiser.state_dict(), "memory": memory.state()}
            folder.save({**state, "step": step})
            folder.draw()

    for batch in _batches(packed, config, group, step):
        learner.train()
        schedule.apply(optimiser, step)
        with _cast(precision, group.device):
            embeddings = wrapped(_normalised(batch.views.to(group.device)))
        items, item_of = batch.to(group.device).rows(embeddings.float())
        loss = contrastive_loss(items, joined(group.gathered(items), memory.items()), config.temperature)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        whole = slice(0, len(batch.views))
        memory.add(Items(items.embeddings[whole], items.classes[whole], items.authentic[whole]))
        step += 1
        now = time.monotonic()
        row = {
            "step": step,
            "loss": float(loss.detach()),
            "accuracy": neighbour_accuracy(items, item_of),
            "learning_rate": optimiser.param_groups[0]["lr"],
            "crops_per_second": group.count * len(batch.views) / (now - before),
        }
        stopped = stop_after is not None and now - began > stop_after
        at_checkpoint = step % config.checkpoint_every == 0 or step == config.steps or stopped
        if held_out is not None and at_checkpoint:
            row["held_out_accuracy"] = _validate(learner, held_out, config, group)
        if group.first:
            folder.log(row)
            progress(row)
        if at_checkpoint:
            save()
        if stopped:
            break
        before = time.monotonic()

    weights = output / "spatial.safetensors"
    if group.first and step == config.steps:
        from safetensors.torch import save_file

        save_file(learner.spatial_state(), weights)
    return weights


def _batches(shards: Shards, config: SpatialConfig, group: Processes, start: int) -> Iterator[Batch]:
    """Batches from step ``start`` on, made ahead in a thread; each depends on seed, step and rank alone."""
    wanted = config.cells * group.count
    if len(shards) < wanted:
        raise InputError(f"there are {len(shards)} packed cells, fewer than one step's {wanted}; pack more")
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
    views = torch.stack([two_views(item.pixels, crop, rng) for item in items])
    return Batch(
        views.transpose(0, 1).flatten(0, 1),
        torch.from_numpy(np.stack([item.classes for item in items])),
        torch.tensor([item.authentic for item in items], dtype=torch.int64),
    )


@torch.no_grad()
def _validate(learner: SpatialLearner, shards: Shards, config: SpatialConfig, group: Processes) -> float:
    """Neighbour accuracy over all validation cells together: the same crops every time."""
    learner.eval()
    embeddings, classes, authentic = [], [], []
    for cell in range(min(config.validation_cells, len(shards))):
        batch = _batch(shards, [cell], config.crop, np.random.default_rng([config.seed, 3, cell]))
        with _cast(choose_precision(config.precision, group.device), group.device):
            rows = learner(_normalised(batch.views.to(group.device)))
        embeddings.append(rows[: len(batch.classes)].float())
        classes.append(batch.classes.to(group.device))
        authentic.append(batch.authentic.to(group.device))
    items = Items(torch.cat(embeddings), torch.cat(classes), torch.cat(authentic))
    return neighbour_accuracy(items, torch.arange(len(items.embeddings), device=group.device))


def _normalised(views: Tensor) -> Tensor:
    mean, std = (views.new_tensor(values).view(1, 3, 1, 1) for values in (IMAGENET_MEAN, IMAGENET_STD))
    return ((views - mean) / std).contiguous(memory_format=torch.channels_last)


def _cast(precision: str, device: torch.device) -> torch.autocast | nullcontext[None]:
    if precision == "fp32":
        return nullcontext()
    # Half precision would need a loss scale; bfloat16 does not, and every device with either has it.
    return torch.autocast(device.type, torch.bfloat16)
