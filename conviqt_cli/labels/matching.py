"""Which file does a label mean? Names differ by folder, extension, case, and what an encoder appended."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from conviqt_cli.labels.layouts import stem_of


@dataclass(frozen=True)
class Matching:
    """``found`` maps a label's name to a file's; everything that did not pair up is listed."""

    found: dict[str, str]
    no_file: list[str] = field(default_factory=list)
    ambiguous: dict[str, list[str]] = field(default_factory=dict)
    shared: dict[str, list[str]] = field(default_factory=dict)
    unlabelled: list[str] = field(default_factory=list)


def match(labels: Sequence[str], files: Sequence[str]) -> Matching:
    """Pair labels with files, most exact rule first.

    A label means the file of the same path; else of the same last folders; else of the same stem, whatever the
    extension and case; else the only file whose stem continues the label's (or the reverse) at ``_``, ``-`` or ``.``,
    as in ``4542323058`` and ``4542323058_540p.mp4``. A label that could mean several files is ``ambiguous`` and a file
    that several labels mean is ``shared``: neither is used.
    """
    by_path = {_path(file): file for file in files}
    by_stem: dict[str, list[str]] = defaultdict(list)
    for file in files:
        by_stem[stem_of(file).casefold()].append(file)
    prefixes: dict[str, list[str]] = defaultdict(list)
    for stem, owners in by_stem.items():
        for prefix in _prefixes(stem):
            prefixes[prefix].extend(owners)

    found: dict[str, str] = {}
    no_file: list[str] = []
    ambiguous: dict[str, list[str]] = {}
    for label in dict.fromkeys(labels):
        if _path(label) in by_path:
            found[label] = by_path[_path(label)]
            continue
        stem = stem_of(label).casefold()
        candidates = by_stem.get(stem, [])
        if len(candidates) > 1:
            # Same names in several folders: the label's own folders may tell.
            ends = [file for file in candidates if _path(file).endswith("/" + _path(label))]
            folder = [file for file in candidates if _same_folder(file, label)]
            candidates = ends or folder or candidates
        if not candidates:
            candidates = prefixes.get(stem, [])
        if not candidates:
            shorter = [prefix for prefix in _prefixes(stem) if prefix in by_stem]
            candidates = by_stem[max(shorter, key=len)] if shorter else []
        if len(candidates) == 1:
            found[label] = candidates[0]
        elif candidates:
            ambiguous[label] = candidates
        else:
            no_file.append(label)

    owners_of: dict[str, list[str]] = defaultdict(list)
    for label, file in found.items():
        owners_of[file].append(label)
    shared = {file: owners for file, owners in owners_of.items() if len(owners) > 1}
    found = {label: file for label, file in found.items() if file not in shared}
    meant = {*found.values(), *shared, *(file for several in ambiguous.values() for file in several)}
    return Matching(found, no_file, ambiguous, shared, [file for file in files if file not in meant])


def _path(name: str) -> str:
    return name.strip().replace("\\", "/").removeprefix("./").casefold()


def _same_folder(file: str, label: str) -> bool:
    folders, asked = _path(file).split("/")[:-1], _path(label).split("/")[:-1]
    return bool(asked) and folders[-len(asked) :] == asked


def _prefixes(stem: str) -> list[str]:
    return [stem[:i] for i, character in enumerate(stem) if character in "_-." and i > 0]
