"""What scripts and pipelines rely on: exit codes, stdout that is only data, an end at once when one is asked for."""

import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest

from tests.cli.test_score_folder import FAST, decoders, rows, start, stuck, wait_for_rows

__all__ = ["stuck"]


@pytest.fixture(scope="module")
def folder(make_video, tmp_path_factory):
    """Two videos of the same content, one of them a symbolic link."""
    path = tmp_path_factory.mktemp("videos")
    make_video(path / "a.mp4", frames=17)
    (path / "b.mp4").symlink_to("a.mp4")
    return path


def test_the_gate_has_an_exit_code_of_its_own_and_failures_come_first(conviqt, folder, tmp_path):
    output = tmp_path / "s.csv"
    done = conviqt("score", folder, "-o", output, "--fail-below", "4.99", *FAST)
    assert done.returncode == 3 and "a.mp4: below the gate: quality" in done.stderr
    # Nothing is left to score, and the gate still holds.
    assert conviqt("score", folder, "-o", output, "--fail-segment-below", "4.99", *FAST).returncode == 3
    assert conviqt("score", folder, "-o", output, "--fail-below", "1", *FAST).returncode == 0
    (tmp_path / "c.mp4").write_text("no video")
    done = conviqt("score", folder, tmp_path / "c.mp4", "--fail-below", "4.99", "-o", output, *FAST)
    assert done.returncode == 1 and "below the gate" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("error: ")
    assert conviqt("score", folder / "a.mp4", "--fail-below", "35", *FAST).returncode == 2


def test_rows_on_stdout_and_nothing_else(conviqt, folder):
    done = conviqt("score", folder, "-o", "-", *FAST)
    names = [row["source"] for row in csv.DictReader(io.StringIO(done.stdout))]
    assert names == [str(folder / "a.mp4"), str(folder / "b.mp4")]
    done = conviqt("score", folder / "a.mp4", "-o", "-", "--format", "ndjson", *FAST)
    assert json.loads(done.stdout)["status"] == "scored"
    done = conviqt("score", folder / "a.mp4", "--format", "vtt", *FAST)
    assert done.stdout.startswith("WEBVTT\n") and "00:00:00.000 --> " in done.stdout


def test_subtitles_are_a_file_and_never_replace_somebody_elses(conviqt, folder, tmp_path):
    path = tmp_path / "a.srt"
    for _ in range(2):
        assert conviqt("score", folder / "a.mp4", "-o", path, *FAST).returncode == 0
        assert path.read_text().startswith("1\n00:00:00,000 --> ")
    path.write_text("1\n00:00:00,000 --> 00:00:01,000\nHello\n")
    assert conviqt("score", folder / "a.mp4", "-o", path, *FAST).returncode == 2
    assert "Hello" in path.read_text()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("VIDEO",), "to score a video: conviqt score "),
        (("holiday.mov",), "conviqt score holiday.mov"),
        (("score", "VIDEO", "--weights", "nothing"), "no such weight bundle"),
        (("weights", "verify", "nothing"), "no such weight bundle"),
        (("score", "VIDEO", "--regressor", "nothing"), "no such file"),
        (("score", "VIDEO", "--format", "xlsx"), "unknown format; choose csv"),
        (("score", "VIDEO", "--json", "--format", "csv"), "stdout takes one format"),
        (("score", "FOLDER", "--format", "srt"), "srt holds the segments of one video"),
        (("score", "VIDEO", "--format", "srt", "--segments"), "no rows per segment"),
        (("help", "nothing"), "No such command"),
    ],
)
def test_wrong_usage_is_always_exit_code_2(conviqt, folder, arguments, said):
    places = {"VIDEO": folder / "a.mp4", "FOLDER": folder}
    done = conviqt(*(places.get(argument, argument) for argument in arguments))
    assert done.returncode == 2 and said in done.stderr and done.stdout == ""


def test_help_and_version_are_commands_too(conviqt):
    assert conviqt("version").stdout == conviqt("--version").stdout
    assert conviqt("help", "weights", "verify").stdout == conviqt("weights", "verify", "--help").stdout
    assert "score" in conviqt("help").stdout


def test_a_closed_pipe_is_silent_and_nothing_left_to_do_loads_no_model(folder, tmp_path):
    output = tmp_path / "s.csv"
    process = start(folder, "-o", output, "--json", *FAST)
    process.stdout.readline()
    process.stdout.close()
    errors = process.stderr.read()
    assert process.wait(60) == 0 and errors == ""
    process = start(folder, "-o", output, *FAST)
    summary, _ = process.communicate(timeout=60)
    assert "1  of the same content as another" in summary and "1  reached by a symbolic link" in summary
    code = (
        "import sys\nfrom conviqt_cli.cli.main import main\n"
        "try: main()\nexcept SystemExit as left: print(left.code, sorted({'torch', 'openvino'} & sys.modules.keys()))"
    )
    command = [sys.executable, "-c", code, "score", folder, "-o", output, *FAST]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "2 of 2 from an earlier run" in done.stdout and done.stdout.splitlines()[-1] == "0 []"


@pytest.mark.parametrize("scoring", [False, True])
def test_sigterm_ends_at_once_and_the_output_can_be_carried_on(stuck, make_video, tmp_path, scoring):
    videos, output = tmp_path / "videos", tmp_path / "s.csv"
    videos.mkdir()
    make_video(videos / "a.mp4", frames=16)
    if scoring:  # inside the network, which takes seconds a frame
        fast = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")
        make_video(videos / "b.mp4", *fast, frames=17, size="1920x1080")
    else:  # waiting for a decoder that never answers
        (videos / "b.mp4").write_bytes(b"STUCK")
    whole = ("--picture", "whole") if scoring else ()
    process = start(videos, "-o", output, "--timeout", "600", *whole, *FAST, env=stuck)
    wait_for_rows(process, output, 1)
    if scoring:
        time.sleep(1)
    told = time.monotonic()
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    # Two seconds by the clock of a machine that has nothing else to do.
    assert time.monotonic() - told < 2 + 3 * (os.getloadavg()[0] > 2)
    assert process.returncode == 143 and "Traceback" not in errors and "terminate called" not in errors
    assert decoders(videos) == [] and [row["status"] for row in rows(output)] == ["scored"]


def test_a_log_gets_a_line_a_minute_with_speed_and_end(conviqt, folder, monkeypatch):
    monkeypatch.setattr("conviqt_cli.cli.batch_progress.LINE_SECONDS", 0.0)
    done = conviqt("score", folder, *FAST[:-1])
    # Which of the lines come depends on how the two videos overlap.
    line = r"[0-2] of 2 videos, 0 failed, \S+ frames/s, about .+ left, finished about \d\d:\d\d"
    assert re.search(line, done.stderr), done.stderr


def test_warnings_are_grouped_by_kind_and_slow_settings_named(conviqt, folder):
    options = (*FAST[:4], "--precision", "fp16", "--duration", "0.2", "--sampling", "every:9")
    done = conviqt("score", folder, *options)
    assert "--precision fp16 is slow on this CPU; --precision auto is faster" in done.stderr
    assert "warning: short: 2 videos\n  " in done.stderr
