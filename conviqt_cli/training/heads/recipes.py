"""What good sources are put through to be labelled: encoders with ffmpeg, and the bank's distortions of pictures."""

from __future__ import annotations

import tempfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from conviqt_cli.training.distortions.distortion import LEVELS, Distortion
from conviqt_cli.training.distortions.spatial_bank import SPATIAL
from conviqt_cli.training.ffmpeg_run import run
from conviqt_cli.training.packing.pictures import read_picture


@dataclass(frozen=True)
class Recipe:
    """One way to spoil a source: filters first, then encoders with their options (ffmpeg's names).

    ``before`` is the encoder of an earlier generation, decoded again before ``encode`` sees it. ``suffix`` is the
    container of the result: still formats live in their own files, so such recipes take one frame only. A recipe with a
    ``distortion`` of the bank, at ``level`` 1 to 5, has nothing else.
    """

    name: str
    family: str
    encode: tuple[str, ...]
    filters: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    suffix: str = ".mkv"
    distortion: Distortion | None = None
    level: int = 0


_LOSSLESS = ("-c:v", "ffv1")
_MOST_SECONDS = 600.0


def _x264(crf: int) -> tuple[str, ...]:
    return ("-c:v", "libx264", "-preset", "medium", "-crf", str(crf))


def _x265(crf: int) -> tuple[str, ...]:
    return ("-c:v", "libx265", "-crf", str(crf), "-x265-params", "log-level=none")


def _vp9(crf: int) -> tuple[str, ...]:
    return ("-c:v", "libvpx-vp9", "-b:v", "0", "-crf", str(crf), "-cpu-used", "3")


def _av1(crf: int) -> tuple[str, ...]:
    return ("-c:v", "libsvtav1", "-preset", "8", "-crf", str(crf))


def _mpeg4(quantiser: int) -> tuple[str, ...]:
    return ("-c:v", "mpeg4", "-q:v", str(quantiser))


def _jpeg(quantiser: int) -> tuple[str, ...]:
    return ("-c:v", "mjpeg", "-q:v", str(quantiser), "-pix_fmt", "yuvj420p")


def _smaller(divisor: float, flags: str = "bicubic") -> tuple[str, ...]:
    """Down by ``divisor`` (bicubic) and back up with ``flags``, as a low-resolution rung of a ladder is shown."""
    return (f"scale=trunc(iw/{divisor}/2)*2:-2:flags=bicubic", f"scale=REFW:REFH:flags={flags}")


#: Shifts of colour that FDIM hardly sees (4.7 to 4.9 at the severest level, 4.9 for the source itself).
_UNSEEN = ("oversaturate", "desaturate", "hue_shift", "colour_cast")

#: Of the bank's distortions, those that no encoder makes, or that encoders make otherwise.
_BANK = tuple(
    Recipe(f"{each.name}_{level}", f"bank {each.family}", (), suffix=".png", distortion=each, level=level)
    for each in SPATIAL
    if each.family != "compression" and each.name not in _UNSEEN
    for level in LEVELS
)

#: What sources are put through: every family over its useful range, from hardly visible to hardly watchable.
RECIPES = (
    Recipe("source", "source", _LOSSLESS),
    *(Recipe(f"h264_crf{crf}", "h264", _x264(crf)) for crf in (19, 23, 27, 31, 35, 39, 43, 47)),
    *(Recipe(f"hevc_crf{crf}", "hevc", _x265(crf)) for crf in (24, 28, 32, 36, 40, 44, 48)),
    *(Recipe(f"vp9_crf{crf}", "vp9", _vp9(crf)) for crf in (32, 40, 48, 56, 63)),
    *(Recipe(f"av1_crf{crf}", "av1", _av1(crf)) for crf in (30, 40, 50, 57, 63)),
    *(Recipe(f"mpeg4_q{q}", "mpeg4", _mpeg4(q)) for q in (4, 8, 14, 22, 31)),
    *(Recipe(f"mpeg2_q{q}", "mpeg2", ("-c:v", "mpeg2video", "-q:v", str(q))) for q in (4, 8, 14, 22, 31)),
    *(Recipe(f"jpeg_q{q}", "jpeg", _jpeg(q)) for q in (4, 8, 13, 18, 24, 31)),
    *(
        Recipe(f"webp_q{q}", "webp", ("-c:v", "libwebp", "-quality", str(q)), suffix=".webp")
        for q in (75, 50, 25, 10, 2)
    ),
    *(
        Recipe(f"jpeg2000_{r}", "jpeg2000", ("-c:v", "libopenjpeg", "-compression_level", str(r)), suffix=".jp2")
        for r in (12, 25, 50, 100, 200)
    ),
    *(
        Recipe(f"down_{divisor:g}_{flags}", "resize", _LOSSLESS, _smaller(divisor, flags))
        for divisor in (1.5, 2, 3, 5)
        for flags in ("neighbor", "bilinear", "bicubic", "lanczos")
    ),
    *(Recipe(f"down_2_h264_crf{crf}", "ladder", _x264(crf), _smaller(2)) for crf in (24, 30, 36)),
    *(Recipe(f"down_1.5_hevc_crf{crf}", "ladder", _x265(crf), _smaller(1.5)) for crf in (26, 34)),
    *(Recipe(f"down_3_av1_crf{crf}", "ladder", _av1(crf), _smaller(3)) for crf in (35, 50)),
    *(Recipe(f"down_1.5_vp9_crf{crf}", "ladder", _vp9(crf), _smaller(1.5)) for crf in (36, 50)),
    Recipe("h264_crf30_then_hevc_crf32", "twice", _x265(32), before=_x264(30)),
    Recipe("h264_crf36_then_vp9_crf44", "twice", _vp9(44), before=_x264(36)),
    Recipe("mpeg4_q10_then_h264_crf28", "twice", _x264(28), before=_mpeg4(10)),
    Recipe("hevc_crf34_then_av1_crf45", "twice", _av1(45), before=_x265(34)),
    Recipe("h264_crf42_then_h264_crf26", "twice", _x264(26), before=_x264(42)),
    Recipe("jpeg_q16_then_h264_crf30", "twice", _x264(30), before=_jpeg(16)),
    *(
        Recipe(f"blur_{sigma:g}", "blur", _LOSSLESS, (f"gblur=sigma={sigma}",))
        for sigma in (0.5, 0.8, 1.2, 1.6, 2.4, 3.2, 5.0)
    ),
    *(Recipe(f"boxblur_{radius}", "blur", _LOSSLESS, (f"avgblur=sizeX={radius}",)) for radius in (1, 2, 4)),
    *(
        Recipe(f"noise_{level}", "noise", _LOSSLESS, (f"noise=alls={level}:allf=t",))
        for level in (6, 12, 20, 28, 40, 56, 80)
    ),
    *(Recipe(f"grain_{level}", "noise", _LOSSLESS, (f"noise=c0s={level}:c0f=t+a",)) for level in (16, 40)),
    *(Recipe(f"pixels_{size}", "pixels", _LOSSLESS, (f"pixelize=w={size}:h={size}",)) for size in (2, 4, 6)),
    *(Recipe(f"smooth_{s}", "smooth", _LOSSLESS, (f"vaguedenoiser=threshold={s}:percent=100",)) for s in (4, 10, 24)),
    Recipe("noise_16_h264_crf30", "mixed", _x264(30), ("noise=alls=16:allf=t",)),
    Recipe("noise_32_hevc_crf34", "mixed", _x265(34), ("noise=alls=32:allf=t",)),
    Recipe("blur_1_h264_crf32", "mixed", _x264(32), ("gblur=sigma=1",)),
    Recipe("blur_2_noise_16", "mixed", _LOSSLESS, ("gblur=sigma=2", "noise=alls=16:allf=t")),
    *_BANK,
)


def prepare(source: Path, output: Path, short_side: int, frames: int) -> None:
    """A lossless yuv420p copy of the first ``frames`` frames, its short side brought down to ``short_side`` at most."""
    side = f"min({short_side}\\,min(iw\\,ih))"
    fit = f"scale='if(gt(iw,ih),-2,trunc({side}/2)*2)':'if(gt(iw,ih),trunc({side}/2)*2,-2)':flags=lanczos"
    _run("-i", f"file:{source}", "-map", "0:V:0", "-frames:v", str(frames), "-vf", f"{fit},format=yuv420p",
         "-fps_mode", "passthrough", *_LOSSLESS, str(output))  # fmt: skip


def distort(reference: Path, recipe: Recipe, output: Path, size: tuple[int, int]) -> None:
    """Put a prepared reference of ``size`` (width, height) through a recipe, to a file with the recipe's suffix.

    Raises :class:`InputError` when ffmpeg cannot.
    """
    with tempfile.TemporaryDirectory() as folder:
        if recipe.distortion is not None:
            still = Path(folder) / "still.png"
            _run("-i", f"file:{reference}", "-frames:v", "1", "-pix_fmt", "rgb24", f"file:{still}")
            _distort_still(still, recipe.distortion, recipe.level, output)
            return
        if recipe.before:
            earlier = Path(folder) / "earlier.mkv"
            _encode(reference, recipe.before, [], earlier)
            reference = earlier
        filters = [text.replace("REFW", str(size[0])).replace("REFH", str(size[1])) for text in recipe.filters]
        _encode(reference, recipe.encode, filters, output)


def _distort_still(still: Path, distortion: Distortion, level: int, output: Path) -> None:
    """Chance is drawn by the picture itself, so that a label can be made again."""
    pixels = read_picture(still)
    chance = np.random.default_rng(zlib.crc32(pixels.tobytes()))
    Image.fromarray(distortion.apply(pixels, level, chance)).save(output)


def _encode(source: Path, encode: tuple[str, ...], filters: list[str], output: Path) -> None:
    chain = ",".join([*filters, "format=yuv420p"])
    pixel_format = () if "-pix_fmt" in encode else ("-pix_fmt", "yuv420p")
    _run("-i", f"file:{source}", "-vf", chain, "-fps_mode", "passthrough", *encode, *pixel_format, f"file:{output}")


def _run(*arguments: str) -> None:
    run(arguments, seconds=_MOST_SECONDS)
