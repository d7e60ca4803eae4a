"""The cause of each clip: what the diagnosis head sees, weighed against what the pixels say.

A fault that comes and goes is measured against the rest of its scene: :data:`_SIGNS` says by which measures a family
betrays itself. The head and the measures have to agree, or the measures have to be plain; where they contradict each
other the cause is unclear. Where nothing sets a clip apart from its scene, or there is no other clip to compare it
with, the head alone is believed: compression as it is calibrated, everything else only if it is nearly sure, because
ordinary encodes look a little like many things.

The limits were set on videos with known faults (``python -m benchmarks.causes``), other scenes than those of the table.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from conviqt_cli.arrays import Floats, Mask
from conviqt_cli.quality.diagnosis import Diagnosis, DiagnosisHead
from conviqt_cli.quality.families import CLEAN, COMPRESSION, OTHER, PACKET_LOSS
from conviqt_cli.scoring.coding import FINE
from conviqt_cli.scoring.evidence import MEASURES, Evidence, differences, relative

#: In a stream that was damaged on its way, a clip was hit in this share of which the decoder repaired pictures. Where
#: it is not known where that was, and of clips that follow, those were hit that score this much lower (1 to 5) than
#: their scene; in the former case those, too, that the head gives this probability of packet loss.
_REPAIRED, _HIT, _LOOKS_HIT = 0.25, 0.2, 0.35

#: Probability from which on the head alone is believed where it is not about compression, or against the bits that
#: coding took; of blur, which shallow focus resembles.
_ALONE, _ALONE_BLUR = 0.9, 0.96

#: How often a name was right that the measures gave to n clips (7 to 18 of each, but none that was sharpened) of scenes
#: that no limit had been set on, when they were first read: (right + 1) / (n + 2).
_RIGHT = {
    "noise": 0.95,
    "banding": 0.94,
    PACKET_LOSS: 0.95,
    "brightness and colour": 0.93,
    "low resolution": 0.92,
    "ghosting": 0.78,
    "blur": 0.73,
    "sharpening": 0.73,
}

#: Of several families whose signs are there, one is named that the head gives at least this, or whose sign is so plain.
_SUPPORTED, _PLAINLY = 0.2, 2.0

#: What adds detail has to be seen by the head, too: where most of a scene is spoilt, its clean clips have more of it.
_AT_LEAST = {"noise": 0.3, "sharpening": 0.3, "banding": 0.1}

#: A jump of brightness (see :data:`MEASURES`) that is plain.
_LEAP = 0.8

#: What the head is as sure of as this to be compression is that, unless a sign is plain. Less will do where a clip is
#: like its scene, shows no sign of anything else, and scores less than good: fine coding looks like compression, too.
_COMPRESSED, _GOOD = 0.85, 3.5

#: A sign is half there from this strength on: enough for a name if the head gives the family this probability, and
#: else to doubt what the head says instead.
_HALF, _SEEN = 0.5, 0.7

#: What half a clip of any fault may look like.
_VAGUE = (COMPRESSION, "blur", "low resolution")

#: A clip that is darker or brighter by this much (see :data:`MEASURES`), and did not become so at once, shows something
#: else. Then less detail, and less movement, mean little, and the head has to give what they suggest at least this.
_ELSE, _OF_ELSE = 0.5, 0.5

#: A clip is unlike its scene if a band of its spectrum differs by this much (natural logarithm).
_CHANGED = 0.5


@dataclass(frozen=True)
class _Apart:
    """Measures of one clip less those of its scene.

    Indexed by name, it gives what stands out, and else 0; :meth:`all` what there is, however much clips of the scene
    differ from each other in it.
    """

    standing_out: Floats
    differences: Floats

    def __getitem__(self, name: str) -> float:
        return float(self.standing_out[MEASURES.index(name)])

    def all(self, name: str) -> float:
        """The difference as it is."""
        return float(self.differences[MEASURES.index(name)])


def _noise(apart: _Apart) -> float:
    # White noise fills the spectrum where there was least, and leaves nothing flat.
    return min(apart["band 7"] / 0.9, (apart["band 7"] - apart["band 3"]) / 0.6, -apart["flat"] / 0.35)


def _sharpening(apart: _Apart) -> float:
    return min(apart["band 4"] / 0.9, apart["band 6"] / 0.9, 1.5 - abs(apart["band 7"] - apart["band 4"]))


def _banding(apart: _Apart) -> float:
    # Few levels are left, and the steps between them are sharp. (So are those that contrast or gamma leave.)
    steps = 1 + apart["band 7"] - max(0.0, apart["band 3"])
    return min(apart["comb"] / 0.1, steps, 2.1 - apart["luma jump"] / 0.6)


def _ghosting(apart: _Apart) -> float:
    # Pictures blended over time change less from one to the next, changes go on in the same way, and edges that move
    # are less steep; but detail of all sizes smears alike. (Where a movement becomes slower, edges stay steep.)
    slower = min(-apart.all("change") / 0.6, -apart.all("change at once") / 0.4)
    return min(
        *(slower, apart.all("change follows later") / 0.05, -apart.all("moving detail") / 0.4),
        min(apart.all(f"band {number}") for number in (3, 4, 5)) - apart.all("band 1") + 2.31,
    )


def _detail_lost(apart: _Apart) -> float:
    # Blur and low resolution; where coarse detail has changed, too, it is rather another picture, and where the calmest
    # blocks lose more than the rest, an encoder has emptied them.
    return min(
        *(-apart["band 3"] / 0.6, -apart["band 4"] / 0.8, (apart["band 1"] - apart["band 4"]) / 0.6),
        *(1.2 - apart["band 1"], 1.8 + apart["calm 7"] - apart["band 7"]),
    )


def _brightness_and_colour(apart: _Apart) -> float:
    # It comes and goes from one frame to the next; a camera that pans does not.
    moved = max(
        min(abs(apart[name]) / limit, 1.6 * apart[f"{name} jump"] / max(abs(apart[name]), 1e-3))
        for name, limit in _COLOUR_LIMITS.items()
    )
    # Detail may gain or lose with contrast, but coarse and fine alike, and it stays as flat as it is.
    same_detail = 1.8 - max(abs(apart["band 6"] - apart["band 1"]), abs(apart["band 3"]))
    # Where brightness jumps by far, levels may be lost or spread, too.
    far = min(abs(apart["luma"]) / 0.8, 1.6 * apart["luma jump"] / max(abs(apart["luma"]), 1e-3))
    return min(moved, same_detail, max(far, min(1.5 - abs(apart["flat"]), 2 - apart["comb"] / 0.1)))


#: How much of a measure of colour is a fault: see :data:`MEASURES`.
_COLOUR_LIMITS = {"luma": 0.4, "contrast": 0.25, "red": 0.4, "blue": 0.4, "saturation": 0.3}

_JUMPS = [MEASURES.index(f"{name} jump") for name in _COLOUR_LIMITS]

#: The two families that take detail away, as one.
_DETAIL_LOST = "detail lost"

#: The sign of ghosting and what the head gives it, so many times, together have to reach this: by logistic regression
#: on both, over clips of 42 scenes with every fault and with none. Of what nearly reaches it, lost detail says nothing.
_OF_GHOSTING, _GHOSTING, _PERHAPS = 0.67, 1.15, 0.75

#: What a camera that moves on may resemble.
_MOVING_AWAY = (_DETAIL_LOST, "ghosting")

#: How plainly a clip shows a family: from 1 on the sign is there.
_SIGNS: dict[str, Callable[[_Apart], float]] = {
    "noise": _noise,
    "sharpening": _sharpening,
    "banding": _banding,
    "ghosting": _ghosting,
    _DETAIL_LOST: _detail_lost,
    "brightness and colour": _brightness_and_colour,
}


def diagnose(
    head: DiagnosisHead,
    vectors: Floats,
    evidence: Evidence,
    quality: Floats,
    intact: bool,
    repaired: Floats | None = None,
    factors: Floats | None = None,
    flickers: Mask | None = None,
) -> list[Diagnosis]:
    """The diagnosis of each clip, of vectors (n, 2048) and quality (n,) from 1 (bad) to 5.

    ``intact`` says that the decoder missed nothing, so that there can be no packet loss. Where it did, ``repaired``
    (n,) is the share of each clip in which it had to repair pictures; where that is not known (``None``), the clips
    that are worse than the rest of their scene are those that were hit.
    """
    alike = evidence.alike()
    measures = evidence.absolute()
    apart, standing_out, compared = differences(measures, alike)
    # A jump anywhere in the scene will do: in the middle of a long fault there is none.
    jumping = alike if flickers is None else alike & ~flickers
    for column in _JUMPS:
        standing_out[:, column] = np.where(jumping, measures[:, column], 0.0).max(axis=1)
    drop = relative(quality[:, None], alike)[0][:, 0]
    seen = head.diagnose(vectors, intact or repaired is not None)
    hit = np.zeros(len(vectors), bool) if intact else _hit(seen, drop, repaired)
    aparts = [_Apart(*both) for both in zip(standing_out, apart, strict=True)]
    lost = [_detail_lost(each) >= 1 for each in aparts]
    found = []
    for row, each in enumerate(seen):
        factor = None if factors is None else float(factors[row])
        if hit[row]:
            found.append(_named(each, PACKET_LOSS))
        elif compared[row]:
            # At the edges of a fault the head sees half of it.
            around = [seen[near] for near in _near(row, len(seen)) if lost[near]]
            found.append(_weighed(each, around, aparts[row], quality[row], factor))
        else:
            found.append(_alone(each, quality[row] >= _GOOD, factor))
    found = _without_edges(found, quality, alike)
    # What loss leaves looks like much else, compression above all.
    sure = intact or repaired is not None
    return found if sure else [replace(each, needed=max(each.needed, _ALONE)) for each in found]


def _near(row: int, count: int) -> range:
    """A clip of ``count`` and its neighbours."""
    return range(max(0, row - 1), min(count, row + 2))


def _hit(seen: Sequence[Diagnosis], drop: Floats, repaired: Floats | None) -> Mask:
    """Which clips of a stream were hit by its damage; ``drop`` (n,) is how they score against their scene."""
    worse: Mask = drop <= -_HIT
    if repaired is None:
        looks = np.array([_chance(each, PACKET_LOSS) >= _LOOKS_HIT for each in seen])
        either: Mask = np.logical_or(worse, looks)
        return either
    # Damage stays in the picture until the next key frame.
    touched = repaired > 0
    follows = np.concatenate([[False], touched[:-1]])
    hit: Mask = (repaired >= _REPAIRED) | (worse & (touched | follows))
    return hit


def _without_edges(found: Sequence[Diagnosis], quality: Floats, alike: Mask) -> list[Diagnosis]:
    """The diagnoses without those of clips at the edge of a fault, which half show it and look like something else.

    Such a clip has a worse neighbour in its scene that looks like another family.
    """

    def at_edge(row: int) -> bool:
        return found[row].family in _VAGUE and any(
            alike[row, near]
            and quality[near] < quality[row]
            and found[near].family not in (CLEAN, OTHER, found[row].family)
            and found[near].probability >= _SEEN
            for near in _near(row, len(found))
        )

    return [replace(each, needed=_NEVER) if at_edge(row) else each for row, each in enumerate(found)]


def _weighed(
    seen: Diagnosis, around: Sequence[Diagnosis], apart: _Apart, quality: float, factor: float | None
) -> Diagnosis:
    """The head's diagnosis of a clip, against its measures; ``around`` are it and its neighbours that lose detail."""
    signs = {name: sign(apart) for name, sign in _SIGNS.items()}
    signs["ghosting"] = (signs["ghosting"] + _OF_GHOSTING * _chance(seen, "ghosting")) / _GHOSTING
    there = [name for name, strength in signs.items() if _is_there(seen, name, strength)]
    something_else = abs(apart.all("luma")) >= max(_ELSE, 1.6 * apart["luma jump"])
    if something_else:
        there = [name for name in there if name not in _MOVING_AWAY or _support(around, name) >= _OF_ELSE]
    # What is blended loses detail; so does what is coded coarsely. The head knows both well.
    coded = seen.family == COMPRESSION and seen.probability >= _ALONE
    if signs["ghosting"] >= _PERHAPS or coded or _chance(seen, "ghosting") >= _SEEN:
        there = [name for name in there if name != _DETAIL_LOST]
    compressed = seen.family == COMPRESSION and seen.probability >= _COMPRESSED
    plain = any(signs[name] >= _PLAINLY for name in there) or (
        "brightness and colour" in there and apart["luma jump"] >= _LEAP
    )
    if not there or (compressed and not plain):
        changed = max(abs(apart[f"band {number}"]) for number in range(1, 6)) >= _CHANGED
        doubtful = changed or quality >= _GOOD or max(signs.values()) >= _HALF
        # What was coarsely coded before, and then finely, looks unlike its scene.
        return _alone(seen, doubtful, None if changed else factor)
    name: str | None = max(there, key=lambda each: _chance(seen, each) + 0.25 * signs[each])
    if name == _DETAIL_LOST:
        # Where the sign is half there, no clip around has lost detail for certain.
        name = _blur_or_low_resolution(around or [seen], apart)
    if name is None or (len(there) > 1 and _chance(seen, name) < _SUPPORTED and signs.get(name, 1) < _PLAINLY):
        return replace(seen, needed=_NEVER)
    return _named(seen, name)


def _is_there(seen: Diagnosis, name: str, strength: float) -> bool:
    """Whether a sign is there: it is plain, or the head supports it as far as it has to."""
    if strength >= _PLAINLY:
        return True
    needed = _AT_LEAST.get(name, 0.0) if strength >= 1 else _SEEN
    return strength >= _HALF and _support([seen], name) >= needed


def _named(seen: Diagnosis, name: str) -> Diagnosis:
    return replace(seen, family=name, probability=max(_RIGHT[name], _chance(seen, name)), level=max(1.0, seen.level))


def _blur_or_low_resolution(around: Sequence[Diagnosis], apart: _Apart) -> str | None:
    """Blur takes from all bands, from each the more the finer it is; scaling leaves what is coarse.

    ``None`` where spectrum and head together do not tell.
    """
    coarse = apart.all("band 1") / min(apart.all("band 2"), -0.1) / _BLUR_COARSE
    # Below a floor nothing is left to take away.
    middle = min(1.0, apart.all("band 2") / min(apart.all("band 4"), -0.1) / _BLUR_MIDDLE)
    blur, low = (max(_chance(each, name) for each in around) for name in ("blur", "low resolution"))
    odds = _OF_SPECTRUM * min(coarse + middle, 3.0) + _OF_HEAD * (blur - low) - _EVEN
    return "blur" if odds >= _TOLD else "low resolution" if odds <= -_TOLD else None


#: By how much blur takes less (in logarithms of power) from band 1 than from band 2, and from band 2 than from band 4;
#: the sum of both ratios, as shares of these, is 2 for blur, and less for a spectrum that ends steeply.
_BLUR_COARSE, _BLUR_MIDDLE = 0.36, 0.5

#: Logistic regression on that sum and on what the head gives blur more than low resolution: right for 84 % of 201 clips
#: of scenes left out, and for 90 % of those (85 % of all) that it is 70 % sure of (logarithm of odds).
_OF_SPECTRUM, _OF_HEAD, _EVEN, _TOLD = 2.8, 4.31, 5.39, 0.85


def _support(around: Sequence[Diagnosis], name: str) -> float:
    """The most that the head gives a family, of the two that lose detail either, in any of some clips."""
    names = ("blur", "low resolution") if name == _DETAIL_LOST else (name,)
    return max((_chance(each, other) for each in around for other in names), default=0.0)


def _chance(seen: Diagnosis, name: str) -> float:
    """What the head gives a family."""
    if seen.family == name:
        return seen.probability
    return next((each.probability for each in seen.others if each.family == name), 0.0)


def _alone(seen: Diagnosis, doubtful: bool, factor: float | None) -> Diagnosis:
    """The head's diagnosis where nothing supports it; what is ``doubtful`` it has to be surer of.

    A low ``factor``, the rate factor that the clip seems to be coded at, is evidence against compression.
    """
    if seen.family == CLEAN:
        return seen
    if seen.family != COMPRESSION or (factor is not None and factor <= FINE):
        return replace(seen, needed=_ALONE_BLUR if seen.family == "blur" else _ALONE)
    return replace(seen, needed=_COMPRESSED) if doubtful else seen


#: More than any probability: what contradicts itself is not named.
_NEVER = 1.01
