"""The road itself: video in, clips, features, scores out. Nothing here prints."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from conviqt_cli.errors import DecodeError, UsageError
from conviqt_cli.files import sha256
from conviqt_cli.model.bundle import Bundle, open_bundle
from conviqt_cli.model.encoder import Encoder
from conviqt_cli.model.torch_backend import TorchEncoder
from conviqt_cli.plans.clips import Clip
from conviqt_cli.plans.schedule import schedule
from conviqt_cli.plans.time_plan import SamplingPlan, parse_plan
from conviqt_cli.quality.diagnosis import Diagnosis, DiagnosisHead
from conviqt_cli.quality.intervals import DEFAULT_LEVEL
from conviqt_cli.quality.pooling import POOLINGS, pool
from conviqt_cli.quality.regressor import Regressor, check_belongs, load_regressor
from conviqt_cli.scoring.feature_set import FeatureSet
from conviqt_cli.scoring.picture_checks import PictureChecks
from conviqt_cli.scoring.picture_inside import PictureInside
from conviqt_cli.scoring.prefetch import clips_ahead
from conviqt_cli.scoring.results import Interval, ModelInfo, Note, SegmentScore, VideoScore
from conviqt_cli.scoring.warnings import judgement_notes, video_notes
from conviqt_cli.video.bars import Rectangle, find_bars
from conviqt_cli.video.decode import MAX_FRAMES, filters
from conviqt_cli.video.probe import VideoInfo, probe


@dataclass(frozen=True)
class Progress:
    """How far one video is, in frames through the network; ``frames_expected`` is an estimate, or unknown."""

    frames_done: int
    frames_expected: int | None
    seconds: float

    @property
    def remaining(self) -> float | None:
        """Estimated seconds to go."""
        if not self.frames_expected or not self.frames_done:
            return None
        return self.seconds / self.frames_done * max(0, self.frames_expected - self.frames_done)


ProgressCallback = Callable[[VideoInfo, Progress], None]


@dataclass(frozen=True)
class _Encoded:
    """A video as its clip vectors, with all that was learnt on the way."""

    info: VideoInfo
    vectors: NDArray[np.float32]
    start: NDArray[np.float64]
    end: NDArray[np.float64]
    frames: int
    notes: tuple[Note, ...]
    area: Rectangle | None


class Scorer:
    """A loaded model with its settings; scores any number of videos, one at a time.

    Make one with :func:`load`. ``timeout`` is how long, in seconds, a decoder may go without giving a frame;
    ``max_frames`` how many frames one video may have. Without a ``diagnosis`` head segments have no diagnosis.
    """

    def __init__(
        self,
        bundle: Bundle,
        encoder: Encoder,
        regressor: Regressor | None,
        plan: SamplingPlan,
        pooling: str = "mean",
        timeout: float = 120.0,
        regressor_name: str = "bundled",
        max_frames: int = MAX_FRAMES,
        diagnosis: DiagnosisHead | None = None,
    ) -> None:
        if pooling not in POOLINGS:
            raise UsageError(f"--pool {pooling}: choose one of {', '.join(POOLINGS)}")
        self.bundle, self.encoder, self.plan, self.pooling = bundle, encoder, plan, pooling
        self._regressor, self._timeout, self._regressor_name = regressor, timeout, regressor_name
        self._max_frames, self._diagnosis = max_frames, diagnosis
        #: Entered with each video's facts before it is decoded; may wait, or refuse with a :class:`LimitError`.
        self.admit: Callable[[VideoInfo], AbstractContextManager[None]] = lambda info: nullcontext()

    @property
    def encoder_id(self) -> str:
        """Identity of the vectors this scorer makes."""
        return self.encoder.encoder_id

    @property
    def regressor(self) -> Regressor:
        """The regressor in use; raises :class:`BundleError` when the bundle has none and none was given."""
        if self._regressor is None:
            self._regressor = self.bundle.regressor()
        return self._regressor

    def score(
        self,
        source: str | os.PathLike[str],
        start: float = 0.0,
        duration: float | None = None,
        progress: ProgressCallback | None = None,
    ) -> VideoScore:
        """Score ``source``, a path or a URL, from ``start`` seconds on, for ``duration`` seconds or to the end.

        Raises :class:`InputError`, :class:`DecodeError` or :class:`LimitError` when the video cannot be read as a
        whole; never returns a score of part of what was asked for.
        """
        began = time.perf_counter()
        regressor = self.regressor
        encoded = self._encode(os.fspath(source), start, duration, progress)
        scale, raw = regressor.scale, regressor.predict(encoded.vectors)
        quality = np.array([scale.clip(value) for value in raw])
        # Intervals of whole videos are calibrated for the mean of clips; no other pooling has one.
        pooled = _intervals(regressor, raw.mean(keepdims=True), "video")[0] if self.pooling == "mean" else None
        intervals, diagnoses = _intervals(regressor, raw, "clip"), self._diagnoses(encoded.vectors)
        segments = tuple(
            SegmentScore(float(first), float(last), float(value), interval, diagnosis)
            for first, last, value, interval, diagnosis in zip(
                encoded.start, encoded.end, quality, intervals, diagnoses, strict=True
            )
        )
        novelty = regressor.novelty.score(encoded.vectors.astype(np.float64)) if regressor.novelty else None
        notes = (*encoded.notes, *judgement_notes(raw, quality, novelty, regressor, self.bundle))
        return VideoScore(
            source=os.fspath(source),
            quality=pool(self.pooling, quality, encoded.start),
            scale=scale,
            segments=segments,
            pooling=self.pooling,
            video=encoded.info,
            model=self.model_info(),
            settings=self.settings(start, duration),
            frames_scored=encoded.frames,
            wall_seconds=time.perf_counter() - began,
            interval=pooled,
            novelty=novelty,
            warnings=notes,
            scored_area=encoded.area,
        )

    def features(
        self,
        source: str | os.PathLike[str],
        start: float = 0.0,
        duration: float | None = None,
        progress: ProgressCallback | None = None,
    ) -> FeatureSet:
        """Clip vectors of one video; raises as :meth:`score` does."""
        encoded = self._encode(os.fspath(source), start, duration, progress)
        return FeatureSet(
            clip_features=encoded.vectors,
            start=encoded.start,
            end=encoded.end,
            names=np.array([os.fspath(source)] * len(encoded.vectors)),
            encoder_id=self.encoder_id,
            settings={"sampling": self.plan.to_dict(), "precision": self.encoder.precision},
        )

    def model_info(self) -> ModelInfo:
        """What is named as the maker of a score."""
        return ModelInfo(
            id=self.bundle.id,
            checksum=self.bundle.checksum,
            encoder_id=self.encoder_id,
            regressor=self._regressor_name,
            provisional=self.bundle.provisional,
        )

    def settings(self, start: float = 0.0, duration: float | None = None) -> dict[str, object]:
        """Settings that shape the score, JSON-ready."""
        return {
            "sampling": self.plan.to_dict(),
            "pool": self.pooling,
            "start_s": start,
            "duration_s": duration,
            "device": self.encoder.device,
            "precision": self.encoder.precision,
        }

    def _diagnoses(self, vectors: NDArray[np.float32]) -> Sequence[Diagnosis | None]:
        return [None] * len(vectors) if self._diagnosis is None else self._diagnosis.diagnose(vectors)

    def _encode(self, source: str, start: float, duration: float | None, progress: ProgressCallback | None) -> _Encoded:
        # The first frame may be tiny and the rest not: the schedule settles which size counts.
        found = probe(source, timeout=self._timeout, smallest=1)
        planned = schedule(found, self.plan, start, duration, self._timeout, self._max_frames)
        info = planned.info
        began = time.perf_counter()

        def report_progress(done: int) -> None:
            if progress:
                progress(info, Progress(done, planned.frames, time.perf_counter() - began))

        vectors, starts, ends = [], [], []
        repeated = 0
        inside = PictureInside(info, find_bars(info, filters(info), start, planned.length, self._timeout))
        checks = PictureChecks()
        featurist = _Featurist(self.encoder, report_progress)
        with (
            self.admit(info),
            planned.open(self._timeout, max_frames=self._max_frames) as stream,
            clips_ahead(stream, planned.clips(stream)) as source_of_clips,
        ):
            for clip in map(inside, source_of_clips):
                checks.see(clip)
                vectors.append(self.encoder.temporal(featurist(clip)))
                starts.append(clip.start)
                ends.append(clip.end)
                repeated = clip.repeated
            report = stream.report
        stacked = np.stack(vectors)
        if not np.isfinite(stacked).all():
            raise DecodeError(
                f"{source}: the network gave values that are not finite at {self.encoder.precision}; "
                "try --precision fp32"
            )
        if start == 0 and duration is None:
            info = replace(info, frame_count=report.frames if planned.timeline is None else len(planned.timeline))
        notes = (
            *video_notes(info, report, None if planned.timeline else planned.length, repeated),
            *inside.notes(),
            *checks.notes(),
        )
        return _Encoded(info, stacked, np.array(starts), np.array(ends), featurist.count, notes, inside.area)


class _Featurist:
    """Spatial features of a clip; frames it shares with the clip before are not computed again."""

    def __init__(self, encoder: Encoder, progress: Callable[[int], None]) -> None:
        self._encoder, self._progress = encoder, progress
        self._known: dict[int, NDArray[np.float32]] = {}
        self.count = 0

    def __call__(self, clip: Clip) -> NDArray[np.float32]:
        """(16, 4096) features of the clip's frames."""
        wanted = {frame.index: frame for frame in clip.frames}
        self._known = {index: row for index, row in self._known.items() if index in wanted}
        fresh = [frame for index, frame in wanted.items() if index not in self._known]
        if fresh:
            step = self._encoder.batch_frames(*fresh[0].pixels.shape[:2])
            for first in range(0, len(fresh), step):
                batch = fresh[first : first + step]
                rows = self._encoder.spatial(np.stack([frame.pixels for frame in batch]))
                self._known.update(zip((frame.index for frame in batch), rows, strict=True))
                self.count += len(batch)
                self._progress(self.count)
        return np.stack([self._known[frame.index] for frame in clip.frames])


def _intervals(
    regressor: Regressor, predictions: NDArray[np.float64], unit: Literal["video", "clip"]
) -> list[Interval | None]:
    """An interval for each prediction, ends inside the scale; ``None`` where the regressor cannot promise one."""
    nothing: list[Interval | None] = [None] * len(predictions)
    if regressor.intervals is None or not np.isfinite(regressor.intervals.half_width(DEFAULT_LEVEL, unit)):
        return nothing
    lows, highs = regressor.intervals.interval(predictions, DEFAULT_LEVEL, unit)
    clip = regressor.scale.clip
    return [Interval(clip(low), clip(high), DEFAULT_LEVEL) for low, high in zip(lows, highs, strict=True)]


def load(
    weights: str | Path | None = None,
    regressor: str | Path | None = None,
    device: str = "auto",
    sampling: str = "sparse",
    precision: str = "auto",
    threads: int | None = None,
    pooling: str = "mean",
    timeout: float = 120.0,
    max_frames: int = MAX_FRAMES,
) -> Scorer:
    """Load a model, ready to score.

    ``weights`` is a bundle's name or folder (default: the bundled one); ``regressor`` a regressor file to use in place
    of the bundle's; ``device`` ``auto``, ``cpu``, ``cuda`` or ``cuda:N``; ``sampling`` ``sparse``, ``dense`` or
    ``every:SECONDS``; ``precision`` ``auto``, ``fp32``, ``bf16`` or ``fp16``; ``pooling`` a name of
    :data:`conviqt_cli.quality.pooling.POOLINGS`.

    Raises :class:`BundleError` or :class:`RegressorError` for damaged or mismatched files, :class:`UsageError` for
    options out of range.
    """
    plan = parse_plan(sampling)
    if pooling not in POOLINGS:
        raise UsageError(f"--pool {pooling}: choose one of {', '.join(POOLINGS)}")
    bundle = open_bundle(weights)
    head: Regressor | None = None
    if regressor is not None:
        head = load_regressor(Path(regressor))
        check_belongs(head, bundle.encoder_id, str(regressor))
    diagnosis = bundle.diagnosis()
    encoder = TorchEncoder(bundle, device, precision, threads)
    # Two regressors of one name are told apart by what is in them.
    name = "bundled" if regressor is None else f"{Path(regressor).name} {sha256(Path(regressor))[:12]}"
    return Scorer(bundle, encoder, head, plan, pooling, timeout, name, max_frames, diagnosis)
