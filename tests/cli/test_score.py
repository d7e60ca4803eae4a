"""``conviqt score`` and ``conviqt features`` as their users run them."""

from __future__ import annotations

import csv
import functools
import http.server
import json
import threading

import numpy as np
import pytest

FAST = ("--sampling", "every:9", "--duration", "0.4", "--device", "cpu")


@pytest.fixture(scope="module")
def scored(conviqt, sample):
    """The sample's record, as printed with --json."""
    done = conviqt("score", sample, "--json", "--quiet")
    assert done.returncode == 0 and done.stderr == ""
    return json.loads(done.stdout)


def test_one_video_is_one_object(scored, sample):
    assert scored["schema"] == "conviqt-score/1" and scored["status"] == "scored"
    assert 1 <= scored["quality"] <= 5 and scored["scale"]["higher_is_better"] is True
    assert scored["quality"] == pytest.approx(np.mean([s["quality"] for s in scored["segments"]]), abs=1e-4)
    assert scored["video"]["frame_count"] == 100 and scored["video"]["fps"] == "25/1"
    assert scored["segments"][-1]["end"] == pytest.approx(4.0, abs=0.01)
    assert len(scored["model"]["checksum"]) == 64 and scored["settings"]["sampling"]["name"] == "sparse"


def test_the_compressed_half_is_the_worse_one(scored):
    clean = [s["quality"] for s in scored["segments"] if s["end"] < 2]
    compressed = [s["quality"] for s in scored["segments"] if s["start"] >= 2]
    assert min(clean) > max(compressed) + 0.5


def test_all_formats_agree(conviqt, small, tmp_path):
    outputs = [tmp_path / name for name in ("a.json", "a.ndjson", "a.csv")]
    for output in outputs:
        assert conviqt("score", small, *FAST, "-o", output, "--quiet").returncode == 0
    segments = tmp_path / "s.csv"
    table = conviqt("score", small, *FAST, "-o", segments, "--segments", "--quiet")
    document, line = json.loads(outputs[0].read_text()), json.loads(outputs[1].read_text())
    (row,) = csv.DictReader(outputs[2].open())
    rows = list(csv.DictReader(segments.open()))
    assert document["quality"] == line["quality"] == float(row["quality"])
    assert [float(r["quality"]) for r in rows] == [s["quality"] for s in document["segments"]]
    assert row["word"] == document["word"] and f"{document['quality']:.2f}  {document['word']}" in table.stdout
    assert "1 (bad) to 5 (excellent), higher is better" in table.stdout


def test_the_diagnosis_is_in_every_format(conviqt, diagnosing, small, tmp_path):
    options = ("--weights", diagnosing, "--sampling", "every:9", "--device", "cpu", "--quiet")
    table = conviqt("score", small, *options, "--duration", "0.7", "-o", tmp_path / "s.csv", "--segments").stdout
    (first, *_), record = csv.DictReader((tmp_path / "s.csv").open()), conviqt("score", small, *options, "--json")
    found = json.loads(record.stdout)["segments"][0]["diagnosis"]
    others = [{"family": "noise", "probability": 0.015}, {"family": "other", "probability": 0.01}]
    assert found == {"family": "blur", "level": 3.1, "probability": 0.97, "others": others}
    assert (first["diagnosis"], first["diagnosis_level"], first["diagnosis_probability"]) == (
        "blur",
        "3.1000",
        "0.9700",
    )
    # Every segment shows the same: that is said once, and no segment is listed as a worse one.
    assert "; blurred throughout" in table and "worst segments" not in table
    single = conviqt("score", small, *options, "--duration", "0.4").stdout
    assert "picture  looks like blur, level 3 of 5 (97 %)" in single
    shown = json.loads(conviqt("weights", "show", diagnosing).stdout)
    assert shown["diagnosis"] == {"families": ["pristine", "blur", "flicker", "noise"], "card": {"labels": "made up"}}
    assert "diagnosis.safetensors" in str(shown["files"])
    assert "verified" in conviqt("weights", "verify", diagnosing).stdout


def test_the_report_of_one_video_is_made_anew_with_other_settings(conviqt, small, tmp_path):
    for name in ("a.json", "a.csv"):
        assert conviqt("score", small, *FAST, "-o", tmp_path / name).returncode == 0
        done = conviqt("score", small, *FAST, "-o", tmp_path / name, "--pool", "min")
        assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "a.json").read_text())["pooling"] == "min"
    (row,) = csv.DictReader((tmp_path / "a.csv").open())
    assert row["pooling"] == "min"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv", "a.json"]


def test_several_videos_and_one_that_fails(conviqt, small, tmp_path):
    (tmp_path / "text.mp4").write_text("not a video\n" * 99)
    done = conviqt("score", small, tmp_path / "text.mp4", tmp_path / "none.mp4", "--json", *FAST)
    assert done.returncode == 1
    records = [json.loads(line) for line in done.stdout.splitlines()]
    assert [r["status"] for r in records] == ["scored", "failed", "failed"]
    assert [r["quality"] is None for r in records] == [False, True, True]
    errors = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    assert len(errors) == 2 and "Traceback" not in done.stderr
    assert "not a video" in errors[0] and "no such file" in errors[1]
    output = tmp_path / "all.json"
    conviqt("score", small, tmp_path / "none.mp4", "-o", output, *FAST)
    assert [r["status"] for r in json.loads(output.read_text())] == ["scored", "failed"]


def test_a_failing_video_gives_no_number_on_stdout(conviqt, tmp_path):
    (tmp_path / "empty.mp4").touch()
    done = conviqt("score", tmp_path / "empty.mp4")
    assert done.returncode == 1 and done.stdout.strip() == ""
    assert done.stderr.strip() == f"error: {tmp_path}/empty.mp4: the file is empty"


def test_a_name_like_an_option_is_explained(conviqt, small, tmp_path):
    (tmp_path / "-dash.mp4").write_bytes(small.read_bytes())
    done = conviqt("score", "-dash.mp4", cwd=tmp_path)
    assert done.returncode == 2 and "to name a file, write ./-dash.mp4" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("--pool", "average"), ("--sampling", "often"), ("--device", "tpu"), ("--precision", "int3"),
        ("--start", "noon"), ("--duration", "0"), ("--start", "1:2:3:4"), ("-o", "scores.xlsx"), ("--segments",),
        ("--threads", "0"), ("--no-such-option",),
    ],
)  # fmt: skip
def test_wrong_usage_is_exit_code_2_and_names_the_option(conviqt, small, arguments):
    done = conviqt("score", small, *arguments)
    assert done.returncode == 2 and done.stdout == ""
    assert "Traceback" not in done.stderr and arguments[0].split("=")[0] in done.stderr


def test_names_with_anything_in_them(conviqt, small, tmp_path):
    names = ["-o.mp4", "a 'quoted\" name.mp4", "two\nlines.mp4", "[bold].mp4"]
    for name in names:
        (tmp_path / name).write_bytes(small.read_bytes())
    done = conviqt("score", "--json", *FAST, "--", *names, cwd=tmp_path, env=_with_package())
    assert [json.loads(line)["source"] for line in done.stdout.splitlines()] == names
    assert done.returncode == 0


def test_a_url_is_opened_and_may_not_lead_to_local_files(conviqt, small, tmp_path):
    (tmp_path / "list.m3u8").write_text(
        f"#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\nfile://{small}\n#EXT-X-ENDLIST\n"
    )
    (tmp_path / "v.mp4").write_bytes(small.read_bytes())
    handler = functools.partial(_Quiet, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        done = conviqt("score", f"{address}/v.mp4", f"{address}/list.m3u8", f"{address}/none.mp4", "--json", *FAST)
        server.shutdown()
    assert [json.loads(line)["status"] for line in done.stdout.splitlines()] == ["scored", "failed", "failed"]


def test_features_of_several_videos(conviqt, small, tmp_path):
    other = tmp_path / "other.mp4"
    other.write_bytes(small.read_bytes())
    done = conviqt("features", small, other, "-o", tmp_path / "f.npz", *FAST)
    assert done.returncode == 0, done.stderr
    with np.load(tmp_path / "f.npz", allow_pickle=False) as file:
        assert file["clip_features"].shape == (2, 2048) and file["clip_features"].dtype == np.float32
        assert list(file["names"]) == [str(small), str(other)]
        assert file["start"][0] == 0 and str(file["encoder_id"])
        assert np.array_equal(file["clip_features"][0], file["clip_features"][1])


def test_features_keep_what_could_be_read(conviqt, small, tmp_path):
    done = conviqt("features", tmp_path / "none.mp4", small, "-o", tmp_path / "f.npz", *FAST)
    assert done.returncode == 1 and "no such file" in done.stderr
    with np.load(tmp_path / "f.npz") as file:
        assert len(file["names"]) == 1


def test_weights_commands(conviqt, tmp_path):
    assert "conviqt-base" in conviqt("weights", "list").stdout
    assert json.loads(conviqt("weights", "show").stdout)["schema"] == "conviqt-bundle/1"
    assert "verified" in conviqt("weights", "verify").stdout
    (tmp_path / "manifest.json").write_text("{}")
    done = conviqt("weights", "verify", tmp_path)
    assert done.returncode == 1 and "schema" in done.stderr
    done = conviqt("weights", "import", "--spatial", tmp_path / "a", "--temporal", tmp_path / "b", "-o", tmp_path / "c")
    assert done.returncode == 1 and "no such file" in done.stderr


def test_verbose_says_what_runs_and_no_color_is_obeyed(conviqt, small):
    done = conviqt("score", small, *FAST, "--verbose")
    assert "ffmpeg" in done.stderr and "encoder" in done.stderr
    assert "\x1b[" not in done.stdout + done.stderr


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def _with_package():
    """The environment, with the package importable from any folder."""
    import os
    from pathlib import Path

    root = str(Path(__file__).resolve().parents[2])
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))}


def test_exact_is_the_published_protocol_and_says_so(conviqt, small):
    found = json.loads(conviqt("score", small, "--exact", "--json", "--duration", "0.3").stdout)
    settings = found["settings"]
    assert (settings["sampling"]["name"], settings["picture"]["name"], settings["precision"]) == (
        "dense",
        "whole",
        "fp32",
    )
    refused = conviqt("score", small, "--exact", "--sampling", "every:5")
    assert refused.returncode == 2 and "--exact means --sampling dense" in refused.stderr


def test_the_display_size_changes_the_score_and_is_in_the_output(conviqt, small):
    def run(*arguments):
        return json.loads(conviqt("score", small, "--json", "--duration", "0.3", *arguments).stdout)

    own, shown = run(), run("--display", "128")
    assert (own["settings"]["display"], shown["settings"]["display"]) == ("source", "128")
    assert own["quality"] != shown["quality"]
