"""A bundle is whole, or it is refused."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from conviqt_cli.errors import BundleError, RegressorError
from conviqt_cli.model.bundle import DEFAULT, MANIFEST, list_bundles, open_bundle, write_manifest
from conviqt_cli.model.torch_backend import TorchEncoder
from conviqt_cli.quality.regressor import load_regressor


@pytest.fixture
def copy(tmp_path, copy_bundle) -> Path:
    return copy_bundle(tmp_path / "bundle")


def replace(path: Path, data: bytes) -> None:
    path.unlink()
    path.write_bytes(data)


def test_the_default_bundle_is_whole_and_named():
    bundle = open_bundle()
    assert bundle.verify() == [] and bundle.manifest["name"] == DEFAULT
    assert DEFAULT in [found.manifest["name"] for found in list_bundles()]
    assert bundle.regressor().scale.is_acr
    assert {"licence", "provenance", "score_scale"} <= bundle.manifest.keys()


def test_damage_of_any_file_is_found(copy):
    for role in ("spatial", "temporal", "regressor", "card"):
        bundle = open_bundle(copy)
        path = copy / bundle.manifest["files"][role]["name"]
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        replace(path, data)
        with pytest.raises(BundleError, match="SHA-256"):
            bundle.file(role)
        replace(path, data[:-1])
        with pytest.raises(BundleError, match=r"damaged: .* bytes instead of"):
            bundle.file(role)
        path.unlink()
        with pytest.raises(BundleError, match="missing"):
            bundle.file(role)
    assert len(open_bundle(copy).verify()) == 4


def test_swapped_files_are_found(copy):
    spatial, temporal = copy / "spatial.safetensors", copy / "temporal.safetensors"
    networks = spatial.resolve(), temporal.resolve()
    spatial.unlink()
    spatial.symlink_to(networks[1])
    with pytest.raises(BundleError, match=r"spatial\.safetensors: damaged"):
        TorchEncoder(open_bundle(copy), "cpu")
    # Even sealed anew, the wrong network is not accepted.
    temporal.unlink()
    temporal.symlink_to(networks[0])
    manifest = json.loads((copy / MANIFEST).read_text())
    files = {role: entry["name"] for role, entry in manifest.pop("files").items()}
    write_manifest(copy, manifest, files)
    with pytest.raises(BundleError, match="not this network's"):
        TorchEncoder(open_bundle(copy), "cpu")
    with pytest.raises(RegressorError, match="fitted on encoder"):
        open_bundle(copy).regressor()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda m: m.update(schema="conviqt-bundle/9"), "schema"),
        (lambda m: m["architecture"].update(spatial="resnet18"), "resnet18"),
        (lambda m: m.update(clip_length=8), "clips of 8"),
        (lambda m: m.pop("normalisation"), "incomplete"),
        (lambda m: m.update(normalisation={"mean": [0.5], "std": [1.0]}), "incomplete"),
        (lambda m: m["files"].pop("temporal"), "incomplete"),
        (lambda m: m["files"]["spatial"].update(name="../../etc/passwd"), "incomplete"),
        (lambda m: m["files"]["spatial"].update(sha256="0"), "incomplete"),
    ],
)
def test_manifests_that_are_not_understood_are_refused(copy, change, words):
    manifest = json.loads((copy / MANIFEST).read_text())
    change(manifest)
    (copy / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(BundleError, match=words):
        open_bundle(copy)


def test_what_is_not_a_bundle_says_so(tmp_path, copy):
    with pytest.raises(BundleError, match="weights list"):
        open_bundle("no-such-bundle")
    with pytest.raises(BundleError, match="not a weight bundle"):
        open_bundle(tmp_path)
    (copy / MANIFEST).write_text("{")
    with pytest.raises(BundleError, match="damaged"):
        open_bundle(copy)


def test_a_bundle_without_a_regressor_still_encodes(copy):
    manifest = json.loads((copy / MANIFEST).read_text())
    identity = open_bundle(copy).encoder_id
    del manifest["files"]["regressor"]
    (copy / MANIFEST).write_text(json.dumps(manifest))
    assert open_bundle(copy).encoder_id == identity
    with pytest.raises(BundleError, match="fit-regressor"):
        open_bundle(copy).regressor()


def test_the_regressor_of_another_encoder_is_refused(copy, tmp_path):
    other = load_regressor(copy / "regressor.safetensors").for_encoder("0123456789abcdef")
    path = tmp_path / "other.safetensors"
    other.save(path)
    from conviqt_cli import load

    with pytest.raises(RegressorError, match="fitted on encoder 0123456789abcdef"):
        load(copy, regressor=path)


def test_a_diagnosis_head_belongs_to_its_bundle_or_is_refused(diagnosing, copy):
    head = open_bundle(diagnosing).diagnosis()
    assert head is not None and head.families[0] == "pristine"
    manifest = json.loads((copy / MANIFEST).read_text())
    files = {role: entry["name"] for role, entry in manifest.pop("files").items() if role != "diagnosis"}
    write_manifest(copy, manifest, files)
    assert open_bundle(copy).diagnosis() is None
    narrow = dataclasses.replace(head, family_coef=head.family_coef[:, 1:], level_coef=head.level_coef[:, 1:])
    wrong = ((head.for_encoder("other"), "fitted on encoder other"), (narrow, "for vectors of 2047 values"))
    for each, message in wrong:
        each.save(copy / "d")
        write_manifest(copy, manifest, {**files, "diagnosis": "d"})
        with pytest.raises(BundleError, match=message):
            open_bundle(copy).diagnosis()
    (copy / "d").write_bytes(b"x")
    with pytest.raises(BundleError, match="1 bytes instead of"):
        open_bundle(copy).diagnosis()


def test_the_default_bundle_keeps_its_vectors_in_full_precision():
    # A batch norm variance of 1e-8 is nothing in float16, and the score with it.
    from safetensors.torch import load_file

    for name in ("spatial", "temporal"):
        tensors = load_file(open_bundle().file(name))
        assert all(value.element_size() == 4 for value in tensors.values() if value.ndim == 1)
