"""The dependency rule: data moves one way, no circles, no arrow upwards (docs/architecture.md)."""

from __future__ import annotations

import ast
import re
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent / "conviqt_cli"

#: Modules at the top of the package that every room may import.
COMMON = {"errors", "files", "arrays", "data_frames"}

#: Each room, and the rooms that it may import besides. Other modules at the top of the package are listed by name.
ALLOWED = {
    "parallel": set(),
    "benchmark": {"video"},
    "known_speeds": {"benchmark"},
    "video": set(),
    "storage": set(),
    "plans": {"video"},
    "quality": set(),
    "model": {"quality"},
    "scoring": {"video", "plans", "quality", "model"},
    "comparing": {"video", "plans", "quality", "model", "scoring"},
    "scorefiles": {"video", "quality", "scoring", "storage"},
    "batch": {"storage", "video", "plans", "quality", "model", "scoring", "scorefiles"},
    "doctor": {"storage", "video", "plans", "quality", "model", "scoring", "scorefiles", "batch"},
    "metrics": {"parallel"},
    "labels": {"video", "quality"},
    "fitting": {"parallel", "plans", "quality", "model", "scoring", "metrics", "labels", "video"},
    "evaluation": {"parallel", "quality", "model", "scoring", "metrics", "labels", "fitting"},
    "report": {
        *("benchmark", "comparing"),
        *("storage", "video", "plans", "quality", "model", "scoring", "scorefiles"),
        *("metrics", "labels", "fitting", "evaluation"),
    },
    "training": {
        *("parallel", "video", "plans", "quality", "model", "scoring"),
        *("metrics", "labels", "fitting", "evaluation"),
    },
}


def modules() -> dict[str, ast.Module]:
    """Every module of the package by its dotted name, parsed."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = ast.parse(path.read_text())
    return found


MODULES = modules()


def imports(name: str) -> set[str]:
    """Modules of this package that ``name`` imports anywhere, also inside functions."""
    found: set[str] = set()
    is_package = (PACKAGE.parent / Path(*name.split(".")) / "__init__.py").exists()
    for node in ast.walk(MODULES[name]):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = name.split(".")[: len(name.split(".")) - node.level + is_package]
                base = ".".join([*above, *([node.module] if node.module else [])])
            found |= {f"{base}.{alias.name}" if f"{base}.{alias.name}" in MODULES else base for alias in node.names}
    return {each for each in found if each in MODULES and each != name}


def room(name: str) -> str:
    return name.split(".")[1] if "." in name else ""


def test_no_module_imports_itself_by_way_of_others():
    graph = {name: imports(name) for name in MODULES if name != "conviqt_cli"}
    finished: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, " imports ".join([*path[path.index(name) :], name])
        if name not in finished:
            for other in sorted(graph.get(name, ())):
                visit(other, (*path, name))
            finished.add(name)

    for name in graph:
        visit(name, ())


def test_no_room_imports_itself_by_way_of_others():
    for inside in ("", "training"):
        prefix = f"conviqt_cli.{inside}." if inside else "conviqt_cli."
        depth = prefix.count(".")
        graph: dict[str, set[str]] = {}
        for name in MODULES:
            if name.startswith(prefix):
                own = name.split(".")[depth]
                targets = {each.split(".")[depth] for each in imports(name) if each.startswith(prefix)}
                graph.setdefault(own, set()).update(targets - {own})
        remaining = dict(graph)
        while remaining:
            free = [each for each, targets in remaining.items() if not targets & remaining.keys()]
            assert free, f"a circle among {sorted(remaining)}"
            for each in free:
                del remaining[each]


def test_every_arrow_points_down():
    for name in MODULES:
        own = room(name)
        if own in ("", "cli", "__main__"):
            continue
        for other in imports(name):
            target = room(other)
            assert target in {own, "", *COMMON, *ALLOWED.get(own, ())}, f"{name} imports {other}"


def test_nothing_imports_the_command_line():
    for name in MODULES:
        if room(name) not in ("cli", "__main__"):
            assert not any(room(other) == "cli" for other in imports(name)), name


def test_only_the_video_room_and_training_know_ffmpeg():
    for name, tree in MODULES.items():
        if room(name) in ("video", "training"):
            continue
        used = {each for each in imports(name) if each.startswith("conviqt_cli.video.ffmpeg")}
        text = ast.unparse(tree)
        assert not re.search(r"^\s*(import ffmpeg|from ffmpeg)\b", text, re.MULTILINE), name
        assert room(name) in ("cli", "batch", "scorefiles", "doctor") or not used, f"{name} imports {used}"
