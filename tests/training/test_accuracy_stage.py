"""What the manifest says about precisions decides what ``auto`` may choose."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pytest

from conviqt_cli.errors import InputError
from conviqt_cli.model.backends import agrees
from conviqt_cli.model.bundle import open_bundle
from conviqt_cli.plans.picture_plan import CROPS
from conviqt_cli.training.heads.accuracy_stage import compare, measure_accuracy
from conviqt_cli.training.heads.assembly import note_accuracy


def test_differences_are_noted_and_decide(tmp_path, copy_bundle):
    folder = copy_bundle(tmp_path / "bundle")
    scores = np.linspace(1.5, 4.5, 20)
    off = scores + np.where(np.arange(20) == 7, 0.2, 0.0)
    found = compare({"fp32": scores, "int8": scores + 0.01 * (-1) ** np.arange(20), "bf16": off})
    assert found["int8"].largest_difference == pytest.approx(0.01) and found["int8"].srocc == 1
    assert found["bf16"].largest_difference == pytest.approx(0.2) and found["bf16"].srocc < 1
    note_accuracy(folder, CROPS, {name: asdict(each) for name, each in found.items()})
    opened = open_bundle(folder)
    assert not opened.verify() and opened.encoder_id == open_bundle().encoder_id
    choices = {name: agrees(opened, "crops", name) for name in ("int8", "bf16", "int8_7bit")}
    assert choices == {"int8": True, "bf16": False, "int8_7bit": False}
    assert agrees(opened, "whole", "int8") == agrees(open_bundle(), "whole", "int8")  # another plan's are kept
    with pytest.raises(InputError, match="at least 10"):
        measure_accuracy(folder, [tmp_path / "a.mp4"], CROPS)
