"""conviqt: score how good a video looks, without a reference.

>>> from conviqt_cli import load, predict
>>> predict("holiday.mp4")  # doctest: +SKIP
3.42
>>> scorer = load(device="cpu")  # once, for any number of videos
>>> score = scorer.score("holiday.mp4")
>>> score.scale.description
'1 (bad) to 5 (excellent), higher is better'
>>> 1 <= score.quality <= 5
True
>>> [(segment.start, segment.end) for segment in score.segments]  # seconds
[(0.0, 0.64)]
>>> score.video.width, score.video.height, score.video.codec
(96, 64, 'h264')

Further: :func:`score_many` (many videos, as a table), :meth:`Scorer.score_frames` (arrays and tensors),
:func:`compare` (versions of one source), :func:`fit` (a regressor of one's own) and :func:`evaluate` (agreement with
opinion scores). Every result has ``to_dict`` or ``rows``, and with pandas installed ``to_frame``.

Every error that a user can cause is a :class:`ConviqtError` of one line:

>>> scorer.score("missing.mp4")
Traceback (most recent call last):
...
conviqt_cli.errors.InputError: missing.mp4: ...
"""

from __future__ import annotations

import os
from functools import lru_cache
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

__all__ = [
    "ConviqtError",
    "Scorer",
    "VideoScore",
    "__version__",
    "compare",
    "evaluate",
    "fit",
    "load",
    "predict",
    "score_many",
]

if TYPE_CHECKING:
    from conviqt_cli.batch.many import score_many
    from conviqt_cli.comparing.run import compare
    from conviqt_cli.errors import ConviqtError
    from conviqt_cli.evaluation.from_files import evaluate
    from conviqt_cli.fitting.from_files import fit
    from conviqt_cli.scoring.results import VideoScore
    from conviqt_cli.scoring.scorer import Scorer, load

_HOMES = {
    "ConviqtError": "conviqt_cli.errors",
    "Scorer": "conviqt_cli.scoring.scorer",
    "VideoScore": "conviqt_cli.scoring.results",
    "compare": "conviqt_cli.comparing.run",
    "evaluate": "conviqt_cli.evaluation.from_files",
    "fit": "conviqt_cli.fitting.from_files",
    "load": "conviqt_cli.scoring.scorer",
    "score_many": "conviqt_cli.batch.many",
}


def predict(path: str | os.PathLike[str]) -> float:
    """Pooled quality of a video on the 1 (bad) to 5 (excellent) scale, with the bundled model and default settings.

    The model is loaded once per process.

    Args:
        path: a file, or a URL that ffmpeg opens.

    Raises :class:`ConviqtError` when the video cannot be scored.

    >>> 1 <= predict("holiday.mp4") <= 5
    True
    """
    return _default_scorer().score(path).quality


@lru_cache(maxsize=1)
def _default_scorer() -> Scorer:
    from conviqt_cli.scoring.scorer import load

    return load()


def __dir__() -> list[str]:
    # So that help() and completion know what is imported only when it is used.
    return sorted({*globals(), *__all__})


def __getattr__(name: str) -> Any:
    # PyTorch takes a second to import; whoever asks only for the version should not wait for it.
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
