"""Published files become a bundle; anything else in their place is refused, and nothing in them runs."""

from __future__ import annotations

import pickle
import runpy
import sys

import numpy as np
import pytest
import torch
from sklearn.linear_model import Lasso, Ridge

from conviqt_cli import load
from conviqt_cli.errors import BundleError, RegressorError
from conviqt_cli.model.importing import import_published
from conviqt_cli.model.networks import SpatialNetwork, TemporalNetwork
from conviqt_cli.model.published_ridge import read_ridge
from conviqt_cli.quality.scale import Scale


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory):
    """Checkpoints in the published layout, random weights."""
    folder = tmp_path_factory.mktemp("published")
    torch.manual_seed(1)
    children = list(SpatialNetwork().backbone.named_children())[:-1]
    spatial = {
        f"encoder.{index}.{key}": value
        for index, (_, child) in enumerate(children)
        for key, value in child.state_dict().items()
    }
    torch.save({**spatial, "projector.0.weight": torch.zeros(2, 2)}, folder / "spatial.tar")
    temporal = {f"gru.{key}": value for key, value in TemporalNetwork().gru.state_dict().items()}
    torch.save({**temporal, "projector.0.weight": torch.zeros(2, 2)}, folder / "temporal.tar")
    return folder


@pytest.fixture
def ridge():
    draw = np.random.default_rng(0)
    return Ridge(alpha=0.5).fit(draw.normal(size=(30, 2048)), draw.uniform(20, 80, 30))


@pytest.mark.parametrize("protocol", range(6))
def test_coefficients_come_out_of_any_pickle_protocol(tmp_path, ridge, protocol):
    (tmp_path / "r.save").write_bytes(pickle.dumps(ridge, protocol=protocol))
    coef, intercept, facts = read_ridge(tmp_path / "r.save")
    assert np.array_equal(coef, ridge.coef_) and intercept == ridge.intercept_
    assert facts["alpha"] == 0.5


def test_pickles_of_scikit_learn_0_23_are_read(tmp_path, ridge):
    # What changed since: the module paths of numpy, and attributes that no longer exist. The file is rewritten to them.
    ridge.normalize = False
    data = pickle.dumps(ridge, protocol=3)
    old = data.replace(b"cnumpy._core.multiarray\n", b"cnumpy.core.multiarray\n")
    assert old != data or b"numpy.core" in data
    (tmp_path / "r.save").write_bytes(old)
    coef, _, _ = read_ridge(tmp_path / "r.save")
    assert np.array_equal(coef, ridge.coef_)


class Hostile:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (self.path, "w"))


def test_a_pickle_that_would_run_code_is_refused_unrun(tmp_path, ridge):
    trace = tmp_path / "trace"
    ridge.extra = Hostile(str(trace))
    for content in (Hostile(str(trace)), ridge, {"coef_": Hostile(str(trace))}):
        (tmp_path / "r.save").write_bytes(pickle.dumps(content))
        with pytest.raises(RegressorError, match="refused"):
            read_ridge(tmp_path / "r.save")
        assert not trace.exists()


def test_other_pickles_are_refused(tmp_path, ridge):
    lasso = Lasso().fit(np.eye(3), [1.0, 2.0, 3.0])
    objects = Ridge()
    objects.coef_ = np.array([{"a": 1}], dtype=object)
    two = Ridge().fit(np.eye(4), np.ones((4, 2)))
    whole = pickle.dumps(ridge)
    for data in (pickle.dumps(lasso), pickle.dumps(objects), pickle.dumps(two), pickle.dumps(Ridge()), b"", whole[:-50],
                 pickle.dumps([1, 2]), b"not a pickle"):  # fmt: skip
        (tmp_path / "r.save").write_bytes(data)
        with pytest.raises(RegressorError):
            read_ridge(tmp_path / "r.save")


def test_import_gives_the_models_own_scores_on_their_own_scale(tmp_path, checkpoints, ridge, sample):
    (tmp_path / "r.save").write_bytes(pickle.dumps(ridge, protocol=3))
    scale = Scale("imported", 0.0, 100.0)
    bundle = import_published(
        checkpoints / "spatial.tar", checkpoints / "temporal.tar", tmp_path / "b", tmp_path / "r.save", scale
    )
    assert bundle.verify() == [] and bundle.manifest["normalisation"] is None
    scorer = load(bundle.folder, device="cpu", sampling="every:9")
    score, features = scorer.score(sample, duration=0.2), scorer.features(sample, duration=0.2)
    expected = ridge.predict(features.clip_features.astype(np.float64))
    assert [segment.quality for segment in score.segments] == pytest.approx(list(expected), abs=1e-9)
    assert score.scale == scale and score.word is None
    with pytest.raises(BundleError, match="already exists"):
        import_published(checkpoints / "spatial.tar", checkpoints / "temporal.tar", tmp_path / "b")


def test_wrong_checkpoints_are_refused_and_leave_nothing(tmp_path, checkpoints):
    spatial, temporal = checkpoints / "spatial.tar", checkpoints / "temporal.tar"
    (tmp_path / "text.tar").write_text("hello")
    (tmp_path / "cut.tar").write_bytes(spatial.read_bytes()[:100_000])
    torch.save([1, 2], tmp_path / "list.tar")
    state = torch.load(temporal, weights_only=True)
    torch.save({**state, "gru.bias_hh_l0": torch.zeros(7)}, tmp_path / "shape.tar")
    torch.save({**state, "gru.bias_hh_l0": torch.full((3072,), torch.nan)}, tmp_path / "nan.tar")
    cases = [
        (temporal, temporal, "tensors are missing"),
        (spatial, spatial, "tensors are missing"),
        (tmp_path / "none.tar", temporal, "no such file"),
        (tmp_path / "text.tar", temporal, "damaged"),
        (tmp_path / "cut.tar", temporal, "damaged"),
        (tmp_path / "list.tar", temporal, "not a state dict"),
        (spatial, tmp_path / "shape.tar", "shape"),
        (spatial, tmp_path / "nan.tar", "not finite"),
    ]
    for first, second, words in cases:
        with pytest.raises(BundleError, match=words):
            import_published(first, second, tmp_path / "b")
    assert not [path for path in tmp_path.iterdir() if "b" in path.name.split(".")]


def test_agrees_with_the_reference_implementation(tmp_path, shared, monkeypatch):
    """Golden outputs of the authors' modules, with weights that anyone can draw again."""
    script = shared / "parity" / "make_checkpoint.py"
    monkeypatch.setattr(sys, "argv", [str(script), "1", str(tmp_path)])
    runpy.run_path(str(script), run_name="__main__")
    import_published(tmp_path / "spatial.tar", tmp_path / "temporal.tar", tmp_path / "b", tmp_path / "regressor.npz")
    golden = np.load(shared / "parity" / "golden_a_seed1.npz")
    scorer = load(tmp_path / "b", device="cpu", precision="fp32", sampling="dense")
    vectors, temporal = [], scorer.encoder.temporal

    def watched(features):
        vectors.append(temporal(features))
        return vectors[-1]

    monkeypatch.setattr(scorer.encoder, "temporal", watched)
    # The reference drops what does not fill a clip; ours looks at the tail as well.
    scores = [segment.quality for segment in scorer.score(shared / "parity" / "clip_a.mkv").segments[:2]]
    found, expected = np.stack(vectors[:2]), golden["clip_features"]
    assert np.linalg.norm(found - expected) / np.linalg.norm(expected) < 1e-4
    assert scores == pytest.approx(list(golden["clip_scores"]), abs=1e-3)
