"""A labelled set in memory: clip vectors of each video beside its opinion score."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from conviqt_cli.arrays import Floats, Indices
from conviqt_cli.errors import LabelError
from conviqt_cli.files import short_id


@dataclass(frozen=True)
class Dataset:
    """Videos with vectors and labels, aligned.

    Per video, shape (n,): ``names``, ``mos`` (label units), ``std`` and ``ratings`` (NaN where unknown), ``groups``
    (the content). Per clip: ``clips`` (m, d), and ``owner`` (m,), the ascending index of the clip's video.
    """

    names: NDArray[np.str_]
    mos: Floats
    std: Floats
    ratings: Floats
    groups: NDArray[np.str_]
    clips: Floats
    owner: Indices

    @classmethod
    def of_vectors(
        cls, vectors: NDArray[Any], mos: NDArray[Any], groups: NDArray[Any] | None = None, **known: NDArray[Any]
    ) -> Dataset:
        """A set with one vector (n, d) a video, each its own content unless ``groups`` says otherwise."""
        count = len(mos)
        unknown = np.full(count, np.nan)
        names = np.array([str(i) for i in range(count)])
        return cls(
            names=known.get("names", names),
            mos=np.asarray(mos, dtype=np.float64),
            std=known.get("std", unknown),
            ratings=known.get("ratings", unknown),
            groups=names if groups is None else np.asarray(groups).astype(str),
            clips=np.asarray(vectors, dtype=np.float64),
            owner=np.arange(count),
        )

    def __len__(self) -> int:
        return len(self.mos)

    @property
    def contents(self) -> int:
        """How many different contents there are."""
        return len(np.unique(self.groups))

    @property
    def digest(self) -> str:
        """Identity of the labels: the same videos' names and scores, in any order, have the same one."""
        lines = sorted(f"{name}\t{mos!r}" for name, mos in zip(self.names.tolist(), self.mos.tolist(), strict=True))
        return short_id("\n".join(lines))

    @cached_property
    def means(self) -> Floats:
        """Mean vector of each video, (n, d)."""
        return self.pool(self.clips)

    def pool(self, per_clip: Floats) -> Floats:
        """Mean over each video's clips: (m, ...) to (n, ...)."""
        if len(per_clip) == len(self):
            return per_clip
        starts = np.searchsorted(self.owner, np.arange(len(self)))
        counts = np.bincount(self.owner, minlength=len(self)).reshape(-1, *[1] * (per_clip.ndim - 1))
        return np.asarray(np.add.reduceat(per_clip, starts, axis=0) / counts)

    def take(self, videos: Indices) -> Dataset:
        """The set restricted to ``videos`` (ascending or not), clips following."""
        position = np.full(len(self), -1)
        position[videos] = np.arange(len(videos))
        kept = np.flatnonzero(position[self.owner] >= 0)
        kept = kept[np.argsort(position[self.owner[kept]], kind="stable")]
        return replace(
            self,
            names=self.names[videos],
            mos=self.mos[videos],
            std=self.std[videos],
            ratings=self.ratings[videos],
            groups=self.groups[videos],
            clips=self.clips[kept],
            owner=position[self.owner[kept]],
        )

    def folding_groups(self) -> NDArray[np.str_]:
        """Groups to cross-validate by: the contents, or single videos where all share one content."""
        return self.groups if self.contents > 1 else np.array([str(i) for i in range(len(self))])

    def check(self, fewest: int) -> None:
        """Raise :class:`LabelError` when these labels cannot be fitted or evaluated."""
        if len(self) < fewest:
            raise LabelError(f"{len(self)} usable labels; at least {fewest} are needed")
        if not np.isfinite(self.mos).all():
            raise LabelError("some labels are not finite numbers")
        if np.ptp(self.mos) == 0:
            raise LabelError(f"all {len(self)} labels are equal ({self.mos[0]:g}): there is nothing to fit or rank")
        bad = np.unique(self.owner[~np.isfinite(self.clips).all(axis=1)])
        if len(bad):
            raise LabelError(
                f"{len(bad)} videos have vectors that are not finite, first {self.names[bad[0]]}; extract them again"
            )
