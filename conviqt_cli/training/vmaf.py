"""Labels without viewers: encodes of a good source, each with its VMAF against that source.

These are a full-reference metric's opinion, not people's, and are named so wherever they are used. VMAF: Li et al.,
"Toward a practical perceptual video quality metric", Netflix Technology Blog, 2016; model ``vmaf_v0.6.1``.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import imageio_ffmpeg

from conviqt_cli.errors import InputError


@dataclass(frozen=True)
class Recipe:
    """One way to spoil a source: filters first, then an encoder with its options (ffmpeg's names)."""

    name: str
    encode: tuple[str, ...]
    filters: tuple[str, ...] = ()


_LOSSLESS = ("-c:v", "ffv1")


def _x264(crf: int) -> tuple[str, ...]:
    return ("-c:v", "libx264", "-preset", "medium", "-crf", str(crf))


def _smaller(divisor: float) -> tuple[str, ...]:
    """Down by ``divisor`` and back up, bicubic, as a low-resolution rung of a ladder is shown."""
    return (f"scale=trunc(iw/{divisor}/2)*2:-2:flags=bicubic", "scale=REFW:REFH:flags=bicubic")


#: What sources are put through: every family over its useful range, from hardly visible to hardly watchable.
RECIPES = (
    Recipe("source", _LOSSLESS),
    *(Recipe(f"h264_crf{crf}", _x264(crf)) for crf in (23, 29, 35, 41, 47)),
    *(
        Recipe(f"hevc_crf{crf}", ("-c:v", "libx265", "-crf", str(crf), "-x265-params", "log-level=none"))
        for crf in (28, 36, 44)
    ),
    *(Recipe(f"vp9_crf{crf}", ("-c:v", "libvpx-vp9", "-b:v", "0", "-crf", str(crf))) for crf in (40, 56)),
    *(Recipe(f"jpeg_q{q}", ("-c:v", "mjpeg", "-q:v", str(q), "-pix_fmt", "yuvj420p")) for q in (8, 18, 31)),
    *(Recipe(f"down_{divisor:g}", _LOSSLESS, _smaller(divisor)) for divisor in (1.5, 2, 3, 5)),
    *(Recipe(f"down_2_h264_crf{crf}", _x264(crf), _smaller(2)) for crf in (26, 36)),
    *(Recipe(f"blur_{sigma:g}", _LOSSLESS, (f"gblur=sigma={sigma}",)) for sigma in (0.8, 1.6, 3.2)),
    *(Recipe(f"noise_{level}", _LOSSLESS, (f"noise=alls={level}:allf=t",)) for level in (12, 28, 56)),
)


def prepare(source: Path, output: Path, short_side: int, frames: int) -> None:
    """A lossless yuv420p copy of the first ``frames`` frames, its short side brought down to ``short_side`` at most."""
    side = f"min({short_side}\\,min(iw\\,ih))"
    fit = f"scale='if(gt(iw,ih),-2,trunc({side}/2)*2)':'if(gt(iw,ih),trunc({side}/2)*2,-2)':flags=lanczos"
    _run("-i", f"file:{source}", "-map", "0:V:0", "-frames:v", str(frames), "-vf", f"{fit},format=yuv420p",
         "-fps_mode", "passthrough", *_LOSSLESS, str(output))  # fmt: skip


def distort(reference: Path, recipe: Recipe, output: Path, size: tuple[int, int]) -> None:
    """Put a prepared reference of ``size`` (width, height) through a recipe, to a Matroska file."""
    filters = [text.replace("REFW", str(size[0])).replace("REFH", str(size[1])) for text in recipe.filters]
    chain = ",".join([*filters, "format=yuv420p"])
    pixel_format = () if "-pix_fmt" in recipe.encode else ("-pix_fmt", "yuv420p")
    _run(
        "-i", f"file:{reference}", "-vf", chain, "-fps_mode", "passthrough", *recipe.encode, *pixel_format, str(output)
    )


def vmaf(reference: Path, distorted: Path) -> float:
    """Mean VMAF of ``distorted`` against ``reference``, 0 to 100; both of the same size and number of frames."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "vmaf.json"
        graph = f"[0:v]format=yuv420p[d];[1:v]format=yuv420p[r];[d][r]libvmaf=log_fmt=json:log_path={log}"
        _run("-i", f"file:{distorted}", "-i", f"file:{reference}", "-lavfi", graph, "-f", "null", "-")
        return float(json.loads(log.read_text())["pooled_metrics"]["vmaf"]["mean"])


def vmaf_to_acr(value: float) -> float:
    """VMAF on the 1 to 5 scale: 20 is bad and 100 excellent, linear between (Li et al., as above)."""
    return min(5.0, max(1.0, 1 + 4 * (value - 20) / 80))


def _run(*arguments: str) -> None:
    # imageio-ffmpeg's own binary, whatever is on the PATH: it has libvmaf and all encoders named above.
    binary = imageio_ffmpeg.get_ffmpeg_exe()
    done = subprocess.run(
        [binary, "-nostdin", "-v", "error", "-y", *arguments], capture_output=True, text=True, timeout=600
    )
    if done.returncode != 0:
        raise InputError(f"ffmpeg failed: {(done.stderr.strip().splitlines() or ['no message'])[-1]}")
