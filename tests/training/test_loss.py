"""The contrastive loss against plain arithmetic, and what it must not depend on."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from conviqt_cli.training.stages.loss import SYNTHETIC, Items, accuracy, affinity, centre_loss, contrastive_loss


def items(count=8, seed=0, classes=5):
    rng = np.random.default_rng(seed)
    vectors = rng.standard_normal((count, 128))
    hot = np.eye(classes)[rng.integers(0, classes, count)]
    hot[0, :2] = 1  # a mixed item
    hot[-1] = hot[-2] = 0  # two views of one authentic item
    authentic = np.full(count, SYNTHETIC)
    authentic[-2:] = 7
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return Items(torch.tensor(unit).float(), torch.tensor(hot).float(), torch.tensor(authentic))


def by_hand(some, temperature):
    """The formula of the docstring, one pair at a time."""
    vectors, hot, authentic = (tensor.numpy() for tensor in (some.embeddings, some.classes, some.authentic))
    losses = []
    for i in range(len(vectors)):
        others = [j for j in range(len(vectors)) if j != i]
        total = sum(math.exp(vectors[i] @ vectors[j] / temperature) for j in others)
        weights, parts = 0.0, 0.0
        for j in others:
            norms = np.linalg.norm(hot[i]) * np.linalg.norm(hot[j])
            weight = hot[i] @ hot[j] / norms if norms else float(authentic[i] == authentic[j] != SYNTHETIC)
            weights += weight
            parts -= weight * (vectors[i] @ vectors[j] / temperature - math.log(total))
        if weights:
            losses.append(parts / weights)
    return sum(losses) / len(losses)


def test_loss_is_the_formula_one_pair_at_a_time():
    some = items()
    assert float(contrastive_loss(some, temperature=0.1)) == pytest.approx(by_hand(some, 0.1), rel=1e-5)


def test_loss_does_not_depend_on_order_and_falls_as_classes_gather():
    some = items(12)
    order = torch.randperm(12, generator=torch.Generator().manual_seed(1))
    mixed = Items(some.embeddings[order], some.classes[order], some.authentic[order])
    assert float(contrastive_loss(mixed)) == pytest.approx(float(contrastive_loss(some)), rel=1e-5)
    centre = torch.nn.functional.normalize(torch.randn(5, 128, generator=torch.Generator().manual_seed(2)), dim=1)
    labels = torch.arange(12) % 5
    gathered = Items(centre[labels], torch.eye(5)[labels], torch.full((12,), SYNTHETIC))
    scattered = Items(some.embeddings, gathered.classes, gathered.authentic)
    assert contrastive_loss(gathered) < contrastive_loss(scattered)


def test_authentic_contents_are_alone_in_their_classes():
    some = items()
    table = affinity(some, some)
    assert table[-1, -2] == 1 and table[-1, :-2].abs().max() == 0
    assert 0 < float(table[0][table[0] > 0].min()) < 1  # the mixed item is half a positive of its parts


def test_centre_loss_is_cross_entropy_and_leaves_authentic_items_out():
    some = items()
    cosines = torch.randn(8, 5, generator=torch.Generator().manual_seed(3)).clamp(-1, 1)
    soft = some.classes / some.classes.sum(1, keepdim=True)
    wanted = torch.nn.functional.cross_entropy(cosines[:6] / 0.1, soft[:6])
    assert float(centre_loss(cosines, some.classes, 0.1)) == pytest.approx(float(wanted), rel=1e-5)
    assert accuracy(some.classes * 0.5, some.classes) == 1.0
    assert accuracy(1 - some.classes, some.classes) == 0.0


def test_further_items_are_compared_with_but_get_no_loss():
    some, more = items(8, 1), items(8, 2)
    some.embeddings.requires_grad_()
    more.embeddings.requires_grad_()
    contrastive_loss(some, Items(more.embeddings.detach(), more.classes, more.authentic)).backward()
    assert some.embeddings.grad is not None and more.embeddings.grad is None
