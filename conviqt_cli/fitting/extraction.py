"""Clip vectors of videos in a folder, extracted once and kept.

They are kept per video under the hash of the file's content, the encoder and its settings. A run that stops goes on
where it was; renaming, moving or copying a video costs nothing; editing one, or changing bundle, is noticed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from conviqt_cli.errors import ConviqtError, DecodeError, InputError, LimitError
from conviqt_cli.files import safe_name, sha256, short_id
from conviqt_cli.labels.layouts import stem_of
from conviqt_cli.scoring.feature_set import FeatureSet
from conviqt_cli.scoring.settings import ScoringSettings

#: Called before each video: how many are done, of how many, which, and whether its vectors were already there.
ExtractionProgress = Callable[[int, int, str, bool], None]


@dataclass(frozen=True)
class ExtractionSettings:
    """How vectors of labelled videos are made, and where they are kept.

    Args:
        scoring: the model and the plan; pooling and regressor play no part.
        cache: folder to keep vectors in; ``None`` is :func:`~conviqt_cli.files.cache_folder`.
    """

    scoring: ScoringSettings = field(default_factory=ScoringSettings)
    cache: Path | None = None


class Extractor(Protocol):
    """The part of :class:`conviqt_cli.scoring.scorer.Scorer` that is needed here."""

    @property
    def encoder_id(self) -> str:
        """Identity of the vectors."""

    def features(self, source: str | os.PathLike[str]) -> FeatureSet:
        """Clip vectors of one video."""


def media_files(folder: Path) -> list[str]:
    """Paths of all media files below ``folder``, relative to it, sorted; raises :class:`InputError` without any."""
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder of videos")
    found = [path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*")) if path.is_file()]
    # A media file is one whose name has a media extension: exactly what a stem leaves off.
    media = [name for name in found if stem_of(name) != Path(name).name and not name.endswith((".csv", ".npz"))]
    if not media:
        raise InputError(f"{folder}: no videos in it (looked for names such as .mp4, .mkv, .avi, .webm)")
    return media


def extract(
    extractor: Extractor,
    settings: dict[str, Any],
    folder: Path,
    names: Sequence[str],
    cache: Path,
    progress: ExtractionProgress | None = None,
) -> tuple[list[FeatureSet], dict[str, str]]:
    """Vectors of ``names`` below ``folder``, one set a video, and why each of the others could not be read.

    ``settings`` are the extractor's own and part of what identifies a kept result. Raises what concerns every video
    (a damaged bundle, say), not what concerns one.
    """
    sets: list[FeatureSet] = []
    failed: dict[str, str] = {}
    kept_in = cache / "features" / safe_name(extractor.encoder_id) / short_id(json.dumps(settings, sort_keys=True))
    kept_in.mkdir(parents=True, exist_ok=True)
    for done, name in enumerate(names):
        path = folder / name
        try:
            kept = kept_in / f"{sha256(path)}.npz"
            found = _read_kept(kept, extractor.encoder_id)
            if progress is not None:
                progress(done, len(names), name, found is not None)
            if found is None:
                found = extractor.features(path)
                found.save(kept)
            sets.append(replace(found, names=np.full(len(found.clip_features), name)))
        except (InputError, DecodeError, LimitError) as error:
            failed[name] = str(error)
        except OSError as error:
            failed[name] = f"{path}: {error.strerror or error}"
    return sets, failed


def _read_kept(path: Path, encoder_id: str) -> FeatureSet | None:
    try:
        found = FeatureSet.load(path)
    except ConviqtError:  # absent, or damaged by a full disk: extracted again
        return None
    return found if found.encoder_id == encoder_id else None
