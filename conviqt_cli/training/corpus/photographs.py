"""Photographs among the pictures of a package: which they are, which are the same, and a clean copy of each.

A package's pictures are mostly icons, drawings and screenshots. Whether one is a photograph is decided by what can be
measured on it (:func:`look`, :func:`refusal`); what slips through is named in the table of packages.
"""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps

from conviqt_cli.errors import InputError
from conviqt_cli.files import write_whole
from conviqt_cli.training.ffmpeg_run import run
from conviqt_cli.video.ffmpeg import find_ffmpeg

#: Least short side of a photograph worth taking, in pixels.
LEAST_SIDE = 480
#: Greatest short side of a prepared copy, in pixels, and the one that a copy has at least if its original allows.
MOST_COPY_SIDE, WANTED_COPY_SIDE = 1080, 480
#: How much of the original a copy is, and at most is, so that what its first encoder did to it is averaged away.
COPY_SCALE, MOST_COPY_SCALE = 0.6, 0.75
#: JPEG quality of copies, with full colour resolution: the loss is far below the weakest distortion trained on.
COPY_QUALITY = 97

#: Hashes of the same picture in another size or encoding differ in at most this many of 64 bits.
SAME_PICTURE_BITS = 8

_SHAPES = (1.0, 4 / 3, 3 / 2, 16 / 9, 3 / 4)
_LONGEST_OVER_SHORTEST = 3.2
_LOOK_SIDE = 512
_MOST_PIXELS = 150_000_000
_MOST_SECONDS = 300.0


@dataclass(frozen=True)
class Look:
    """What is measured on a picture brought to 512 pixels on the short side, colours in 0 to 255.

    ``colours``: distinct colours with 5 bits a channel, per 10,000 pixels. ``flat``: share of pixels that equal
    their right and lower neighbour in luma to within half a grey level. ``textured``: share of 16x16 blocks whose
    residual after the best-fitting plane has a standard deviation over 2.0. ``entropy``: of the luma histogram, bits.
    ``edges``: share of all gradient magnitude that the strongest hundredth of the pixels carries.
    """

    colours: float
    flat: float
    textured: float
    entropy: float
    edges: float


def look(picture: Image.Image) -> Look:
    """Measure a picture; see :class:`Look`."""
    scale = _LOOK_SIDE / min(picture.size)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    rgb = np.asarray(picture.convert("RGB").resize(size, Image.Resampling.BOX), dtype=np.float32)
    luma = rgb @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
    levels = (rgb.astype(np.uint16) >> 3).astype(np.uint32)
    codes = (levels[..., 0] << 10) | (levels[..., 1] << 5) | levels[..., 2]
    colours = len(np.unique(codes)) / codes.size * 10_000
    across, down = np.diff(luma, axis=1)[:-1], np.diff(luma, axis=0)[:, :-1]
    flat = float(np.mean((np.abs(across) < 0.5) & (np.abs(down) < 0.5)))
    histogram = np.bincount(luma.astype(np.int64).ravel().clip(0, 255), minlength=256) / luma.size
    entropy = float(-(histogram[histogram > 0] * np.log2(histogram[histogram > 0])).sum())
    steepness = np.sort(np.hypot(across, down).ravel())
    edges = float(steepness[-len(steepness) // 100 :].sum() / max(steepness.sum(), 1e-6))
    return Look(colours, flat, _textured(luma), entropy, edges)


def _textured(luma: NDArray[np.float32], side: int = 16) -> float:
    rows, columns = luma.shape[0] // side, luma.shape[1] // side
    blocks = luma[: rows * side, : columns * side].reshape(rows, side, columns, side).swapaxes(1, 2)
    blocks = blocks.reshape(-1, side, side)
    ramp = np.arange(side, dtype=np.float32) - (side - 1) / 2
    power = float((ramp**2).sum() * side)
    blocks = blocks - blocks.mean(axis=(1, 2), keepdims=True)
    slope_down = (blocks * ramp[:, None]).sum(axis=(1, 2)) / power
    slope_across = (blocks * ramp[None, :]).sum(axis=(1, 2)) / power
    plane = slope_down[:, None, None] * ramp[:, None] + slope_across[:, None, None] * ramp[None, :]
    return float(np.mean((blocks - plane).std(axis=(1, 2)) > 2.0))


def refusal(picture: Image.Image) -> str | None:
    """Why a picture is not taken as a photograph, or None if it is."""
    short, long = min(picture.size), max(picture.size)
    if short < LEAST_SIDE:
        return "too small"
    if long / short > _LONGEST_OVER_SHORTEST:
        return "too long"
    if _see_through(picture):
        return "transparent"
    seen = look(picture)
    if seen.entropy < 5.0 or seen.colours < 8:
        return "few colours"
    if seen.textured < 0.18:
        return "little texture"
    if seen.flat > 0.55:
        return "flat areas"
    return None


def _see_through(picture: Image.Image) -> bool:
    if picture.mode not in ("RGBA", "LA", "PA") and "transparency" not in picture.info:
        return False
    lowest, _ = picture.convert("RGBA").getchannel("A").getextrema()
    return isinstance(lowest, (int, float)) and lowest < 250


def open_picture(path: Path, short_side: int = MOST_COPY_SIDE) -> Image.Image | None:
    """The picture upright and in sRGB, or None if it cannot be read, is too small or beyond reason.

    Of a large JPEG no more is decoded than a copy with ``short_side`` needs twice over.
    """
    if path.suffix.lower() == ".jxl":
        return _open_by_ffmpeg(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path) as opened:
                if min(opened.size) < LEAST_SIDE or opened.width * opened.height > _MOST_PIXELS:
                    return None
                if getattr(opened, "n_frames", 1) > 1 or opened.mode.startswith(("I", "F")):
                    return None
                ratio = 2 * short_side / min(opened.size)
                if ratio < 1:
                    opened.draft("RGB", (round(opened.width * ratio), round(opened.height * ratio)))
                profile = opened.info.get("icc_profile")
                picture = ImageOps.exif_transpose(opened)
                picture.load()
    # Pillow's readers raise nearly anything on damaged files; a picture that does is just not taken.
    except Exception:
        return None
    return _in_srgb(picture, profile)


def _open_by_ffmpeg(path: Path) -> Image.Image | None:
    """JPEG XL, which Pillow does not read."""
    arguments = ("-protocol_whitelist", "file", "-i", f"file:{path}")
    as_ppm = ("-frames:v", "1", "-pix_fmt", "rgb24", "-c:v", "ppm", "-f", "image2pipe", "-")
    try:
        done = run((*arguments, *as_ppm), seconds=_MOST_SECONDS, program=find_ffmpeg().path)
    except InputError:
        return None
    if not done.stdout:
        return None
    picture = Image.open(io.BytesIO(done.stdout))
    return picture if min(picture.size) >= LEAST_SIDE else None


def _in_srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    if not profile or picture.mode not in ("RGB", "CMYK"):
        return picture
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        turned = ImageCms.profileToProfile(picture, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError):
        return picture
    return turned or picture


def original_side(path: Path) -> int:
    """Short side in pixels that the file states; 0 if it cannot be read."""
    try:
        with Image.open(path) as opened:
            return int(min(opened.size))
    except Exception:  # as in open_picture
        picture = _open_by_ffmpeg(path) if path.suffix.lower() == ".jxl" else None
        return min(picture.size) if picture else 0


def copy_side(short: int) -> int:
    """Short side of the copy of a photograph whose short side is ``short``: smaller in any case, both in pixels."""
    side = max(COPY_SCALE * short, min(WANTED_COPY_SIDE, MOST_COPY_SCALE * short))
    return round(min(side, MOST_COPY_SIDE))


def write_copy(picture: Image.Image, short_original: int, path: Path) -> None:
    """Write the clean copy: Lanczos down to :func:`copy_side`, JPEG without colour subsampling."""
    scale = copy_side(short_original) / min(picture.size)
    size = (round(picture.width * scale), round(picture.height * scale))
    small = picture.convert("RGB").resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    with write_whole(path) as temporary:
        small.save(temporary, "JPEG", quality=COPY_QUALITY, subsampling=0)


def fingerprints(picture: Image.Image) -> tuple[int, ...]:
    """64-bit hashes that stay nearly the same under scaling, encoding and cutting to another shape.

    One of the whole picture, one of its middle for each of :data:`_SHAPES` (width over height) it can be cut to.
    """
    width, height = picture.size
    small = picture.convert("L")
    marks = [_hash(small)]
    for shape in _SHAPES:
        across, down = min(width, height * shape), min(height, width / shape)
        if across * down < 0.95 * width * height:
            left, top = (width - across) / 2, (height - down) / 2
            marks.append(_hash(small.crop((round(left), round(top), round(left + across), round(top + down)))))
    return tuple(marks)


def _hash(grey: Image.Image) -> int:
    """Signs of the 8x8 lowest cosine coefficients of the 32x32 grey picture against their median.

    Zauner, "Implementation and benchmarking of perceptual image hash functions", 2010.
    """
    pixels = np.asarray(grey.resize((32, 32), Image.Resampling.BOX), dtype=np.float64)
    index = np.arange(32)
    cosines = np.cos(np.pi / 32 * (index[None, :] + 0.5) * np.arange(1, 9)[:, None])
    low = cosines @ pixels @ cosines.T
    bits = (low > np.median(low)).ravel()
    return int("".join("1" if bit else "0" for bit in bits), 2)


def same_picture(first: tuple[int, ...], second: tuple[int, ...]) -> bool:
    """Whether two sets of fingerprints are of one picture, be it cut differently."""
    return any(bin(one ^ other).count("1") <= SAME_PICTURE_BITS for one in first for other in second)
