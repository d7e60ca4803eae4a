"""The gate knows which direction is better."""

import pytest

from conviqt_cli.errors import UsageError
from conviqt_cli.quality.gate import Gate
from conviqt_cli.quality.scale import ACR, Scale

DMOS = Scale("DMOS", 0, 100, higher_is_better=False)


@pytest.mark.parametrize(
    ("scale", "quality", "worst", "fails"),
    [
        (ACR, 3.5, 3.0, []),  # equal to the gate passes
        (ACR, 3.49, 3.0, ["quality"]),
        (ACR, 3.49, 2.99, ["quality", "worst segment"]),
        (ACR, float("nan"), None, ["quality"]),
        (DMOS, 3.4, 2.9, []),
        (DMOS, 3.6, 3.1, ["quality", "worst segment"]),
    ],
)
def test_what_falls_short(scale, quality, worst, fails):
    found = list(Gate(3.5, 3.0).failures(quality, worst, scale))
    assert [text.split(": ")[1].rsplit(" ", 5)[0].rsplit(" ", 1)[0] for text in found] == fails
    assert all(text.startswith("below" if scale.higher_is_better else "above") for text in found)


def test_a_gate_outside_the_scale_is_refused_and_none_passes_all():
    with pytest.raises(UsageError, match="35 is outside the scale, 1 "):
        Gate(fail_segment_below=35).check(ACR)
    Gate(fail_segment_below=35).check(DMOS)
    assert not list(Gate().failures(1.0, 1.0, ACR))
