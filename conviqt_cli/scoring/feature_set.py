"""Clip vectors on disk: what ``conviqt features`` writes and what fitting reads.

One ``.npz`` (numpy arrays only; read with ``allow_pickle=False``):

=================  ==================  ====================================================================
array              shape, type         meaning
=================  ==================  ====================================================================
``clip_features``  (clips, d) float32  one vector per clip
``start``, ``end`` (clips,) float64    seconds of the clip's first frame, and of the end of its last frame
``names``          (clips,) str        the video each clip belongs to, clips of one video side by side
``encoder_id``     () str              the encoder that made the vectors
``settings``       () str              JSON: sampling plan and the like
``schema``         () str              ``conviqt-features/1``
=================  ==================  ====================================================================
"""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from conviqt_cli.errors import InputError
from conviqt_cli.files import write_whole
from conviqt_cli.scoring.settings import BEFORE

SCHEMA = "conviqt-features/1"


@dataclass(frozen=True)
class FeatureSet:
    """Clip vectors of one or more videos, made by one encoder; array shapes as in the module's table."""

    clip_features: NDArray[np.float32]
    start: NDArray[np.float64]
    end: NDArray[np.float64]
    names: NDArray[np.str_]
    encoder_id: str
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def videos(self) -> list[str]:
        """Names of the videos, in order of first appearance."""
        return list(dict.fromkeys(self.names.tolist()))

    def of(self, video: str) -> NDArray[np.float32]:
        """Vectors of one video, (clips, d)."""
        found: NDArray[np.float32] = self.clip_features[self.names == video]
        return found

    def save(self, path: Path) -> None:
        """Write the set; the file appears whole or not at all."""
        with write_whole(path) as temporary, temporary.open("wb") as file:
            np.savez_compressed(
                file,
                clip_features=self.clip_features,
                start=self.start,
                end=self.end,
                names=self.names,
                encoder_id=np.array(self.encoder_id),
                settings=np.array(json.dumps(self.settings)),
                schema=np.array(SCHEMA),
            )

    @classmethod
    def load(cls, path: Path) -> FeatureSet:
        """Read a set; raises :class:`InputError` when the file is missing, damaged or of another kind."""
        try:
            with np.load(path, allow_pickle=False) as file:
                if "schema" not in file or str(file["schema"]) != SCHEMA:
                    raise InputError(f"{path}: not a feature file of this version; make one with `conviqt features`")
                found = cls(
                    clip_features=file["clip_features"],
                    start=file["start"],
                    end=file["end"],
                    names=file["names"],
                    encoder_id=str(file["encoder_id"]),
                    settings={**BEFORE, **json.loads(str(file["settings"]))},
                )
        except FileNotFoundError:
            raise InputError(f"{path}: no such file") from None
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise InputError(f"{path}: not a feature file, or damaged ({error})") from None
        clips = len(found.clip_features)
        if found.clip_features.ndim != 2 or not len(found.start) == len(found.end) == len(found.names) == clips:
            raise InputError(f"{path}: damaged feature file (arrays of different lengths)")
        return found

    @classmethod
    def join(cls, sets: list[FeatureSet]) -> FeatureSet:
        """Several sets as one; raises :class:`InputError` when they come from different encoders or settings."""
        first = sets[0]
        for other in sets[1:]:
            if other.encoder_id != first.encoder_id:
                raise InputError(f"feature sets come from different encoders: {first.encoder_id}, {other.encoder_id}")
            if other.settings != first.settings:
                raise InputError("feature sets were made with different settings; make them again with the same ones")
        return cls(
            clip_features=np.concatenate([each.clip_features for each in sets]),
            start=np.concatenate([each.start for each in sets]),
            end=np.concatenate([each.end for each in sets]),
            names=np.concatenate([each.names for each in sets]),
            encoder_id=first.encoder_id,
            settings=first.settings,
        )
