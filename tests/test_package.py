"""The package as others get it: the wheel, the README's commands, the start-up."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from conviqt_cli import __version__
from conviqt_cli.evaluation import agreement
from conviqt_cli.evaluation.agreement import Bootstrap

ROOT = Path(__file__).resolve().parent.parent


def test_version_and_help_do_without_the_heavy_libraries():
    code = (
        "import sys; sys.argv = ['conviqt', {flag!r}]\n"
        "from conviqt_cli.cli.main import main\n"
        "try: main()\n"
        "except SystemExit: print(sorted({{'torch', 'numpy', 'sklearn', 'scipy', 'ffmpeg'}} & sys.modules.keys()))"
    )
    for flag, expected in (("--version", f"conviqt {__version__}"), ("--help", "score")):
        done = subprocess.run(
            [sys.executable, "-c", code.format(flag=flag)], capture_output=True, text=True, check=True, cwd=ROOT
        )
        assert expected in done.stdout and done.stdout.rstrip().endswith("[]"), done.stdout


def test_the_wheel_scores_a_video_in_an_empty_place(small, tmp_path):
    wheels, site, empty = tmp_path / "wheels", tmp_path / "site", tmp_path / "empty"
    empty.mkdir()
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", wheels, ROOT]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = wheels.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        assert "conviqt_cli/py.typed" in names and "conviqt_cli/bundles/conviqt-base/manifest.json" in names
        assert "conviqt_cli/report/templates/base.html" in names
        archive.extractall(site)
    code = f"import conviqt_cli; print(conviqt_cli.__file__); print(conviqt_cli.predict({str(small)!r}))"
    # Isolated (-I), so that the checkout is out of reach; dependencies come from this interpreter's own packages.
    done = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(site)!r}); {code}"],
        capture_output=True, text=True, cwd=empty,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    where, quality = done.stdout.split()
    assert where.startswith(str(site)) and 1 <= float(quality) <= 5


def readme_commands() -> list[str]:
    """Every ``conviqt`` command line in the README's code blocks, continuation lines joined."""
    blocks = re.findall(r"```(?:console|bash|sh)\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    return [line.removeprefix("$ ") for line in lines if re.match(r"(\$ )?conviqt ", line)]


@pytest.fixture(scope="module")
def readers_folder(tmp_path_factory, small, make_video):
    """A folder with every file that the README's commands name; the commands run there in the README's order."""
    folder = tmp_path_factory.mktemp("reader")
    for name in ("video.mp4", "a.mp4", "b.mkv"):
        (folder / name).write_bytes(small.read_bytes())
    for place, names in (("clips", "abcdefgh"), ("KoNViD_1k_videos", ("101", "102", "103", "104", "105", "106"))):
        (folder / place).mkdir()
        for index, name in enumerate(names):
            crf = str(18 + 5 * index)
            options = ("-c:v", "libx264", "-crf", crf, "-pix_fmt", "yuv420p")
            make_video(folder / place / f"{name}.mp4", *options, size="64x48", frames=16)
    rows = [f"{name}.mp4,{4.6 - 0.4 * index:.2f},scene{index}" for index, name in enumerate("abcdefgh")]
    (folder / "labels.csv").write_text("\n".join(["video,mos,content", *rows]) + "\n")
    rows = [f"KoNViD_1k_videos/{101 + index}.mp4, 8.0, 25.0, {4.3 - 0.5 * index:.2f}" for index in range(6)]
    (folder / "KoNViD.labels.txt").write_text("\n".join(rows) + "\n")
    return folder


@pytest.mark.parametrize("command", readme_commands())
def test_every_command_in_the_readme_runs(conviqt, command, readers_folder, monkeypatch):
    # A thousand draws of an evaluation take seconds and run the same code.
    monkeypatch.setattr(agreement, "Bootstrap", lambda draws, *rest: Bootstrap(min(draws, 20), *rest))
    environment = {**os.environ, "NO_COLOR": "1", "XDG_CACHE_HOME": str(readers_folder / "cache")}
    done = conviqt(*shlex.split(command, comments=True)[1:], cwd=readers_folder, env=environment)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"


def test_readme_shows_the_output_that_the_command_gives(conviqt, sample):
    """The report printed in the README is real: its layout, and its numbers as far as processors agree on them."""
    shown = re.search(r"\$ (conviqt score .*--precision fp32)\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert shown is not None
    environment = {**os.environ, "NO_COLOR": "1", "COLUMNS": "80"}
    printed = conviqt(*shlex.split(shown[1])[1:], "--device", "cpu", env=environment).stdout
    found, wanted = (re.findall(r"quality  (\d\.\d\d)  (\w+)", text) for text in (printed, shown[2]))
    ((quality, word),), ((wanted_quality, wanted_word),) = found, wanted
    assert word == wanted_word and float(quality) == pytest.approx(float(wanted_quality), abs=0.05)
    layouts = [re.sub(r"[\d.]+|[▁-█]+", "#", text).strip().splitlines() for text in (printed, shown[2])]
    assert [line.rstrip() for line in layouts[0]] == [line.rstrip() for line in layouts[1]]
