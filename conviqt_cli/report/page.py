"""HTML pages from the templates beside this file: one file each, with nothing to fetch, complete without script."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment


def render(template: str, **values: Any) -> str:
    """The page that ``template`` makes of ``values``; every value is escaped, and a missing one is an error."""
    return _environment().get_template(template).render(values)


def flattened(data: dict[str, Any], above: str = "") -> list[tuple[str, str]]:
    """A nested mapping as rows for a table: the keys on the way to each value, and the value as text."""
    rows: list[tuple[str, str]] = []
    for key, value in data.items():
        if isinstance(value, dict):
            rows += flattened(value, f"{above}{key} ")
        else:
            rows.append((f"{above}{key}", "; ".join(map(str, value)) if isinstance(value, list) else str(value)))
    return rows


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("conviqt_cli.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
