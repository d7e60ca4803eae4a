"""Corpus to shards for the spatial stage: distorted squares of photographs and of moving windows, in cells."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np

from conviqt_cli.errors import InputError
from conviqt_cli.plans.time_plan import CLIP_LENGTH
from conviqt_cli.training.corpus.gathering import Source
from conviqt_cli.training.corpus.holdout import held_out
from conviqt_cli.training.distortions.codec import Codec, round_trip
from conviqt_cli.training.distortions.distortion import LEVELS, Distortion, Pixels
from conviqt_cli.training.distortions.spatial_bank import SPATIAL
from conviqt_cli.training.distortions.video_bank import VIDEO
from conviqt_cli.training.distortions.video_codec import delivery
from conviqt_cli.training.packing.pictures import (
    is_photograph,
    moving_window,
    random_scale,
    read_frames,
    read_picture,
    square,
)
from conviqt_cli.training.packing.shards import PackedItem, class_names, multi_hot, write_shard

#: Families whose damage one frame does not show; they are left to the temporal stage.
IN_TIME_ONLY = ("timing", "flicker")

#: Distorted beyond the square that is kept, so that no filter's edge is in the picture.
MARGIN = 16

#: Frames before the first that is kept: an encoder's first frame is coded unlike the others.
LEAD = 6

#: Share of the contents that are coded in the end, where any are, and frames coded before the first that is kept.
_CODED, _BEFORE = 0.7, 1

#: Frames that are read of a video beyond those of a window, so that windows may begin at different ones.
SPARE_FRAMES = 12

T = TypeVar("T")


_FAMILIES = {kind.name: kind.family for kind in VIDEO}


def _needs_time(kind: Distortion) -> bool:
    return any(_FAMILIES[part] in IN_TIME_ONLY for part in kind.parts or (kind.name,))


#: What types are drawn from: those of pictures, and video types that show in a single frame or need time.
POOLS: dict[str, tuple[Distortion, ...]] = {
    "spatial": SPATIAL,
    "frame": tuple(kind for kind in VIDEO if not _needs_time(kind)),
    "time": tuple(kind for kind in VIDEO if _needs_time(kind)),
}


@dataclass(frozen=True)
class Draw:
    """So many ``types`` of a pool (a name of :data:`POOLS`), each at so many ``levels``."""

    pool: str
    types: int
    levels: int


@dataclass(frozen=True)
class Recipe:
    """What a cell is made of: ``contents`` clean ones, each also with the distortions that ``draws`` give.

    ``authentic`` further items come from authentic sources. Items are ``frames`` squares of ``side`` pixels. Windows
    over photographs drift by at least ``slowest`` pixels a frame. A shard holds ``cells`` cells unless told otherwise.
    With ``coded``, most contents are coded finely in the end, as videos are that are delivered.
    """

    contents: int
    draws: tuple[Draw, ...]
    authentic: int
    side: int
    frames: int
    cells: int
    slowest: float = 0.0
    coded: bool = False

    @property
    def bank(self) -> tuple[Distortion, ...]:
        """Every type that may show in items of this kind: they name the classes of the shards."""
        return (*SPATIAL, *(VIDEO if self.frames > 1 else POOLS["frame"]))


#: What the spatial stage trains on: single squares.
SQUARES = Recipe(
    contents=2, draws=(Draw("spatial", 2, 2), Draw("frame", 1, 2)), authentic=2, side=256, frames=1, cells=32
)
#: What the temporal stage trains on: clips, two in three with a distortion that no single frame shows. Where nothing
#: moves such a distortion cannot be seen, so that windows over photographs never stand still.
CLIPS = Recipe(
    contents=2,
    draws=(Draw("spatial", 1, 2), Draw("frame", 2, 2), Draw("time", 5, 3)),
    authentic=2,
    side=256,
    frames=CLIP_LENGTH,
    cells=2,
    slowest=0.5,
)


def pack(
    sources: Sequence[Source],
    output: Path,
    *,
    shards: int,
    cells: int | None = None,
    recipe: Recipe = SQUARES,
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
    if len(clean) < recipe.contents or len(authentic) < recipe.authentic:
        raise InputError(
            f"the corpus has {len(clean)} pristine and {len(authentic)} authentic sources for this side of the split; "
            f"a cell needs {recipe.contents} and {recipe.authentic}"
        )
    output.mkdir(parents=True, exist_ok=True)
    missing = [
        number for number in range(shards) if not (output / f"shard-{seed:03d}-{number:04d}.safetensors").exists()
    ]
    with ProcessPoolExecutor(jobs) as pool:
        work = {
            pool.submit(_pack_one, clean, authentic, output, number, cells or recipe.cells, recipe, seed)
            for number in missing
        }
        for done, finished in enumerate(as_completed(work), shards - len(missing) + 1):
            finished.result()
            progress(done)


def _pack_one(
    clean: list[Source], authentic: list[Source], output: Path, number: int, cells: int, recipe: Recipe, seed: int
) -> None:
    cv2.setNumThreads(0)
    names = class_names(recipe.bank)
    rng = np.random.default_rng([seed, number])
    packed = [_cell(clean, authentic, names, recipe, rng) for _ in range(cells)]
    write_shard(output / f"shard-{seed:03d}-{number:04d}.safetensors", names, packed)


def _cell(
    clean: list[Source], authentic: list[Source], names: list[str], recipe: Recipe, rng: np.random.Generator
) -> list[PackedItem]:
    kinds = [(kind, draw.levels) for draw in recipe.draws for kind in _drawn(POOLS[draw.pool], draw.types, rng)]
    chosen = [(kind, level) for kind, levels in kinds for level in sorted(_drawn(LEVELS, levels, rng))]
    items: list[PackedItem] = []
    for source in _drawn(clean, recipe.contents, rng):
        content = content_id(source.content)
        window = _window(source, recipe, rng)
        # The same for all items of a content, so that it says nothing of their class.
        last = delivery(rng) if recipe.coded and rng.random() < _CODED else None
        items.append(PackedItem(_kept(window, recipe, last), multi_hot(names, None, 0), content))
        for kind, level in chosen:
            distorted = kind.apply(window, level, rng) if kind in VIDEO else _each(kind, window, level, rng, recipe)
            items.append(PackedItem(_kept(distorted, recipe, last), multi_hot(names, kind, level), content))
    for source in _drawn(authentic, recipe.authentic, rng):
        window = _window(source, recipe, rng, still=True)
        items.append(PackedItem(_kept(window, recipe), np.zeros(len(names), np.float32), content_id(source.content)))
    return items


def _drawn(values: Sequence[T], count: int, rng: np.random.Generator) -> list[T]:
    return [values[int(index)] for index in rng.choice(len(values), count, replace=False)]


def content_id(content: str) -> int:
    """A number for a content, from its name alone; never negative."""
    return int.from_bytes(hashlib.sha256(content.encode()).digest()[:7], "big")


def _each(kind: Distortion, window: Pixels, level: int, rng: np.random.Generator, recipe: Recipe) -> Pixels:
    """A spatial type on every frame that is kept: noise anew on each, all else with the same chances."""
    seed, result = int(rng.integers(2**62)), window.copy()
    for index in range(LEAD - _BEFORE * recipe.coded, LEAD + recipe.frames):
        own = [seed, index] if "noise" in (kind.family, *kind.name.split("_")) else [seed]
        result[index] = kind.apply(window[index], level, np.random.default_rng(own))
    return np.asarray(result, np.uint8)


def _kept(window: Pixels, recipe: Recipe, last: Codec | None = None) -> Pixels:
    if last is not None:
        coded = slice(LEAD - _BEFORE, LEAD + recipe.frames)
        window = window.copy()
        window[coded] = round_trip(window[coded], last)
    return np.ascontiguousarray(window[LEAD : LEAD + recipe.frames, MARGIN:-MARGIN, MARGIN:-MARGIN])


def _window(source: Source, recipe: Recipe, rng: np.random.Generator, still: bool = False) -> Pixels:
    """Frames (frames, side, side, 3) of a source: of a photograph a window that moves, unless it is to stand still."""
    side, frames = recipe.side + 2 * MARGIN, recipe.frames + LEAD + 1
    if is_photograph(source.path):
        picture = random_scale(_photograph(source.path), side, rng)
        if still:
            return np.repeat(square(picture, side, rng)[None], frames, axis=0)
        around = square(picture, min(2 * side, *picture.shape[:2]), rng)
        return moving_window(around, side, frames, rng, slowest=recipe.slowest)
    scene = _scene(source.path, frames + SPARE_FRAMES)
    # The scene is read once for many windows; a short one repeats its last frame.
    start = int(rng.integers(0, max(1, len(scene) - frames + 1)))
    part = scene[start : start + frames]
    part = np.concatenate([part, np.repeat(part[-1:], frames - len(part), axis=0)])
    seed = int(rng.integers(2**62))
    return np.stack(
        [square(random_scale(frame, side, own), side, own, tries=1)
         for frame in part for own in (np.random.default_rng(seed),)]
    )  # fmt: skip


@lru_cache(maxsize=96)
def _photograph(path: Path) -> Pixels:
    return read_picture(path)


@lru_cache(maxsize=2)
def _scene(path: Path, frames: int) -> Pixels:
    return read_frames(path, frames)
