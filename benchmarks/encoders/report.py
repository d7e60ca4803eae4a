"""The four tables as Markdown, and in words where training did not help."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.encoders.arms import ARMS, BASELINE, BUNDLE

TYPE_COLUMNS = ("type", "family", "spatial", "compression", "in time", "mixed")
LEVEL_COLUMNS = ("level exact", "level within 1", "level SROCC")
ORDER_COLUMNS = ("within", "pairs", "across")

_TITLES = {arm.key: arm.title for arm in ARMS}


def markdown(found: Mapping[str, Any]) -> str:
    """The report; ``found`` is what the benchmark saves as JSON."""
    lines = ["# Encoders compared", ""]
    lines += [f"- {line}" for line in found["notes"]]
    lines += [
        "- every figure is of contents that no stage and no ridge was fitted on; * marks the baseline; in brackets the "
        "95 % bootstrap interval, over contents, of the difference from it, bold where all of it is a gain",
    ]
    tables = found["tables"]
    if "clips" in tables:
        lines += _clips(tables, found["clips"])
    if tables.get("scores"):
        lines += _scores(tables["scores"], found["sets"])
    if "encodes" in tables or "transfer" in tables:
        lines += _encodes(tables, found["sets"])
    lines += _ablations(tables)
    lines += _losses(tables)
    spent = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in found["seconds"].items())
    return "\n".join([*lines, "", f"Time spent, kept results costing nothing: {spent}.", ""])


def _clips(tables: Mapping[str, Any], counts: Mapping[str, int]) -> list[str]:
    return [
        "",
        "## 1. Type and level of distortion, linear probe, held-out contents",
        "",
        f"{counts['kinds']} types with `pristine`; fitted on {counts['train']} clips of {counts['train contents']} "
        f"contents, judged on {counts['test']} of {counts['test contents']} others. Accuracies in percent over unmixed "
        "clips; `family`: the named type is of the right family; `mixed`: clips of two types, which the probe was not "
        "fitted on, either type counting as right. Levels of distorted unmixed clips by one ridge for all types, the "
        "type not given. Authentic clips have neither and are left out.",
        "",
        *_grid(tables["clips"], TYPE_COLUMNS, percent=True),
        "",
        *_grid(tables["clips"], LEVEL_COLUMNS, percent=False),
    ]


def _scores(scores: Mapping[str, Any], sets: Mapping[str, Any]) -> list[str]:
    lines = [
        "",
        "## 2. Opinion scores, content-grouped splits",
        "",
        "Ridge with its penalty chosen inside each training side; median [quartiles] over the splits; PLCC of "
        "predictions as they are, without a logistic. The difference is that "
        "to the baseline on the same splits, with the share of splits in which the encoder is ahead.",
    ]
    for name, table in scores.items():
        about = sets[name]
        lines += ["", f"**{name}**: {about['items']} items, {about['contents']} contents, {about['splits']}", ""]
        lines += ["| encoder | SROCC | PLCC | SROCC difference | ahead |", "|---|---|---|---|---|"]
        for arm, figures in table.items():
            gain = figures.get("srocc difference")
            told = (f"{_range(gain, signed=True)} | {100 * gain['better']:.0f} %") if gain else "– | –"
            lines.append(f"| {_name(arm)} | {_range(figures['srocc'])} | {_range(figures['plcc'])} | {told} |")
    return lines


def _encodes(tables: Mapping[str, Any], sets: Mapping[str, Any]) -> list[str]:
    lines = ["", "## 3. Rank agreement with metrics on encodes of held-out scenes, and unseen distortions"]
    for name, table in tables.get("encodes", {}).items():
        about = sets[name]
        lines += [
            "",
            f"**{name}**: {about['items']} encodes of {about['contents']} held-out scenes. `within`: mean SROCC within "
            "a scene; `pairs`: share of pairs of a scene in order where labels differ by 0.25 or more; `across`: "
            "SROCC over all; `classics to other families`: SROCC across scenes on codecs, scaling and mixtures, of a "
            "ridge fitted on blur and JPEG only.",
            "",
            *_grid(table, (*ORDER_COLUMNS, "classics to other families"), percent=False),
        ]
    if "transfer" in tables:
        columns = list(next(iter(tables["transfer"].values())))
        lines += [
            "",
            "**Types that the ridge did not see**: SROCC of predicted and true level over held-out contents, pristine "
            "clips included. `classics` are Gaussian blur, JPEG and white noise.",
            "",
            *_grid(tables["transfer"], columns, percent=False),
        ]
    return lines


def headline(tables: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """One value a figure and arm, over all tables: ``{column: {arm: (value, difference, low, high)}}``."""
    columns: dict[str, dict[str, Any]] = {}

    def take(column: str, table: Mapping[str, Any], name: str) -> None:
        columns[column] = {arm: figures[name] for arm, figures in table.items() if name in figures}

    if "clips" in tables:
        for name in ("type", "in time", "level SROCC"):
            take(name, tables["clips"], name)
    if "transfer" in tables:
        take("unseen types", tables["transfer"], "classics to all others")
    for kind, table in tables.get("encodes", {}).items():
        for name in ("pairs", "across"):
            take(f"metrics {name}, {kind}", table, name)
    for name, table in tables.get("scores", {}).items():
        columns[name] = {}
        for arm, figures in table.items():
            gain = figures.get("srocc difference", {})
            columns[name][arm] = {
                "value": figures["srocc"]["median"],
                "difference": gain.get("median", math.nan),
                "low": gain.get("low", math.nan),
                "high": gain.get("high", math.nan),
            }
    return columns


def _ablations(tables: Mapping[str, Any]) -> list[str]:
    columns = headline(tables)
    if not columns:
        return []
    arms = [arm.key for arm in ARMS if any(arm.key in values for values in columns.values())]
    lines = ["", "## 4. Ablations", "", "Main figures of the tables above; SROCC where nothing else is said.", ""]
    lines += [f"| encoder | {' | '.join(columns)} |", "|---|" + "---|" * len(columns)]
    for arm in arms:
        cells = [_number(values[arm]["value"]) if arm in values else "–" for values in columns.values()]
        lines.append(f"| {_name(arm)} | {' | '.join(cells)} |")
    return lines


def _losses(tables: Mapping[str, Any]) -> list[str]:
    behind, level = [], []
    for column, values in headline(tables).items():
        figure = values.get(BUNDLE)
        if figure is None or math.isnan(figure["difference"]):
            continue
        told = f"{column} ({figure['difference']:+.3f}, {figure['low']:+.3f} to {figure['high']:+.3f})"
        if figure["high"] < 0 or figure["difference"] < 0:
            behind.append(told)
        elif not figure["low"] > 0:
            level.append(told)
    if BUNDLE not in {arm for values in headline(tables).values() for arm in values}:
        return []
    return [
        "",
        f"The bundle is behind doing nothing in: {'; '.join(behind) or 'none of these'}.",
        "",
        f"It is ahead, but not beyond the spread of the difference, in: {'; '.join(level) or 'none of these'}.",
    ]


def _grid(table: Mapping[str, Any], columns: Sequence[str], percent: bool) -> list[str]:
    """One row an arm: value, and difference from the baseline with its interval in the first column's neighbour."""
    lines = [f"| encoder | {' | '.join(columns)} |", "|---|" + "---|" * len(columns)]
    for arm, figures in table.items():
        cells = [_figure(figures.get(column), percent) for column in columns]
        lines.append(f"| {_name(arm)} | {' | '.join(cells)} |")
    return lines


def _figure(figure: Mapping[str, float] | None, percent: bool) -> str:
    if figure is None or math.isnan(figure["value"]):
        return "–"
    scale, digits = (100.0, 1) if percent else (1.0, 3)
    told = f"{scale * figure['value']:.{digits}f}"
    if math.isnan(figure["difference"]):
        return told
    low, high = scale * figure["low"], scale * figure["high"]
    mark = "**" if low > 0 else ""
    return f"{mark}{told}{mark} ({low:+.{digits}f} to {high:+.{digits}f})"


def _range(spread: Mapping[str, float], signed: bool = False) -> str:
    if math.isnan(spread["median"]):
        return "–"
    sign = "+" if signed else ""
    return f"{spread['median']:{sign}.3f} [{spread['low']:{sign}.3f}, {spread['high']:{sign}.3f}]"


def _number(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.3f}"


def _name(arm: str) -> str:
    mark = " *" if arm == BASELINE else ""
    return f"{arm}: {_TITLES.get(arm, arm)}{mark}"
