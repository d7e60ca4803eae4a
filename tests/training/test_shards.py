"""Packed pictures come back as they were, and damaged or foreign files are refused in one line."""

from __future__ import annotations

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from conviqt_cli.errors import InputError
from conviqt_cli.training.distortions.distortion import Distortion
from conviqt_cli.training.packing.shards import PackedItem, Shards, class_names, multi_hot, write_shard
from conviqt_cli.training.stages.views import TRANSFORMS, transformed, two_views

SINGLE = Distortion("blur", "blur", lambda pixels, level, rng: pixels)
OTHER = Distortion("noise", "noise", lambda pixels, level, rng: pixels)
MIXED = Distortion("blur+noise", "blur", lambda pixels, level, rng: pixels, ("blur", "noise"))
NAMES = class_names((SINGLE, OTHER, MIXED))


def picture(seed, frames=1, side=24):
    return np.random.default_rng(seed).integers(0, 256, (frames, side, side, 3), dtype=np.uint8)


def test_classes_are_type_and_level_and_a_mixed_type_is_both_its_parts():
    assert len(NAMES) == 1 + 2 * 5 and NAMES[0] == "pristine"
    assert [NAMES[i] for i in np.flatnonzero(multi_hot(NAMES, MIXED, 3))] == ["blur@3", "noise@3"]
    assert [NAMES[i] for i in np.flatnonzero(multi_hot(NAMES, None, 0))] == ["pristine"]


@pytest.mark.parametrize("frames", [1, 3])
def test_items_come_back_as_packed(tmp_path, frames):
    cells = [
        [PackedItem(picture(10 * c + i, frames), multi_hot(NAMES, SINGLE, 1 + i), 5 + i) for i in range(3)]
        for c in range(2)
    ]
    write_shard(tmp_path / "one.safetensors", NAMES, cells)
    shards = Shards(tmp_path)
    assert len(shards) == 2 and shards.classes == NAMES
    for cell, packed in enumerate(cells):
        for item, back in zip(packed, shards.cell(cell), strict=True):
            assert np.array_equal(item.frames, back.frames) and np.array_equal(item.classes, back.classes)
            assert item.content == back.content


def test_a_picture_that_many_frames_show_is_stored_once(tmp_path):
    clean = picture(1, frames=4)
    frozen, other = clean[[0, 1, 1, 1]], picture(2, frames=4)
    sizes = {}
    for name, clips in {"two": (clean, other), "three": (clean, other, frozen)}.items():
        items = [PackedItem(clip, multi_hot(NAMES, SINGLE, 1), 1) for clip in clips]
        (tmp_path / name).mkdir()
        write_shard(tmp_path / name / "a.safetensors", NAMES, [items])
        sizes[name] = len(load_file(tmp_path / name / "a.safetensors")["pictures"])
    assert sizes["two"] == sizes["three"]
    assert np.array_equal(Shards(tmp_path / "three").cell(0)[2].frames, frozen)


def test_what_is_no_shard_is_refused(tmp_path):
    with pytest.raises(InputError, match="holds no shards"):
        Shards(tmp_path)
    write_shard(tmp_path / "a.safetensors", NAMES, [[PackedItem(picture(1), multi_hot(NAMES, None, 0), 1)]])
    whole = (tmp_path / "a.safetensors").read_bytes()
    (tmp_path / "b.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"b\.safetensors: not a shard, or a damaged one"):
        Shards(tmp_path)
    save_file({"x": np.zeros(3)}, tmp_path / "b.safetensors")
    with pytest.raises(InputError, match="not a shard"):
        Shards(tmp_path)
    write_shard(tmp_path / "b.safetensors", NAMES[:6], [[PackedItem(picture(1), np.eye(6, dtype=np.float32)[0], 1)]])
    with pytest.raises(InputError, match="classes differ from those"):
        Shards(tmp_path)


def test_views_have_one_shape_and_follow_from_the_generator():
    pixels = picture(3, side=80)[0]
    some, again, other = (two_views(pixels, 32, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert some.shape == (2, 3, 32, 32) and float(some.min()) >= 0 and float(some.max()) <= 1
    assert (some == again).all() and not (some == other).all()
    for name in TRANSFORMS:
        changed = transformed(some, name)
        assert changed.shape == some.shape and float(changed.min()) >= 0 and float(changed.max()) <= 1
        assert not (changed == some).all()
