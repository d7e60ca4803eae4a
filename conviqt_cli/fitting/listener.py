"""What is told of labels while they are used."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conviqt_cli.labels.opinions import Labels


class Listener:
    """Told what was read and what is not used, each before the work that rests on it. This one does nothing with it."""

    def read(self, labels: Labels) -> None:
        """A label file was read."""

    def left_out(self, reasons: dict[str, list[str]]) -> None:
        """What is not used for want of a video, a label, or vectors, by reason."""

    def unshared(self, rival: str, shared: int, count: int) -> None:
        """Only ``shared`` of ``count`` videos are compared: the others are missing from the model ``rival``."""
