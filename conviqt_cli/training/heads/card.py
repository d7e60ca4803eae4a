"""The model card of a bundle, from its manifest, the regressor stage's figures and what only its makers know."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from conviqt_cli.training.heads.figures import Figure, RegressorFigures
from conviqt_cli.training.heads.labelled_vectors import METRIC_STILLS, METRIC_VIDEOS

#: Headings whose text stands in the template and can be given instead; all others are added as they come.
WHAT, CORPUS, COMPUTE, LIMITS = "What it is", "Training corpus", "Compute", "Limits"

_DEFAULTS = {
    WHAT: "A no-reference video quality model (CONVIQT): a spatial and a temporal network trained without opinion "
    "scores by telling distortions apart, frozen, and a linear regressor on their clip vectors.",
    CORPUS: "Not stated.",
    COMPUTE: "Not stated.",
    LIMITS: "- The people behind the opinion scores saw stills, nine UHD scenes (of each encode the fit sees a frame) "
    "and one video scene. Shake, night scenes, stalls and frame-rate changes were rated by hardly anyone here: trust "
    "the order of versions of one scene first, differences between scenes less, single values least.\n"
    "- Labels by a metric carry its habits: it sees neither frozen or dropped frames as people do nor shifts "
    "of colour, and was made for viewing at a distance.\n"
    "- Sources below 288 lines, animation and screen content were hardly among the labels.",
}

_SET_WORDS = {
    "avt_image_h265": "AVT-Image-Database: HEVC stills, absolute category rating 1 to 5",
    "avt_uhd1_frames": "AVT-VQDB-UHD-1: a frame of each video, scaled to one size, absolute category rating 1 to 5",
    "live_iqa_r2_subset": "LIVE IQA release 2, a subset: JPEG, blur, white noise, DMOS",
    "sr4kiqa": "SR4KIQA: 4K photographs scaled down and up again, the middle 768 pixels, 1 to 5",
    "inrs_av": "INRS audiovisual: one 720p H.264 scene, absolute category rating 1 to 5",
    METRIC_STILLS: "A metric's labels of spoilt photographs",
    METRIC_VIDEOS: "A metric's labels of encoded video scenes",
}


def card(manifest: Mapping[str, Any], figures: RegressorFigures, sections: Mapping[str, str]) -> str:
    """The card as Markdown.

    ``sections`` (heading to Markdown) may replace ``WHAT``, ``CORPUS``, ``COMPUTE`` and ``LIMITS``; any other is added
    as a section of its own before the intervals.
    """
    texts = {**_DEFAULTS, **{heading: text for heading, text in sections.items() if heading in _DEFAULTS}}
    further = [f"\n## {heading}\n\n{text.strip()}\n" for heading, text in sections.items() if heading not in _DEFAULTS]
    human = [name for name in figures.sets if name not in (METRIC_STILLS, METRIC_VIDEOS)]
    template = Path(__file__).with_name("model_card.md").read_text(encoding="utf-8")
    return template.format(
        name=manifest["name"],
        version=manifest["version"],
        what=texts[WHAT],
        origin=_origin(manifest),
        corpus=texts[CORPUS],
        compute=texts[COMPUTE],
        limits=texts[LIMITS],
        items=figures.human_items + figures.metric_items,
        contents=figures.human_contents + figures.metric_contents,
        human_items=figures.human_items,
        human_contents=figures.human_contents,
        human_share=_percent(figures.human_share_of_labels or 0.0),
        weight_share=_percent(figures.human_share_of_weight or 0.0),
        metric_items=figures.metric_items,
        metric_contents=figures.metric_contents,
        human_weight=f"{figures.human_weight:g}",
        penalty=figures.penalty,
        anchors=" and ".join(f"`{name}`" for name in figures.anchors),
        held_out_contents=figures.held_out_contents,
        left_out=_left_out(figures),
        labels=_labels(figures),
        human_table=_human_table(figures, human),
        metric_table=_metric_table(figures),
        intervals=_intervals(figures.half_width),
        coverage=_coverage(figures.coverage),
        sections="".join(further),
    )


def sections_of(markdown: str) -> dict[str, str]:
    """Headings of the first two levels with their texts, as :func:`card` takes them; empty ones are left out."""
    parts = re.split(r"^##? +(.+?) *$", markdown, flags=re.MULTILINE)
    return {heading: text.strip() for heading, text in zip(parts[1::2], parts[2::2], strict=True) if text.strip()}


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _origin(manifest: Mapping[str, Any]) -> str:
    said = manifest["provenance"]
    parts = {
        "spatial": "spatial network",
        "temporal": "temporal network",
        "regressor": "regressor",
        "diagnosis": "diagnosis",
    }
    rows = [[words, str(said[key])] for key, words in parts.items() if key in said]
    return table(["part", "origin"], rows) + f"\n\nLicence: {manifest['licence']}."


def _labels(figures: RegressorFigures) -> str:
    rows = []
    for name, each in figures.sets.items():
        line = each.map
        is_anchor = name in figures.anchors
        mapped = "kept" if is_anchor else f"{line.offset or 0.0:.2f} + {line.slope or 0.0:.2f} s"
        rows.append([_SET_WORDS.get(name, name), str(each.items), str(each.contents), mapped])
    return table(["set", "items", "contents", "map"], rows)


def _human_table(figures: RegressorFigures, names: Sequence[str]) -> str:
    rows = [
        [f"`{name}`", *map(_figure, (each.srocc, each.plcc, each.unseen_srocc, each.unseen_plcc))]
        for name in names
        for each in [figures.sets[name]]
    ]
    together = figures.out_of_fold_human
    rows.append(["all together", _figure(together.srocc), _figure(together.plcc), "", ""])
    return table(["set", "SROCC out of fold", "PLCC", "SROCC, set unseen", "PLCC"], rows)


def _metric_table(figures: RegressorFigures) -> str:
    rows = []
    for part, words in (
        (figures.out_of_fold_metric, "out of fold"),
        (figures.held_out_metric, "held-out contents"),
    ):
        for name in (METRIC_STILLS, METRIC_VIDEOS):
            each = part.get(name)
            if each is not None:
                counts = f"{each.items} of {each.contents}"
                numbers = [
                    _figure(value) for value in (each.srocc, each.plcc, each.srocc_within_scene, each.pairs_in_order)
                ]
                kind = "photographs" if name == METRIC_STILLS else "videos"
                rows.append([f"{kind}, {words}", counts, *numbers, str(each.pairs)])
    return table(["encodes", "items of contents", "SROCC", "PLCC", "SROCC within a scene", "in order", "pairs"], rows)


def _left_out(figures: RegressorFigures) -> str:
    said = []
    for name, trial in figures.one_content_sets.items():
        change = ", ".join(
            f"`{each}` {_figure(trial.without[each])} to {_figure(with_it)}" for each, with_it in trial.with_it.items()
        )
        verdict = "is fitted on" if trial.fitted else "is not fitted on, since it spoils the others"
        said.append(f"- *`{name}`*, one scene, {verdict} (out-of-fold SROCC without and with it: {change}).\n")
    return "".join(said)


def _intervals(half_width: Mapping[str, Figure]) -> str:
    said = [
        f"{_percent(float(level))} of them lie within {width:.2f} of the score"
        for level, width in half_width.items()
        if width is not None
    ]
    return ", ".join(said) + "." if said else "too few contents for any level."


def _coverage(coverage: Mapping[str, Figure]) -> str:
    said = [f"`{name}` {_percent(share)}" for name, share in coverage.items() if share is not None]
    return ", ".join(said) or "not measured, for want of a second set"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _figure(value: Figure) -> str:
    return "–" if value is None else f"{value:.3f}"
