"""Examples at the end of a command's help."""

from __future__ import annotations


def examples(*commands: str) -> str:
    """The epilog of a help page: one command a line, each as it is typed after ``conviqt``."""
    # Typer joins single lines into paragraphs, so every line is a paragraph.
    return "\n\n".join(["Examples:", *(f"  conviqt {command}" for command in commands)])
