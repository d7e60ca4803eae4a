"""The temporal stage's coordinates and first weights: nothing is lost by them, and they see what stands still."""

from __future__ import annotations

import pytest
import torch

from conviqt_cli.model.networks import FEATURES, HIDDEN, TemporalNetwork
from conviqt_cli.training.stages.difference_units import COUNTING, HOLDING, difference_units
from conviqt_cli.training.stages.subspace import Subspace


@pytest.fixture(scope="module")
def features() -> torch.Tensor:
    """Features (40, 16, 4096) of clips that move: a content each, and a walk in a few hundred directions."""
    random = torch.Generator().manual_seed(0)
    directions = torch.randn(300, FEATURES, generator=random)
    content = torch.randn(40, 1, 2, 300, generator=random)
    walk = torch.randn(40, 16, 2, 300, generator=random).cumsum(dim=1) * 0.1
    return torch.nn.functional.normalize((content + walk) @ directions, dim=3).flatten(2)


@pytest.fixture(scope="module")
def subspace(features: torch.Tensor) -> Subspace:
    return Subspace.of(features, HOLDING)


def test_a_gru_on_coordinates_is_one_on_features(features, subspace):
    assert torch.allclose(subspace.axes.T @ subspace.axes, torch.eye(HOLDING), atol=1e-4)
    coordinates = subspace.coordinates(features)
    assert coordinates.shape == (40, 16, 2 * HOLDING)
    torch.manual_seed(0)
    small, full = TemporalNetwork(HOLDING), TemporalNetwork()
    full.gru.load_state_dict(subspace.merged(small.gru.state_dict()))
    with torch.inference_mode():
        assert torch.allclose(small(coordinates[..., :HOLDING]), full(features[..., :FEATURES]), atol=1e-5)


def test_first_weights_see_how_long_a_clip_stands_still(features, subspace):
    coordinates = subspace.coordinates(features)[..., :HOLDING]
    torch.manual_seed(0)
    network = TemporalNetwork(HOLDING)
    network.gru.load_state_dict(difference_units(coordinates, 4.0))
    counting = slice(3 * HOLDING, 3 * HOLDING + COUNTING)
    seen = []
    for frozen in (0, 5, 10):
        held = coordinates.clone()
        held[:, 16 - frozen :] = held[:, 15 - frozen, None]
        with torch.inference_mode():
            seen.append(network.gru(held)[0].mean(dim=1)[:, counting].mean(dim=1))
    assert (seen[0] < seen[1]).all() and (seen[1] < seen[2]).all()
    assert network.gru.weight_hh_l0.shape == (3 * HIDDEN, HIDDEN)
