"""Segments of several versions, brought to the same moments."""

from __future__ import annotations

from collections.abc import Sequence

from conviqt_cli.comparing.results import Moment
from conviqt_cli.scoring.results import SegmentScore


def paired(segments: Sequence[Sequence[SegmentScore]], offsets: Sequence[float]) -> list[Moment]:
    """The moments of the first version's segments at which every version was scored, too.

    ``segments`` holds those of each version, in its own seconds; ``offsets`` says how much later a moment of the first
    version is in each. At other frame rates a segment is longer or shorter: the others' quality at a moment is the mean
    of what overlaps it, weighted by how much.
    """
    moments = []
    for segment in segments[0]:
        qualities = [segment.quality]
        for others, offset in zip(segments[1:], offsets[1:], strict=True):
            quality = _quality(others, segment.start + offset, segment.end + offset)
            if quality is not None:
                qualities.append(quality)
        if len(qualities) == len(segments):
            moments.append(Moment(segment.start, segment.end, tuple(qualities)))
    return moments


def _quality(segments: Sequence[SegmentScore], start: float, end: float) -> float | None:
    # Clips may overlap, the last two of a video do: where one is the same moment, no other has a say.
    close = 0.1 * (end - start)
    for each in segments:
        if abs(each.start - start) < close and abs(each.end - end) < close:
            return each.quality
    overlaps = [max(0.0, min(each.end, end) - max(each.start, start)) for each in segments]
    total = sum(overlaps)
    # A sliver of a neighbour says nothing of this moment.
    if total < 0.25 * (end - start):
        return None
    return sum(each.quality * overlap for each, overlap in zip(segments, overlaps, strict=True)) / total
