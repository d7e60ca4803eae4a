"""What shells and readers of manuals get: completions that work, a man page that is current and well-formed."""

import os
import shutil
import subprocess
import sys

import pytest

from docs.man_page import PAGE, man_page


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_files_are_printed(conviqt, shell):
    done = conviqt("completion", shell)
    assert done.returncode == 0 and "_CONVIQT_COMPLETE=complete_" in done.stdout


def test_bash_completes_commands_and_options(conviqt, tmp_path):
    if not shutil.which("bash"):
        pytest.skip("no bash here")
    (tmp_path / "conviqt").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m conviqt_cli "$@"\n')
    (tmp_path / "conviqt").chmod(0o755)
    script = conviqt("completion", "bash").stdout + (
        '\nfor line in "conviqt docto" "conviqt score --fail-s"; do\n'
        "COMP_WORDS=($line); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _conviqt_completion conviqt\n"
        'echo "${COMPREPLY[@]}"\n'
        "done\n"
    )
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, env={**os.environ, "PATH": path})
    assert done.stdout.split() == ["doctor", "--fail-segment-below"], done.stderr


def test_the_man_page_is_current_and_well_formed():
    assert PAGE.read_text(encoding="utf-8") == man_page(), "write it again: python -m docs.man_page"
    if shutil.which("groff"):
        done = subprocess.run(["groff", "-man", "-Tutf8", "-ww", PAGE], capture_output=True, text=True, check=True)
        assert done.stderr == "" and "conviqt weights verify" in done.stdout
