"""Encodes of good sources with their VMAF, made once and kept: labels that need neither viewers nor a trained network.

A folder of them holds ``labels.csv`` (file, content, kind, recipe, vmaf, held_out) and one folder of small files per
content. Nothing in it depends on the network that is to be fitted, so every network is fitted on the same labels.
"""

from __future__ import annotations

import csv
import random
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from conviqt_cli.errors import InputError
from conviqt_cli.files import write_whole
from conviqt_cli.plans.time_plan import CLIP_LENGTH
from conviqt_cli.training.corpus.holdout import held_out
from conviqt_cli.training.heads.vmaf import RECIPES, Recipe, distort, prepare, vmaf
from conviqt_cli.video.probe import probe

if TYPE_CHECKING:
    from conviqt_cli.training.corpus.gathering import Source

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
)

#: Called before each content: how many are done, of how many, and which.
ContentProgress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class LabelledEncode:
    """One encode. ``file`` is relative to the folder of ``labels.csv``; ``kind`` is the source's; ``vmaf`` 0 to 100.

    ``held_out`` encodes are labelled to measure with, never to fit on.
    """

    file: str
    content: str
    kind: str
    recipe: str
    vmaf: float
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
    sources: Sequence[Source], output: Path, progress: ContentProgress | None = None
) -> list[LabelledEncode]:
    """Encode and label pristine ``sources`` below ``output``; existing encodes are kept, so a run can resume.

    A photograph gives one frame through about twelve recipes, a video ``CLIP_LENGTH`` frames through about eight, drawn
    by the content's name, whatever other sources there are. A source that ffmpeg cannot encode is left out. Returns
    every row of ``labels.csv``.
    """
    output.mkdir(parents=True, exist_ok=True)
    kept = {(row.content, row.recipe): row for row in read_labels(output)} if (output / LABELS).exists() else {}
    for done, source in enumerate(sources):
        if progress is not None:
            progress(done, len(sources), source.content)
        try:
            rows = _label(source, output, kept)
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
    return chosen


def _label(source: Source, output: Path, kept: dict[tuple[str, str], LabelledEncode]) -> list[LabelledEncode]:
    moving = source.kind.startswith("video")
    wanted = [
        recipe
        for recipe in draw(source.content, moving)
        if (source.content, recipe.name) not in kept or not (output / kept[source.content, recipe.name].file).is_file()
    ]
    if not wanted:
        return []
    folder = output / _safe(source.content)
    folder.mkdir(exist_ok=True)
    sides = VIDEO_SIDES if moving else PHOTO_SIDES
    side = sides[random.Random(source.content).randrange(len(sides))]
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        reference = Path(scratch) / "reference.mkv"
        prepare(source.path, reference, side, CLIP_LENGTH if moving else 1)
        info = probe(str(reference))
        for recipe in wanted:
            made = Path(scratch) / f"{recipe.name}{recipe.suffix}"
            distort(reference, recipe, made, (info.width, info.height))
            value = vmaf(reference, made)
            shutil.move(made, folder / made.name)
            name = f"{folder.name}/{made.name}"
            rows.append(LabelledEncode(name, source.content, source.kind, recipe.name, value, held_out(source.content)))
    return rows


def _write_labels(folder: Path, rows: list[LabelledEncode]) -> None:
    with write_whole(folder / LABELS) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [each.name for each in fields(LabelledEncode)])
        writer.writeheader()
        writer.writerows(asdict(row) for row in rows)


def _safe(text: str) -> str:
    return "".join(character if character.isalnum() or character in "-_." else "_" for character in text)
