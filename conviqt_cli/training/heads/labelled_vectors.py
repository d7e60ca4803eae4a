"""What the regressor is fitted on or measured with: labelled items, and their clip vectors under a frozen encoder.

Spatial features are kept by picture, treatment and spatial network, since they cost nearly all the time: another
temporal network on the same spatial one finds them ready.
"""

from __future__ import annotations

import csv
import json
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from conviqt_cli.errors import InputError, LabelError
from conviqt_cli.files import sha256, short_id, write_whole
from conviqt_cli.fitting.alignment import nominal
from conviqt_cli.model.bundle import Bundle
from conviqt_cli.model.encoder import Encoder
from conviqt_cli.plans.clips import Clip
from conviqt_cli.plans.picture_plan import VIEWS, WHOLE, PicturePlan
from conviqt_cli.plans.time_plan import CLIP_LENGTH
from conviqt_cli.scoring.features import FeatureExtractor
from conviqt_cli.training.heads.labelled_encodes import read_labels
from conviqt_cli.training.heads.recipes import RECIPES
from conviqt_cli.training.heads.vmaf import vmaf_to_acr
from conviqt_cli.video.decode import FrameStream
from conviqt_cli.video.picture import RgbPicture
from conviqt_cli.video.probe import probe
from conviqt_cli.video.scaling import shown

#: Called before each item: how many are done, of how many, and which.
ItemProgress = Callable[[int, int, str], None]

#: Names of the two sets of labels by a metric: versions of photographs (one frame) and of video scenes.
METRIC_STILLS, METRIC_VIDEOS = "metric_stills", "metric_videos"


#: Recipes whose labels are not used where they are VMAF's alone: it forgives noise where people do not (on ImageNet
#: features, out-of-fold SROCC on LIVE, a third of it white noise, rises from .88 to .91 without them), and knows
#: little of distortions that no encoder makes.
NOT_BY_VMAF = frozenset(
    recipe.name
    for recipe in RECIPES
    if recipe.distortion is not None or any("noise=" in text for text in recipe.filters)
)


@dataclass(frozen=True)
class HumanSet:
    """A set of opinion scores. ``anchor``: scored on the target scale (ACR) under ordinary conditions.

    ``size`` (height, width) is what its pictures are scaled to, as viewers saw them; ``clips`` the number of clips,
    spread evenly, that stand for a video. Sets of one ``source`` (default: the set itself) show some scenes in common.
    """

    name: str
    anchor: bool = False
    size: tuple[int, int] | None = None
    clips: int = 1
    source: str = ""

    def scene(self, content: str) -> str:
        """A name for a scene of this set, the same in all sets of one source."""
        if not self.source:
            return f"{self.name}/{content}"
        # One set of AVT names files ("monkeys_harmonic.mkv_1frame"), the other scenes ("monkeys").
        return f"{self.source}/{content.split('.')[0].removesuffix('_harmonic')}"


#: Sets that are fitted on. Viewers of AVT's videos saw all of them on one UHD screen, while the frames have half the
#: size of each encode: at their own size a 360p encode looks sharp, and the set spoils the others (out-of-fold SROCC on
#: AVT-Image-Database from .94 to .93, on VMAF of videos from .87 to .84); at one size it agrees with them (.87 by a
#: ridge that never saw it, the others as before).
#:
#: SR4KIQA (upscaling) is ranked at .88 by a ridge that never saw it; fitted on, at .91, while the others lose .01.
#: PCUID (underwater photographs: haze, colour cast) is left out: fitted on, it is ranked at .75 instead of .35, but the
#: others suffer (LIVE .94 to .92, VMAF of videos .88 to .86, of stills .89 to .88), and the 90 % interval grows from
#: 0.70 to 1.10 to each side.
HUMAN_SETS = (
    HumanSet("avt_image_h265", anchor=True, size=(896, 896), source="avt"),
    HumanSet("avt_uhd1_frames", size=(1080, 1920), source="avt"),
    HumanSet("live_iqa_r2_subset"),
    HumanSet("inrs_av", clips=1),
    HumanSet("sr4kiqa"),
)


@dataclass(frozen=True)
class Item:
    """A labelled picture or video. ``score`` is nominal on 1 to 5; ``value`` the label as it was given."""

    path: Path
    set: str
    content: str
    score: float
    value: float
    recipe: str = ""
    held_out: bool = False
    size: tuple[int, int] | None = None
    clips: int = 1

    @property
    def human(self) -> bool:
        """Whether people gave the label."""
        return self.set not in (METRIC_STILLS, METRIC_VIDEOS)


def human_items(folder: Path, sets: Sequence[HumanSet] = HUMAN_SETS) -> list[Item]:
    """Items of the sets below ``folder`` (``<set>/labels.csv`` with file, mos, content, scale_min, scale_max and
    higher_is); a set that is not there is left out. Raises :class:`LabelError` for a damaged list.
    """  # fmt: skip
    items = []
    for each in sets:
        path = folder / each.name / "labels.csv"
        if not path.exists():
            continue
        try:
            with path.open(encoding="utf-8", newline="") as file:
                for row in csv.DictReader(file):
                    mos = float(row["mos"])
                    ends = float(row["scale_min"]), float(row["scale_max"])
                    score = float(nominal(np.array([mos]), *ends, row["higher_is"] == "better")[0])
                    picture = folder / each.name / row["file"]
                    scene = each.scene(row["content"])
                    items.append(Item(picture, each.name, scene, score, mos, size=each.size, clips=each.clips))
        except (OSError, KeyError, TypeError, ValueError) as error:
            raise LabelError(f"{path}: not a list of opinion scores in the expected form ({error!r})") from None
    return items


def encoded_items(folder: Path) -> list[Item]:
    """Items of a folder that ``label_encodes`` made.

    Where FDIM was asked for, labels are FDIM's, and versions without it are left out; else they are VMAF 1.0.16's,
    without the versions that it cannot judge.
    """
    rows = read_labels(folder)
    labelled = [(row, min(max(row.fdim, 1.0), 5.0)) for row in rows if row.fdim is not None]
    if not labelled:
        labelled = [(row, vmaf_to_acr(row.vmaf_v1)) for row in rows if row.recipe not in NOT_BY_VMAF]
    return [
        Item(
            folder / row.file,
            METRIC_VIDEOS if row.kind.startswith("video") else METRIC_STILLS,
            row.content,
            label,
            label,
            row.recipe,
            row.held_out,
        )
        for row, label in labelled
    ]


def clip_vectors(
    items: Sequence[Item],
    bundle: Bundle,
    encoder: Encoder,
    cache: Path,
    progress: ItemProgress | None = None,
    picture: PicturePlan = WHOLE,
) -> list[NDArray[np.float64]]:
    """Clip vectors (clips, 2048) of each item; a picture is one frame, repeated to a clip as scoring does."""
    kept_in = cache / "spatial_features" / _spatial_id(bundle, encoder) / picture.id
    kept_in.mkdir(parents=True, exist_ok=True)
    vectors = []
    for done, item in enumerate(items):
        if progress is not None:
            progress(done, len(items), f"{item.set}: {item.path.name}")
        size = "x".join(map(str, item.size or (0,)))
        kept = kept_in / f"{sha256(item.path)[:32]}_{size}_{item.clips}.npz"
        features = _read_kept(kept)
        if features is None:
            features = _spatial_features(item, encoder, picture)
            _keep(kept, features)
        vectors.append(np.stack([encoder.temporal(clip) for clip in features]).astype(np.float64))
    return vectors


def _spatial_features(item: Item, encoder: Encoder, picture: PicturePlan) -> NDArray[np.float32]:
    """Spatial features (clips, frames, 4096) of an item, of the frames that the plan looks at."""
    info = probe(str(item.path))
    # A video's clips are not all looked at in the same ways; those that stand here for videos are not, either.
    extractor = FeatureExtractor(encoder, picture, first=crc32(item.path.name.encode()) % len(VIEWS))
    clips = []
    for number in range(item.clips):
        start = 0.0
        if item.clips > 1 or (info.duration or 0.0) > 2.0:  # the middle of a long video, not its beginning
            start = (info.duration or 0.0) * (number + 0.5) / item.clips
        with FrameStream(info, start=start) as stream:
            frames = list(islice(stream, CLIP_LENGTH))
        if not frames:
            raise InputError(f"{item.path}: no frame can be decoded at {start:.2f} s")
        if item.size is not None:
            frames = [replace(frame, picture=RgbPicture(shown(frame.picture, item.size))) for frame in frames]
        missing = CLIP_LENGTH - len(frames)
        clips.append(extractor.spatial(Clip(tuple(frames + frames[-1:] * missing), repeated=missing)))
    return np.stack(clips)


def _spatial_id(bundle: Bundle, encoder: Encoder) -> str:
    parts = {
        "spatial": bundle.manifest["files"]["spatial"]["sha256"],
        "precision": encoder.precision,
        **{key: bundle.manifest[key] for key in ("architecture", "normalisation", "scales")},
    }
    return short_id(json.dumps(parts, sort_keys=True))


def _read_kept(path: Path) -> NDArray[np.float32] | None:
    try:
        with np.load(path, allow_pickle=False) as file:
            features: NDArray[np.float32] = file["features"]
            return features
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):  # absent, or cut short: made again
        return None


def _keep(path: Path, features: NDArray[np.float32]) -> None:
    with write_whole(path) as temporary, temporary.open("wb") as file:
        np.savez(file, features=features)
