"""Warnings: whatever makes a score less reliable, or different in meaning, than its reader would expect."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from conviqt_cli.model.bundle import Bundle
from conviqt_cli.plans.picture_plan import Display
from conviqt_cli.plans.time_plan import CLIP_LENGTH
from conviqt_cli.quality.intervals import DEFAULT_LEVEL
from conviqt_cli.quality.regressor import Regressor
from conviqt_cli.scoring.results import Note
from conviqt_cli.video.colour import HDR_TRANSFERS, is_tone_mapped, matrix_is_known
from conviqt_cli.video.decode import DecodeReport
from conviqt_cli.video.probe import VideoInfo

#: Short side, in pixels, below which a picture is outside what quality models are made for.
SMALL_SIDE = 64

#: Lines below which a video is seldom watched at its own size: scaled up to a screen, it looks worse than it scores.
SCALED_UP_BELOW = 480

#: Share of frames flagged as interlaced from which on the video is.
INTERLACED_SHARE = 0.1


def video_notes(
    info: VideoInfo, report: DecodeReport, length: float | None, repeated: int, display: Display
) -> Iterator[Note]:
    """About the video: ``length`` seconds were asked for, the last frame was ``repeated`` times.

    ``display`` is the size it was scored at.
    """
    if repeated:
        plural = "frame" if report.frames == 1 else "frames"
        yield Note("short", f"only {report.frames} {plural}: the last one was repeated to fill a clip of {CLIP_LENGTH}")
    if report.lost or report.damaged:
        yield Note(
            "damaged",
            f"the stream is damaged: {report.lost} frames lost, {report.damaged} repaired by the decoder; "
            "the score rests on the pictures as decoded",
        )
    if report.format_changes:
        yield Note(
            "format_changes",
            f"picture size or format changes midway ({report.format_changes} times): "
            f"every frame was scaled to {info.width}x{info.height}, the size shown for most of the time",
        )
    if report.jumps:
        times = "once" if report.jumps == 1 else f"{report.jumps} times"
        yield Note(
            "clock_jumps",
            f"timestamps jump ({times}), as in joined recordings: times are counted on across the jump",
        )
    if report.no_clock:
        yield Note("no_clock", "the stream has no timestamps; times assume the nominal frame rate")
    if length and report.end and info.frame_count != 1:
        short = length - report.end
        if report.frames and short > max(1.0, 0.1 * length):
            yield Note(
                "shorter_than_stated",
                f"the picture ends at {report.end:.2f} s although the file states {length:.2f} s",
            )
    yield from _colour_notes(info, report)
    if info.interlaced:
        share = f" ({report.interlaced:.0%} of its frames)" if 0 < report.interlaced < 0.995 else ""
        yield Note("interlaced", f"interlaced video{share}: scored as stored, without deinterlacing")
    if info.sample_aspect != 1:
        ratio = f"{info.sample_aspect.numerator}:{info.sample_aspect.denominator}"
        yield Note("non_square_pixels", f"pixels are not square ({ratio}): scored as stored, not as displayed")
    if info.video_streams > 1:
        yield Note("several_streams", f"{info.video_streams} video streams: #{info.stream} was scored")
    if min(info.width, info.height) < SMALL_SIDE:
        yield Note("small", f"the picture is only {info.width}x{info.height} pixels: too small for a reliable score")
    elif min(display.size(info.height, info.width)) < SCALED_UP_BELOW:
        lines = min(info.height, info.width)
        yield Note(
            "low_resolution",
            f"scored at its own size, {lines} lines: watched on a larger screen it looks worse; "
            "to score it as scaled up, set the display to the screen's lines (such as 1080)",
        )


def _colour_notes(info: VideoInfo, report: DecodeReport) -> Iterator[Note]:
    """About what the stream's colours mean."""
    if info.transfer in HDR_TRANSFERS:
        kind = HDR_TRANSFERS[info.transfer]
        done = (
            "tone-mapped to SDR before it was scored"
            if is_tone_mapped(info)
            else "scored without tone mapping, which the model has not seen, as this ffmpeg lacks zscale or tonemap"
        )
        yield Note("hdr", f"HDR video ({kind}): {done}")
    if info.dolby_vision == 5:
        yield Note(
            "dolby_vision",
            "Dolby Vision profile 5: its colours are not YCbCr, but were read as such; the score is not reliable",
        )
    elif not matrix_is_known(info):
        yield Note("matrix", f"colour matrix {info.matrix} is not supported and was read as BT.709")
    if report.transparent:
        yield Note("alpha", "some pixels are transparent: scored as on a black background")
    elif info.alpha_unseen:
        yield Note(
            "alpha",
            "the video has transparency that this ffmpeg cannot read: what lies behind transparent pixels was scored",
        )


def score_notes(
    raw: NDArray[np.float64],
    quality: NDArray[np.float64],
    novelty: float | None,
    regressor: Regressor,
    bundle: Bundle,
) -> Iterator[Note]:
    """About the score: clip scores ``raw`` (n,) as predicted, and ``quality`` (n,) kept inside the scale."""
    beyond = int(np.sum(quality != raw))
    if beyond:
        text = f"{beyond} of {len(raw)} segments fell outside the scale and were set to its nearest end"
        yield Note("beyond_scale", text)
    if novelty is not None and novelty > 1:
        text = f"unlike what the regressor was fitted on (novelty {novelty:.2f}, limit 1): the score is less reliable"
        yield Note("novel", text)
    if regressor.intervals is not None and not np.isfinite(regressor.intervals.half_width(DEFAULT_LEVEL)):
        text = f"no interval: the regressor was fitted on too few contents ({regressor.intervals.contents})"
        yield Note("no_interval", text)
    if bundle.provisional:
        yield provisional_note(bundle)


def provisional_note(bundle: Bundle) -> Note:
    """The warning on every score that a provisional bundle makes."""
    return Note("provisional", f"the bundle {bundle.id} is provisional: use its scores for rough ranking only")
