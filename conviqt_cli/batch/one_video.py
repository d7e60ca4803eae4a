"""One video of a run: a score or a reason, never an exception that would stop the others. Every engine uses it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TypeVar

from conviqt_cli.batch.fetched import at_hand, named
from conviqt_cli.batch.shared_encoder import Withdrawn
from conviqt_cli.errors import BundleError, ConviqtError, RegressorError, UsageError
from conviqt_cli.scorefiles.record import FileFacts, Maker, Record
from conviqt_cli.scoring.parts import NotDivisible
from conviqt_cli.scoring.progress import ProgressCallback
from conviqt_cli.scoring.results import FailedScore, VideoScore
from conviqt_cli.scoring.scorer import Scorer
from conviqt_cli.storage.objects import is_object

logger = logging.getLogger(__name__)

T = TypeVar("T")


def make_record(
    scorer: Scorer, source: str, maker: Maker, identify: bool = True, progress: ProgressCallback | None = None
) -> Record:
    """Score one video and say of which file; raises as :func:`attempt` does.

    ``identify`` reads the file for its content key; a file that changes while it is scored is then a failure. Without
    it the record carries no file facts.
    """
    found = attempt(source, partial(_scored, scorer, source, identify, progress))
    result, facts = (found, FileFacts.of(source)) if isinstance(found, FailedScore) else found
    return Record(result, maker, facts if identify else None)


def _scored(
    scorer: Scorer, source: str, identify: bool, progress: ProgressCallback | None
) -> tuple[VideoScore | FailedScore, FileFacts | None]:
    with at_hand(source, identify) as (path, facts):
        result = score_one(scorer, path, renaming(progress, path, source))
        return if_unchanged(named(result, path, source), facts), facts


def renaming(progress: ProgressCallback | None, path: str, source: str) -> ProgressCallback | None:
    """The callback, told of ``source`` where the video at ``path`` is meant."""
    if progress is None or path == source:
        return progress
    return lambda info, done: progress(replace(info, source=source), done)


def if_unchanged(result: VideoScore | FailedScore, facts: FileFacts | None) -> VideoScore | FailedScore:
    """The result, unless the file is no longer the one that ``facts`` describe."""
    source = result.source
    # What was fetched is what was scored, whatever has become of the original.
    fetched = is_object(source)
    if facts is not None and isinstance(result, VideoScore) and not fetched and not facts.same_stat(source):
        return FailedScore(source, "changed", f"{source}: the file changed while it was being scored")
    return result


def score_one(scorer: Scorer, source: str, progress: ProgressCallback | None = None) -> VideoScore | FailedScore:
    """Score one video; raises as :func:`attempt` does."""
    return attempt(source, partial(scorer.score, source, progress=progress))


def attempt(source: str, work: Callable[[], T]) -> T | FailedScore:
    """Do some work on one video; whatever goes wrong becomes a :class:`FailedScore`, so that it stops no other video.

    What is wrong with the model or the settings is not the video's failure and is raised; so is what only says that
    the work is to be done otherwise.
    """
    try:
        return work()
    except (BundleError, RegressorError, UsageError, Withdrawn, NotDivisible):
        raise
    except ConviqtError as error:
        return FailedScore(source, error.code, str(error))
    except MemoryError:
        return FailedScore(source, "limit", f"{source}: not enough memory to score it")
    except Exception as error:
        # A fault of ours, or of PyTorch (which reports lack of memory so). It must not end a run of days.
        logger.debug("%s", source, exc_info=True)
        text = " ".join(str(error).split())[:200]
        return FailedScore(source, "internal", f"{source}: {type(error).__name__}: {text}")
