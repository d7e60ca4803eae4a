"""Subtitles of segment scores, as players read them."""

import subprocess
from dataclasses import replace

from conviqt_cli.scorefiles.subtitles import is_ours, srt, vtt
from conviqt_cli.scoring.results import SegmentScore
from tests.scorefiles.test_journal import record

SCORE = replace(
    record("a").result, segments=(SegmentScore(0, 0.64, 3.25), SegmentScore(0.5, 1, 1.2), SegmentScore(3661, 3662, 5.0))
)


def test_one_cue_at_a_time_until_the_next_segment(tmp_path, ffmpeg):
    assert srt(SCORE).splitlines()[:8] == [
        "1", "00:00:00,000 --> 00:00:00,500", "3.25 fair", "",
        "2", "00:00:00,500 --> 01:01:01,000", "1.20 bad", "",
    ]  # fmt: skip
    assert vtt(SCORE).startswith("WEBVTT\n\nNOTE quality: 1 (bad) to 5 (excellent)")
    for name, text in (("a.srt", srt(SCORE)), ("a.vtt", vtt(SCORE))):
        (tmp_path / name).write_text(text)
        command = [ffmpeg, "-v", "error", "-i", tmp_path / name, "-f", "srt", "-"]
        read = subprocess.run(command, capture_output=True, text=True, check=True)
        assert read.stdout.count("-->") == 3 and "01:01:01,000 --> 01:01:02,000\n5.00 excellent" in read.stdout
        assert not read.stderr and is_ours(tmp_path / name)


def test_subtitles_of_somebody_else_are_told_apart(tmp_path):
    path = tmp_path / "film.srt"
    for text in ("1\n00:00:01,000 --> 00:00:02,000\nHello\n", "", "1.50 and no cue"):
        path.write_text(text)
        assert not is_ours(path)
