"""Scoring pipeline: decode, extract features, predict, pool. Nothing here prints."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from conviqt_cli.arrays import Floats
from conviqt_cli.errors import DecodeError
from conviqt_cli.model import open_encoder
from conviqt_cli.model.bundle import Bundle, open_bundle
from conviqt_cli.model.encoder import Encoder
from conviqt_cli.plans.clips import Clip, clips
from conviqt_cli.plans.picture_plan import SOURCE, WHOLE, Display, PicturePlan
from conviqt_cli.plans.schedule import Schedule, schedule
from conviqt_cli.plans.time_plan import SamplingPlan
from conviqt_cli.quality.diagnosis import Diagnosis, DiagnosisHead
from conviqt_cli.quality.intervals import DEFAULT_LEVEL
from conviqt_cli.quality.pooling import pool
from conviqt_cli.quality.regressor import Regressor, check_belongs, load_regressor
from conviqt_cli.scoring.causes import diagnose
from conviqt_cli.scoring.coding import rate_factors
from conviqt_cli.scoring.feature_set import FeatureSet
from conviqt_cli.scoring.features import FeatureExtractor
from conviqt_cli.scoring.findings import Findings, Observer, SeenClip
from conviqt_cli.scoring.given_frames import given_frames
from conviqt_cli.scoring.parts import Encoded, NotDivisible, Part, Prepared, joined
from conviqt_cli.scoring.planned import display_for, picture_for, regressor_name
from conviqt_cli.scoring.prefetch import clips_ahead
from conviqt_cli.scoring.progress import ProgressCallback, ScoringProgress
from conviqt_cli.scoring.results import Interval, ModelInfo, SegmentScore, VideoScore
from conviqt_cli.scoring.settings import TIMEOUT, ScoringSettings, Span, parse_settings
from conviqt_cli.scoring.warnings import INTERLACED_SHARE, score_notes, video_notes
from conviqt_cli.video.bars import Bars, find_bars
from conviqt_cli.video.colour import has_planes
from conviqt_cli.video.decode import MAX_FRAMES, DecodeReport, Frame, PixelFormat
from conviqt_cli.video.probe import VideoInfo, probe

#: Entered with each video's facts before it is decoded; may wait, or refuse with a :class:`LimitError`.
Admission = Callable[[VideoInfo], AbstractContextManager[None]]

#: Seconds around a stretch that flickers in which brightness may still jump.
_SWINGS = 0.5


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
            self._regressor = self.bundle.regressor(self._picture.name, self._picture.id)
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
        _ = self.regressor  # before the work, not after it
        return self.score_prepared(self.prepare(source, start, duration), progress)

    def score_prepared(self, prepared: Prepared, progress: ProgressCallback | None = None) -> VideoScore:
        """The same for a video that was prepared before."""
        encoded, findings = self._encode_whole(prepared, progress)
        return self._conclude(prepared, encoded, findings, prepared.seconds + encoded.seconds)

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
        findings, report = Findings(info, Bars()), DecodeReport()
        reader = _Reader(self._extractor(lambda done: None), self.encoder, Bars(), findings.add)
        with self._admit(info):
            for clip in clips(_counted(given, report), self.settings.plan, info.duration):
                reader.read(clip)
        encoded = reader.encoded(name, report, time.perf_counter() - began)
        settings, info = replace(self.settings, span=Span()), replace(info, frame_count=report.frames)
        return self._scored(info, settings, None, encoded, findings, encoded.seconds)

    def prepare(
        self, source: str | os.PathLike[str], start: float | None = None, duration: float | None = None
    ) -> Prepared:
        """Settle what of ``source`` is scored, from its packets; arguments and errors as in :meth:`score`."""
        began, settings, span = time.perf_counter(), self.settings, self._span(start, duration)
        # The first frame may be tiny and the rest not: the schedule settles which size counts.
        found = probe(os.fspath(source), timeout=settings.timeout, smallest=1, stream=settings.stream)
        planned = schedule(
            found, settings.plan, span.start, span.duration, settings.timeout, settings.max_frames, self._picture
        )
        bars = Bars()
        if settings.crop_bars:
            with self._admit(planned.info):
                bars = find_bars(planned.info, span.start, planned.length, settings.timeout)
        return Prepared(os.fspath(source), span, planned, bars, time.perf_counter() - began)

    def encode(self, prepared: Prepared, part: Part, progress: ProgressCallback | None = None) -> Encoded:
        """Make the clip vectors of a part of a video; raises as :meth:`score` does, or :class:`NotDivisible`."""
        seen: list[SeenClip] = []
        encoded = self._encode(prepared, prepared.only(part), part.first, seen.append, progress)
        if encoded.report.frames != prepared.only(part).wanted_frames:
            raise NotDivisible(prepared.source)
        return replace(encoded, seen=tuple(seen))

    def conclude(self, prepared: Prepared, parts: Sequence[Encoded]) -> VideoScore:
        """The score of a video whose parts have been encoded, in order; raises :class:`NotDivisible`.

        It equals that of :meth:`score`, but for ``wall_seconds``: those of all parts.
        """
        encoded = joined(prepared, parts)
        findings = Findings(prepared.schedule.info, prepared.bars)
        for seen in encoded.seen:
            findings.add(seen)
        return self._conclude(prepared, encoded, findings, encoded.seconds)

    def features(
        self,
        source: str | os.PathLike[str],
        start: float | None = None,
        duration: float | None = None,
        progress: ProgressCallback | None = None,
    ) -> FeatureSet:
        """Clip vectors of one video; arguments and errors as in :meth:`score`."""
        encoded, _ = self._encode_whole(self.prepare(source, start, duration), progress)
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

    def _span(self, start: float | None, duration: float | None) -> Span:
        span = self.settings.span
        return Span(span.start if start is None else start, span.duration if duration is None else duration)

    def _conclude(self, prepared: Prepared, encoded: Encoded, findings: Findings, seconds: float) -> VideoScore:
        """The score of a video from a file or URL, whose facts are complete only now."""
        planned, report = prepared.schedule, encoded.report
        # The first frame alone does not tell.
        info = replace(planned.info, interlaced=report.interlaced >= INTERLACED_SHARE)
        if prepared.span.is_whole_video:
            info = replace(info, frame_count=report.frames if planned.timeline is None else len(planned.timeline))
        settings = replace(self.settings, span=prepared.span)
        return self._scored(info, settings, planned, encoded, findings, seconds)

    def _scored(
        self,
        info: VideoInfo,
        settings: ScoringSettings,
        planned: Schedule | None,
        encoded: Encoded,
        findings: Findings,
        seconds: float,
    ) -> VideoScore:
        """``planned`` is a file's; frames that were given have none."""
        # How many seconds should have come, where that is not settled.
        length = None if planned is None or planned.timeline else planned.length
        regressor = self.regressor
        raw = regressor.predict(encoded.vectors)
        quality = np.array([regressor.scale.clip(value) for value in raw])
        # Intervals of whole videos are calibrated for the mean of clips; no other pooling has one.
        pooled = _intervals(regressor, raw.mean(keepdims=True), "video")[0] if settings.pooling == "mean" else None
        novelty = regressor.novelty.score(encoded.vectors.astype(np.float64)) if regressor.novelty else None
        return VideoScore(
            source=info.source,
            quality=pool(settings.pooling, quality, encoded.start),
            scale=regressor.scale,
            segments=self._segments(planned, encoded, findings, raw, quality),
            video=info,
            model=self.model_info(),
            settings=settings,
            frames_scored=encoded.frames,
            wall_seconds=seconds,
            interval=pooled,
            novelty=novelty,
            warnings=(
                *video_notes(info, encoded.report, length, encoded.repeated, self._display),
                *findings.notes(info.interlaced),
                *score_notes(raw, quality, novelty, regressor, self.bundle),
            ),
            scored_area=findings.area,
            events=findings.events(info.interlaced),
            native_lines=findings.native_lines,
        )

    def _extractor(self, on_frames: Callable[[int], None], first: int = 0) -> FeatureExtractor:
        return FeatureExtractor(self.encoder, self._picture, self._display, on_frames, first)

    def _segments(
        self,
        planned: Schedule | None,
        encoded: Encoded,
        findings: Findings,
        raw: NDArray[np.float64],
        quality: NDArray[np.float64],
    ) -> tuple[SegmentScore, ...]:
        """One per clip; ``raw`` (n,) as predicted, ``quality`` (n,) kept inside the scale."""
        intervals = _intervals(self.regressor, raw, "clip")
        diagnoses = self._diagnoses(planned, encoded, findings, raw)
        return tuple(
            SegmentScore(float(first), float(last), float(value), interval, diagnosis)
            for first, last, value, interval, diagnosis in zip(
                encoded.start, encoded.end, quality, intervals, diagnoses, strict=True
            )
        )

    def _diagnoses(
        self, planned: Schedule | None, encoded: Encoded, findings: Findings, raw: NDArray[np.float64]
    ) -> Sequence[Diagnosis | None]:
        if self._diagnosis is None:
            return [None] * len(encoded.vectors)
        report = encoded.report
        quality, intact = self.regressor.scale.on_five(raw), not (report.lost or report.damaged)
        repaired = _shares(report.repaired, encoded.start, encoded.end) if report.repaired else None
        factors = None if planned is None else rate_factors(planned, encoded.start, findings.evidence.absolute())
        # Its first and its last swing lie just outside of what flickers for certain.
        around = [(start - _SWINGS, end + _SWINGS) for start, end in findings.flickering()]
        flickers = _shares(around, encoded.start, encoded.end) > 0
        return diagnose(
            self._diagnosis, encoded.vectors, findings.evidence, quality, intact, repaired, factors, flickers
        )

    def _encode_whole(self, prepared: Prepared, progress: ProgressCallback | None) -> tuple[Encoded, Findings]:
        findings = Findings(prepared.schedule.info, prepared.bars)
        return self._encode(prepared, prepared.schedule, 0, findings.add, progress), findings

    def _encode(
        self,
        prepared: Prepared,
        planned: Schedule,
        first: int,
        see: Callable[[SeenClip], None],
        progress: ProgressCallback | None,
    ) -> Encoded:
        """Encode the clips of ``planned`` from number ``first`` of the video on; one before that is looked at only."""
        settings, info = self.settings, planned.info
        # Squares are converted one by one; of whole pictures, ffmpeg converts everything faster.
        pixel_format: PixelFormat = "yuv420p" if not self._picture.whole and has_planes(info) else "rgb24"
        began = time.perf_counter()

        def report_progress(done: int) -> None:
            if progress:
                progress(info, ScoringProgress(done, planned.frames, time.perf_counter() - began))

        extractor = self._extractor(report_progress, first)
        reader = _Reader(extractor, self.encoder, prepared.bars, see)
        with (
            self._admit(info),
            planned.open(settings.timeout, max_frames=settings.max_frames, pixel_format=pixel_format) as stream,
            clips_ahead(stream, planned.clips(stream)) as coming,
        ):
            for number, clip in enumerate(coming, max(0, first - 1)):
                if number < first:
                    reader.look(clip)
                else:
                    reader.read(clip)
            report = stream.report
        return reader.encoded(prepared.source, report, time.perf_counter() - began)


class _Reader:
    """Clips of one video, one after the other, to vectors; ``see`` is told what else is seen in them."""

    def __init__(
        self, extractor: FeatureExtractor, encoder: Encoder, bars: Bars, see: Callable[[SeenClip], None]
    ) -> None:
        self._extractor, self._encoder, self._see = extractor, encoder, see
        self._observer = Observer(bars)
        self._vectors: list[NDArray[np.float32]] = []
        self._starts: list[float] = []
        self._ends: list[float] = []
        self._repeated = 0

    def look(self, clip: Clip) -> None:
        """A clip that comes before those that are read."""
        self._observer.see(clip)

    def read(self, clip: Clip) -> None:
        """The next clip."""
        if clip.thins:
            del self._vectors[1::2], self._starts[1::2], self._ends[1::2]
        clip, seen = self._observer.see(clip)
        self._see(seen)
        self._vectors.append(self._encoder.temporal(self._extractor.spatial(clip)))
        self._starts.append(clip.start)
        self._ends.append(clip.end)
        self._repeated = clip.repeated

    def encoded(self, source: str, report: DecodeReport, seconds: float) -> Encoded:
        """Everything that was read; raises :class:`DecodeError` where that is nothing, or no numbers."""
        if not self._vectors:
            raise DecodeError(f"{source}: no frame could be decoded")
        stacked = np.stack(self._vectors)
        if not np.isfinite(stacked).all():
            raise DecodeError(
                f"{source}: at precision {self._encoder.precision} the network gave values that are not finite; "
                "use precision fp32"
            )
        starts, ends = np.array(self._starts), np.array(self._ends)
        return Encoded(stacked, starts, ends, self._extractor.count, self._repeated, report, seconds=seconds)


def _counted(frames: Iterable[Frame], report: DecodeReport) -> Iterator[Frame]:
    """The frames, with ``report`` filled as a decoder would."""
    for frame in frames:
        report.frames += 1
        report.end = frame.time + frame.duration
        yield frame


def _shares(stretches: Sequence[tuple[float, float]], start: Floats, end: Floats) -> Floats:
    """How much (0 to 1) of each clip, from ``start`` (n,) to ``end`` (n,) seconds, lies in one of the stretches."""
    shared: Floats = sum(
        (np.clip(np.minimum(end, last) - np.maximum(start, first), 0.0, None) for first, last in stretches),
        start=np.zeros(len(start)),
    )
    return shared / np.maximum(end - start, 1e-6)


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
        parse_settings(
            sampling,
            picture,
            display,
            weights=weights,
            regressor=regressor,
            device=device,
            precision=precision,
            threads=threads,
            pooling=pooling,
            timeout=timeout,
            max_frames=max_frames,
            stream=stream,
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
