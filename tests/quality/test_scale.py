"""What a number means in words."""

from __future__ import annotations

import pytest

from conviqt_cli.quality.scale import ACR, Scale


@pytest.mark.parametrize(
    ("value", "word"),
    [(1.0, "bad"), (1.49, "bad"), (1.5, "poor"), (2.6, "fair"), (3.5, "good"), (4.49, "good"), (4.5, "excellent"),
     (5.0, "excellent"), (0.2, "bad"), (7.0, "excellent")],
)  # fmt: skip
def test_words_of_the_acr_scale(value, word):
    assert ACR.word(value) == word


def test_other_scales_keep_their_range_and_have_no_words():
    dmos = Scale("DMOS", 0.0, 100.0, higher_is_better=False)
    assert dmos.word(50) is None and dmos.clip(120) == 100
    assert "higher is worse" in dmos.description
    assert Scale("unknown", None, None).clip(-3.5) == -3.5
    assert Scale.from_dict(dmos.to_dict()) == dmos
