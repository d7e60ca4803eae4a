"""Opinion scores from a file: what is used, what is not, and why; nothing is dropped silently."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from conviqt_cli.errors import LabelError
from conviqt_cli.labels.columns import Columns, choose, name_of
from conviqt_cli.labels.declared import contents_of, direction, scale_of
from conviqt_cli.labels.layouts import Layout, find_layout
from conviqt_cli.labels.opinions import Labels
from conviqt_cli.labels.rows import usable_rows
from conviqt_cli.labels.settings import LabelSettings
from conviqt_cli.labels.table import Table
from conviqt_cli.labels.table_files import read_table


def read_labels(path: Path, settings: LabelSettings | None = None) -> Labels:
    """Read a label file; raises :class:`LabelError` or :class:`UsageError` with one line that says what to do."""
    settings = settings or LabelSettings()
    table = read_table(path)
    columns, layout = _structure(path, table, settings)
    rows = usable_rows(path, table, columns, settings)
    worse, direction_fact, direction_guessed = direction(table, columns, settings)
    scale, scale_fact, scale_guessed = scale_of(path, table, rows.mos, settings, layout, worse)
    cells = table.column(columns.group) if columns.group is not None else []
    given = [cells[i] for i in rows.index] if cells else []
    contents, contents_fact, contents_guessed = contents_of(rows.names, given, settings, layout)
    facts = {
        "file": table.form,
        "videos": name_of(table, columns.video),
        **rows.facts,
        "direction": direction_fact,
        "scale": scale_fact,
        "contents": contents_fact,
    }
    if layout is not None:
        facts["database"] = layout.title
    guesses = (
        ("direction", "dmos", direction_guessed),
        ("scale", "scale", scale_guessed),
        ("contents", "group_col", contents_guessed),
    )
    return Labels(
        source=str(path),
        names=rows.names,
        mos=rows.mos,
        std=rows.std,
        ratings=rows.ratings,
        groups=contents,
        scale=scale,
        layout=layout,
        facts=facts,
        guessed={fact: setting for fact, setting, guessed in guesses if guessed},
        left_out=rows.left_out,
    )


def _structure(path: Path, table: Table, settings: LabelSettings) -> tuple[Columns, Layout | None]:
    """Which column is which, and the published database that the file belongs to."""
    asked = {
        "video": settings.video_col,
        "mos": settings.mos_col,
        "std": settings.std_col,
        "ratings": settings.ratings_col,
        "group": settings.group_col,
    }
    try:
        columns = choose(table, **asked)
        layout = find_layout(settings.layout, path.name, table, columns)
    except LabelError as error:
        raise LabelError(f"{path}: {error}", error.setting) from None
    if layout is not None and layout.mos is not None and settings.mos_col is None:
        # A copy of the file in another form may lack the layout's own column: then the guess stands.
        with suppress(LabelError):
            columns = choose(table, **{**asked, "mos": layout.mos})
    return columns, layout
