"""One sentence about a video, such as ``Good (4.0); noisy from 1.9 s to 2.6 s``, and the cause behind it.

Said are: the pooled quality; the cause that most of the video has in common; then, in order of time, what was seen
(frozen or blank pictures, ...), stretches that are clearly worse than the rest, with their causes, and stretches with a
clear cause that lower the score little. Of what cannot be told nothing is claimed: a stretch without a clear cause is
"worse".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from conviqt_cli.quality.scale import Scale
from conviqt_cli.scoring.events import Event

#: A segment is bad when it is worse than the median segment by this share of the scale (0.4 on a scale of 1 to 5).
_WORSE = 0.1

#: A cause is the video's when this share of its segments has it.
_THROUGHOUT = 0.6

#: Seconds for which a clear cause has to last to be said where the score is hardly lower.
_LASTING = 0.5

#: Most stretches named in the sentence.
_NAMED = 3

#: What is said of a stretch, by cause.
_PHRASES = {
    "blur": "blurred",
    "noise": "noisy",
    "brightness and colour": "brightness or colour off",
}

#: What is said of an event, by code, and the cause it stands for; other events are no faults, or none of a stretch.
_EVENTS = {
    "frozen": ("frozen", "frozen or dropped frames"),
    "blank": ("blank", "blank"),
    "test_pattern": ("test pattern", "test pattern"),
    "combing": ("interlacing", "interlacing"),
    "flicker": ("flickering", "flicker"),
}


@dataclass(frozen=True)
class Part:
    """One segment: times in seconds, quality, and the cause where it is clear."""

    start: float
    end: float
    quality: float
    cause: str | None = None


@dataclass(frozen=True)
class Verdict:
    """The sentence ``text``; ``cause`` is the video's, ``None`` where it cannot be told or there is none.

    ``bad`` are the stretches that are clearly worse than the rest, as start and end in seconds.
    """

    text: str
    cause: str | None
    bad: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class _Stretch:
    start: float
    end: float
    phrase: str
    cause: str | None


def verdict(quality: float, scale: Scale, parts: Sequence[Part], events: Sequence[Event]) -> Verdict:
    """The verdict on a video of ``quality``; ``parts`` are its segments, in order of time.

    >>> from conviqt_cli.quality.scale import ACR
    >>> qualities = (4.2, 4.3, 2.9, 4.2)
    >>> parts = [Part(n, n + 0.6, each, "noise" if each < 3 else None) for n, each in enumerate(qualities)]
    >>> verdict(3.9, ACR, parts, ()).text
    'Good (3.9); noisy from 2.0 s to 2.6 s'
    """
    common = _common_cause(parts)
    bad = _bad_stretches(parts, scale, common)
    seen = [each for each in events if each.code in _EVENTS]
    # A blank or frozen stretch says why it scores as it does.
    bad_elsewhere = [each for each in bad if not any(_overlap(each, other) for other in seen)]
    stretches = [
        _Stretch(each.start, each.end, *_EVENTS[each.code]) for each in seen if not each.throughout
    ] + bad_elsewhere  # fmt: skip
    elsewhere: list[_Stretch | Event] = [*seen, *bad]
    slight = [
        each
        for each in _named_stretches(parts, common)
        if not any(_overlap(each, other) or _overlap(other, each) for other in elsewhere)
    ]
    stretches += slight
    stretches.sort(key=lambda each: each.start)
    said = [f"{_phrase(common)} throughout"] if common else []
    said += [f"{_EVENTS[each.code][0]} from beginning to end" for each in seen if each.throughout]
    said += [f"{each.phrase} from {each.start:.1f} s to {each.end:.1f} s" for each in stretches[:_NAMED]]
    if len(stretches) > _NAMED:
        said.append(f"{len(stretches) - _NAMED} more such stretches")
    causes = [*(_EVENTS[each.code][1] for each in seen if each.throughout), *([common] if common else [])]
    lasting = sorted(stretches, key=lambda each: (each in slight, each.start - each.end))
    causes += [each.cause for each in lasting if each.cause]
    text = "; ".join([_quality(quality, scale), *([", ".join(said)] if said else [])])
    return Verdict(text, causes[0] if causes else None, tuple((each.start, each.end) for each in bad))


def _quality(quality: float, scale: Scale) -> str:
    word = scale.word(quality)
    return f"{word.capitalize()} ({quality:.1f})" if word else f"Quality {quality:.1f} ({scale.description})"


def _phrase(cause: str | None) -> str:
    return "worse" if cause is None else _PHRASES.get(cause, cause)


def _common_cause(parts: Sequence[Part]) -> str | None:
    counts = Counter(each.cause for each in parts if each.cause)
    if not counts:
        return None
    cause, count = counts.most_common(1)[0]
    return cause if count >= _THROUGHOUT * len(parts) else None


def _bad_stretches(parts: Sequence[Part], scale: Scale, common: str | None) -> list[_Stretch]:
    """Rows of segments that are clearly worse than the median one; on a scale without ends nothing is clear."""
    if scale.low is None or scale.high is None or len(parts) < 2:
        return []
    median = float(np.median([each.quality for each in parts]))
    sign = 1 if scale.higher_is_better else -1
    limit = _WORSE * (scale.high - scale.low)
    rows: list[list[Part]] = []
    follows = False
    for each in parts:
        bad = sign * (median - each.quality) >= limit
        if bad and follows:
            rows[-1].append(each)
        elif bad:
            rows.append([each])
        follows = bad
    found = []
    for row in rows:
        # At the ends of a fault it may be too little of a segment to tell.
        named = Counter(each.cause for each in row if each.cause).most_common(2)
        sure = bool(named) and 2 * named[0][1] >= len(row) and (len(named) == 1 or named[0][1] > named[1][1])
        cause = named[0][0] if sure else None
        # What the whole video has is no reason why a part of it is worse, unless there is more of it.
        phrase = f"more {_phrase(cause)}" if cause and cause == common else _phrase(cause)
        found.append(_Stretch(row[0].start, row[-1].end, phrase, cause))
    return found


def _named_stretches(parts: Sequence[Part], common: str | None) -> list[_Stretch]:
    """Rows of segments with one clear cause that is not the whole video's, long enough to be said."""
    found = []
    for cause, row in groupby(parts, key=lambda each: each.cause):
        segments = list(row)
        if cause and cause != common and segments[-1].end - segments[0].start >= _LASTING:
            found.append(_Stretch(segments[0].start, segments[-1].end, _phrase(cause), cause))
    return found


def _overlap(stretch: _Stretch | Event, event: _Stretch | Event) -> bool:
    """Whether half of the stretch lies within the event."""
    shared = min(stretch.end, event.end) - max(stretch.start, event.start)
    return shared >= 0.5 * (stretch.end - stretch.start)
