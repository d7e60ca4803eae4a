"""Initial weights with which a GRU sees how much changes from frame to frame, before it has learned anything.

A mean over time of what single frames look like tells nothing of their order. What tells a freeze, a dropped frame or a
flicker is the size of the change between consecutive frames, which a GRU from random weights did not find. It can
express it: some units hold a frame's coordinates for the next step, others subtract them from the new frame's, and
others add up how many coordinates stayed where they were.
"""

from __future__ import annotations

import torch
from torch import Tensor

from conviqt_cli.model.networks import HIDDEN

#: Units that hold a coordinate each; twice as many see its change; and units that count small changes.
HOLDING, COUNTING = 224, 192

#: Update gates shut, reset gates open: what a unit holds is of this frame alone.
_SHUT, _OPEN = -4.0, 4.0

#: Held coordinates have this spread, well within where tanh is a straight line.
_HELD = 0.25

#: A change of one coordinate is small below this many of its spreads; and the gain of what counts small changes.
_SMALL, _GAIN = 0.7, 8.0


def difference_units(coordinates: Tensor, input_gain: float) -> dict[str, Tensor]:
    """Weights of a GRU by PyTorch's names, for coordinates (n, frames, k) of one scale, k at least :data:`HOLDING`."""
    count = coordinates.shape[2]
    spread = coordinates.flatten(0, 1).std(dim=0).clamp_min(1e-9)
    changes = coordinates.diff(dim=1).flatten(0, 1)
    change = changes.square().mean(dim=0).sqrt().clamp_min(1e-9)
    inputs = torch.randn(3, HIDDEN, count) * input_gain * count**-0.5 * _HELD / spread
    states = torch.randn(3, HIDDEN, HIDDEN) * HIDDEN**-0.5
    biases = torch.zeros(3, HIDDEN)
    held = torch.arange(HOLDING)
    above, below = held + HOLDING, held + 2 * HOLDING
    counting = torch.arange(COUNTING) + 3 * HOLDING
    made = slice(0, 3 * HOLDING + COUNTING)
    inputs[:, made], states[:, made] = 0.0, 0.0
    biases[0, made], biases[1, made] = _OPEN, _SHUT
    inputs[2, held, held] = _HELD / spread[:HOLDING]
    # What reaches the next frame of what is held: its gates are not quite open.
    gate = torch.sigmoid(torch.tensor(_OPEN)) * torch.sigmoid(torch.tensor(-_SHUT))
    for units, side in ((above, 1.0), (below, -1.0)):
        inputs[2, units, held] = 1 / change[:HOLDING]
        states[2, units, held] = -spread[:HOLDING] / (_HELD * change[:HOLDING] * gate)
        biases[2, units] = side * _SMALL
    # tanh(d + s) - tanh(d - s) is high where a change d is small, and near 0 where it is not.
    share = torch.ones(4, HOLDING)  # of all coordinates, and of each third of them
    for third in range(3):
        share[third + 1, held % 3 != third] = 0.0
    share /= share.sum(dim=1, keepdim=True)
    part = torch.arange(COUNTING) % 4
    highest = 2 * torch.tanh(torch.tensor(_SMALL))
    threshold = (torch.arange(COUNTING) // 4 + 0.5) / (COUNTING // 4) * highest
    states[2, counting[:, None], above] = _GAIN * share[part]
    states[2, counting[:, None], below] = -_GAIN * share[part]
    biases[2, counting] = -_GAIN * threshold
    return {
        "weight_ih_l0": inputs.flatten(0, 1),
        "weight_hh_l0": states.flatten(0, 1),
        "bias_ih_l0": biases.flatten(),
        "bias_hh_l0": torch.zeros(3 * HIDDEN),
    }
