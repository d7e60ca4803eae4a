"""``conviqt score`` with pages for people."""

import html
import re


def test_a_page_of_one_video_and_a_table_of_two(conviqt, small, tmp_path):
    names = ["<b>x<b>&\"'.mp4", "plain.mp4"]
    for name in names:
        (tmp_path / name).write_bytes(small.read_bytes())
    common = ("--sampling", "every:9", "--duration", "0.4", "--device", "cpu", "--quiet")
    one, table = tmp_path / "one.html", tmp_path / "all.html"
    done = conviqt(
        "score", tmp_path / names[0], *common, "--report", one, "--plot", tmp_path / "p.svg",
        "--thumbnails", tmp_path / "worst",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert conviqt("score", *(tmp_path / name for name in names), *common, "--report", table).returncode == 0
    pages = [one, table, *(tmp_path / "all_files").iterdir()]
    assert len(pages) == 4
    for page in pages:
        text = page.read_text()
        assert "<b>" not in text and not re.search(r"(src|href)=\"(https?:|//)", text)
        assert "data:image/jpeg;base64,/9j/" in text
    assert "<b>x<b>" in html.unescape(one.read_text()) and 'data-sort="number"' in table.read_text()
    links = re.findall(r'href="([^"]+)"', table.read_text())
    assert len(links) == 2 and all((tmp_path / link).is_file() for link in links)
    assert "<polyline" in (tmp_path / "p.svg").read_text()
    assert next((tmp_path / "worst").iterdir()).read_bytes()[:2] == b"\xff\xd8"


def test_wrong_names_are_refused_before_scoring(conviqt, small, tmp_path):
    for option, name in (("--report", "a.txt"), ("--plot", "a.jpg"), ("--report", "none/a.html")):
        done = conviqt("score", small, option, tmp_path / name)
        assert done.returncode == 2 and option in done.stderr
