"""Many videos, one after the other: a video that fails is a result like any other, and never stops the rest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from conviqt_cli.errors import BundleError, ConviqtError, RegressorError, UsageError
from conviqt_cli.scores import FailedScore, VideoScore
from conviqt_cli.scoring import ProgressCallback, Scorer


def score_one(
    scorer: Scorer,
    source: str,
    start: float = 0.0,
    duration: float | None = None,
    progress: ProgressCallback | None = None,
) -> VideoScore | FailedScore:
    """Score one video; what is wrong with the video becomes a :class:`FailedScore`.

    What is wrong with the model or the options is not the video's failure and is raised.
    """
    try:
        return scorer.score(source, start, duration, progress)
    except (BundleError, RegressorError, UsageError):
        raise
    except ConviqtError as error:
        return FailedScore(source, error.code, str(error))


def score_many(
    scorer: Scorer,
    sources: Iterable[str],
    start: float = 0.0,
    duration: float | None = None,
    progress: ProgressCallback | None = None,
) -> Iterator[VideoScore | FailedScore]:
    """Results in the order of ``sources``, each as soon as it is there."""
    for source in sources:
        yield score_one(scorer, source, start, duration, progress)
