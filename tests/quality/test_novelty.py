"""Novelty: familiar videos pass, unlike ones do not, whichever way they are unlike."""

import numpy as np
import pytest

from conviqt_cli.errors import RegressorError
from conviqt_cli.quality.novelty import Novelty

WIDTH = 200


def familiar(random, count):
    """Vectors that vary in twelve directions of 200, and a little in all."""
    directions = np.linalg.qr(np.random.default_rng(99).normal(size=(WIDTH, 12)))[0].T
    return random.normal(size=(count, 12)) * np.linspace(3, 1, 12) @ directions + 0.05 * random.normal(
        size=(count, WIDTH)
    )


@pytest.fixture(scope="module")
def model():
    return Novelty.fit(familiar(np.random.default_rng(0), 300), np.arange(300))


def test_familiar_videos_are_rarely_novel(model):
    unseen = familiar(np.random.default_rng(1), 1000)
    assert np.mean([model.is_novel(vector) for vector in unseen]) <= 0.03
    assert model.false_alarms == 0.01


def test_far_along_known_directions_and_off_them_are_both_novel(model):
    vector = familiar(np.random.default_rng(2), 1)[0]
    off = vector + 3.0 * np.eye(WIDTH)[7]
    assert model.score(10 * vector) > 1.0
    assert model.score(off) > 1.0
    assert model.score(off) > model.score(vector + 1.0 * np.eye(WIDTH)[7])


def test_a_video_counts_as_the_mean_of_its_clips(model):
    clips = familiar(np.random.default_rng(3), 6)
    assert model.score(clips) == pytest.approx(model.score(clips.mean(axis=0)), rel=1e-12)


def test_a_dead_dimension_does_not_divide_by_zero():
    vectors = familiar(np.random.default_rng(4), 60)
    vectors[:, 3] = 0.25
    model = Novelty.fit(vectors, np.arange(60))
    moved = vectors[0].copy()
    moved[3] += 1e-9
    assert np.isfinite(model.score(moved))
    assert model.score(moved) == pytest.approx(model.score(vectors[0]), rel=1e-3)


def test_too_few_videos_give_no_model():
    assert Novelty.fit(familiar(np.random.default_rng(5), 9), np.arange(9)) is None


def test_tensors_come_back_and_damage_is_refused(model):
    tensors = model.to_tensors()
    vector = familiar(np.random.default_rng(6), 1)[0]
    assert Novelty.from_tensors(tensors, WIDTH).score(vector) == model.score(vector)
    for broken in (
        {**tensors, "novelty.spread": np.zeros(WIDTH)},
        {**tensors, "novelty.mean": tensors["novelty.mean"][:-1]},
        {**tensors, "novelty.limits": np.array([np.nan, 1.0])},
        {name: value for name, value in tensors.items() if name != "novelty.components"},
    ):
        with pytest.raises(RegressorError, match="damaged novelty"):
            Novelty.from_tensors(broken, WIDTH)
    with pytest.raises(RegressorError, match="200 values"):
        model.score(np.zeros(5))
