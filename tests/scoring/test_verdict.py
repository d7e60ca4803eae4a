"""The verdict: one sentence that says how good, and where and why not, and nothing that is not known."""

from __future__ import annotations

import pytest

from conviqt_cli.quality.scale import ACR, Scale
from conviqt_cli.scoring.events import event
from conviqt_cli.scoring.verdict import Part, verdict

FROZEN = event("frozen", "the picture stands still", 3.0, 4.0)


def parts(*qualities: float, causes: tuple[str | None, ...] = ()) -> list[Part]:
    causes = causes or (None,) * len(qualities)
    return [Part(n, n + 0.6, *each) for n, each in enumerate(zip(qualities, causes, strict=True))]


@pytest.mark.parametrize(
    ("segments", "events", "text", "cause"),
    [
        (parts(4.0, 4.1, 3.9), (), "Good (4.0)", None),
        (parts(4.0, 4.1, 3.9), (FROZEN,), "Good (4.0); frozen from 3.0 s to 4.0 s", "frozen or dropped frames"),
        (
            parts(4.2, 4.2, 2.0, 2.1, 4.2, causes=(None, None, "blur", "blur", None)),
            (),
            "Good (4.0); blurred from 2.0 s to 3.6 s",
            "blur",
        ),
        (parts(4.2, 2.0, 4.2), (), "Good (4.0); worse from 1.0 s to 1.6 s", None),
        (
            parts(4.2, 4.2, 4.1, 4.1, 4.2, causes=(None, None, "banding", "banding", None)),
            (),
            "Good (4.0); banding from 2.0 s to 3.6 s",
            "banding",
        ),
        (
            parts(4.2, 4.2, 4.1, 2.0, 4.2, causes=(None, "noise", None, "blur", None)),
            (),
            "Good (4.0); noisy from 1.0 s to 1.6 s, blurred from 3.0 s to 3.6 s",
            "blur",
        ),
        (parts(4, 4, 4, 2, 4), (FROZEN,), "Good (4.0); frozen from 3.0 s to 4.0 s", "frozen or dropped frames"),
        (parts(3.9, 4, 4, causes=("compression",) * 3), (), "Good (4.0); compression throughout", "compression"),
        (
            parts(4, 4, 3, causes=("compression",) * 3),
            (),
            "Good (4.0); compression throughout, more compression from 2.0 s to 2.6 s",
            "compression",
        ),
        (
            parts(*(4.2, 2.0) * 5, *(4.2,) * 5),
            (),
            "Good (4.0); worse from 1.0 s to 1.6 s, worse from 3.0 s to 3.6 s, worse from 5.0 s to 5.6 s, "
            "2 more such stretches",
            None,
        ),
        (
            parts(4.0),
            (event("frozen", "the picture stands still", 0, 1, throughout=True), event("bars", "black bars", 0, 1)),
            "Good (4.0); frozen from beginning to end",
            "frozen or dropped frames",
        ),
    ],
)
def test_verdict(segments, events, text, cause):
    found = verdict(4.0, ACR, segments, events)
    assert (found.text, found.cause) == (text, cause)


def test_other_scales_are_followed_in_their_direction_and_without_ends_nothing_is_called_bad():
    worse = Scale("DMOS", 0.0, 100.0, higher_is_better=False)
    assert verdict(30.0, worse, parts(20, 20, 60), ()).bad == ((2, 2.6),)
    assert verdict(30.0, worse, parts(60, 60, 20), ()).bad == ()
    assert verdict(30.0, Scale("MOS", None, None), parts(60, 60, 20), ()).bad == ()
