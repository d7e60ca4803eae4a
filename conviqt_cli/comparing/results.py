"""What a comparison found: plain types that the table, the page and JSON are written from."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from conviqt_cli.comparing.alignment import Alignment
from conviqt_cli.comparing.preference import SLOPE, preference
from conviqt_cli.data_frames import data_frame
from conviqt_cli.quality.scale import Scale
from conviqt_cli.scoring.results import DECIMALS, Note, VideoScore

if TYPE_CHECKING:
    import pandas

#: Version of the JSON layout.
SCHEMA = "conviqt-compare/1"


@dataclass(frozen=True)
class Version:
    """One of the videos: its score over the part that all have in common, and where that part lies in it.

    ``bytes`` is the size of the file, ``None`` for a URL.
    """

    score: VideoScore
    alignment: Alignment
    bytes: int | None

    @property
    def source(self) -> str:
        """Path or URL."""
        return self.score.source


@dataclass(frozen=True)
class Moment:
    """A part of the source, from ``start`` to ``end`` seconds of the first version, and each version's quality."""

    start: float
    end: float
    qualities: tuple[float, ...]


@dataclass(frozen=True)
class Difference:
    """How much better one version is than another, in points of the scale, moment by moment.

    ``mean`` weighs moments by their length; ``spread`` is the standard deviation over them. ``probability`` is that of
    viewers preferring the first of the two, ``None`` where it is not calibrated.
    """

    moments: tuple[float, ...]
    mean: float
    spread: float
    probability: float | None


@dataclass(frozen=True)
class Stretch:
    """A part of the source in which one version (by number, from 0) looks better than the other."""

    start: float
    end: float
    better: int


@dataclass(frozen=True)
class Comparison:
    """Versions of one source, scored on the same moments.

    ``threshold`` is the probability from which on two versions are said to be told apart; ``calibrated`` says whether
    there are probabilities. ``lines`` is the short side at which all versions were looked at.
    """

    versions: tuple[Version, ...]
    moments: tuple[Moment, ...]
    scale: Scale
    lines: int
    threshold: float
    calibrated: bool
    notes: tuple[Note, ...] = ()

    def quality(self, version: int) -> float:
        """Mean quality of a version over all moments, weighted by their length."""
        return _mean(self.moments, [moment.qualities[version] for moment in self.moments])

    @property
    def best(self) -> int:
        """The version of highest quality; of equal ones, the first."""
        sign = self._sign
        return max(range(len(self.versions)), key=lambda version: (sign * self.quality(version), -version))

    def difference(self, one: int, other: int) -> Difference:
        """How much better ``one`` is than ``other``: positive where viewers would prefer it, whatever the scale."""
        apart = [self._sign * (moment.qualities[one] - moment.qualities[other]) for moment in self.moments]
        mean = _mean(self.moments, apart)
        spread = math.sqrt(_mean(self.moments, [(each - mean) ** 2 for each in apart]))
        return Difference(tuple(apart), mean, spread, preference(mean) if self.calibrated else None)

    def stretches(self, one: int, other: int) -> list[Stretch]:
        """Where one of the two looks better than the other by at least the threshold, neighbouring moments joined."""
        found: list[Stretch] = []
        joinable = False
        for moment, apart in zip(self.moments, self.difference(one, other).moments, strict=True):
            better = one if apart > 0 else other
            if preference(abs(apart)) < self.threshold:
                joinable = False
                continue
            if joinable and found[-1].better == better:
                found[-1] = Stretch(found[-1].start, moment.end, better)
            else:
                found.append(Stretch(moment.start, moment.end, better))
            joinable = True
        return found

    @property
    def smallest(self) -> int | None:
        """The smallest file that is not visibly worse than the best version; ``None`` where that is not known."""
        if not self.calibrated:
            return None
        enough = [
            (version.bytes, number)
            for number, version in enumerate(self.versions)
            if version.bytes is not None and preference(self.difference(self.best, number).mean) < self.threshold
        ]
        return min(enough)[1] if enough else None

    def rows(self) -> list[dict[str, Any]]:
        """A row per version: numbers as numbers, ``None`` where something is not known."""
        found = []
        for number, version in enumerate(self.versions):
            behind = self.difference(self.best, number)
            found.append(
                {
                    "source": version.source,
                    "quality": self.quality(number),
                    "bytes": version.bytes,
                    "offset": version.alignment.offset,
                    "behind_best": behind.mean,
                    "spread": behind.spread,
                    "probability_best_preferred": behind.probability,
                    "smallest_not_visibly_worse": number == self.smallest,
                }
            )
        return found

    def to_frame(self) -> pandas.DataFrame:
        """:meth:`rows` as a table of pandas; raises :class:`UsageError` where pandas is not installed."""
        return data_frame(self.rows())

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; the README lists the fields."""
        best = self.best
        return {
            "schema": SCHEMA,
            "scale": {**self.scale.to_dict(), "description": self.scale.description},
            "display": self.lines,
            "preference": {"slope": SLOPE, "threshold": self.threshold} if self.calibrated else None,
            "best": best,
            "smallest_not_visibly_worse": self.smallest,
            "versions": [self._version(number, version, best) for number, version in enumerate(self.versions)],
            "segments": [
                {
                    "start": round(moment.start, DECIMALS),
                    "end": round(moment.end, DECIMALS),
                    "qualities": [round(value, DECIMALS) for value in moment.qualities],
                }
                for moment in self.moments
            ],
            "warnings": [{"code": note.code, "text": note.text} for note in self.notes],
        }

    def _version(self, number: int, version: Version, best: int) -> dict[str, Any]:
        behind = self.difference(best, number)
        return {
            "source": version.source,
            "quality": round(self.quality(number), DECIMALS),
            "offset": version.alignment.offset,
            "match": {"pattern": round(version.alignment.pattern, 3), "motion": _rounded(version.alignment.motion, 3)},
            "bytes": version.bytes,
            "behind_best": {
                "mean": round(behind.mean, DECIMALS),
                "spread": round(behind.spread, DECIMALS),
                "probability_best_preferred": _rounded(behind.probability, DECIMALS),
            },
            "score": version.score.to_dict(),
        }

    @property
    def _sign(self) -> int:
        return 1 if self.scale.higher_is_better else -1


def _mean(moments: tuple[Moment, ...], values: list[float]) -> float:
    lengths = [moment.end - moment.start for moment in moments]
    return sum(value * length for value, length in zip(values, lengths, strict=True)) / sum(lengths)


def _rounded(value: float | None, decimals: int) -> float | None:
    return None if value is None else round(value, decimals)
