"""Scoring a clip whose score is known: the proof that all parts work together on this machine.

The clip is computed here and stored uncompressed, so it is the same wherever it is made. Its score was measured once
for each bundle that comes with conviqt; of any other bundle it must only be a number on the scale.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from conviqt_cli.doctor.check import Check, State
from conviqt_cli.errors import ConviqtError
from conviqt_cli.model.bundle import Bundle
from conviqt_cli.quality.regressor import WHOLE
from conviqt_cli.scoring.scorer import load_scorer
from conviqt_cli.scoring.settings import ScoringSettings

#: The clip's score by the SHA-256 (its first 12 digits) of the regressor's file, in fp32 on a CPU.
EXPECTED = {"e94b0e74ce04": 2.77, "4fe5bf5b466f": 2.82}

#: How far a score may be from that: what bf16, fp16 and int8 change, and some more.
TOLERANCE = 0.15

WIDTH, HEIGHT, FRAMES = 160, 96, 24


def write_clip(path: Path) -> None:
    """A moving pattern of edges, gradients and texture as an uncompressed YUV4MPEG2 file."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    with path.open("wb") as file:
        file.write(f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F25:1 Ip A1:1 C420jpeg\n".encode())
        for frame in range(FRAMES):
            moved = x + 2 * frame
            edges = 96 * ((moved // 16 + y // 16) % 2)
            texture = (moved * 37 + y * 101 + (moved * y) // 7) % 32
            luma = (32 + edges + texture + (x * 64) // WIDTH).astype(np.uint8)
            blue = (96 + (moved[::2, ::2] % 64)).astype(np.uint8)
            red = (160 - (y[::2, ::2] % 64)).astype(np.uint8)
            file.write(b"FRAME\n" + luma.tobytes() + blue.tobytes() + red.tobytes())


def self_test(bundle: Bundle, settings: ScoringSettings) -> Check:
    """Score the clip and compare."""
    try:
        scorer = load_scorer(settings)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "self-test.y4m"
            write_clip(path)
            score = scorer.score(path)
    except ConviqtError as error:
        return Check("self-test", State.PROBLEM, str(error), "see above; else report it with this table")
    picture = scorer.settings.picture
    wanted = expected(bundle, WHOLE if picture is None else picture.name)
    how = f"{scorer.encoder.backend}, {scorer.settings.device}, {scorer.settings.precision}, {score.wall_seconds:.1f} s"
    if wanted is None:
        return Check("self-test", State.OK, f"{score.quality:.2f} ({how}); what to expect of this bundle is not known")
    if not abs(score.quality - wanted) <= TOLERANCE:
        found = f"{score.quality:.2f} instead of {wanted:.2f} ({how}): this machine computes wrongly"
        return Check("self-test", State.PROBLEM, found, "use --precision fp32, else --backend torch; and report it")
    return Check("self-test", State.OK, f"{score.quality:.2f}, expected {wanted:.2f} ({how})")


def expected(bundle: Bundle, picture: str) -> float | None:
    """The clip's score by the bundle's regressor for a picture plan, ``None`` where it was never measured."""
    entry = bundle.manifest["files"].get("regressor" if picture == WHOLE else f"regressor_{picture}", {})
    return EXPECTED.get(str(entry.get("sha256", ""))[:12])
