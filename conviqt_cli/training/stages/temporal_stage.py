"""The temporal stage: a GRU learns, on frozen spatial features, to tell clips' distortions apart (CONVIQT, III-B, C).

The two scales of a clip are its two views. Features are small, so a batch is hundreds of clips. Packed squares may be
added as clips that stand still: they are cheap, and show many more contents than clips do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from conviqt_cli.errors import InputError
from conviqt_cli.model.networks import FEATURES, HIDDEN, TemporalNetwork
from conviqt_cli.model.torch_backend import choose_precision
from conviqt_cli.training.stages.clip_features import ClipFeatures, joined, read_features
from conviqt_cli.training.stages.distributed import ProcessGroup, process_group
from conviqt_cli.training.stages.loop import ONCE, Limits, Loop, LoopConfig, RowCallback, autocast, silent
from conviqt_cli.training.stages.loss import Items, accuracy
from conviqt_cli.training.stages.projector import Projector


@dataclass(frozen=True)
class TemporalConfig(LoopConfig):
    """How the stage trains. ``batch`` in clips per process; ``authentic`` whether authentic clips take part.

    ``input_gain`` is the spread of the GRU's initial input weights over that of unit-variance gates: features are unit
    vectors, so PyTorch's own default would leave every gate half open whatever comes in.
    """

    steps: int = 1200
    learning_rate: float = 3e-4
    batch: int = 192
    input_gain: float = 4.0
    authentic: bool = True


PRESETS = {
    "cpu": TemporalConfig(),
    "gpu": TemporalConfig(steps=4000, batch=512),
    "smoke": TemporalConfig(steps=6, batch=16, checkpoint_every=3),
}


class TemporalLearner(nn.Module):
    """GRU and projector: features (n, frames, 4096) to 2n rows, full scales then half scales."""

    def __init__(self, classes: int, input_gain: float) -> None:
        super().__init__()
        self.network = TemporalNetwork()
        gru = self.network.gru
        spreads = {"weight_ih_l0": input_gain * FEATURES**-0.5, "weight_hh_l0": HIDDEN**-0.5}
        for name, parameter in gru.named_parameters():
            nn.init.normal_(parameter, std=spreads.get(name, 0.0))
        self.projector = Projector(HIDDEN, classes)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Embeddings and cosines to the centres."""
        scales = torch.cat([features[..., :FEATURES], features[..., FEATURES:]])
        projected: tuple[Tensor, Tensor] = self.projector(self.network(scales))
        return projected

    def weights(self) -> dict[str, Tensor]:
        """The GRU by PyTorch's names, on the CPU."""
        return {name: value.detach().cpu().contiguous() for name, value in self.network.gru.state_dict().items()}


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
    learner = TemporalLearner(len(names), config.input_gain)
    with process_group(device) as group:
        learner.to(group.device)
        loop: Loop[ClipFeatures] = Loop(output, config, learner, group, limits)
        batches = (_batch(parts, config, group, step) for step in range(loop.step, config.steps))
        loop.run(_TemporalStage(config, group, held_out), batches, progress)
        return loop.finish("temporal.safetensors", learner.weights)


def _named(clips: ClipFeatures, names: Sequence[str], folder: Path) -> ClipFeatures:
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
