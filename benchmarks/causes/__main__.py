"""Make videos with known faults and see what they are said to be.

    python -m benchmarks.causes WORK SCENE ... [--weights BUNDLE] [--lines 480]

SCENES are videos and photographs (a window moves over those); WORK is a folder for what is made. Nine faults of one
second, of middling strength, are put into a clean encode of each scene (x264, CRF 18). Counted is what is named within
that second: by the segments of which at least half lies in it, and by events. Right: the fault and nothing else; wrong:
anything else; the rest is named nothing. Plain encodes are listed with every cause that any segment is given.
"""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.causes import faults
from conviqt_cli.scoring.results import VideoScore
from conviqt_cli.scoring.scorer import Scorer, load

#: The faults of the table, and those that are found by comparing frames alone.
NINE = (
    *("blur", "noise", "low resolution", "compression", "frozen", "packet loss", "banding", "ghosting"),
    "brightness and colour",
)
MORE = ("interlacing", "dropped", "flicker")

#: Quantisers of the plain encodes.
LADDER = (18, 28, 36, 44)

#: What events call a fault.
_EVENTS = {
    "frozen": {"frozen"},
    "dropped": {"repeated_frames", "cadence", "frozen"},
    "interlacing": {"combing"},
    "flicker": {"flicker"},
}

#: A segment is in the fault's second if so much of it is.
_INSIDE = 0.5


def table(scorer: Scorer, scenes: Sequence[Path], work: Path, lines: int) -> None:
    """Print the table."""
    named: dict[str, Counter[str]] = defaultdict(Counter)
    for number, scene in enumerate(scenes):
        rng = np.random.default_rng(number)
        source = faults.prepare(scene, work / f"{scene.stem}.mkv", rng, lines)
        for fault in (*NINE, *MORE):
            path = work / "spoilt.mkv"
            faults.spoilt(source, fault, path, rng)
            found = scorer.score(path)
            causes = _named(found, fault)
            # What is named beside the fault itself is named wrongly.
            named[fault].update(sorted(causes - {fault})[:1] or [fault if causes else _NOTHING])
            print(f"{scene.name[:24]:24}  {fault:22}  {sorted(causes)}  {found.verdict.text}", flush=True)
        for crf in LADDER:
            path = work / "encode.mkv"
            faults.encoded(source, path, crf)
            found = scorer.score(path)
            causes = {each.cause or _NOTHING for each in found.segments}
            named[f"CRF {crf}"].update(causes)
            print(f"{scene.name[:24]:24}  CRF {crf:18}  {sorted(causes)}  {found.verdict.text}", flush=True)
    _print(named, len(scenes))


_NOTHING = "-"


def _named(found: VideoScore, fault: str) -> set[str]:
    """What is named in the fault's second; ``fault`` itself where it is an event that tells it."""
    begin, end = faults.START, faults.START + faults.LASTS
    causes = {
        each.cause
        for each in found.segments
        if each.cause and min(each.end, end) - max(each.start, begin) >= _INSIDE * (each.end - each.start)
    }
    told = _EVENTS.get(fault, set())
    if any(each.code in told and min(each.end, end) - max(each.start, begin) >= 0.4 for each in found.events):
        # A frozen picture may look like anything; the verdict says that it is frozen.
        return {fault}
    return causes


def _print(named: dict[str, Counter[str]], scenes: int) -> None:
    right = wrong = 0
    print(f"\n{'fault':24} right wrong  none  named wrongly")
    for fault, counts in named.items():
        if fault.startswith("CRF"):
            print(f"{fault:24} {dict(counts)}")
            continue
        others = ", ".join(f"{name} {count}" for name, count in counts.items() if name not in (fault, _NOTHING))
        mistaken = scenes - counts[fault] - counts[_NOTHING]
        print(f"{fault:24} {counts[fault]:5} {mistaken:5} {counts[_NOTHING]:5}  {others}")
        if fault in NINE:
            right, wrong = right + counts[fault], wrong + mistaken
    total = scenes * len(NINE)
    print(f"the nine: right {right / total:.0%}, wrong {wrong / total:.1%} of {total}")


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    parser.add_argument("scenes", type=Path, nargs="+")
    parser.add_argument("--weights")
    parser.add_argument("--lines", type=int, default=faults.LINES)
    given = parser.parse_args()
    given.work.mkdir(parents=True, exist_ok=True)
    table(load(given.weights), given.scenes, given.work, given.lines)


if __name__ == "__main__":
    main()
