"""``conviqt score`` on folders: what is scored, what survives, what is refused. The real command on real media."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from conviqt_cli.scorefiles.cells import original

FAST = ("--sampling", "every:9", "--device", "cpu", "--precision", "fp32", "--threads", "1", "-q")
ODD = os.fsdecode(b'-odd \xff "name",\nof a file.mp4')


@pytest.fixture(scope="module")
def folder(make_video, tmp_path_factory):
    """Six videos, three bad ones, and things that are no videos."""
    path = tmp_path_factory.mktemp("videos")
    made = make_video(path / "0.mp4", frames=20)
    (path / ODD).write_bytes(made.read_bytes())
    (path / "1.mp4").write_bytes(made.read_bytes()[: made.stat().st_size // 2])
    (path / "2.mp4").write_text("no video\n")
    (path / "3.mkv").write_bytes(b"")
    (path / "sub").mkdir()
    make_video(path / "sub" / "4.avi", "-c:v", "mpeg4", frames=17)
    for index in range(5, 8):
        make_video(path / f"{index}.webm", "-c:v", "libvpx", frames=16 + index)
    (path / "notes.txt").write_text("notes")
    # ffmpeg would open what it names; it is neither played nor an error.
    (path / "list.m3u8").write_text(f"#EXTM3U\n#EXTINF:1,\n{path}/0.mp4\n")
    (path / "posing.mp4").write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{path}/0.mp4\n#EXT-X-ENDLIST\n")
    return path


def rows(path):
    """The rows of a score file, without the time they took."""
    with path.open(encoding="utf-8", newline="") as file:
        return [{name: cell for name, cell in row.items() if name != "wall_seconds"} for row in csv.DictReader(file)]


def start(*arguments, **options):
    command = [sys.executable, "-m", "conviqt_cli", "score", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


def wait_for_rows(process, path, count):
    """Until a score file has that many scored or failed rows."""
    deadline = time.monotonic() + 120
    while not (path.exists() and path.read_bytes().count(b"conviqt-score/") >= count):
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            raise AssertionError(process.communicate())
        time.sleep(0.01)


def decoders(folder):
    """ffmpeg processes that have a file of ``folder`` open."""
    found = []
    for path in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if str(path.readlink()).startswith(str(folder)):
                found.append(path)
        except OSError:
            continue
    return found


@pytest.fixture(scope="module")
def whole(conviqt, folder, tmp_path_factory):
    """An uninterrupted run over the folder: the finished process and its score file."""
    path = tmp_path_factory.mktemp("whole") / "scores.csv"
    return conviqt("score", folder, "-r", "-o", path, *FAST), path


def test_a_folder_of_anything(whole, folder):
    done, path = whole
    assert done.returncode == 1 and "Traceback" not in done.stderr
    table = {original(row["source"]).removeprefix(f"{folder}/"): row for row in rows(path)}
    order = [ODD, "0.mp4", "1.mp4", "2.mp4", "3.mkv", "5.webm", "6.webm", "7.webm", "posing.mp4", "sub/4.avi"]
    assert list(table) == order
    failed = {name: row["error_code"] for name, row in table.items() if row["status"] == "failed"}
    assert failed == dict.fromkeys(("1.mp4", "2.mp4", "3.mkv", "posing.mp4"), "unreadable")
    assert all((row["quality"] == "") == (name in failed) for name, row in table.items())
    assert table[ODD]["quality"] == table["0.mp4"]["quality"] and table[ODD]["sha256"] == table["0.mp4"]["sha256"]
    assert table["2.mp4"]["bytes"] == "9" and json.loads(table["2.mp4"]["settings"])["pool"] == "mean"
    for line in ("6  scored", "4  failed: cannot be read as a video", "2  skipped: not a video", "worst", "█"):
        assert line in done.stdout
    assert decoders(folder) == []


def test_killed_twice_and_resumed_equals_a_run_left_alone(conviqt, whole, folder, tmp_path):
    path = tmp_path / "scores.csv"
    for count in (3, 5):
        process = start(folder, "-r", "-o", path, *FAST)
        wait_for_rows(process, path, count)
        process.kill()
        process.communicate()
    with path.open("ab") as file:
        file.write(b'conviqt-score/1,"half a ro')
    assert "from an earlier run" in conviqt("score", folder, "-r", "-o", path, "--jobs", "2", *FAST).stdout
    assert rows(path) == rows(whole[1])
    assert [item.name for item in tmp_path.iterdir()] == ["scores.csv"]


def test_resuming_rescores_what_changed_and_retries_on_request_only(conviqt, make_video, tmp_path):
    path, videos = tmp_path / "scores.ndjson", tmp_path / "videos"
    videos.mkdir()
    for name in ("a.mp4", "b.mp4"):
        make_video(videos / name, frames=16)
    (videos / "c.mp4").write_text("damaged")

    def run(*options):
        done = conviqt("score", videos, "-o", path, "--json", *FAST, *options)
        stored = [json.loads(line) for line in path.read_text().splitlines()]
        assert [item["source"][-5:] for item in stored] == ["a.mp4", "b.mp4", "c.mp4"]
        return done.returncode, [json.loads(line)["source"][-5:] for line in done.stdout.splitlines()], done.stderr

    assert run()[:2] == (1, ["a.mp4", "b.mp4", "c.mp4"])
    os.utime(videos / "a.mp4", (1, 1))
    make_video(videos / "b.mp4", frames=16, source="smptebars")
    assert run()[:2] == (1, ["b.mp4"])
    assert run("--retry-failed")[:2] == (1, ["c.mp4"])
    code, _, message = run("--pool", "min")
    assert code == 2 and "pool mean, not min" in message


@pytest.mark.parametrize("name", ["s.csv", "s.ndjson", "s.json", "segments.csv"])
def test_a_renamed_file_keeps_its_score_and_a_gone_one_leaves(conviqt, make_video, tmp_path, name):
    path, videos = tmp_path / name, tmp_path / "videos"
    (videos / "sub").mkdir(parents=True)
    for index, stem in enumerate("abc"):
        make_video(videos / f"{stem}.mp4", frames=16 + index, size="64x48")
    (videos / "bad.mp4").write_text("damaged")
    segments = ("--segments",) if name.startswith("segments") else ()

    def run(*options):
        done = conviqt("score", videos, "-r", "-o", path, "--format", path.suffix[1:], *segments, *FAST[:-1], *options)
        assert done.returncode == 1, done.stderr
        if path.suffix == ".csv":
            found = {row["source"]: (row["quality"], row["error"], row["mtime_ns"]) for row in rows(path)}
        else:
            text = path.read_text()
            records = json.loads(text) if path.suffix == ".json" else map(json.loads, text.splitlines())
            found = {
                each["source"]: (each["quality"], each.get("error", {}).get("text"), str(each["file"]["mtime_ns"]))
                for each in records
            }
        return {source.removeprefix(f"{videos}/"): row for source, row in found.items()}, done

    before, _ = run()
    (videos / "a.mp4").rename(videos / "sub" / "=x, y.mp4")
    (videos / "b.mp4").rename(videos / "a.mp4")
    (videos / "bad.mp4").rename(videos / "worse.mp4")
    (videos / "c.mp4").unlink()
    kept, done = run("--keep-missing")
    assert "3 of 3 from an earlier run" in done.stdout and kept["c.mp4"] == before["c.mp4"]
    after, done = run()
    assert list(after) == ["a.mp4", "sub/=x, y.mp4", "worse.mp4"] and "1 row of files that are gone" in done.stderr
    assert after["sub/=x, y.mp4"][0] == before["a.mp4"][0] and after["a.mp4"][0] == before["b.mp4"][0]
    assert after["worse.mp4"][1] == f"{videos}/worse.mp4" + before["bad.mp4"][1].removeprefix(f"{videos}/bad.mp4")
    assert not conviqt("score", videos, "-r", "-o", path, *segments, *FAST).stderr.count("gone")


def test_names_from_stdin_and_lists(conviqt, folder, tmp_path):
    names = tmp_path / "names"
    names.write_bytes(b"\0".join(os.fsencode(folder / name) for name in (ODD, "2.mp4")))
    with names.open("rb") as file:
        process = start("-", "-0", "--files-from", names, "--json", *FAST[:-1], stdin=file)
        output, errors = process.communicate(timeout=120)
    records = [json.loads(line) for line in output.splitlines()]
    assert [original(item["source"]) for item in records] == [str(folder / ODD), str(folder / "2.mp4")]
    assert [item["status"] for item in records] == ["scored", "failed"]
    assert "2  skipped: named twice" in errors


@pytest.fixture
def stuck(tmp_path, ffmpeg):
    """An ffmpeg that never ends, with a child of its own, on any file whose content begins with STUCK."""
    script = tmp_path / "bin" / "ffmpeg"
    script.parent.mkdir()
    script.write_text(
        f"#!{sys.executable}\n"
        "import os, re, subprocess, sys\n"
        "fd = re.search(r'-fd (\\d+)', ' '.join(sys.argv))\n"
        "if fd and os.pread(int(fd[1]), 5, 0) == b'STUCK':\n"
        "    subprocess.run(['sleep', '600'], pass_fds=[int(fd[1])])\n"
        f"os.execv({ffmpeg!r}, sys.argv)\n"
    )
    script.chmod(0o755)
    return {**os.environ, "CONVIQT_FFMPEG": str(script), "NO_COLOR": "1"}


def test_a_stuck_decoder_is_killed_with_all_it_started(conviqt, stuck, make_video, tmp_path):
    videos = tmp_path / "videos"
    videos.mkdir()
    (videos / "a.mp4").write_bytes(b"STUCK")
    make_video(videos / "b.mp4", frames=16)
    done = conviqt("score", videos, "-o", tmp_path / "s.csv", "--timeout", "5", *FAST, env=stuck)
    assert [(row["status"], row["error_code"]) for row in rows(tmp_path / "s.csv")] == [
        ("failed", "limit"),
        ("scored", ""),
    ]
    assert done.returncode == 1 and "raise the timeout" in done.stderr and decoders(videos) == []


def test_one_at_a_time_and_two_kinds_of_ctrl_c(stuck, make_video, tmp_path):
    videos, path = tmp_path / "videos", tmp_path / "s.csv"
    videos.mkdir()
    make_video(videos / "a.mp4", frames=16)
    (videos / "b.mp4").write_bytes(b"STUCK")
    make_video(videos / "c.mp4", frames=16)
    process = start(videos, "-o", path, *FAST, env=stuck)
    wait_for_rows(process, path, 2)
    second, message = start(videos, "-o", path, *FAST).communicate(timeout=120), "another conviqt is writing"
    assert message in second[1]
    process.send_signal(signal.SIGINT)
    assert "finishing" in process.stderr.readline()
    # The stuck one goes on until it is told again.
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.5)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1 and "1 of 3 videos are not scored" in errors and "Traceback" not in errors
    assert decoders(videos) == []
    assert Counter(row["status"] for row in rows(path)) == {"scored": 2}


@pytest.mark.parametrize(("arguments", "said"), [((), "no videos named"), (("a.mp4", "--force"), "give -o")])
def test_wrong_usage(conviqt, arguments, said):
    done = conviqt("score", *arguments)
    assert done.returncode == 2 and said in done.stderr


def test_a_folder_without_videos_is_an_error(conviqt, tmp_path):
    (tmp_path / "a.txt").write_text("")
    done = conviqt("score", tmp_path)
    assert done.returncode == 1 and "no videos found (1 not a video)" in done.stderr
