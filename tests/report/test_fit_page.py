"""The page of a fit: every video drawn, names from outside escaped, caveats up front."""

import re
from html import unescape

import numpy as np
from rich.console import Console

from conviqt_cli.fitting.fit import FitSettings, fit
from conviqt_cli.fitting.ridge import Ridge
from conviqt_cli.labels.dataset import Dataset
from conviqt_cli.quality.scale import ACR
from conviqt_cli.report.fit_page import fit_page
from conviqt_cli.report.fit_report import fit_report

COUNT = 24


def page_of(names, contents=6):
    random = np.random.default_rng(0)
    vectors = random.normal(size=(COUNT, 6))
    mos = np.clip(3 + vectors[:, 0] + 0.3 * random.normal(size=COUNT), 1, 5)
    data = Dataset.of_vectors(vectors, mos, np.arange(COUNT) % contents, names=np.array(names))
    report = fit(Ridge(), data, ACR, "enc:1", {"labels_from": "<l>.csv"}, FitSettings(repeats=3, jobs=1))
    return report, fit_page(report)


def test_the_page_shows_every_video_and_escapes_what_came_from_outside():
    report, page = page_of([f"<i>{n}&.mp4" for n in range(COUNT)])
    assert page.startswith("<!doctype html>") and page.endswith("</html>\n")
    assert page.count("<circle") == COUNT
    assert "<i>" not in page and "&lt;l&gt;.csv" in page
    titles = [unescape(title) for title in re.findall(r"<circle[^>]*><title>(.*?)</title>", page)]
    assert [title.split(":")[0] for title in titles] == report.data.names.tolist()
    assert report.caveats and all(caveat in unescape(page) for caveat in report.caveats)
    for heading in ("SROCC", "quartiles", "Worst predicted", "Card"):
        assert heading in page


def test_of_one_content_nothing_is_claimed_about_unseen_contents():
    report, page = page_of([str(n) for n in range(COUNT)], contents=1)
    console = Console(width=100, color_system=None)
    with console.capture() as capture:
        console.print(fit_report(report))
    for text in (unescape(page), capture.get()):
        assert "not seen its content" not in text and "others of the same content" in " ".join(text.split())
        assert "do not tell how well" in " ".join(text.split())
