"""``python -m benchmarks.encoders`` on made-up features: encoders come out in the order of what they can tell apart."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from benchmarks.encoders import comparison
from benchmarks.encoders.arms import ARMS, BUNDLED, IMAGENET, TRAINED, Vectors
from benchmarks.encoders.data import Features, check_packed, packed_clips
from benchmarks.encoders.results import Kept, Run
from benchmarks.encoders.tables import judge_order
from conviqt_cli.errors import InputError
from conviqt_cli.model.networks import TemporalNetwork
from conviqt_cli.training.heads.labelled_vectors import Item

KINDS = ("gaussian_blur", "jpeg", "white_noise", "h264", "flicker")
NAMES = ["pristine", *(f"{kind}@{level}" for kind in KINDS for level in range(1, 6))]


def write_clips(folder: Path, contents: range, strength: float, encoder: str) -> None:
    """Each content: pristine, every type at every level, a mixed and an authentic clip; ``strength`` of what shows."""
    random, shared = np.random.default_rng(contents.start), np.random.default_rng(0)
    directions = shared.normal(size=(len(KINDS), 4096))
    features, classes, groups = [], [], []
    for content in contents:
        scene = random.normal(size=4096)
        for row in [*np.eye(len(NAMES)), np.eye(len(NAMES))[3] + np.eye(len(NAMES))[8], np.zeros(len(NAMES))]:
            shown = sum((index - 1) % 5 * directions[(index - 1) // 5] + directions[(index - 1) // 5]
                        for index in np.flatnonzero(row) if index)  # fmt: skip
            frame = scene + strength * shown + 0.5 * random.normal(size=4096)
            features.append(np.repeat((frame / 100)[None], 16, axis=0).astype(np.float16))
            classes.append(row)
            groups.append(content)
    folder.mkdir()
    tensors = {"features": torch.from_numpy(np.stack(features)), "contents": torch.tensor(groups),
               "classes": torch.from_numpy(np.stack(classes).astype(np.uint8))}  # fmt: skip
    told = {"classes": json.dumps(NAMES), "encoder": encoder, "picture": "whole"}
    save_file(tensors, folder / "shard.safetensors", told)


def test_the_encoder_that_shows_more_wins_and_results_are_kept(tmp_path, monkeypatch):
    folders = {}
    for source, strength in ((IMAGENET, 0.03), (TRAINED, 1.0)):
        folders[source] = (tmp_path / f"{source}-train", tmp_path / f"{source}-test")
        write_clips(folders[source][0], range(8), strength, source)
        write_clips(folders[source][1], range(8, 12), strength, source)
    arms = [arm for arm in ARMS if arm.key in ("a", "c")]

    def tables() -> dict:
        run = Run()
        vectors, kept = Vectors(tmp_path / "vectors", {}), Kept(tmp_path / "results")
        comparison.compare_clips(run, arms, folders, vectors, kept)
        text = run.save(tmp_path / "out")
        assert "| c: trained spatial, mean over frames |" in text and "Ablations" in text
        return run.tables

    found = tables()
    weak, strong = found["clips"]["a"], found["clips"]["c"]
    assert (
        strong["type"]["value"] > 0.95 and strong["level within 1"]["value"] > 0.95 and strong["mixed"]["value"] > 0.9
    )
    assert weak["type"]["value"] < 0.6
    assert strong["type"]["low"] > 0 and strong["type"]["difference"] > 0.3
    assert 0.5 < strong["level SROCC"]["value"] <= 1

    for fitting in ("probe_clips", "transfer_clips"):  # a second run must not fit anything
        monkeypatch.setattr(comparison, fitting, pytest.fail)
    assert json.dumps(tables()) == json.dumps(found)


def test_clips_on_both_sides_are_refused(tmp_path):
    write_clips(tmp_path / "one", range(3), 1.0, "x")
    _, labels = packed_clips(tmp_path / "one")
    assert set(labels.kinds) == {"", "pristine", *KINDS, "gaussian_blur+jpeg"}
    with pytest.raises(InputError, match="held-out"):
        check_packed(labels, labels)


def test_order_within_and_across_scenes():
    items = [
        benchmark_item(f"scene {scene}", value)
        for scene, values in enumerate(((2.0, 2.1, 4.5), (2.5, 3.0)))
        for value in values
    ]
    judge = judge_order(np.array([3.0, 2.0, 9.0, 1.0, 0.0]), items)
    figures = judge(np.arange(5), np.arange(2))
    # Of scene 0 two pairs differ enough and both are right, the one of scene 1 is wrong.
    assert figures["pairs"] == pytest.approx(2 / 3)
    assert figures["within"] == pytest.approx((0.5 - 1) / 2)
    # The same scene drawn twice counts twice.
    assert judge(np.array([3, 4, 3, 4]), np.array([1, 1]))["pairs"] == 0


def test_vectors_are_those_of_scoring(tmp_path):
    torch.manual_seed(0)
    network = TemporalNetwork()
    save_file(dict(network.gru.state_dict()), tmp_path / "gru.safetensors")
    values = np.random.default_rng(0).normal(size=(2, 2, 16, 4096)).astype(np.float16)
    vectors = Vectors(tmp_path / "kept", {BUNDLED: tmp_path / "gru.safetensors"})
    arms = {arm.key: arm for arm in ARMS}
    features = Features.of(values)
    got = {key: vectors.of(arms[key], features) for key in ("d", "d full", "d half", "d 8", "d 32")}
    with torch.inference_mode():
        both = torch.from_numpy(values.astype(np.float32)).view(4, 16, 2, 2048).transpose(1, 2).flatten(0, 1)
        wanted = network(both).view(2, 2, 2048).mean(dim=1).numpy()
    np.testing.assert_allclose(got["d"], wanted, atol=1e-5)
    np.testing.assert_array_equal(np.hstack([got["d full"], got["d half"]]), got["d"])
    assert got["d 8"].shape == got["d 32"].shape == (2, 2048)
    assert not np.allclose(got["d 32"], got["d"]) and not np.allclose(got["d 8"], got["d"])
    assert vectors.of(arms["d 32"], Features.of(values[:, :1])) is None


def benchmark_item(content: str, value: float):
    return Item(Path("x"), "metric_stills", content, 3.0, value, "jpeg_q8", True)
