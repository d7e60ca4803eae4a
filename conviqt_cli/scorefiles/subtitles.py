"""SRT and WebVTT: subtitles by which any video player shows the score of each segment while it plays.

A cue begins with its segment and lasts until the next one begins, the last one until its segment ends, so there is
always exactly one on the screen. With sparse sampling a cue therefore also covers frames after its clip, which were not
scored.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from conviqt_cli.scoring.results import SegmentScore, VideoScore

#: How the text of a cue begins.
_SCORE = re.compile(r"-?\d+\.\d\d(?![\d.])")


def srt(score: VideoScore) -> str:
    """A SubRip file: numbered cues, times with a decimal comma."""
    cues = (
        f"{number}\n{_time(begin, ',')} --> {_time(end, ',')}\n{text}\n"
        for number, (begin, end, text) in enumerate(_cues(score), 1)
    )
    return "\n".join(cues)


def vtt(score: VideoScore) -> str:
    """A WebVTT file (W3C), with the scale in a note."""
    cues = (f"{_time(begin, '.')} --> {_time(end, '.')}\n{text}\n" for begin, end, text in _cues(score))
    note = f"NOTE quality: {score.scale.description.replace('-->', '')}\n"
    return "\n".join(["WEBVTT\n", note, *cues])


def is_ours(path: Path) -> bool:
    """Whether a file holds nothing but cues that begin with a score, as this module writes them."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return False
    blocks = [block.split("\n") for block in text.split("\n\n") if "-->" in block]
    cues = [lines[index + 1] for lines in blocks for index, line in enumerate(lines[:-1]) if "-->" in line]
    return bool(cues) and all(_SCORE.match(cue) for cue in cues)


def _cues(score: VideoScore) -> Iterator[tuple[float, float, str]]:
    """Begin and end of each cue, seconds, and what it says."""
    segments = score.segments
    ends = [*(each.start for each in segments[1:]), segments[-1].end]
    for segment, end in zip(segments, ends, strict=True):
        yield segment.start, max(end, segment.start + 0.001), _text(segment, score)


def _text(segment: SegmentScore, score: VideoScore) -> str:
    word = score.scale.word(segment.quality)
    parts = [f"{segment.quality:.2f}" + (f" {word}" if word else "")]
    if segment.diagnosis and segment.diagnosis.text:
        parts.append(segment.diagnosis.text)
    # Both formats take < and & as markup.
    return ", ".join(parts).replace("&", "and").replace("<", "")


def _time(seconds: float, point: str) -> str:
    milliseconds = round(max(0.0, seconds) * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{rest // 1000:02d}{point}{rest % 1000:03d}"
