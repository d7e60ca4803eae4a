"""What ``conviqt score`` writes for people: HTML pages, the timeline as a drawing, pictures of the worst moments."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from conviqt_cli.errors import UsageError
from conviqt_cli.files import write_text_whole, write_whole
from conviqt_cli.report.batch_report import printable
from conviqt_cli.report.folder_page import Card, folder_page
from conviqt_cli.report.page import render
from conviqt_cli.report.plot_png import plot_png
from conviqt_cli.report.timeline_chart import timeline_of
from conviqt_cli.report.video_page import WORST, data_uri, middle, video_page
from conviqt_cli.scorefiles.cells import visible
from conviqt_cli.scorefiles.tally import Tally
from conviqt_cli.scoring.results import Result, VideoScore
from conviqt_cli.video.thumbnails import thumbnail

if TYPE_CHECKING:  # PyTorch is imported only where there is something to score
    from conviqt_cli.scoring.scorer import Scorer

#: Pixels across of the pictures in a table of many videos.
_SMALL = 120

#: Frames of each of many videos whose regions are scored; of one video, those of all worst segments are.
_MAPPED_OF_MANY = 1


@dataclass
class Pages:
    """Written while a run goes on, so that a long run need not hold its results.

    Args:
        report: the page of one video, or of the table of many, whose own pages go into a folder beside it.
        plot: the timeline of one video, as SVG or PNG.
        thumbnails: a folder for the frames of each video's worst segments.
        single: there is just one video.
    """

    report: Path | None = None
    plot: Path | None = None
    thumbnails: Path | None = None
    single: bool = True
    _cards: dict[str, Card] = field(default_factory=dict)
    _scorer: Scorer | None = None

    @property
    def wanted(self) -> bool:
        """Whether anything is to be written."""
        return self.report is not None or self.plot is not None or self.thumbnails is not None

    def check(self) -> None:
        """Raise :class:`UsageError` for what could only fail after the scoring."""
        if self.report is not None:
            _check("report", self.report, (".html", ".htm"))
        if self.plot is not None:
            _check("plot", self.plot, (".svg", ".png"))
            if not self.single:
                raise UsageError("a plot is of one video; name just one", setting="plot")
        if self.thumbnails is not None and self.thumbnails.exists() and not self.thumbnails.is_dir():
            raise UsageError(f"{self.thumbnails}: is not a folder", setting="thumbnails")

    def mapped_by(self, scorer: Scorer) -> None:
        """Show in the pages which regions score low, found by ``scorer``."""
        self._scorer = scorer

    def see(self, result: Result) -> None:
        """Write what belongs to one video, if it was scored."""
        if not isinstance(result, VideoScore):
            return
        look = partial(thumbnail, result.video)
        if self.report is not None:
            page = self.report if self.single else self._folder / f"{_file_name(result.source)}.html"
            page.parent.mkdir(exist_ok=True)
            write_text_whole(page, self._page(result))
            if not self.single:
                picture = data_uri(thumbnail(result.video, middle(result.worst(1)[0]), _SMALL))
                course = timeline_of(result) if len(result.segments) > 1 else None
                link = quote(f"{self._folder.name}/{page.name}")
                self._cards[result.source] = Card(link, picture, course, printable(result.verdict.text))
        if self.plot is not None:
            name, course = f"{visible(result.source)}: {result.verdict.text}", timeline_of(result)
            if self.plot.suffix.lower() == ".png":
                with write_whole(self.plot) as path:
                    path.write_bytes(plot_png(course, name))
            else:
                write_text_whole(self.plot, render("plot.svg", title=name, plot=course))
        if self.thumbnails is not None:
            self.thumbnails.mkdir(parents=True, exist_ok=True)
            for segment in result.worst(WORST):
                time = middle(segment)
                if (jpeg := look(time, result.video.width)) is not None:
                    with write_whole(self.thumbnails / f"{_file_name(result.source)}-{time:.2f}s.jpg") as path:
                        path.write_bytes(jpeg)

    def finish(self, tally: Tally, title: str) -> None:
        """Write the table of many videos."""
        if self.report is not None and not self.single:
            write_text_whole(self.report, folder_page(tally.entries, self._cards, title))

    def _page(self, score: VideoScore) -> str:
        look = partial(thumbnail, score.video)
        if self._scorer is None:
            return video_page(score, look)
        from conviqt_cli.scoring.quality_map import quality_map

        regions = partial(quality_map, self._scorer, score)
        return video_page(score, look, regions, WORST if self.single else _MAPPED_OF_MANY)

    @property
    def _folder(self) -> Path:
        assert self.report is not None
        return self.report.with_name(f"{self.report.stem}_files")


def _check(name: str, path: Path, suffixes: tuple[str, ...]) -> None:
    if path.suffix.lower() not in suffixes:
        endings = " or ".join(suffixes)
        raise UsageError(f"{path}: the name has to end with {endings}", setting=name)
    if not path.parent.is_dir():
        raise UsageError(f"{path}: there is no folder {path.parent}", setting=name)


def _file_name(source: str) -> str:
    """A name for files about a video, the same in every run and never that of another video."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "_", Path(source).stem)[:60].strip(".") or "video"
    return f"{plain}-{hashlib.sha256(os.fsencode(source)).hexdigest()[:8]}"
