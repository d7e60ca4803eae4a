"""A comparison in a sentence or two."""

from __future__ import annotations

from collections.abc import Sequence

from conviqt_cli.comparing.preference import SUREST
from conviqt_cli.comparing.results import Comparison, Stretch

_NOTHING = "no difference that can be told"

#: A list of more stretches than this is cut short.
_LISTED = 4


def sentence(comparison: Comparison, names: Sequence[str]) -> str:
    """What was found, in plain words; ``names`` stand for the versions."""
    if not comparison.calibrated:
        best = comparison.best
        return (
            f"{names[best]} has the highest score. How likely viewers prefer it is not known for this regressor: "
            "it is calibrated for the default model's own."
        )
    said = _of_two(comparison, names) if len(comparison.versions) == 2 else _of_many(comparison, names)
    return " ".join([said, *_scaled_up(comparison, names)])


def _scaled_up(comparison: Comparison, names: Sequence[str]) -> list[str]:
    """Which versions have fewer lines than they say."""
    return [
        f"{name} looks like {version.score.native_lines}p or less scaled up."
        for version, name in zip(comparison.versions, names, strict=True)
        if version.score.native_lines is not None
    ]


def percent(probability: float) -> str:
    """A probability as it is said: ``72 %``, ``over 97 %``.

    >>> percent(0.718), percent(0.97)
    ('72 %', 'over 97 %')
    """
    return f"over {SUREST:.0%}".replace("%", " %") if probability >= SUREST else f"{probability * 100:.0f} %"


def offset_text(offset: float) -> str:
    """Where a version lies against the first one."""
    if abs(offset) < 0.02:
        return "in step"
    return f"starts {abs(offset):.2f} s {'later' if offset < 0 else 'earlier'}"


def clock(seconds: float) -> str:
    """A moment as ``m:ss``, with a tenth of a second where it is not a whole one.

    >>> clock(14.0), clock(61.24)
    ('0:14', '1:01.2')
    """
    tenths = round(seconds * 10)
    minutes, rest = divmod(tenths, 600)
    whole, tenth = divmod(rest, 10)
    return f"{minutes}:{whole:02d}" + (f".{tenth}" if tenth else "")


def _of_two(comparison: Comparison, names: Sequence[str]) -> str:
    stretches = comparison.stretches(0, 1)
    overall = comparison.difference(0, 1)
    assert overall.probability is not None
    ahead = 0 if overall.mean >= 0 else 1
    likely = max(overall.probability, 1 - overall.probability)
    if not stretches and likely < comparison.threshold:
        return f"{_NOTHING[0].upper()}{_NOTHING[1:]} ({percent(likely)} for {names[ahead]})."
    everywhere = len(stretches) == 1 and _length(stretches) >= 0.95 * (
        comparison.moments[-1].end - comparison.moments[0].start
    )
    chance = f"Over all, viewers prefer {names[ahead]} with a probability of {percent(likely)}."
    if everywhere or not stretches:
        return f"{names[ahead]} looks better{' throughout' if everywhere else ''}. {chance}"
    parts = [
        f"{names[number]} looks better {_listed([each for each in stretches if each.better == number])}"
        for number in (0, 1)
        if any(each.better == number for each in stretches)
    ]
    return f"{', '.join(parts)}, else {_NOTHING}. {chance}"


def _of_many(comparison: Comparison, names: Sequence[str]) -> str:
    best, smallest = comparison.best, comparison.smallest
    said = f"{names[best]} has the highest score."
    if smallest is None:
        return said
    sizes = [version.bytes for version in comparison.versions if version.bytes is not None]
    if smallest == best and min(sizes) == comparison.versions[best].bytes:
        return f"{said} It is the smallest file, too."
    if smallest == best:
        return f"{said} No smaller version is as good: viewers would see the difference."
    chance = comparison.difference(best, smallest).probability
    assert chance is not None
    return (
        f"{said} The smallest that is not visibly worse is {names[smallest]}: "
        f"viewers prefer {names[best]} to it with a probability of {percent(chance)}."
    )


def _listed(stretches: Sequence[Stretch]) -> str:
    texts = [f"from {clock(each.start)} to {clock(each.end)}" for each in stretches[:_LISTED]]
    if len(stretches) > _LISTED:
        texts.append(f"in {len(stretches) - _LISTED} more places")
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}"


def _length(stretches: Sequence[Stretch]) -> float:
    return sum(each.end - each.start for each in stretches)
