"""Prediction intervals: between which values the opinion score of a new video is expected to lie.

Method: conformal prediction on out-of-fold residuals. The fitting set is predicted by content-grouped
cross-validation, so each absolute residual comes from a model that never saw that content; the interval is the
prediction plus and minus a quantile of those residuals (Vovk, "Cross-conformal predictors", Annals of Mathematics and
AI 74, 2015; the "jackknife/CV" interval of Barber, Candès, Ramdas and Tibshirani, "Predictive inference with the
jackknife+", Annals of Statistics 49, 2021). Videos that share a content are not independent, so every content weighs
the same however many versions of it were rated, and a new content counts as one more among them (Lee, Barber and
Willett, "Distribution-free inference with hierarchical data", arXiv 2306.06342). With one video per content this is
the usual rank ``ceil((n + 1) * level)``.

What it promises: of new videos drawn as the fitting set was, rated by a panel like its panel, about ``level`` have
their opinion score inside. It promises nothing for videos unlike the fitting set (see :mod:`.novelty`), and the rate is
over videos, not for each kind of video.

Labels exist for whole videos. A *clip*'s interval is therefore for the opinion score of a video of which only this clip
was seen: its residuals are those of single-clip predictions against the score of the whole video, hence wider.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from conviqt_cli.arrays import Floats
from conviqt_cli.errors import RegressorError

Unit = Literal["video", "clip"]

#: Share of videos whose opinion score an interval is to hold, where nobody asks for another.
DEFAULT_LEVEL = 0.9

METHOD = "content-grouped cross-conformal, absolute residuals"


@dataclass(frozen=True)
class Intervals:
    """Calibrated residuals of a regressor.

    ``video_residuals`` (n,) and ``clip_residuals`` (m,) are absolute out-of-fold residuals in label units, ascending;
    the weights beside them sum to one. ``contents`` is the number of different contents behind them.
    """

    video_residuals: Floats
    video_weights: Floats
    clip_residuals: Floats
    clip_weights: Floats
    contents: int

    @classmethod
    def calibrate(
        cls,
        mos: Floats,
        groups: NDArray[Any],
        video_predictions: Floats,
        clip_predictions: Floats,
        owner: NDArray[np.intp],
    ) -> Intervals:
        """Calibrate on out-of-fold predictions.

        ``mos``, ``groups``, ``video_predictions``: (n,), one per video, ``groups`` naming each video's content.
        ``clip_predictions`` and ``owner``: (m,), one per clip, ``owner`` the index of its video.
        """
        _, content, sizes = np.unique(groups, return_inverse=True, return_counts=True)
        video_weights = 1.0 / (len(sizes) * sizes[content])
        clip_weights = (video_weights / np.bincount(owner, minlength=len(mos)))[owner]
        video = np.abs(mos - video_predictions)
        clip = np.abs(mos[owner] - clip_predictions)
        by_video, by_clip = np.argsort(video, kind="stable"), np.argsort(clip, kind="stable")
        return cls(video[by_video], video_weights[by_video], clip[by_clip], clip_weights[by_clip], len(sizes))

    def half_width(self, level: float = DEFAULT_LEVEL, unit: Unit = "video") -> float:
        """Half the width of the interval at ``level``, in label units.

        Infinite when the fitting set has too few contents for that level: 90 % needs nine, 95 % nineteen.
        Raises ``ValueError`` when ``level`` is not strictly between 0 and 1.
        """
        if not 0.0 < level < 1.0:
            raise ValueError(f"level must be between 0 and 1, got {level}")
        residuals, weights = (
            (self.video_residuals, self.video_weights) if unit == "video" else (self.clip_residuals, self.clip_weights)
        )
        # The new content is one of contents + 1 equally likely ones; its own residual is unknown, so taken as infinite.
        reached = np.cumsum(weights) * self.contents / (self.contents + 1)
        position = int(np.searchsorted(reached, level - 1e-12))
        return float(residuals[position]) if position < len(residuals) else float("inf")

    def interval(
        self, predictions: Floats, level: float = DEFAULT_LEVEL, unit: Unit = "video"
    ) -> tuple[Floats, Floats]:
        """Lower and upper ends, each (n,), for pooled scores (``unit="video"``) or single clips (``"clip"``).

        Not clipped to the scale: opinion scores never leave it, so the caller may clip (and must, where the ends are
        infinite, or say that no interval can be given).
        """
        half = self.half_width(level, unit)
        predictions = np.asarray(predictions, dtype=np.float64)
        return predictions - half, predictions + half

    def to_tensors(self) -> dict[str, NDArray[Any]]:
        """The arrays to store, by name; :meth:`from_tensors` reads them back."""
        return {
            "intervals.video_residuals": self.video_residuals,
            "intervals.video_weights": self.video_weights,
            "intervals.clip_residuals": self.clip_residuals,
            "intervals.clip_weights": self.clip_weights,
            "intervals.contents": np.array([self.contents], dtype=np.int64),
        }

    @classmethod
    def from_tensors(cls, tensors: dict[str, NDArray[Any]]) -> Intervals | None:
        """Read back; ``None`` where a file has none. Raises :class:`RegressorError` when they are damaged."""
        if "intervals.contents" not in tensors:
            return None
        try:
            pairs = [
                (tensors[f"intervals.{unit}_residuals"], tensors[f"intervals.{unit}_weights"])
                for unit in ("video", "clip")
            ]
            contents = int(tensors["intervals.contents"][0])
        except (KeyError, IndexError) as error:
            raise RegressorError(f"damaged intervals in the regressor ({error})") from None
        for residuals, weights in pairs:
            sound = (
                residuals.ndim == 1
                and residuals.shape == weights.shape
                and residuals.size > 0
                and bool(np.isfinite(residuals).all() and np.isfinite(weights).all())
                and bool((np.diff(residuals) >= 0).all() and residuals[0] >= 0 and (weights > 0).all())
                and abs(float(weights.sum()) - 1.0) < 1e-6
                and contents >= 1
            )
            if not sound:
                raise RegressorError("damaged intervals in the regressor (residuals or weights out of range)")
        return cls(*pairs[0], *pairs[1], contents)
