"""The stages through the real command line, on a corpus made on the spot: minutes of nothing, seconds of training."""

from __future__ import annotations

import csv
import functools
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.models import resnet50

from conviqt_cli.model import networks
from conviqt_cli.model.networks import SpatialNetwork, unfilled
from conviqt_cli.training.corpus.holdout import held_out
from conviqt_cli.training.distortions.spatial_bank import SPATIAL
from conviqt_cli.training.distortions.video_bank import VIDEO
from conviqt_cli.training.packing import packer
from conviqt_cli.training.packing.shards import Shards
from conviqt_cli.training.stages.clip_features import ClipFeatures, joined
from conviqt_cli.training.stages.run_folder import CHECKPOINT, CURVES, LOG
from conviqt_cli.training.stages.spatial_stage import PRESETS, SpatialLearner
from tests.conftest import ROOT, spatial_network
from tests.training.small_networks import shrink, small_resnet50

#: Another process like this one.
PROCESS = [sys.executable, "-m", "tests.training.small_networks"]


@pytest.fixture(scope="module")
def train(conviqt):
    """Run ``conviqt train`` in this process, with recipes of few and small items, and with small networks."""
    squares, clips = ((packer.Draw("spatial", 1, 2), packer.Draw(pool, 1, 2)) for pool in ("frame", "time"))
    with pytest.MonkeyPatch.context() as patch:
        shrink(patch)
        patch.setattr(packer, "SQUARES", replace(packer.SQUARES, side=96, draws=squares))
        patch.setattr(packer, "CLIPS", replace(packer.CLIPS, side=64, draws=clips))
        yield functools.partial(conviqt, "train")


def photograph(seed):
    """Noise whose power falls with frequency as in nature, in colour."""
    rng = np.random.default_rng(seed)
    frequency = np.hypot(np.fft.fftfreq(320)[:, None], np.fft.fftfreq(480)[None])
    power = np.where(frequency > 0, np.maximum(frequency, 1e-3) ** -1.3, 0)
    planes = [np.fft.ifft2(np.fft.fft2(rng.standard_normal((320, 480))) * power).real for _ in range(3)]
    mixed = np.stack([planes[0], planes[0] + 0.3 * planes[1], planes[0] + 0.3 * planes[2]], -1)
    return np.clip(128 + 50 * mixed / mixed.std(), 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """Photographs of made-up scenes on the side that may be trained on, with their manifest."""
    folder = tmp_path_factory.mktemp("corpus")
    names = [f"scene{i}" for i in range(40) if not held_out(f"scene{i}")][:14]
    rows = []
    for index, name in enumerate(names):
        kind = "image_pristine" if index < 8 else "image_ugc"
        (folder / kind).mkdir(exist_ok=True)
        Image.fromarray(photograph(index)).save(folder / kind / f"{name}.png")
        rows.append({"file": f"{kind}/{name}.png", "kind": kind, "source": "made here", "licence": "MIT", "bytes": "1"})
    with (folder / "manifest.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return folder


@pytest.fixture(scope="module")
def imagenet(tmp_path_factory):
    """A small ResNet-50 with random weights, by torchvision's names."""
    path = tmp_path_factory.mktemp("imagenet") / "resnet50.pth"
    torch.manual_seed(0)
    torch.save(small_resnet50().state_dict(), path)
    return path


@pytest.fixture(scope="module")
def squares(train, corpus, tmp_path_factory):
    folder = tmp_path_factory.mktemp("squares")
    done = train("pack", corpus, "-o", folder, "--shards", "1", "--cells", "3", "--quiet")
    assert done.returncode == 0, done.stderr
    return folder


def log_without_times(run):
    rows = [json.loads(line) for line in (run / LOG).read_text().splitlines()]
    return [{key: value for key, value in row.items() if key != "items_per_second"} for row in rows]


@pytest.fixture(scope="module")
def spatial_command(squares, imagenet):
    """The spatial stage in four steps, with a checkpoint after the third."""
    return [
        "spatial", squares, "--initial", imagenet, "--preset", "smoke", "--steps", "4", "--precision", "fp32",
        "--validation", squares,
    ]  # fmt: skip


@pytest.fixture(scope="module")
def spatial_run(train, spatial_command, tmp_path_factory):
    """The finished process of an undisturbed spatial stage, and its folder."""
    folder = tmp_path_factory.mktemp("spatial") / "whole"
    return train(*spatial_command, "-o", folder), folder


def test_a_killed_spatial_stage_goes_on_bit_for_bit(train, spatial_command, spatial_run, tmp_path):
    (done, whole), killed = spatial_run, tmp_path / "killed"
    assert done.returncode == 0 and "step 4/4" in done.stderr, done.stderr
    assert {path.name for path in whole.iterdir()} == {"config.json", LOG, CURVES, CHECKPOINT, "spatial.safetensors"}

    command = ["train", *map(str, [*spatial_command, "-o", killed])]
    running = subprocess.Popen([*PROCESS, *command], cwd=ROOT)
    while not (killed / CHECKPOINT).exists():
        assert running.poll() is None
        time.sleep(0.02)
    running.send_signal(signal.SIGKILL)
    assert running.wait() == -signal.SIGKILL
    again = train(*spatial_command, "-o", killed)
    assert again.returncode == 2 and "holds a run already" in again.stderr
    assert train(*spatial_command, "-o", killed, "--steps", "9", "--resume").returncode == 2
    done = train(*spatial_command, "-o", killed, "--resume")
    assert done.returncode == 0, done.stderr
    assert (killed / "spatial.safetensors").read_bytes() == (whole / "spatial.safetensors").read_bytes()
    assert log_without_times(killed) == log_without_times(whole)


def test_without_a_step_taken_the_weights_are_the_initial_networks(monkeypatch):
    monkeypatch.setattr(networks, "resnet50", resnet50)  # of full size here
    initial = spatial_network()
    weights = SpatialLearner(initial.backbone.state_dict(), 3, PRESETS["cpu"].frozen).weights()
    with unfilled():
        again = SpatialNetwork("conv1").eval()
    lacking = again.backbone.load_state_dict(weights, strict=False, assign=True)
    assert not lacking.unexpected_keys and all("num_batches" in name for name in lacking.missing_keys)
    frames = torch.rand(1, 3, 48, 64)
    with torch.inference_mode():
        assert torch.allclose(again(frames), initial(frames), atol=1e-5)


def test_two_processes_train_together(train, squares, imagenet, tmp_path, monkeypatch):
    """This process and another one, told of each other as ``torchrun`` tells its own."""
    command = [
        "spatial", squares, "--initial", imagenet, "--preset", "smoke", "--steps", "2", "--precision", "fp32",
        "--threads", "1", "-o", tmp_path / "run",
    ]  # fmt: skip
    group = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29517"}
    others = {**os.environ, **group, "RANK": "1", "LOCAL_RANK": "1"}
    join = functools.partial(torch.distributed.init_process_group, timeout=timedelta(minutes=5))
    monkeypatch.setattr(torch.distributed, "init_process_group", join)
    other = subprocess.Popen([*PROCESS, "train", *map(str, command)], env=others, cwd=ROOT)
    done = train(*command, env={**os.environ, **group, "RANK": "0", "LOCAL_RANK": "0"})
    assert done.returncode == 0, done.stderr
    assert other.wait(60) == 0
    assert [row["step"] for row in log_without_times(tmp_path / "run")] == [1, 2]
    assert (tmp_path / "run" / "spatial.safetensors").exists()


def test_from_clips_to_a_bundle(train, corpus, squares, spatial_run, tmp_path):
    clips, features, stills, run, bundle = (
        tmp_path / name for name in ("clips", "features", "stills", "run", "bundle")
    )
    spatial = spatial_run[1] / "spatial.safetensors"
    for command in (
        ["assemble", bundle, "--spatial", spatial],
        ["pack", corpus, "-o", clips, "--clips", "--shards", "1", "--cells", "1"],
        ["features", clips, "--weights", bundle, "-o", features],
        ["features", squares, "--weights", bundle, "-o", stills],
        ["temporal", features, stills, "--preset", "smoke", "--steps", "3", "-o", run, "--validation", features],
        ["assemble", bundle, "--spatial", spatial, "--temporal", run / "temporal.safetensors"],
    ):
        done = train(*command)
        assert done.returncode == 0, (command, done.stderr)
    from conviqt_cli.model.bundle import open_bundle
    from conviqt_cli.model.torch_backend import TorchEncoder

    encoder = TorchEncoder(open_bundle(bundle), "cpu", "fp32")
    vector = encoder.temporal(encoder.spatial(np.stack([photograph(1)[:64, :64]] * 16)))
    assert vector.shape == (2048,) and np.isfinite(vector).all() and vector[:1024].std() > 0


def test_coded_items_are_nearly_what_they_were(train, corpus, tmp_path):
    firsts = []
    for options in ([], ["--coded"]):
        folder = tmp_path / f"packed{len(options)}"
        done = train("pack", corpus, "-o", folder, "--shards", "1", "--cells", "3", "--side", "64", *options)
        assert done.returncode == 0, done.stderr
        shards = Shards(folder)
        firsts.append([item.frames[0].astype(float) for cell in range(3) for item in shards.cell(cell)])
    plain, coded = firsts
    # Chance goes its own way after the first content, whose clean square comes first.
    assert plain[0].shape == coded[0].shape == (64, 64, 3)
    assert 0 < np.abs(plain[0] - coded[0]).mean() < 8


def test_features_of_a_few_frames_train_no_gru(train, squares, spatial_run, tmp_path):
    bundle, features = tmp_path / "bundle", tmp_path / "features"
    for command in (
        ["assemble", bundle, "--spatial", spatial_run[1] / "spatial.safetensors"],
        ["features", squares, "--weights", bundle, "-o", features, "--picture", "crops"],
    ):
        assert train(*command).returncode == 0
    done = train("temporal", features, "--preset", "smoke", "-o", tmp_path / "run")
    assert done.returncode == 1 and "--picture whole" in done.stderr and "Traceback" not in done.stderr


def test_sheets_show_every_type_of_a_bank(train, sample, corpus, tmp_path):
    picture = next((corpus / "image_pristine").iterdir())
    for source, bank in ((picture, SPATIAL), (sample, VIDEO)):
        folder = tmp_path / source.stem
        done = train("sheets", source, "-o", folder, "--side", "64", "--quiet")
        assert done.returncode == 0, done.stderr
        heights = [Image.open(path).height for path in folder.iterdir()]
        rows = sum(heights) / (64 + 16 * 4 * (bank is VIDEO) + 28)
        assert round(rows) == len(bank)
    done = train("sheets", corpus / "manifest.csv", "-o", tmp_path / "none")
    assert done.returncode == 1 and done.stderr.count("\n") == 1


def test_squares_join_clips_as_clips_that_stand_still():
    clips = ClipFeatures(
        torch.rand(2, 16, 8), torch.tensor([[1, 0, 0], [0, 0, 1.0]]), torch.tensor([5, 6]), ["a", "b", "c"]
    )
    squares = ClipFeatures(torch.rand(1, 1, 8), torch.tensor([[0, 1.0]]), torch.tensor([7]), ["a", "c"])
    both = joined([clips, squares.named(clips.names)])
    assert both.contents.tolist() == [5, 6, 7] and both.classes.tolist() == [[1, 0, 0], [0, 0, 1], [0, 0, 1]]
    assert torch.equal(both.features[:2], clips.features)
    assert torch.equal(both.features[2], squares.features[0].repeat(16, 1))


def test_weights_to_begin_with_that_are_none_are_one_clear_line(train, squares, tmp_path):
    (tmp_path / "x.pth").write_bytes(b"no weights")
    done = train("spatial", squares, "--initial", tmp_path / "x.pth", "-o", tmp_path / "run")
    assert done.returncode == 1 and done.stderr.count("\n") == 1 and "not a file of weights" in done.stderr


def test_a_folder_without_shards_is_one_clear_line(train, imagenet, tmp_path):
    done = train("spatial", tmp_path, "--initial", imagenet, "-o", tmp_path / "run")
    assert done.returncode == 1 and done.stderr.count("\n") == 1 and "holds no shards" in done.stderr
