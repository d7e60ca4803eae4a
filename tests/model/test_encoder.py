"""The PyTorch backend against independent arithmetic."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from conviqt_cli.errors import UsageError
from conviqt_cli.model import cpu
from conviqt_cli.model.bundle import open_bundle
from conviqt_cli.model.networks import SpatialNetwork, TemporalNetwork, half_size
from conviqt_cli.model.torch_backend import TorchEncoder, choose_device, choose_precision
from tests.conftest import spatial_network


def pictures(count, height=72, width=96, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, height, width, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def encoder():
    return TorchEncoder(open_bundle(), "cpu", "fp32")


@pytest.mark.parametrize("size", [(72, 96), (65, 97), (16, 17)])
def test_half_size_is_what_pillow_makes(size):
    frames = pictures(2, *size)
    ours = half_size(torch.from_numpy(frames).permute(0, 3, 1, 2)).permute(0, 2, 3, 1).numpy()
    half = (size[1] // 2, size[0] // 2)
    pillow = np.stack([np.asarray(Image.fromarray(frame).resize(half, Image.Resampling.BILINEAR)) for frame in frames])
    assert np.abs(ours.astype(int) - pillow.astype(int)).max() <= 1
    assert np.mean(ours != pillow) < 0.01


def test_folding_batch_norm_changes_nothing():
    network = spatial_network()
    frames = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        before = network(frames)
        after = network.fold_batch_norm()(frames)
    assert torch.allclose(before, after, atol=1e-5)


def test_both_stride_conventions_are_the_same_size_but_not_the_same_network():
    torch.manual_seed(0)
    early = SpatialNetwork("conv1").eval()
    late = SpatialNetwork("conv2").eval()
    late.load_state_dict(early.state_dict())
    frames = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        a, b = early(frames), late(frames)
    assert a.shape == b.shape == (1, 2048) and not torch.allclose(a, b, atol=1e-3)


def test_temporal_vector_is_the_normalised_mean_of_gru_outputs():
    torch.manual_seed(0)
    network = TemporalNetwork().eval()
    features = torch.nn.functional.normalize(torch.rand(1, 16, 2048), dim=2)
    gru = network.gru
    state = torch.zeros(1024)
    total = torch.zeros(1024)
    with torch.inference_mode():
        for step in features[0]:  # the textbook recurrence (Cho et al. 2014), gate by gate
            from_input = gru.weight_ih_l0 @ step + gru.bias_ih_l0
            from_state = gru.weight_hh_l0 @ state + gru.bias_hh_l0
            (ri, zi, ni), (rs, zs, ns) = from_input.chunk(3), from_state.chunk(3)
            reset, update = torch.sigmoid(ri + rs), torch.sigmoid(zi + zs)
            state = (1 - update) * torch.tanh(ni + reset * ns) + update * state
            total += state
        assert torch.allclose(network(features)[0], total / total.norm(), atol=1e-5)


def test_features_are_unit_vectors_whatever_the_batch(encoder):
    frames = pictures(5)
    together = encoder.spatial(frames)
    alone = np.concatenate([encoder.spatial(frame[None]) for frame in frames])
    assert together.shape == (5, 4096) and together.dtype == np.float32
    assert np.allclose(together, alone, atol=1e-5)
    norms = np.linalg.norm(together.reshape(5, 2, 2048), axis=2)
    assert np.allclose(norms, 1, atol=1e-5)


def test_clip_vector_has_one_unit_half_per_scale(encoder):
    features = encoder.spatial(pictures(16))
    vector = encoder.temporal(features)
    assert vector.shape == (2048,)
    assert np.linalg.norm(vector.reshape(2, 1024), axis=1) == pytest.approx(1, abs=1e-5)
    # Each scale goes its own way: changing the half-size features leaves the full-size half alone.
    changed = features.copy()
    changed[:, 2048:] = changed[::-1, 2048:]
    assert np.allclose(encoder.temporal(changed)[:1024], vector[:1024], atol=1e-6)


def test_batches_shrink_as_pictures_grow(encoder):
    sizes = [(90, 160), (540, 960), (1080, 1920), (4320, 7680)]
    frames = [encoder.batch_frames(*size) for size in sizes]
    assert frames == sorted(frames, reverse=True) and frames[0] == 16 and frames[-1] == 1


def test_devices_and_precisions_that_do_not_exist_are_usage_errors():
    for name in ("gpu", "cuda:x", "mps", ""):
        with pytest.raises(UsageError):
            choose_device(name)
    if not torch.cuda.is_available():
        with pytest.raises(UsageError, match="no usable CUDA"):
            choose_device("cuda")
    with pytest.raises(UsageError, match="fp8"):
        choose_precision("fp8", torch.device("cpu"))
    assert choose_precision("auto", torch.device("cuda")) == "fp16"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_agrees_with_the_cpu(encoder):
    frames = pictures(3, 270, 480)
    reference = encoder.spatial(frames)
    for precision, tolerance in (("fp32", 1e-3), ("fp16", 1e-2)):
        found = TorchEncoder(open_bundle(), "cuda", precision).spatial(frames)
        assert np.linalg.norm(found - reference) / np.linalg.norm(reference) < tolerance


@pytest.mark.parametrize("unit", ["avx512_bf16", "amx_bf16"])
def test_auto_is_bf16_on_processors_that_compute_it_and_fp32_elsewhere(monkeypatch, unit):
    device = torch.device("cpu")
    monkeypatch.setattr(cpu, "_flags", lambda: "flags: fpu avx2 avx512f")
    assert not cpu.has_bf16() and choose_precision("auto", device) == "fp32"
    monkeypatch.setattr(cpu, "_flags", lambda: f"flags: fpu {unit}")
    assert cpu.has_bf16() and choose_precision("auto", device) == "bf16"
    assert choose_precision("fp32", device) == "fp32"
