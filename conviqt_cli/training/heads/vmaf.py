"""Labels without viewers: VMAF of an encode against its source. A metric's opinion, named so wherever it is used.

VMAF: Li et al., "Toward a practical perceptual video quality metric", Netflix Technology Blog, 2016. Two models that
the pinned ffmpeg has built in: ``vmaf_v0.6.1``, and ``vmaf_v1.0.16_3d0h`` (viewed at three times the picture's height),
which also knows banding and chroma.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

from conviqt_cli.training.ffmpeg_run import run

_MOST_SECONDS = 600.0


@dataclass(frozen=True)
class Vmaf:
    """Means over the frames, 0 to 100, by models 0.6.1 and 1.0.16."""

    v061: float
    v1: float


def vmaf(reference: Path, distorted: Path) -> Vmaf:
    """VMAF of ``distorted`` against ``reference``; both of the same size and number of frames."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "vmaf.json"
        models = "version=vmaf_v0.6.1\\\\:name=v061|version=vmaf_v1.0.16_3d0h\\\\:name=v1"
        scored = f"libvmaf=model={models}:log_fmt=json:log_path={log}"
        graph = f"[0:v]format=yuv420p[d];[1:v]format=yuv420p[r];[d][r]{scored}"
        run(("-i", f"file:{distorted}", "-i", f"file:{reference}", "-lavfi", graph, "-f", "null", "-"),
            seconds=_MOST_SECONDS)  # fmt: skip
        pooled = json.loads(log.read_text())["pooled_metrics"]
        return Vmaf(float(pooled["v061"]["mean"]), float(pooled["v1"]["mean"]))


def vmaf_to_acr(value: float) -> float:
    """VMAF on the 1 to 5 scale: 20 is bad and 100 excellent, linear between (Li et al., as above)."""
    return min(5.0, max(1.0, 1 + 4 * (value - 20) / 80))
