"""Versions of good sources with labels by full-reference metrics, made once and kept: neither viewers nor our networks.

A folder of them holds ``labels.csv`` (the fields of :class:`LabelledEncode`) and one folder of small files per content.
Nothing in it depends on the network that is to be fitted, so every network is fitted on the same labels.
"""

from __future__ import annotations

import csv
import os
import random
import shutil
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

from conviqt_cli.errors import InputError
from conviqt_cli.files import write_whole
from conviqt_cli.plans.time_plan import CLIP_LENGTH
from conviqt_cli.training.corpus.holdout import held_out
from conviqt_cli.training.distortions.distortion import Pixels
from conviqt_cli.training.heads.recipes import RECIPES, Recipe, distort, prepare
from conviqt_cli.training.heads.vmaf import vmaf
from conviqt_cli.training.packing.pictures import read_frames
from conviqt_cli.video.probe import probe

if TYPE_CHECKING:
    from conviqt_cli.training.corpus.gathering import Source
    from conviqt_cli.training.heads.fdim import Fdim

LABELS = "labels.csv"

#: Short sides, in pixels, to which photographs are brought in turn, and the one for video scenes.
PHOTO_SIDES = (400, 540, 288, 360)
VIDEO_SIDES = (270, 360)

#: One recipe is drawn from each row, from one of its families.
STILL_DRAW = (
    ("source",),
    ("h264",),
    ("hevc",),
    ("vp9", "av1", "av1"),
    ("jpeg",),
    ("webp", "jpeg2000"),
    ("mpeg4", "h264", "smooth"),
    ("resize",),
    ("ladder",),
    ("twice", "mixed"),
    ("blur",),
    ("noise", "noise", "noise", "pixels"),
    ("mpeg2",),
    ("hevc",),
    ("bank noise",),
    ("bank noise",),
    ("bank banding",),
    ("bank exposure",),
    ("bank colour",),
    ("bank blocking",),
    ("bank blocking",),
    ("bank mixed", "bank blur"),
    ("bank sharpening", "bank denoising", "bank interlacing"),
)
MOVING_DRAW = (
    ("source",),
    ("h264",),
    ("h264",),
    ("hevc",),
    ("vp9", "av1", "mpeg4"),
    ("ladder",),
    ("twice", "resize"),
    ("blur", "noise", "mixed"),
    ("mpeg2",),
    ("hevc", "vp9"),
)

#: A content is put through every recipe of one of these families, too: scores are to follow an encoder's rate factor
#: step by step, which single draws from it hardly teach.
LADDERS = ("h264", "hevc", "vp9", "av1")

#: Frames of a clip that FDIM compares.
FDIM_FRAMES = 2

#: Called before each content: how many are done, of how many, and which.
ContentProgress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class LabelledEncode:
    """One version. ``file`` is relative to the folder of ``labels.csv``; ``kind`` is the source's.

    ``vmaf`` and ``vmaf_v1``, 0 to 100, are by models 0.6.1 and 1.0.16; ``fdim``, about 0 to 5, is ``None`` where it was
    not asked for. ``held_out`` versions are labelled to measure with, never to fit on.
    """

    file: str
    content: str
    kind: str
    recipe: str
    vmaf: float
    vmaf_v1: float
    fdim: float | None
    held_out: bool


def choose_sources(sources: Sequence[Source], photographs: int, scenes: int) -> list[Source]:
    """Pristine sources to label: at most so many photographs and video scenes, drawn the same way every time."""
    chosen: list[Source] = []
    for kind, count in (("image_pristine", photographs), ("video_pristine", scenes)):
        candidates = sorted((source for source in sources if source.kind == kind), key=lambda source: source.path.name)
        random.Random(1).shuffle(candidates)
        chosen += candidates[:count]
    return chosen


def label_encodes(
    sources: Sequence[Source], output: Path, progress: ContentProgress | None = None, fdim: Fdim | None = None
) -> list[LabelledEncode]:
    """Spoil and label pristine ``sources`` below ``output``; existing files are kept, so a run can resume.

    A photograph gives one frame through nearly thirty recipes, a video ``CLIP_LENGTH`` frames through some fifteen,
    drawn by the content's name, whatever other sources there are. Without ``fdim``, labels are VMAF's alone. A source
    that ffmpeg cannot encode is left out. Returns every row of ``labels.csv``.
    """
    output.mkdir(parents=True, exist_ok=True)
    kept = {(row.content, row.recipe): row for row in read_labels(output)} if (output / LABELS).exists() else {}
    for done, source in enumerate(sources):
        if progress is not None:
            progress(done, len(sources), source.content)
        try:
            rows = _label(source, output, kept, fdim)
        except InputError:
            continue
        kept |= {(row.content, row.recipe): row for row in rows}
        _write_labels(output, list(kept.values()))
    return list(kept.values())


def read_labels(folder: Path) -> list[LabelledEncode]:
    """The rows of ``folder``'s ``labels.csv``; raises :class:`InputError` when it is missing or damaged."""
    path = folder / LABELS
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return [
                LabelledEncode(
                    row["file"],
                    row["content"],
                    row["kind"],
                    row["recipe"],
                    float(row["vmaf"]),
                    float(row["vmaf_v1"]),
                    float(row["fdim"]) if row["fdim"] else None,
                    row["held_out"] == "True",
                )
                for row in csv.DictReader(file)
            ]
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; make labelled encodes first") from None
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: not a list of labelled encodes, or damaged ({error!r})") from None


def draw(content: str, moving: bool) -> list[Recipe]:
    """The recipes that a content is put through, without repetition; the first is the source itself."""
    families: dict[str, list[Recipe]] = {}
    for recipe in RECIPES:
        if not (moving and recipe.suffix != ".mkv"):
            families.setdefault(recipe.family, []).append(recipe)
    chance = random.Random(f"{content} {moving}")
    chosen: list[Recipe] = []
    for row in MOVING_DRAW if moving else STILL_DRAW:
        candidates = [recipe for recipe in families[chance.choice(row)] if recipe not in chosen]
        chosen.append(chance.choice(candidates))
    return chosen + [recipe for recipe in families[chance.choice(LADDERS)] if recipe not in chosen]


def _label(
    source: Source, output: Path, kept: dict[tuple[str, str], LabelledEncode], fdim: Fdim | None
) -> list[LabelledEncode]:
    moving = source.kind.startswith("video")
    recipes = draw(source.content, moving)
    wanted = [each for each in recipes if not _whole(kept.get((source.content, each.name)), output, fdim is not None)]
    if not wanted:
        return []
    folder = output / _safe(source.content)
    folder.mkdir(exist_ok=True)
    sides = VIDEO_SIDES if moving else PHOTO_SIDES
    side = sides[random.Random(source.content).randrange(len(sides))]
    with tempfile.TemporaryDirectory() as scratch:
        reference = Path(scratch) / "reference.mkv"
        prepare(source.path, reference, side, CLIP_LENGTH if moving else 1)
        info = probe(str(reference))

        clean = None if fdim is None else read_frames(reference, CLIP_LENGTH)

        def made(recipe: Recipe) -> LabelledEncode:
            path = folder / f"{recipe.name}{recipe.suffix}"
            if not path.is_file():
                new = Path(scratch) / path.name
                distort(reference, recipe, new, (info.width, info.height))
                with write_whole(path) as temporary:
                    shutil.move(new, temporary)
            scored = vmaf(reference, path)
            like = None if fdim is None or clean is None else _mean_fdim(fdim, clean, path)
            return LabelledEncode(
                f"{folder.name}/{path.name}",
                source.content,
                source.kind,
                recipe.name,
                scored.v061,
                scored.v1,
                like,
                held_out(source.content),
            )

        with ThreadPoolExecutor(os.cpu_count()) as pool:  # most of the time is ffmpeg's, which starts slowly
            return list(pool.map(made, wanted))


def _whole(row: LabelledEncode | None, output: Path, with_fdim: bool) -> bool:
    """Whether a version is there with all its labels."""
    if row is None or not (output / row.file).is_file():
        return False
    return row.fdim is not None or not with_fdim


def _mean_fdim(fdim: Fdim, clean: Pixels, distorted: Path) -> float:
    """Mean over ``FDIM_FRAMES`` frames at most, spread evenly; ``clean`` are the source's."""
    step = -(-len(clean) // FDIM_FRAMES)
    spoilt = read_frames(distorted, CLIP_LENGTH)
    return fmean(fdim.compare(one, other) for one, other in zip(clean[::step], spoilt[::step], strict=True))


def _write_labels(folder: Path, rows: list[LabelledEncode]) -> None:
    with write_whole(folder / LABELS) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [each.name for each in fields(LabelledEncode)])
        writer.writeheader()
        writer.writerows(asdict(row) for row in rows)


def _safe(text: str) -> str:
    return "".join(character if character.isalnum() or character in "-_." else "_" for character in text)
