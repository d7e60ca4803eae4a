"""The OpenVINO backend against PyTorch, and the check that refuses a backend that computes wrongly."""

from __future__ import annotations

import numpy as np
import pytest

from conviqt_cli.errors import BundleError, UsageError
from conviqt_cli.model.backends import agrees, open_encoder
from conviqt_cli.model.bundle import open_bundle
from conviqt_cli.model.calibration import TOLERANCES, Calibration, relative_error
from conviqt_cli.training.heads.assembly import seal

pytest.importorskip("openvino")


@pytest.fixture(scope="module")
def reference():
    return open_encoder(open_bundle(), "cpu", "fp32", backend="torch")


@pytest.fixture(scope="module")
def pictures():
    rng = np.random.default_rng(0)
    smooth = np.add.outer(np.arange(64), np.arange(64))[..., None] * np.array([1, 2, 1]) % 256
    return np.stack([smooth, np.clip(smooth + rng.normal(0, 30, smooth.shape), 0, 255)]).astype(np.uint8)


def test_fp32_is_what_pytorch_computes(reference, pictures):
    encoder = open_encoder(open_bundle(), "cpu", "fp32", backend="openvino", picture="crops")
    assert (encoder.backend, encoder.precision) == ("openvino", "fp32")
    assert relative_error(encoder.pooled(pictures), reference.pooled(pictures)) < 1e-4
    features = reference.spatial(pictures)
    assert np.abs(encoder.spatial(pictures) - features).max() < 1e-4
    assert np.abs(encoder.temporal(features) - reference.temporal(features)).max() < 1e-5


def test_int8_is_close_to_fp32_by_the_bundles_ranges(pictures):
    bundle = open_bundle()
    encoder = open_encoder(bundle, "cpu", "int8")
    calibration = Calibration.load(bundle.file("calibration"))
    assert encoder.precision == "int8" and calibration.error(encoder) < TOLERANCES["int8"]
    assert np.isfinite(encoder.pooled(pictures)).all()


def test_a_backend_that_computes_wrongly_is_refused(tmp_path, copy_bundle, reference):
    folder = copy_bundle(tmp_path / "bundle")
    calibration = Calibration.load(folder / "calibration.safetensors")
    wrong = Calibration(calibration.ranges, calibration.pictures, calibration.features[:, ::-1].copy())
    wrong.save(folder / "calibration.safetensors")
    seal(folder, {"calibration": "calibration.safetensors"})
    with pytest.raises(UsageError, match="computes wrongly"):
        open_encoder(open_bundle(folder), "cpu", "int8")
    # Whoever left the choice to the program gets PyTorch instead.
    assert open_encoder(open_bundle(folder), "cpu", picture="crops").backend == "torch"


def test_what_cannot_be_is_said(tmp_path, copy_bundle):
    bundle = open_bundle()
    with pytest.raises(UsageError):
        open_encoder(bundle, "cpu", "int8", backend="torch")
    with pytest.raises(UsageError):
        open_encoder(bundle, backend="tensorflow")
    with pytest.raises(UsageError):
        open_encoder(bundle, precision="int4")
    folder = copy_bundle(tmp_path / "bundle")
    (folder / "calibration.safetensors").write_bytes(b"no")
    with pytest.raises(BundleError):
        open_encoder(open_bundle(folder), "cpu", "int8")
    assert not agrees(bundle, "a plan that was not measured", "int8")
