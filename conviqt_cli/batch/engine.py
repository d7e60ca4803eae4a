"""The interface of engines, which turn names of videos into records, several at once, in the order they finish.

A run talks to its engine through :class:`Engine` alone and writes what comes back in one place, so an engine needs to
know nothing about output files or resuming. What an engine does with one video is
:func:`conviqt_cli.batch.one_video.make_record`.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from conviqt_cli.quality.scale import Scale
from conviqt_cli.scorefiles.record import Maker, Record
from conviqt_cli.video import ffmpeg_process


@dataclass
class Control:
    """How a run is told to end. ``stopping``: begin nothing more; ``aborting``: drop the videos in progress, too."""

    stopping: threading.Event = field(default_factory=threading.Event)
    aborting: threading.Event = field(default_factory=threading.Event)

    def stop(self) -> None:
        """Finish the videos in progress, then end."""
        self.stopping.set()

    def abort(self) -> None:
        """End now, leaving no decoder behind."""
        self.aborting.set()
        self.stopping.set()
        ffmpeg_process.stop_all()


class Engine(Protocol):
    """Scores videos, each of them exactly as the others do.

    ``maker`` is what every record of it carries, ``scale`` that of its scores, ``backend`` what runs the networks.
    """

    maker: Maker
    scale: Scale
    backend: str

    def run(self, sources: Iterable[str], control: Control) -> Iterator[Record]:
        """A record for each source, as they finish. Ends early when ``control`` says so.

        ``sources`` are drawn as there is room for them, so they may be any number.

        Raises :class:`BundleError`, :class:`RegressorError` and :class:`UsageError`: no video is at fault.
        """
        ...
