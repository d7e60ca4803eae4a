"""Corpus to shards for the spatial stage: distorted squares of photographs and of moving windows, in cells."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from conviqt_cli.errors import InputError
from conviqt_cli.training.corpus import Source
from conviqt_cli.training.distortions.bank import LEVELS, Distortion, Pixels
from conviqt_cli.training.distortions.spatial import SPATIAL
from conviqt_cli.training.distortions.video import VIDEO
from conviqt_cli.training.holdout import held_out
from conviqt_cli.training.pictures import moving_window, random_scale, read_frames, read_picture, square
from conviqt_cli.training.shards import PackedItem, class_names, multi_hot, write_shard

#: Families whose damage one frame does not show; they are left to the temporal stage.
IN_TIME_ONLY = ("timing", "flicker")

#: Distorted beyond the square that is kept, so that no filter's edge is in the picture.
MARGIN = 16

#: Frames of the moving window that a video type distorts, and which of them is kept.
WINDOW_FRAMES, KEPT_FRAME = 10, 7


def spatial_bank() -> tuple[Distortion, ...]:
    """What the spatial stage tells apart: every spatial type, and the video types that one frame shows."""
    return (*SPATIAL, *(kind for kind in VIDEO if _seen_in_a_frame(kind)))


def _seen_in_a_frame(kind: Distortion) -> bool:
    families = {other.name: other.family for other in VIDEO}
    return not any(families[part] in IN_TIME_ONLY for part in kind.parts or (kind.name,))


@dataclass(frozen=True)
class Recipe:
    """What a cell is made of: ``pictures`` clean ones, each also with ``types`` types at ``levels`` levels.

    ``authentic`` further squares come from authentic sources. ``side`` is the squares' size in pixels.
    """

    pictures: int = 4
    types: int = 3
    levels: int = 2
    authentic: int = 4
    side: int = 256


def pack(
    sources: Sequence[Source],
    output: Path,
    *,
    shards: int,
    cells: int = 16,
    recipe: Recipe = Recipe(),
    seed: int = 0,
    held_out_side: bool = False,
    jobs: int = 1,
    progress: Callable[[int], None] = lambda done: None,
) -> None:
    """Write ``shards`` files of ``cells`` cells each to ``output``; those that exist already are left as they are.

    Each file depends on ``seed`` and its number alone. ``held_out_side`` packs the held-out contents instead of the
    others. Raises :class:`InputError` when there are too few sources.
    """
    chosen = [source for source in sources if held_out(source.content) == held_out_side]
    clean = [source for source in chosen if source.kind.endswith("pristine")]
    authentic = [source for source in chosen if source.kind.endswith("ugc")]
    if len(clean) < recipe.pictures or len(authentic) < recipe.authentic:
        raise InputError(
            f"the corpus has {len(clean)} pristine and {len(authentic)} authentic sources for this side of the split; "
            f"a cell needs {recipe.pictures} and {recipe.authentic}"
        )
    output.mkdir(parents=True, exist_ok=True)
    missing = [
        number for number in range(shards) if not (output / f"shard-{seed:03d}-{number:04d}.safetensors").exists()
    ]
    with ProcessPoolExecutor(jobs) as pool:
        work = {pool.submit(_pack_one, clean, authentic, output, number, cells, recipe, seed) for number in missing}
        for done, finished in enumerate(as_completed(work), shards - len(missing) + 1):
            finished.result()
            progress(done)


def _pack_one(
    clean: list[Source], authentic: list[Source], output: Path, number: int, cells: int, recipe: Recipe, seed: int
) -> None:
    cv2.setNumThreads(0)
    bank = spatial_bank()
    names = class_names(bank)
    rng = np.random.default_rng([seed, number])
    packed = [_cell(clean, authentic, bank, names, recipe, rng) for _ in range(cells)]
    write_shard(output / f"shard-{seed:03d}-{number:04d}.safetensors", names, packed)


def _cell(
    clean: list[Source],
    authentic: list[Source],
    bank: Sequence[Distortion],
    names: list[str],
    recipe: Recipe,
    rng: np.random.Generator,
) -> list[PackedItem]:
    items: list[PackedItem] = []
    kinds = [bank[int(index)] for index in rng.choice(len(bank), recipe.types, replace=False)]
    chosen = [(kind, sorted(rng.choice(LEVELS, recipe.levels, replace=False).tolist())) for kind in kinds]
    outer = recipe.side + 2 * MARGIN
    for index in rng.choice(len(clean), recipe.pictures, replace=False):
        picture = random_scale(_picture(clean[int(index)].path), outer, rng)
        still = square(picture, outer, rng)
        items.append(PackedItem(_inner(still), multi_hot(names, None, 0)))
        moving: Pixels | None = None
        for kind, levels in chosen:
            if kind in VIDEO and moving is None:
                moving = moving_window(picture, outer, WINDOW_FRAMES, rng)
            for level in levels:
                if kind in VIDEO:
                    assert moving is not None
                    pixels = kind.apply(moving, level, rng)[KEPT_FRAME]
                else:
                    pixels = kind.apply(still, level, rng)
                items.append(PackedItem(_inner(pixels), multi_hot(names, kind, level)))
    for index in rng.choice(len(authentic), recipe.authentic, replace=False):
        source = authentic[int(index)]
        pixels = square(random_scale(_picture(source.path), recipe.side, rng), recipe.side, rng)
        items.append(PackedItem(pixels, np.zeros(len(names), np.float32), content_id(source.content)))
    return items


def content_id(content: str) -> int:
    """A number for a content, from its name alone; never negative."""
    return int.from_bytes(hashlib.sha256(content.encode()).digest()[:7], "big")


def _inner(pixels: Pixels) -> Pixels:
    return np.ascontiguousarray(pixels[MARGIN:-MARGIN, MARGIN:-MARGIN])


@lru_cache(maxsize=128)
def _picture(path: Path) -> Pixels:
    """A photograph, or a video's tenth frame."""
    if path.suffix.lower() in (".jpg", ".jpeg", ".png", ".webp"):
        return read_picture(path)
    frames = read_frames(path, 1, skip=10)
    return np.asarray(frames[0], np.uint8)
