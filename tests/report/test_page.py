"""Pages from templates: everything is escaped, nothing is fetched, nothing missing passes."""

import re
from importlib.resources import files

import numpy as np
import pytest
from jinja2 import UndefinedError

from conviqt_cli.report.page import render
from conviqt_cli.report.scatter import scatter

TEMPLATES = files("conviqt_cli.report").joinpath("templates")


def test_values_are_escaped():
    assert "<title>&lt;b&gt; &amp; &#34;</title>" in render("base.html", title='<b> & "')


def test_a_value_that_is_missing_is_an_error_and_not_a_hole():
    with pytest.raises(UndefinedError, match="title"):
        render("base.html")


def test_templates_fetch_nothing_and_trust_no_value():
    for template in TEMPLATES.iterdir():
        text = template.read_text()
        assert not re.search(r"<script \S|<link|https?:(?!//www.w3.org/2000/svg)|@import|url\(|\|\s*safe", text), (
            template.name
        )


def test_pages_follow_the_screen_dark_narrow_or_paper():
    style = TEMPLATES.joinpath("base.html").read_text()
    for wanted in ("prefers-color-scheme: dark", "@media print", "max-width: 30rem", "width=device-width"):
        assert wanted in style


def test_the_plot_keeps_its_dots_inside_and_marks_what_lies_outside_the_interval():
    labels = np.linspace(1, 5, 40)
    plot = scatter([f"v{i}" for i in range(40)], labels, labels + 0.5, labels > 4)
    assert all(plot.top < each < plot.bottom for dot in plot.dots for each in (dot.x, dot.y))
    assert [dot.outside for dot in plot.dots] == (labels > 4).tolist()
    assert plot.across == plot.up and [tick.label for tick in plot.across] == ["1", "2", "3", "4", "5"]
    other = scatter(["a", "b"], labels[:2], 100 - labels[:2], same_scale=False)
    assert other.across != other.up and not other.diagonal
