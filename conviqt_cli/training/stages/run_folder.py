"""A run directory: configuration, log, curves and checkpoints of one training, enough to resume it exactly."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from conviqt_cli.errors import InputError, UsageError
from conviqt_cli.files import write_text_whole, write_whole

CONFIG, LOG, CURVES, CHECKPOINT = "config.json", "log.jsonl", "curves.png", "checkpoint.pt"


class RunFolder:
    """One training's folder. A run that exists is only continued with ``resume``.

    Of several processes one is the ``owner``; the others only read. Raises :class:`UsageError` when the folder holds
    another run, or another configuration than the one given.
    """

    def __init__(self, path: Path, config: Mapping[str, Any], resume: bool, owner: bool = True) -> None:
        self.path, self._owner = path, owner
        if not owner:
            return
        written = path / CONFIG
        if written.exists():
            if not resume:
                raise UsageError(f"{path}: holds a run already; resume it or choose another folder")
            before, now = json.loads(written.read_text()), json.loads(json.dumps(dict(config)))
            changed = sorted(key for key in {*before, *now} if before.get(key) != now.get(key))
            if changed:
                raise UsageError(
                    f"{path}: the run was started with a different {', '.join(changed)}; resume it with the same"
                )
        else:
            path.mkdir(parents=True, exist_ok=True)
            write_text_whole(written, json.dumps(dict(config), indent=2) + "\n")

    def restore(self) -> dict[str, Any] | None:
        """The last checkpoint, if there is one; log lines written after it are dropped."""
        path = self.path / CHECKPOINT
        if not path.exists():
            return None
        try:
            state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        except (RuntimeError, EOFError, ValueError) as error:
            raise InputError(f"{path}: damaged checkpoint ({error}); delete it to start over") from None
        if self._owner:
            lines = [json.dumps(row) for row in self.rows() if row["step"] <= state["step"]]
            write_text_whole(self.path / LOG, "".join(line + "\n" for line in lines))
        return state

    def save(self, state: dict[str, Any]) -> None:
        """Write a checkpoint; an interruption leaves the one before."""
        with write_whole(self.path / CHECKPOINT) as temporary:
            torch.save(state, temporary)

    def log(self, row: Mapping[str, float]) -> None:
        """Append a row to the log; ``step`` is one of its values."""
        with (self.path / LOG).open("a", encoding="utf-8") as file:
            file.write(json.dumps(dict(row)) + "\n")

    def rows(self) -> list[dict[str, float]]:
        """The log so far."""
        path = self.path / LOG
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def draw(self) -> None:
        """Draw all curves of the log over the steps to ``curves.png``."""
        import matplotlib

        matplotlib.use("Agg")
        from matplotlib import pyplot

        rows = self.rows()
        names = [name for name in dict.fromkeys(key for row in rows for key in row) if name not in ("step", "seconds")]
        if not names:
            return
        figure, axes = pyplot.subplots(len(names), 1, figsize=(8, 2.2 * len(names)), sharex=True, squeeze=False)
        for axis, name in zip(axes[:, 0], names, strict=True):
            points = [(row["step"], row[name]) for row in rows if name in row]
            steps, values = zip(*points, strict=True)
            few = len(points) < 60
            axis.plot(steps, values, linewidth=1.5 if few else 0.5, marker="o" if few else None, markersize=3)
            if not few:
                axis.plot(steps, _smoothed(values), linewidth=1.5)
            axis.set_ylabel(name.replace("_", " "))
            axis.grid(alpha=0.3)
        axes[-1, 0].set_xlabel("step")
        figure.tight_layout()
        figure.savefig(self.path / CURVES, dpi=90)
        pyplot.close(figure)


def _smoothed(values: tuple[float, ...], weight: float = 0.95) -> list[float]:
    """Exponential average without bias towards its beginning."""
    total, scale, result = 0.0, 0.0, []
    for value in values:
        total, scale = weight * total + (1 - weight) * value, weight * scale + (1 - weight)
        result.append(total / scale)
    return result
