"""The whole examination, part by part."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from conviqt_cli.doctor import decoding, machine
from conviqt_cli.doctor.check import Check, State
from conviqt_cli.errors import ConviqtError
from conviqt_cli.model.bundle import Bundle, open_bundle
from conviqt_cli.scoring.settings import ScoringSettings


def examine(settings: ScoringSettings, cache: Path) -> Iterator[Check]:
    """Everything that scoring with ``settings`` rests on, in order; ``cache`` is where vectors are kept.

    The clip is scored only where no problem was found before.
    """
    found: list[Check] = []
    for check in _parts(settings, cache):
        found.append(check)
        yield check
    if any(check.state is State.PROBLEM for check in found):
        yield Check("self-test", State.SKIPPED, "not run, because of the problems above")
        return
    from conviqt_cli.doctor.self_test import self_test

    yield self_test(open_bundle(settings.weights), settings)


def _parts(settings: ScoringSettings, cache: Path) -> Iterator[Check]:
    libraries = list(machine.python())
    yield from libraries
    runs = all(check.state is not State.PROBLEM for check in libraries)
    if runs:
        yield machine.processor(settings.device, settings.precision)
    yield from decoding.ffmpeg()
    yield _bundle(settings)
    yield machine.folder("cache", cache, "set CONVIQT_CACHE to a folder that you may write to, or correct its rights")
    yield machine.folder("temporary files", Path(tempfile.gettempdir()), "set TMPDIR to a folder that you may write to")
    if runs:
        from conviqt_cli.batch.memory import BASE, available

        yield machine.memory(BASE, available())


def _bundle(settings: ScoringSettings) -> Check:
    again = "install conviqt again, or copy the bundle again from where it came from"
    try:
        bundle = open_bundle(settings.weights)
        damaged = bundle.verify()
        if damaged:
            return Check("weights", State.PROBLEM, f"{bundle.folder}: {'; '.join(damaged)}", again)
        _check_parts(bundle)
    except ConviqtError as error:
        return Check("weights", State.PROBLEM, str(error), again)
    count = len(bundle.manifest["files"])
    if bundle.provisional:
        found = f"{bundle.id} ({bundle.folder}) is provisional"
        return Check("weights", State.WARNING, found, "use its scores for rough ranking only")
    return Check("weights", State.OK, f"{bundle.id}: all {count} files verified ({bundle.folder})")


def _check_parts(bundle: Bundle) -> None:
    """Raise :class:`ConviqtError` for a regressor or a diagnosis head that does not belong to the bundle."""
    for picture in bundle.picture_plans:
        bundle.regressor(picture)
        bundle.diagnosis(picture)
