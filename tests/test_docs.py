"""The documentation: its paths, its picture of the rooms, the examples in docstrings."""

from __future__ import annotations

import ast
import doctest
import importlib
import re
import subprocess
from pathlib import Path

import pytest

from tests.test_architecture import ALLOWED, PACKAGE

ROOT = Path(__file__).resolve().parent.parent
GUIDES = tuple(f"docs/{name}.md" for name in ("archive", "encoding", "integration", "reading-a-score", "research"))
#: A guide that also names options of other programs.
OTHERS = "docs/beyond-one-machine.md"
PAGES = ("README.md", "CONTRIBUTING.md", "docs/architecture.md", "conviqt_cli/training/README.md", *GUIDES, OTHERS)

#: Modules whose docstrings hold examples that run.
EXAMPLES = (
    "conviqt_cli",
    "conviqt_cli.batch.many",
    "conviqt_cli.errors",
    "conviqt_cli.metrics.correlation",
    "conviqt_cli.metrics.error",
    "conviqt_cli.plans.time_plan",
    "conviqt_cli.quality.pooling",
    "conviqt_cli.quality.scale",
    "conviqt_cli.scorefiles.cells",
    "conviqt_cli.scoring.quality_map",
    "conviqt_cli.scoring.scorer",
    "conviqt_cli.video.pixel_formats",
    "conviqt_cli.video.rotation",
)


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_in_docstrings_give_what_they_say(name, tmp_path, monkeypatch, make_video):
    make_video(tmp_path / "holiday.mp4", frames=16)
    monkeypatch.chdir(tmp_path)
    outcome = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert outcome.attempted and not outcome.failed


@pytest.mark.parametrize("page", PAGES)
def test_paths_named_in_a_page_exist(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text)
    missing = [link for link in links if not ((ROOT / page).parent / link).exists()]
    folders = r"`((?:conviqt_cli|tests|benchmarks|weights|docs)/[\w./-]+)`"
    missing += [path for path in re.findall(folders, text) if not (ROOT / path).exists()]
    assert not missing


@pytest.mark.parametrize("page", GUIDES)
def test_options_named_in_a_guide_exist(page):
    manual = (ROOT / "docs" / "conviqt.1").read_text(encoding="utf-8").replace("\\-", "-")
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", (ROOT / page).read_text(encoding="utf-8")))
    assert not {option for option in named if not re.search(rf"{option}(?![a-z-])", manual)}


def test_pictures_of_the_documentation_are_small():
    pictures = list((ROOT / "docs" / "pictures").iterdir())
    assert pictures and sum(path.stat().st_size for path in pictures) < 300_000


def test_types_named_for_contributors_exist():
    classes = {
        node.name
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
    }
    named = {
        name
        for page in ("CONTRIBUTING.md", "docs/architecture.md")
        for name in re.findall(r"`([A-Z][a-z]+\w*)`", (ROOT / page).read_text(encoding="utf-8"))
    }
    assert not named - classes - {"Makefile"}


def test_the_picture_of_the_rooms_shows_the_dependency_rule():
    """Each arrow drawn is allowed, and each import that is allowed follows arrows."""
    page = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    (picture,) = re.findall(r"```mermaid\nflowchart TD\n(.*?)```", page, re.DOTALL)
    drawn: dict[str, set[str]] = {}
    for line in picture.splitlines():
        importer, imported = line.split("-->")
        drawn.setdefault(importer.strip(), set()).add(imported.strip())
    allowed = {**ALLOWED, "cli": set(ALLOWED)}

    def below(room: str) -> set[str]:
        return drawn.get(room, set()).union(*(below(other) for other in drawn.get(room, ())))

    for room, targets in allowed.items():
        assert drawn.get(room, set()) <= targets, f"{room}: arrows that the rule does not allow"
        assert targets <= below(room), f"{room}: imports that the picture does not show"


def test_make_lists_its_commands_and_the_guide_names_only_those():
    listed = subprocess.run(["make", "-s", "-C", ROOT, "help"], capture_output=True, text=True, check=True).stdout
    commands = {line.split()[0] for line in listed.splitlines()}
    named = set(re.findall(r"(?:`|^)make ([a-z]+)", (ROOT / "CONTRIBUTING.md").read_text(), re.MULTILINE))
    assert {"venv", "test", "lint", "format", "types", "coverage", "benchmark"} <= commands and named <= commands
