"""Compare versions of one source: probe, align, score the part that they have in common, pair."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from conviqt_cli.comparing.alignment import LOOKED_AT, Alignment, align, read_signature
from conviqt_cli.comparing.paired import paired
from conviqt_cli.comparing.preference import VISIBLE
from conviqt_cli.comparing.results import Comparison, Version
from conviqt_cli.errors import MismatchError, UsageError
from conviqt_cli.plans.picture_plan import SOURCE, Display
from conviqt_cli.scoring.progress import ProgressCallback
from conviqt_cli.scoring.results import Note, VideoScore
from conviqt_cli.scoring.scorer import load_scorer
from conviqt_cli.scoring.settings import ScoringSettings, Span
from conviqt_cli.video.probe import VideoInfo, probe
from conviqt_cli.video.timeline import read_timeline

#: The end of the common part is looked at again where it begins this many seconds after what was aligned.
_TAIL = 4.0

#: Seconds by which versions may have drifted apart until there.
_DRIFT = 0.1

_IN_STEP = Alignment(0.0, 1.0, None)


def compare(
    *videos: str | os.PathLike[str],
    settings: ScoringSettings | None = None,
    threshold: float = VISIBLE,
    progress: ProgressCallback | None = None,
) -> Comparison:
    """Compare versions of one source with each other, on the moments that all of them show.

    Args:
        videos: two or more paths or URLs. Times are given in those of the first.
        settings: how to score. Without a ``display`` all are looked at on the largest short side among them; a
            ``span`` is that of the first version.
        threshold: the probability of a preference from which on two versions count as told apart, above 0.5.
        progress: as for :meth:`Scorer.score`.

    Raises :class:`UsageError` for fewer than two videos or a threshold out of range, :class:`MismatchError` for videos
    that do not show the same, and what :meth:`Scorer.score` raises, each naming the video.
    """
    if len(videos) < 2:
        raise UsageError("a comparison needs at least two videos")
    if not 0.5 < threshold < 1:
        raise UsageError(f"threshold {threshold:g}: give a probability between 0.5 and 1", setting="threshold")
    settings = settings or ScoringSettings()
    sources = [os.fspath(video) for video in videos]
    infos = [probe(source, timeout=settings.timeout, stream=settings.stream) for source in sources]
    alignments = _aligned(infos, settings.span, settings.timeout)
    begin, length = _common(infos, alignments, settings)
    display = settings.display
    if display is None or display == SOURCE:
        display = Display(max(min(info.width, info.height) for info in infos))
    scorer = load_scorer(replace(settings, display=display, span=Span()))
    scores = [
        scorer.score(source, max(0.0, begin + each.offset), length, progress)
        for source, each in zip(sources, alignments, strict=True)
    ]
    moments = paired([score.segments for score in scores], [each.offset for each in alignments])
    if not moments:
        raise MismatchError(f"{sources[0]}: no segment of it is shown by all versions; choose a denser sampling")
    return Comparison(
        tuple(map(Version, scores, alignments, map(_bytes, sources))),
        tuple(moments),
        scores[0].scale,
        max(min(display.size(info.height, info.width)) for info in infos),
        threshold,
        _is_calibrated(scores[0]),
        tuple(_notes(scores)),
    )


def _aligned(infos: Sequence[VideoInfo], span: Span, timeout: float) -> list[Alignment]:
    """Each version against the first, checked at the end of the part that they have in common, too."""
    length = LOOKED_AT if span.duration is None else min(LOOKED_AT, span.duration)
    # The others are looked at from the beginning: where that part lies in them is not known yet.
    first = read_signature(infos[0], span.start, length, timeout)
    found = [_IN_STEP]
    for info in infos[1:]:
        start = max(0.0, span.start - LOOKED_AT / 2)
        other = read_signature(info, start, LOOKED_AT + length, timeout)
        try:
            alignment = align(first, other)
        except MismatchError as error:
            raise _mismatch(info, infos[0], str(error)) from None
        if not alignment.matches:
            raise _mismatch(info, infos[0], _how_unlike(alignment))
        _check_end(infos[0], info, alignment, span, timeout)
        found.append(alignment)
    return found


def _check_end(first: VideoInfo, other: VideoInfo, alignment: Alignment, span: Span, timeout: float) -> None:
    """Raise :class:`MismatchError` where the two no longer show the same at the end of what they have in common."""
    ends = [_end(info, timeout) for info in (first, other)]
    if ends[0] is None or ends[1] is None:
        return
    end = min(ends[0], ends[1] - alignment.offset)
    if span.duration is not None:
        end = min(end, span.start + span.duration)
    if end - _TAIL < span.start + LOOKED_AT:
        return
    mine = read_signature(first, end - _TAIL, _TAIL, timeout)
    theirs = read_signature(other, max(0.0, end - _TAIL + alignment.offset - 1), _TAIL + 2, timeout)
    last = align(mine, theirs, alignment.offset, 1.0)
    if not last.matches:
        raise _mismatch(other, first, f"from their end, at {end:.0f} s: {_how_unlike(last)}")
    if last.motion is not None and abs(last.offset - alignment.offset) > _DRIFT:
        raise _mismatch(other, first, f"they drift apart, by {last.offset - alignment.offset:+.2f} s until {end:.0f} s")


def _common(
    infos: Sequence[VideoInfo], alignments: Sequence[Alignment], settings: ScoringSettings
) -> tuple[float, float | None]:
    """Where the common part begins in the first version, and how long it is (``None``: to the end, as far as known)."""
    span = settings.span
    begin = max([span.start, *(-each.offset for each in alignments)])
    ends = [
        end - each.offset
        for info, each in zip(infos, alignments, strict=True)
        if (end := _end(info, settings.timeout)) is not None
    ]
    if span.duration is not None:
        ends.append(span.start + span.duration)
    if not ends:
        return begin, None
    if min(ends) <= begin:
        raise MismatchError(f"{infos[0].source}: the versions have no time in common in the part that was asked for")
    return begin, min(ends) - begin


def _end(info: VideoInfo, timeout: float) -> float | None:
    """Seconds until the last frame ceases to be shown: of files by their packets, as containers misstate it."""
    timeline = read_timeline(info, timeout)
    return info.duration if timeline is None else timeline.end


def _is_calibrated(score: VideoScore) -> bool:
    return score.model.regressor == "bundled" and score.scale.is_acr


def _notes(scores: Sequence[VideoScore]) -> list[Note]:
    """Each version's warnings; those that all share are said once."""
    notes = [note for note in scores[0].warnings if all(note in score.warnings for score in scores)]
    shared = list(notes)
    for score in scores:
        notes += [Note(each.code, f"{score.source}: {each.text}") for each in score.warnings if each not in shared]
    if len({score.scored_area is None for score in scores}) > 1:
        notes.append(Note("bars_differ", "black bars were found in some versions only; the pictures scored may differ"))
    return notes


def _how_unlike(alignment: Alignment) -> str:
    motion = "" if alignment.motion is None else f", {alignment.motion:.2f} of its changes"
    return f"at best {alignment.pattern:.2f} of the picture agrees{motion} (1: all)"


def _mismatch(other: VideoInfo, first: VideoInfo, why: str) -> MismatchError:
    return MismatchError(
        f"{other.source}: does not show what {first.source} shows ({why}); compare versions of one source, cut alike"
    )


def _bytes(source: str) -> int | None:
    """Of a URL, unknown."""
    path = Path(source)
    return path.stat().st_size if path.is_file() else None
