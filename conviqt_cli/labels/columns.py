"""Which column holds the video, its score, the spread, the number of ratings and the content: said, or guessed.

A guess is made from the header's words where there are any, else from what the cells look like, and is always shown.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from conviqt_cli.errors import LabelError
from conviqt_cli.labels.table import Table, number

# Words of headers, letters and digits only, best first.
_VIDEO = (
    *("video", "videoname", "videonames", "filename", "filenames", "file", "filepath", "path", "name", "names", "vid"),
    *("videoid", "flickrid", "stimulus", "clip", "pvs", "pvsid", "sequence", "vidnames", "videolist", "image", "id"),
)
_MOS = (
    *("mos", "dmos", "mosfull", "dmosfull", "realignmentmos", "unbiasedmos", "meanopinionscore", "scores", "score"),
    *("quality", "rating", "opinion", "label", "mean"),
)
_STD = ("std", "sd", "stdev", "stddev", "stdfull", "mosstd", "stdmos", "dmosstd", "sigma", "standarddeviation")
_RATINGS = ("n", "votes", "nvotes", "ratings", "nratings", "numratings", "xsubjects", "nsubjects", "numvotes", "count")
_GROUP = ("content", "contentid", "contentname", "group", "scene", "source", "sourceid", "src", "reference", "ref")
_VIEWER = ("subject", "subjectid", "user", "userid", "observer", "viewer", "rater", "participant", "worker", "assessor")
_ONE_VIEWER = re.compile(r"(subject|subj|user|observer|viewer|rater|participant|s|p)\d+")


@dataclass(frozen=True)
class Columns:
    """Column indices; ``None`` where there is no such column.

    ``viewer`` marks a long table (one row a rating); ``opinions`` lists the columns of a table with one column a
    viewer, whose mean is then the score.
    """

    video: int
    mos: int | None
    std: int | None = None
    ratings: int | None = None
    group: int | None = None
    viewer: int | None = None
    opinions: tuple[int, ...] = ()


def choose(
    table: Table,
    video: str | None = None,
    mos: str | None = None,
    std: str | None = None,
    ratings: str | None = None,
    group: str | None = None,
) -> Columns:
    """Resolve what was asked for, guess the rest.

    A column is asked for by its header (case and punctuation do not matter) or its number, counted from one; ``none``
    says that there is no such column. Raises :class:`LabelError` when one does not exist or no score can be found.
    """
    words = [_plain(cell) for cell in table.header] if table.header else [""] * table.width
    taken: list[int] = []

    def settle(asked: str | None, guesses: tuple[str, ...], part: str = "") -> int | None:
        index = _by_words(words, guesses, part, taken) if asked is None else _asked(table, words, asked)
        if index is not None:
            taken.append(index)
        return index

    asked_mos = None if mos is None else _asked(table, words, mos)
    if asked_mos is not None:
        taken.append(asked_mos)
    video_index = settle(video, _VIDEO)
    if video_index is None:
        video_index = _looks_like_names(table, taken)
        taken.append(video_index)
    viewer = _by_words(words, _VIEWER, "", taken)
    opinions = tuple(i for i, word in enumerate(words) if _ONE_VIEWER.fullmatch(word) and i not in taken)
    std_index = settle(std, _STD, "std")
    mos_index = asked_mos if asked_mos is not None else settle(None, _MOS, "mos")
    if mos_index is None and len(opinions) >= 3:
        return Columns(video_index, None, group=settle(group, _GROUP), opinions=opinions)
    if mos_index is None:
        mos_index = _looks_like_scores(table, taken)
        taken.append(mos_index)
    return Columns(video_index, mos_index, std_index, settle(ratings, _RATINGS), settle(group, _GROUP), viewer)


def names_column(table: Table) -> int | None:
    """The column that names the videos of a table of features; ``None`` where every column is a number."""
    words = [_plain(cell) for cell in table.header] if table.header else []
    found = _by_words(words, _VIDEO, "", [])
    if found is not None:
        return found
    texts = [any(number(cell) is None for cell in table.column(index)) for index in range(table.width)]
    return texts.index(True) if True in texts else None


def name_of(table: Table, index: int | None) -> str:
    """How to name a column to people."""
    if index is None:
        return "none"
    heading = table.header[index] if table.header else ""
    return f"{heading!r} (column {index + 1})" if heading else f"column {index + 1}"


def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())


def _asked(table: Table, words: list[str], asked: str) -> int | None:
    if asked.lower() == "none":
        return None
    if _plain(asked) and _plain(asked) in words:
        return words.index(_plain(asked))
    if asked.isdigit() and 1 <= int(asked) <= table.width:
        return int(asked) - 1
    found = ", ".join(cell or "(unnamed)" for cell in table.header) if table.header else f"1 to {table.width}"
    raise LabelError(f"no column {asked!r}; there are: {found[:300]}")


def _by_words(words: list[str], guesses: tuple[str, ...], part: str, taken: list[int]) -> int | None:
    for guess in guesses:
        for index, word in enumerate(words):
            if word == guess and index not in taken:
                return index
    for index, word in enumerate(words):
        if part and part in word and index not in taken and not (part == "mos" and "std" in word):
            return index
    return None


def _looks_like_names(table: Table, taken: list[int]) -> int:
    """The column with most different texts; of numbers alone, the first whose whole values never repeat."""
    best, most = None, 0
    for index in range(table.width):
        texts = {cell for cell in table.column(index) if number(cell) is None}
        if index not in taken and len(texts) > max(most, 0.5 * len(table.rows)):
            best, most = index, len(texts)
    if best is not None:
        return best
    for index in range(table.width):
        cells = table.column(index)
        if index not in taken and len(set(cells)) == len(cells) and all(re.fullmatch(r"\d+(\.0)?", c) for c in cells):
            return index
    raise LabelError("no column looks like names of videos; name the column", "video_col")


def _looks_like_scores(table: Table, taken: list[int]) -> int:
    """The last numeric column that varies: databases without a header put the score there."""
    for index in reversed(range(table.width)):
        values = np.array([number(cell) for cell in table.column(index)], dtype=np.float64)
        known = values[np.isfinite(values)]
        if index not in taken and len(known) >= 0.5 * len(values) and (len(known) == 1 or np.ptp(known) > 0):
            return index
    for index in reversed(range(table.width)):  # all labels equal: found here, refused later with a better reason
        if index not in taken and all(number(cell) is not None for cell in table.column(index)):
            return index
    raise LabelError("no column looks like scores; name the column", "mos_col")
