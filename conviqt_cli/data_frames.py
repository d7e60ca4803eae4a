"""Tables for pandas, which is optional."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from conviqt_cli.errors import UsageError

if TYPE_CHECKING:
    import pandas


def data_frame(rows: Sequence[dict[str, Any]]) -> pandas.DataFrame:
    """Rows as a table, columns in the order of the first row.

    Raises :class:`UsageError` where pandas is not installed.
    """
    try:
        import pandas
    except ImportError:
        raise UsageError("a table needs pandas: pip install 'conviqt[pandas]'") from None
    return pandas.DataFrame(list(rows))
