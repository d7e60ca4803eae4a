"""The training loop of both self-supervised stages: steps, log, curves, checkpoints, and exact resumption."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from conviqt_cli.training.stages.distributed import ProcessGroup
from conviqt_cli.training.stages.loss import TEMPERATURE, Items, accuracy, centre_loss, contrastive_loss
from conviqt_cli.training.stages.optimiser import Schedule, adamw
from conviqt_cli.training.stages.run_folder import RunFolder

B = TypeVar("B", contravariant=True)

#: Called with each row of the log as it is written.
RowCallback = Callable[[dict[str, float]], None]


def silent(row: dict[str, float]) -> None:
    """Report nothing."""


@dataclass(frozen=True)
class LoopConfig:
    """What both stages set. Rates are the peaks of the schedule, for the network and for its projector.

    ``checkpoint_every`` is in steps; ``precision`` is one of :data:`~conviqt_cli.model.torch_backend.PRECISIONS`.
    """

    steps: int = 1500
    learning_rate: float = 1e-4
    head_learning_rate: float = 1e-3
    weight_decay: float = 1e-4
    warm_up: float = 0.1
    temperature: float = TEMPERATURE
    checkpoint_every: int = 100
    precision: str = "auto"
    seed: int = 0


def autocast(precision: str, device: torch.device) -> torch.autocast | nullcontext[None]:
    """What a step's forward pass runs in; ``precision`` is resolved."""
    if precision == "fp32":
        return nullcontext()
    # Half precision would need a loss scale; bfloat16 does not, and every device with either has it.
    return torch.autocast(device.type, torch.bfloat16)


class Stage(Protocol[B]):
    """A stage's own part in a step."""

    def compare(self, learner: nn.Module, batch: B) -> tuple[Items, Tensor]:
        """All views of a batch as items of the loss, and their cosines to the centres of all classes."""
        ...

    def size(self, batch: B) -> int:
        """How many packed items a batch holds."""
        ...

    def held_out_accuracy(self, learner: nn.Module) -> float | None:
        """Accuracy on held-out content, for the curves; ``None`` when none was given."""
        ...


@dataclass(frozen=True)
class Limits:
    """Whether to resume an existing run, and after how many seconds to stop with a checkpoint."""

    resume: bool = False
    stop_after: float | None = None


#: A run from its beginning to its end.
ONCE = Limits()


class Loop(Generic[B]):
    """A training in a run folder; ``step`` is the number of steps taken.

    ``learner`` has two parts, ``network`` and ``projector``.
    """

    def __init__(
        self, output: Path, config: LoopConfig, learner: nn.Module, group: ProcessGroup, limits: Limits
    ) -> None:
        self._began = time.monotonic()
        self._config, self._group, self._limits = config, group, limits
        self._folder = RunFolder(output, asdict(config), limits.resume, group.first)
        self._learner = learner
        rates = {"network": config.learning_rate, "projector": config.head_learning_rate}
        self._optimiser = adamw(rates, learner, config.weight_decay)
        self._schedule = Schedule(config.steps, config.warm_up)
        self.step = 0
        if limits.resume and (state := self._folder.restore()) is not None:
            learner.load_state_dict(state["learner"])
            self._optimiser.load_state_dict(state["optimiser"])
            self.step = state["step"]
        self._wrapped: nn.Module = DistributedDataParallel(learner) if group.count > 1 else learner

    def run(self, stage: Stage[B], batches: Iterable[B], progress: RowCallback) -> None:
        """Take the steps that are left, one batch each."""
        before = time.monotonic()
        for batch in batches:
            row = self._take(stage, batch)
            now = time.monotonic()
            row["items_per_second"] = row.pop("items") / (now - before)
            stopped = self._limits.stop_after is not None and now - self._began > self._limits.stop_after
            at_checkpoint = self.step % self._config.checkpoint_every == 0 or self.step == self._config.steps or stopped
            if at_checkpoint:
                self._learner.eval()
                if (accuracy := stage.held_out_accuracy(self._learner)) is not None:
                    row["held_out_accuracy"] = accuracy
            if self._group.first:
                self._folder.log(row)
                progress(row)
                if at_checkpoint:
                    self._save()
            if stopped:
                break
            before = time.monotonic()

    def finish(self, name: str, weights: Callable[[], dict[str, Tensor]]) -> Path:
        """Write the weights, once all steps are taken; returns where they are or will be."""
        path = self._folder.path / name
        if self._group.first and self.step == self._config.steps:
            save_file(weights(), path)
        return path

    def _take(self, stage: Stage[B], batch: B) -> dict[str, float]:
        self._learner.train()
        self._schedule.apply(self._optimiser, self.step)
        items, to_centres = stage.compare(self._wrapped, batch)
        temperature = self._config.temperature
        contrast = contrastive_loss(items, self._group.gathered(items), temperature)
        loss = contrast + centre_loss(to_centres, items.classes, temperature)
        self._optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimiser.step()
        self.step += 1
        return {
            "step": self.step,
            "loss": float(loss.detach()),
            "contrastive_loss": float(contrast.detach()),
            "accuracy": accuracy(to_centres, items.classes),
            "learning_rate": self._optimiser.param_groups[0]["lr"],
            "items": self._group.count * stage.size(batch),
        }

    def _save(self) -> None:
        state = {"learner": self._learner.state_dict(), "optimiser": self._optimiser.state_dict(), "step": self.step}
        self._folder.save(state)
        self._folder.draw()
