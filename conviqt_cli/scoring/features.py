"""Spatial features of clips, by a picture plan."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from conviqt_cli.arrays import unit_rows
from conviqt_cli.model.encoder import Encoder
from conviqt_cli.model.resizing import half_size
from conviqt_cli.plans.clips import Clip
from conviqt_cli.plans.picture_plan import SOURCE, WHOLE, Display, PicturePlan
from conviqt_cli.video.decode import Frame
from conviqt_cli.video.scaling import shown


class FeatureExtractor:
    """Spatial features of one video's clips, one after the other.

    Args:
        encoder: makes the features.
        plan: what is looked at of each frame.
        display: the size at which frames are looked at.
        on_frames: called with :attr:`count` after each batch.
        first: the number of the first clip in its video, counted from 0.

    ``count`` is how many frames went through the network. Frames that a clip shares with the one before are not
    computed again where the plan looks at the same pixels of them.
    """

    def __init__(
        self,
        encoder: Encoder,
        plan: PicturePlan = WHOLE,
        display: Display = SOURCE,
        on_frames: Callable[[int], None] = lambda count: None,
        first: int = 0,
    ) -> None:
        self._encoder, self._plan, self._display, self._on_frames = encoder, plan, display, on_frames
        self._known: dict[int, NDArray[np.float32]] = {}
        self._clips = first
        self.count = 0

    def spatial(self, clip: Clip) -> NDArray[np.float32]:
        """Features of the frames that the plan looks at, (frames, 4096): full scale, then half scale."""
        looked = [clip.frames[index] for index in self._plan.frames(len(clip.frames))]
        wanted = {frame.index: frame for frame in looked}
        # Squares move from frame to frame.
        kept = self._known if self._plan.whole else {}
        self._known = {index: row for index, row in kept.items() if index in wanted}
        fresh = [frame for index, frame in wanted.items() if index not in self._known]
        if fresh:
            self._add(fresh, still=clip.frames[0].index == clip.frames[-1].index)
        self._clips += 1
        return np.stack([self._known[frame.index] for frame in looked])

    def _add(self, frames: Sequence[Frame], still: bool) -> None:
        picture = frames[0].picture
        size = self._display.size(picture.height, picture.width)
        if not self._plan.whole:
            self._note(frames, self._of_squares(frames, size, still))
            return
        step = self._encoder.batch_frames(*size)
        for first in range(0, len(frames), step):
            batch = frames[first : first + step]
            self._note(batch, self._encoder.spatial(np.stack([shown(frame.picture, size) for frame in batch])))

    def _of_squares(self, frames: Sequence[Frame], size: tuple[int, int], still: bool) -> NDArray[np.float32]:
        looks = [(frame, self._plan.squares(*size, self._clips, look, still)) for look, frame in enumerate(frames)]
        pictures = np.stack(
            [square.view.of(shown(frame.picture, size, square.place)) for frame, squares in looks for square in squares]
        )
        return features_of_squares(self._encoder, pictures, len(pictures) // len(frames))

    def _note(self, frames: Sequence[Frame], rows: NDArray[np.float32]) -> None:
        self._known.update(zip((frame.index for frame in frames), rows, strict=True))
        self.count += len(frames)
        self._on_frames(self.count)


def features_of_squares(encoder: Encoder, pictures: NDArray[np.uint8], together: int = 1) -> NDArray[np.float32]:
    """Squares (n, side, side, 3) to features (n / together, 4096): full scale, then half scale.

    Each ``together`` squares in a row are of one frame; they are averaged before they are normalised.
    """
    scales = []
    for scaled in (pictures, half_size(pictures)):
        step = encoder.batch_frames(*scaled.shape[1:3])
        parts = [encoder.pooled(scaled[at : at + step]) for at in range(0, len(scaled), step)]
        mean = np.concatenate(parts).reshape(len(pictures) // together, together, -1).mean(axis=1)
        scales.append(unit_rows(mean))
    return np.concatenate(scales, axis=1)
