"""The temporal stage: a GRU learns, on frozen spatial features, to tell clips' distortions apart (CONVIQT, III-B, C).

The two scales of a clip are its two views. Features are small, so a batch is hundreds of clips. Packed squares may be
added as clips that stand still: they are cheap, and show many more contents than clips do.

The GRU learns on coordinates in the leading directions of the features (:mod:`.subspace`) and begins with units that
see changes from frame to frame (:mod:`.difference_units`); what is written is a GRU on the features themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from conviqt_cli.errors import InputError
from conviqt_cli.model.networks import HIDDEN, TemporalNetwork
from conviqt_cli.model.torch_backend import choose_precision
from conviqt_cli.plans.picture_plan import WHOLE
from conviqt_cli.training.stages.clip_features import ClipFeatures, joined, read_features
from conviqt_cli.training.stages.difference_units import HOLDING, difference_units
from conviqt_cli.training.stages.distributed import ProcessGroup, process_group
from conviqt_cli.training.stages.loop import ONCE, Limits, Loop, LoopConfig, RowCallback, autocast, silent
from conviqt_cli.training.stages.loss import Items, accuracy
from conviqt_cli.training.stages.projector import Projector
from conviqt_cli.training.stages.subspace import Subspace

#: Clips of a folder that the subspace and the first weights are computed from.
_MOST_CLIPS = 4000


@dataclass(frozen=True)
class TemporalConfig(LoopConfig):
    """How the stage trains. ``batch`` in clips per process; ``authentic`` whether authentic clips take part.

    ``axes`` is the number of directions that coordinates are taken in. ``input_gain`` is the spread of the random
    initial input weights over that of unit-variance gates.
    """

    steps: int = 1200
    learning_rate: float = 3e-4
    batch: int = 192
    axes: int = 384
    input_gain: float = 4.0
    authentic: bool = True


PRESETS = {
    "cpu": TemporalConfig(),
    "gpu": TemporalConfig(steps=4000, batch=512),
    "smoke": TemporalConfig(steps=6, batch=16, axes=HOLDING, checkpoint_every=3),
}


class TemporalLearner(nn.Module):
    """GRU and projector: coordinates (n, frames, 2k) to 2n rows, full scales then half scales."""

    centre: Tensor
    axes: Tensor

    def __init__(self, classes: int, subspace: Subspace, initial: dict[str, Tensor]) -> None:
        super().__init__()
        # Kept in checkpoints: elsewhere the same features may give other directions.
        self.register_buffer("centre", subspace.centre)
        self.register_buffer("axes", subspace.axes)
        self.network = TemporalNetwork(subspace.axes.shape[1])
        self.network.gru.load_state_dict(initial)
        self.projector = Projector(HIDDEN, classes)

    def forward(self, coordinates: Tensor) -> tuple[Tensor, Tensor]:
        """Embeddings and cosines to the centres."""
        projected: tuple[Tensor, Tensor] = self.projector(self.network(torch.cat(coordinates.chunk(2, dim=2))))
        return projected

    @property
    def subspace(self) -> Subspace:
        """What coordinates are taken in, on the CPU."""
        return Subspace(self.centre.cpu(), self.axes.cpu())

    def weights(self) -> dict[str, Tensor]:
        """The GRU on features, by PyTorch's names, on the CPU."""
        gru = {name: value.detach().cpu() for name, value in self.network.gru.state_dict().items()}
        return {name: value.contiguous() for name, value in self.subspace.merged(gru).items()}


def train_temporal(
    features: Sequence[Path],
    output: Path,
    config: TemporalConfig,
    *,
    validation: Path | None = None,
    device: str = "auto",
    limits: Limits = ONCE,
    progress: RowCallback = silent,
) -> Path:
    """Train, or resume training, in the run folder ``output``; returns the path of the weights written at the end.

    Each of ``features`` is a folder that :func:`~conviqt_cli.training.stages.clip_features.extract` filled, with
    features of clips or of squares; every folder gives the same share of a batch. ``validation`` are held-out
    clips, for the curves only.
    """
    read = [read_features(folder) for folder in features]
    names = max((part.names for part in read), key=len)
    parts = [_named(part, names, folder) for part, folder in zip(read, features, strict=True)]
    if not config.authentic:
        parts = [part.chosen(torch.nonzero(part.classes.sum(dim=1) > 0)[:, 0]) for part in parts]
    held_out = _named(read_features(validation), names, validation) if validation is not None else None
    torch.manual_seed(config.seed)
    learner = TemporalLearner(len(names), *_beginning(parts, config))
    with process_group(device) as group:
        learner.to(group.device)
        loop: Loop[ClipFeatures] = Loop(output, config, learner, group, limits)
        parts = [_in_coordinates(part, learner.subspace) for part in parts]
        held_out = held_out and _in_coordinates(held_out, learner.subspace)
        batches = (_batch(parts, config, group, step) for step in range(loop.step, config.steps))
        loop.run(_TemporalStage(config, group, held_out), batches, progress)
        return loop.finish("temporal.safetensors", learner.weights)


def _beginning(parts: Sequence[ClipFeatures], config: TemporalConfig) -> tuple[Subspace, dict[str, Tensor]]:
    """The subspace and the GRU's first weights, from clips that move."""
    moving = [
        part.features[:: max(1, len(part.features) // _MOST_CLIPS)] for part in parts if part.features.shape[1] > 1
    ]
    if not moving:
        raise InputError("no folder has features of clips, only of single pictures; pack clips with `--clips`")
    features = torch.cat(moving)
    subspace = Subspace.of(features, config.axes)
    scales = subspace.coordinates(features).chunk(2, dim=2)
    return subspace, difference_units(torch.cat(scales), config.input_gain)


def _in_coordinates(clips: ClipFeatures, subspace: Subspace) -> ClipFeatures:
    return replace(clips, features=subspace.coordinates(clips.features))


def _named(clips: ClipFeatures, names: Sequence[str], folder: Path) -> ClipFeatures:
    if clips.picture != WHOLE.id:
        raise InputError(f"{folder}: features of a few frames only; compute them with `--picture {WHOLE.name}`")
    if not set(clips.names) <= set(names):
        raise InputError(
            f"{folder}: its classes differ from those of the other folders; pack all of them with the same version"
        )
    return clips.named(names)


class _TemporalStage:
    def __init__(self, config: TemporalConfig, group: ProcessGroup, held_out: ClipFeatures | None) -> None:
        self._device, self._held_out = group.device, held_out
        self._precision = choose_precision(config.precision, group.device)

    def compare(self, learner: nn.Module, batch: ClipFeatures) -> tuple[Items, Tensor]:
        with autocast(self._precision, self._device):
            embeddings, to_centres = learner(batch.features.to(self._device).float())
        classes, authentic = (part.to(self._device) for part in (batch.classes, batch.authentic))
        return Items(embeddings, classes.repeat(2, 1), authentic.repeat(2)), to_centres

    def size(self, batch: ClipFeatures) -> int:
        return len(batch.contents)

    @torch.no_grad()
    def held_out_accuracy(self, learner: nn.Module) -> float | None:
        if self._held_out is None:
            return None
        items, to_centres = self.compare(learner, self._held_out)
        return accuracy(to_centres, items.classes)


def _batch(parts: Sequence[ClipFeatures], config: TemporalConfig, group: ProcessGroup, step: int) -> ClipFeatures:
    """This step's clips for this process: seed, step and rank decide."""
    chosen = []
    for number, part in enumerate(parts):
        count, share = len(part.contents), max(1, config.batch // len(parts))
        size = min(share * group.count, count // group.count * group.count)
        rows = np.random.default_rng([config.seed, 1, step, number]).choice(count, size, replace=False)
        chosen.append(part.chosen(torch.from_numpy(rows[group.rank :: group.count])))
    return joined(chosen)
