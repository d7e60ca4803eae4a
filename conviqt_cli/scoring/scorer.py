"""Scoring pipeline: decode, extract features, predict, pool. Nothing here prints."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from conviqt_cli.errors import DecodeError
from conviqt_cli.model import open_encoder
from conviqt_cli.model.bundle import Bundle, open_bundle
from conviqt_cli.model.encoder import Encoder
from conviqt_cli.plans.clips import Clip, clips
from conviqt_cli.plans.picture_plan import SOURCE, WHOLE, Display, PicturePlan, parse_display, parse_picture
from conviqt_cli.plans.schedule import schedule
from conviqt_cli.plans.time_plan import SamplingPlan, parse_plan
from conviqt_cli.quality.diagnosis import Diagnosis, DiagnosisHead
from conviqt_cli.quality.intervals import DEFAULT_LEVEL
from conviqt_cli.quality.pooling import pool
from conviqt_cli.quality.regressor import Regressor, check_belongs, load_regressor
from conviqt_cli.scoring.combing import Combing
from conviqt_cli.scoring.events import Event
from conviqt_cli.scoring.feature_set import FeatureSet
from conviqt_cli.scoring.features import FeatureExtractor
from conviqt_cli.scoring.given_frames import given_frames
from conviqt_cli.scoring.picture_checks import PictureChecks
from conviqt_cli.scoring.picture_inside import PictureInside
from conviqt_cli.scoring.planned import display_for, picture_for, regressor_name
from conviqt_cli.scoring.prefetch import clips_ahead
from conviqt_cli.scoring.progress import ProgressCallback, ScoringProgress
from conviqt_cli.scoring.results import Interval, ModelInfo, Note, SegmentScore, VideoScore
from conviqt_cli.scoring.settings import TIMEOUT, ScoringSettings, Span
from conviqt_cli.scoring.warnings import INTERLACED_SHARE, score_notes, video_notes
from conviqt_cli.video.bars import Bars, find_bars
from conviqt_cli.video.colour import has_planes
from conviqt_cli.video.decode import MAX_FRAMES, DecodeReport, Frame, PixelFormat
from conviqt_cli.video.picture import Rectangle
from conviqt_cli.video.probe import VideoInfo, probe

#: Entered with each video's facts before it is decoded; may wait, or refuse with a :class:`LimitError`.
Admission = Callable[[VideoInfo], AbstractContextManager[None]]


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
    events: tuple[Event, ...]
    intact: bool


class Scorer:
    """A loaded model with its settings; scores any number of videos, one at a time. Make one with :func:`load`.

    Args:
        bundle: where the networks come from.
        encoder: those networks, on a device.
        settings: how to score; ``device`` and ``precision`` become those of ``encoder``, and without a picture plan or
            display size it is the whole picture at its own size.
        regressor: used in place of the bundle's.
        regressor_name: how results name it.
        diagnosis: names the distortion of each segment; without one segments have no diagnosis.
        admit: see :data:`Admission`.
    """

    def __init__(
        self,
        bundle: Bundle,
        encoder: Encoder,
        settings: ScoringSettings,
        regressor: Regressor | None = None,
        regressor_name: str = "bundled",
        diagnosis: DiagnosisHead | None = None,
        admit: Admission | None = None,
    ) -> None:
        self.bundle, self.encoder = bundle, encoder
        self._picture, self._display = settings.picture or WHOLE, settings.display or SOURCE
        self.settings = replace(
            settings,
            device=encoder.device,
            precision=encoder.precision,
            picture=self._picture,
            display=self._display,
        )
        self._regressor, self._regressor_name, self._diagnosis = regressor, regressor_name, diagnosis
        self._admit: Admission = admit or (lambda info: nullcontext())

    def sharing(self, encoder: Encoder, admit: Admission) -> Scorer:
        """A scorer like this one that uses ``encoder``, a front to the same networks, and asks ``admit`` first."""
        return Scorer(
            self.bundle, encoder, self.settings, self._regressor, self._regressor_name, self._diagnosis, admit
        )

    @property
    def encoder_id(self) -> str:
        """Identity of the vectors this scorer makes."""
        return self.encoder.encoder_id

    @property
    def picture_and_display(self) -> tuple[PicturePlan, Display]:
        """What is looked at of each picture, and at which size."""
        return self._picture, self._display

    @property
    def plan(self) -> SamplingPlan:
        """Which frames are scored."""
        return self.settings.plan

    @property
    def regressor(self) -> Regressor:
        """The regressor in use; raises :class:`BundleError` when the bundle has none and none was given."""
        if self._regressor is None:
            self._regressor = self.bundle.regressor(self._picture.name)
            check_belongs(self._regressor, self.encoder_id, str(self.bundle.folder), self._picture.id)
        return self._regressor

    def score(
        self,
        source: str | os.PathLike[str],
        start: float | None = None,
        duration: float | None = None,
        progress: ProgressCallback | None = None,
    ) -> VideoScore:
        """Score a video.

        Args:
            source: a path, or a URL that ffmpeg opens.
            start, duration: the part to score, in seconds, in place of the span in the settings, which is the whole
                video unless they say otherwise.
            progress: called with the video's facts and how far it is, after each batch of frames.

        Raises :class:`InputError`, :class:`DecodeError` or :class:`LimitError` when the video cannot be read
        completely; never returns a score of part of what was asked for.
        """
        began = time.perf_counter()
        self.regressor  # noqa: B018 (without one there is nothing to decode for)
        settings = self._settings_for(start, duration)
        encoded = self._encode(os.fspath(source), settings.span, progress)
        return self._scored(encoded, settings, time.perf_counter() - began)

    def score_frames(self, frames: Iterable[Any], fps: float = 25.0, name: str = "frames") -> VideoScore:
        """Score frames that are in memory, or that come from a program.

        Args:
            frames: RGB pictures in the order they are shown, all of one size: an array (n, height, width, 3), a tensor
                (n, 3, height, width), or any iterable of such pictures, which need not fit into memory. ``uint8``
                from 0 to 255, or floating-point numbers from 0 to 1. HDR and interlaced pictures are scored as given.
            fps: frames per second, by which times are counted.
            name: what the result calls them.

        The span in the settings plays no part. Raises :class:`UsageError` for what are no such pictures,
        :class:`LimitError` for a picture that is too small or too large.

        >>> import numpy as np
        >>> from conviqt_cli import load
        >>> grey = np.full((16, 64, 96, 3), 127, np.uint8)
        >>> score = load(device="cpu").score_frames(grey, fps=25)
        >>> score.video.width, score.video.height, [(each.start, each.end) for each in score.segments]
        (96, 64, [(0.0, 0.64)])
        """
        began = time.perf_counter()
        info, given = given_frames(frames, fps, name)
        reader = _Reader(self, info, lambda done: None)
        report = DecodeReport()
        with self._admit(info):
            for clip in clips(_counted(given, report), self.settings.plan, info.duration):
                reader.read(clip)
        encoded = reader.encoded(replace(info, frame_count=report.frames), report, None)
        settings = replace(self.settings, span=Span())
        return self._scored(encoded, settings, time.perf_counter() - began)

    def _scored(self, encoded: _Encoded, settings: ScoringSettings, seconds: float) -> VideoScore:
        regressor = self.regressor
        raw = regressor.predict(encoded.vectors)
        quality = np.array([regressor.scale.clip(value) for value in raw])
        # Intervals of whole videos are calibrated for the mean of clips; no other pooling has one.
        pooled = _intervals(regressor, raw.mean(keepdims=True), "video")[0] if settings.pooling == "mean" else None
        novelty = regressor.novelty.score(encoded.vectors.astype(np.float64)) if regressor.novelty else None
        return VideoScore(
            source=encoded.info.source,
            quality=pool(settings.pooling, quality, encoded.start),
            scale=regressor.scale,
            segments=self._segments(encoded, raw, quality),
            video=encoded.info,
            model=self.model_info(),
            settings=settings,
            frames_scored=encoded.frames,
            wall_seconds=seconds,
            interval=pooled,
            novelty=novelty,
            warnings=(*encoded.notes, *score_notes(raw, quality, novelty, regressor, self.bundle)),
            scored_area=encoded.area,
            events=encoded.events,
        )

    def features(
        self,
        source: str | os.PathLike[str],
        start: float | None = None,
        duration: float | None = None,
        progress: ProgressCallback | None = None,
    ) -> FeatureSet:
        """Clip vectors of one video; arguments and errors as in :meth:`score`."""
        encoded = self._encode(os.fspath(source), self._settings_for(start, duration).span, progress)
        return FeatureSet(
            clip_features=encoded.vectors,
            start=encoded.start,
            end=encoded.end,
            names=np.array([os.fspath(source)] * len(encoded.vectors)),
            encoder_id=self.encoder_id,
            settings=self.settings.features_dict(),
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

    def _settings_for(self, start: float | None, duration: float | None) -> ScoringSettings:
        span = self.settings.span
        asked = Span(span.start if start is None else start, span.duration if duration is None else duration)
        return replace(self.settings, span=asked)

    def _segments(
        self, encoded: _Encoded, raw: NDArray[np.float64], quality: NDArray[np.float64]
    ) -> tuple[SegmentScore, ...]:
        """One per clip; ``raw`` (n,) as predicted, ``quality`` (n,) kept inside the scale."""
        intervals, diagnoses = _intervals(self.regressor, raw, "clip"), self._diagnoses(encoded)
        return tuple(
            SegmentScore(float(first), float(last), float(value), interval, diagnosis)
            for first, last, value, interval, diagnosis in zip(
                encoded.start, encoded.end, quality, intervals, diagnoses, strict=True
            )
        )

    def _diagnoses(self, encoded: _Encoded) -> Sequence[Diagnosis | None]:
        if self._diagnosis is None:
            return [None] * len(encoded.vectors)
        return self._diagnosis.diagnose(encoded.vectors, encoded.intact)

    def _encode(self, source: str, span: Span, progress: ProgressCallback | None) -> _Encoded:
        settings = self.settings
        # The first frame may be tiny and the rest not: the schedule settles which size counts.
        found = probe(source, timeout=settings.timeout, smallest=1, stream=settings.stream)
        planned = schedule(
            found, settings.plan, span.start, span.duration, settings.timeout, settings.max_frames, self._picture
        )
        info = planned.info
        # Squares are converted one by one; of whole pictures, ffmpeg converts everything faster.
        pixel_format: PixelFormat = "yuv420p" if not self._picture.whole and has_planes(info) else "rgb24"
        began = time.perf_counter()

        def report_progress(done: int) -> None:
            if progress:
                progress(info, ScoringProgress(done, planned.frames, time.perf_counter() - began))

        reader = _Reader(self, info, report_progress)
        with self._admit(info):
            crop = settings.crop_bars
            bars = find_bars(info, span.start, planned.length, settings.timeout) if crop else Bars()
            reader.inside = PictureInside(info, bars)
            with (
                planned.open(settings.timeout, max_frames=settings.max_frames, pixel_format=pixel_format) as stream,
                clips_ahead(stream, planned.clips(stream)) as source_of_clips,
            ):
                for clip in source_of_clips:
                    reader.read(clip)
                report = stream.report
        # The first frame alone does not tell.
        info = replace(info, interlaced=report.interlaced >= INTERLACED_SHARE)
        if span.is_whole_video:
            info = replace(info, frame_count=report.frames if planned.timeline is None else len(planned.timeline))
        return reader.encoded(info, report, None if planned.timeline else planned.length)


class _Reader:
    """Clips of one video, one after the other, to vectors and to what else is seen in them."""

    def __init__(self, scorer: Scorer, info: VideoInfo, on_frames: Callable[[int], None]) -> None:
        self._encoder, (picture, self._display) = scorer.encoder, scorer.picture_and_display
        self._extractor = FeatureExtractor(self._encoder, picture, self._display, on_frames)
        self._checks, self._combing = PictureChecks(), Combing()
        self._vectors: list[NDArray[np.float32]] = []
        self._starts: list[float] = []
        self._ends: list[float] = []
        self._repeated = 0
        self.inside = PictureInside(info, Bars())

    def read(self, clip: Clip) -> None:
        """The next clip."""
        clip = self.inside(clip)
        if clip.thins:
            del self._vectors[1::2], self._starts[1::2], self._ends[1::2]
        self._checks.see(clip)
        self._combing.see(clip)
        self._vectors.append(self._encoder.temporal(self._extractor.spatial(clip)))
        self._starts.append(clip.start)
        self._ends.append(clip.end)
        self._repeated = clip.repeated

    def encoded(self, info: VideoInfo, report: DecodeReport, length: float | None) -> _Encoded:
        """Everything that was read; ``length`` is how many seconds should have come, ``None`` where that is settled."""
        stacked = np.stack(self._vectors)
        if not np.isfinite(stacked).all():
            raise DecodeError(
                f"{info.source}: at precision {self._encoder.precision} the network gave values that are not finite; "
                "use precision fp32"
            )
        notes = (
            *video_notes(info, report, length, self._repeated, self._display),
            *self.inside.notes(),
            *self._checks.notes(),
            *self._combing.notes(info.interlaced),
        )
        events = sorted(
            (*self.inside.events(), *self._checks.events(), *self._combing.events(info.interlaced)),
            key=lambda each: each.start,
        )
        return _Encoded(
            info, stacked, np.array(self._starts), np.array(self._ends), self._extractor.count, notes,
            self.inside.area, tuple(events), intact=not (report.lost or report.damaged),
        )  # fmt: skip


def _counted(frames: Iterable[Frame], report: DecodeReport) -> Iterator[Frame]:
    """The frames, with ``report`` filled as a decoder would."""
    for frame in frames:
        report.frames += 1
        report.end = frame.time + frame.duration
        yield frame


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
    timeout: float = TIMEOUT,
    max_frames: int = MAX_FRAMES,
    stream: int | None = None,
    picture: str | None = None,
    display: str | None = None,
    backend: str = "auto",
    crop_bars: bool = True,
) -> Scorer:
    """Load a model, ready to score.

    Args:
        sampling: ``sparse``, ``dense`` (every frame, the published protocol) or ``every:SECONDS``.
        picture: ``crops`` (a few squares of each picture) or ``whole`` (the published protocol).
        display: ``source``, ``auto`` or a number of lines that pictures are scaled to before they are looked at.
        weights, regressor, device, precision, threads, pooling, timeout, max_frames, stream, backend, crop_bars:
            see :class:`ScoringSettings`.

    Raises :class:`BundleError` or :class:`RegressorError` for damaged or mismatched files, :class:`UsageError` for
    settings out of range.
    """
    return load_scorer(
        ScoringSettings(
            weights=weights,
            regressor=regressor,
            device=device,
            precision=precision,
            threads=threads,
            plan=parse_plan(sampling),
            pooling=pooling,
            timeout=timeout,
            max_frames=max_frames,
            stream=stream,
            picture=None if picture is None else parse_picture(picture),
            display=None if display is None else parse_display(display),
            backend=backend,
            crop_bars=crop_bars,
        )
    )


def load_scorer(settings: ScoringSettings) -> Scorer:
    """Load the model that ``settings`` name; raises as :func:`load` does."""
    bundle = open_bundle(settings.weights)
    regressor: Regressor | None = None
    name = "bundled"
    if settings.regressor is not None:
        path = Path(settings.regressor)
        regressor = load_regressor(path)
        name = regressor_name(path)
    picture = settings.picture or picture_for(regressor, bundle)
    if regressor is not None:
        check_belongs(regressor, bundle.encoder_id, str(settings.regressor), picture.id)
    display = settings.display or display_for(regressor)
    encoder = open_encoder(
        bundle, settings.device, settings.precision, settings.threads, backend=settings.backend, picture=picture.name
    )
    settings = replace(settings, picture=picture, display=display)
    return Scorer(bundle, encoder, settings, regressor, name, bundle.diagnosis(picture.name))
