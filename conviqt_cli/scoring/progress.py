"""How far the scoring of one video is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from conviqt_cli.video.probe import VideoInfo


@dataclass(frozen=True)
class ScoringProgress:
    """Frames of one video that the network has seen; ``frames_expected`` is an estimate, or ``None`` when unknown.

    ``seconds`` have passed since the video was opened.
    """

    frames_done: int
    frames_expected: int | None
    seconds: float

    @property
    def frames_per_second(self) -> float:
        """Speed so far."""
        return self.frames_done / max(self.seconds, 1e-9)

    @property
    def remaining(self) -> float | None:
        """Estimated seconds to go."""
        if not self.frames_expected or not self.frames_done:
            return None
        return self.seconds / self.frames_done * max(0, self.frames_expected - self.frames_done)


#: Called after each batch of frames with the video's facts and the progress on it.
ProgressCallback = Callable[[VideoInfo, ScoringProgress], None]
