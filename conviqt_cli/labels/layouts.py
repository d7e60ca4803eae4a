"""The published databases: what their label files leave unsaid.

A file says a name and a number; that scores run from 0 to 100, which videos show one scene, or that the names carry an
encoder's suffix is in the papers. ``published`` is CONVIQT's median SROCC (arXiv 2206.14713, tables II and VI) for
comparison, where given.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from conviqt_cli.errors import UsageError
from conviqt_cli.labels.columns import Columns
from conviqt_cli.labels.table import Table
from conviqt_cli.quality.scale import ACR, Scale
from conviqt_cli.video.media_kinds import Kind, is_picture, kind_by_name

_HUNDRED = Scale("MOS", 0.0, 100.0)
# CVD2014's realignment moves a few scores below zero.
_REALIGNED = Scale("realigned MOS", None, None)


@dataclass(frozen=True)
class Layout:
    """One database. ``content`` maps a label's name to its scene."""

    key: str
    title: str
    scale: Scale
    file: str
    names: str
    content: Callable[[str], str]
    published: float | None = None
    mos: str | None = None

    def recognises(self, file_name: str, stems: Sequence[str]) -> bool:
        """Whether a label file of this name holding these stems is this database's."""
        known = sum(re.fullmatch(self.names, stem, re.IGNORECASE) is not None for stem in stems)
        return bool(re.search(self.file, file_name, re.IGNORECASE)) and known >= 0.9 * len(stems) > 0


def stem_of(name: str) -> str:
    """A label's name without folders, media extension, or the ``.0`` that a spreadsheet adds to numeric ids."""
    last = PurePosixPath(name.strip().replace("\\", "/")).name
    if re.fullmatch(r"\d+\.0+", last):
        return last.split(".")[0]
    stem, dot, ending = last.rpartition(".")
    known = ending.lower() in _MORE_ENDINGS or is_picture(last) or kind_by_name(last) is Kind.VIDEO
    return stem if dot and stem and known else last


#: Endings in label files of what is no video by its name alone: raw pictures and streams, and what is made of videos.
_MORE_ENDINGS = frozenset(("yuv", "264", "265", "ts", "mts", "npz", "csv"))


def _itself(name: str) -> str:
    return name


def _before(pattern: str) -> Callable[[str], str]:
    def content(name: str) -> str:
        return re.split(pattern, stem_of(name), maxsplit=1, flags=re.IGNORECASE)[0].lower()

    return content


def _scene_of_cvd(name: str) -> str:
    stem = stem_of(name)
    found = re.match(r"test\d+_(.+)_d\d+$", stem, re.IGNORECASE)
    return found.group(1).lower() if found else stem


def _scene_of_qualcomm(name: str) -> str:
    # The day, then the scene; the phone that follows is written in many ways.
    found = re.match(r"(\d{4})_?([^_]+)", stem_of(name))
    return (found.group(1) + found.group(2)).lower() if found else stem_of(name)


def _source_of_youtube(name: str) -> str:
    stem = stem_of(name)
    found = re.match(r"[a-z]+_\d+p-[0-9a-f]{4}", stem, re.IGNORECASE)
    return found.group(0).lower() if found else stem


LAYOUTS = (
    Layout("konvid-1k", "KoNViD-1k", ACR, r"konvid", r"\d{6,}(_\w+)?", _itself, 0.851),
    Layout("live-vqc", "LIVE-VQC", _HUNDRED, r"live.?vqc", r"[a-z]\d{3}", _itself, 0.808),
    Layout("youtube-ugc", "YouTube-UGC", ACR, r"(youtube|yt).?ugc", r"[a-z]+_\d+p-.+", _source_of_youtube, 0.832),
    Layout("cvd2014", "CVD2014", _REALIGNED, r"cvd", r"test\d+_.+_d\d+", _scene_of_cvd, mos="realignmentmos"),
    Layout("live-qualcomm", "LIVE-Qualcomm", _HUNDRED, r"qualcomm", r"\d{4}_?\w+", _scene_of_qualcomm),
    Layout("lsvq", "LSVQ", _HUNDRED, r"lsvq|labels_(train|test)", r".+", _itself),
    Layout("live-yt-hfr", "LIVE-YT-HFR", _HUNDRED, r"hfr|subject_d?mos", r".+_crf_\d+_\d+fps", _before(r"_crf_\d")),
    Layout("live-etri", "LIVE-ETRI", _HUNDRED, r"etri", r".+_\d+p_\d+hz_q_\d+", _before(r"_\d+p_\d+hz"), 0.94),
)


def find_layout(key: str | None, file_name: str, table: Table, columns: Columns) -> Layout | None:
    """The layout asked for by ``key``, or the one that recognises the file; ``none`` and no match give ``None``.

    Raises :class:`UsageError` for an unknown key.
    """
    if key is not None and key.lower() != "none":
        for layout in LAYOUTS:
            if layout.key == key.lower():
                return layout
        raise UsageError(
            f"unknown layout {key!r}; choose one of {', '.join(each.key for each in LAYOUTS)}, or none", "layout"
        )
    if key is not None:
        return None
    stems = [stem_of(name) for name in table.column(columns.video)]
    return next((layout for layout in LAYOUTS if layout.recognises(file_name, stems)), None)
