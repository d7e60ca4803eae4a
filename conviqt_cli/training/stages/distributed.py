"""One process or several: this process's place in the group that ``torchrun`` started, and exchange within it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as distributed
from torch import Tensor

from conviqt_cli.model.torch_backend import choose_device
from conviqt_cli.training.stages.loss import Items


@dataclass(frozen=True)
class ProcessGroup:
    """This process among all: ``rank`` of ``count``, and the device it computes on."""

    rank: int
    count: int
    device: torch.device

    @property
    def first(self) -> bool:
        """Whether this process writes the log and the checkpoints."""
        return self.rank == 0

    def gathered(self, items: Items) -> Items | None:
        """The items of all other processes, without gradients; ``None`` when there are none.

        All processes must hold equally many.
        """
        if self.count == 1:
            return None
        parts = [self._others(tensor) for tensor in (items.embeddings.detach(), items.classes, items.authentic)]
        return Items(*parts)

    def _others(self, tensor: Tensor) -> Tensor:
        received = [torch.empty_like(tensor) for _ in range(self.count)]
        distributed.all_gather(received, tensor.contiguous())
        return torch.cat([part for rank, part in enumerate(received) if rank != self.rank])


@contextmanager
def process_group(device: str) -> Iterator[ProcessGroup]:
    """Join the group that ``torchrun`` made, if any, for the duration of a training."""
    count, rank = int(os.environ.get("WORLD_SIZE", "1")), int(os.environ.get("RANK", "0"))
    chosen = choose_device(device)
    if count == 1:
        yield ProcessGroup(0, 1, chosen)
        return
    if chosen.type == "cuda":
        chosen = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        torch.cuda.set_device(chosen)
    distributed.init_process_group("nccl" if chosen.type == "cuda" else "gloo")
    try:
        yield ProcessGroup(rank, count, chosen)
    finally:
        distributed.destroy_process_group()
