"""One video of a run: a score or a reason, never an exception that would stop the others. Every engine uses it."""

from __future__ import annotations

import logging

from conviqt_cli.batch.shared_encoder import Withdrawn
from conviqt_cli.errors import BundleError, ConviqtError, RegressorError, UsageError
from conviqt_cli.scorefiles.record import FileFacts, Maker, Record
from conviqt_cli.scoring.progress import ProgressCallback
from conviqt_cli.scoring.results import FailedScore, VideoScore
from conviqt_cli.scoring.scorer import Scorer

logger = logging.getLogger(__name__)


def make_record(
    scorer: Scorer, source: str, maker: Maker, identify: bool = True, progress: ProgressCallback | None = None
) -> Record:
    """Score one video and say of which file; raises as :func:`score_one` does.

    ``identify`` reads the file for its content key; a file that changes while it is scored is then a failure. Without
    it the record carries no file facts.
    """
    facts = FileFacts.of(source) if identify else None
    result = score_one(scorer, source, progress)
    if facts is not None and isinstance(result, VideoScore) and not facts.same_stat(source):
        result = FailedScore(source, "changed", f"{source}: the file changed while it was being scored")
    return Record(result, maker, facts)


def score_one(scorer: Scorer, source: str, progress: ProgressCallback | None = None) -> VideoScore | FailedScore:
    """Score one video; whatever goes wrong with it becomes a :class:`FailedScore`, so that it stops no other.

    What is wrong with the model or the settings is not the video's failure and is raised.
    """
    try:
        return scorer.score(source, progress=progress)
    except (BundleError, RegressorError, UsageError, Withdrawn):
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
