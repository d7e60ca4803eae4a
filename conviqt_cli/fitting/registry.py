"""The estimators that can be chosen by name. To add one, implement :class:`.estimator.Estimator` and list it here."""

from __future__ import annotations

from conviqt_cli.errors import UsageError
from conviqt_cli.fitting.estimator import Estimator
from conviqt_cli.fitting.ridge import Ridge
from conviqt_cli.fitting.svr import Svr


def by_name(name: str) -> Estimator:
    """``ridge`` or ``svr``; raises :class:`UsageError` for anything else."""
    known: dict[str, type[Estimator]] = {"ridge": Ridge, "svr": Svr}
    if name not in known:
        raise UsageError(f"unknown estimator {name!r}; choose one of {', '.join(known)}")
    return known[name]()
