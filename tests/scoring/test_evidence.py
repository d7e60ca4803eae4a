"""What pixels say: clips are compared with those that show the same, and a fault in one stands out by its measure."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from conviqt_cli.plans.clips import Clip
from conviqt_cli.quality.diagnosis import DiagnosisHead
from conviqt_cli.scoring.causes import diagnose
from conviqt_cli.scoring.evidence import MEASURES, Evidence, Measurer, relative
from conviqt_cli.video.decode import Frame
from conviqt_cli.video.picture import RgbPicture


def clip(number: int, change=lambda pixels, frame: pixels, seed: int = 0) -> Clip:
    """A scene of 144x256 that moves by two pixels a frame, there and back, each picture through ``change``."""
    noise = np.random.default_rng(seed).normal(size=(144, 400))
    scene = 128 + 400 * cv2.GaussianBlur(noise, (0, 0), 8) + 25 * cv2.GaussianBlur(noise, (0, 0), 0.8)
    frames = []
    for frame in range(16):
        place = 2 * (frame if number % 2 else 15 - frame)
        view = np.repeat(scene[:, place : place + 256, None], 3, axis=2)
        pixels = np.clip(change(view, frame), 0, 255).astype(np.uint8)
        frames.append(Frame(16 * number + frame, 0.04 * (16 * number + frame), 0.04, RgbPicture(pixels)))
    return Clip(tuple(frames))


def blended(pixels, frame):
    return np.mean([np.roll(pixels, 2 * back, 1) for back in range(7)], axis=0)


def scaled_up(pixels, frame):
    small = cv2.resize(pixels, None, fx=1 / 3, fy=1 / 3, interpolation=cv2.INTER_AREA)
    return cv2.resize(small, (256, 144), interpolation=cv2.INTER_CUBIC)


def grain(pixels, frame):
    return pixels + np.random.default_rng(frame).normal(0, 10, pixels.shape)


@pytest.mark.parametrize(
    ("change", "measure", "sign"),
    [
        (lambda pixels, frame: cv2.GaussianBlur(pixels, (0, 0), 2), "band 5", -1),
        (grain, "calm 7", 1),
        (lambda pixels, frame: pixels + 40, "luma", 1),
        (lambda pixels, frame: pixels // 24 * 24, "comb", 1),
        (lambda pixels, frame: np.kron(pixels[4::8, 4::8], np.ones((8, 8, 1))), "blockiness", 1),
        (blended, "change follows", 1),
        (blended, "moving detail", -1),
    ],
)
def test_a_fault_stands_out_by_its_measure(change, measure, sign):
    evidence, measurer = Evidence(), Measurer()
    for number in range(5):
        evidence.add(measurer.of(clip(number) if number != 2 else clip(number, change)))
    values = relative(evidence.absolute(), evidence.alike())[0][:, MEASURES.index(measure)]
    assert evidence.alike().all()
    assert sign * values[2] > 0.3 and np.abs(values[[0, 1, 3, 4]]).max() < 0.05


def test_another_scene_is_compared_with_nothing():
    evidence, measurer = Evidence(), Measurer()
    for number, seed in enumerate((0, 0, 0, 7)):
        evidence.add(measurer.of(clip(number, seed=seed)))
    assert not evidence.alike()[3, :3].any()
    _, compared = relative(evidence.absolute(), evidence.alike())
    assert not compared.any()


def causes_of(change, chances=(0.1, 0.2, 0.27, 0.03, 0.05, 0.35), intact=True, quality=(3.0,) * 5, **known):
    """The causes of five clips of a scene, the third through ``change``, by a head that sees the same everywhere."""
    evidence, measurer = Evidence(), Measurer()
    for number in range(5):
        evidence.add(measurer.of(clip(number) if number != 2 else clip(number, change)))
    flat = np.zeros((6, 4))
    names = ("pristine", "compression", "blur", "banding", "scaling", "noise")
    head = DiagnosisHead(names, flat, np.log(chances), flat, np.full(6, 3.0), "encoder")
    found = diagnose(head, np.zeros((5, 4)), evidence, np.array(quality), intact, **known)
    return [each.cause for each in found]


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        (lambda pixels, frame: cv2.GaussianBlur(pixels, (0, 0), 2), "blur"),
        (grain, "noise"),
        (lambda pixels, frame: pixels + 40, "brightness and colour"),
        (lambda pixels, frame: pixels, None),
        (lambda pixels, frame: (pixels + 12) // 24 * 24, "banding"),
        (blended, "ghosting"),
        (scaled_up, "low resolution"),
    ],
)
def test_a_plain_measure_names_the_cause_where_the_head_cannot(change, cause):
    assert causes_of(change) == [None, None, cause, None, None]


def test_the_head_alone_is_believed_about_compression_and_else_only_if_it_is_nearly_sure():
    same = lambda pixels, frame: pixels  # noqa: E731
    assert causes_of(same, (0.1, 0.6, 0.1, 0.1, 0.05, 0.05)) == ["compression"] * 5
    assert causes_of(same, (0.1, 0.6, 0.1, 0.1, 0.05, 0.05), quality=(4.2,) * 5) == [None] * 5
    assert causes_of(same, (0.1, 0.1, 0.6, 0.1, 0.05, 0.05)) == [None] * 5
    assert causes_of(same, (0.01, 0.01, 0.97, 0.003, 0.003, 0.004)) == ["blur"] * 5
    assert causes_of(same, (0.01, 0.01, 0.01, 0.01, 0.95, 0.01)) == ["low resolution"] * 5


def test_half_a_sign_of_blur_is_enough_where_the_head_sees_it():
    slightly = lambda pixels, frame: cv2.GaussianBlur(pixels, (0, 0), 0.52)  # noqa: E731
    assert causes_of(slightly, (0.04, 0.04, 0.8, 0.04, 0.04, 0.04)) == [None, None, "blur", None, None]
    assert causes_of(slightly) == [None] * 5


def test_many_bits_are_evidence_against_compression():
    same = lambda pixels, frame: pixels  # noqa: E731
    factors = np.array([18.0, 24.0, 24.0, 40.0, 18.0])
    found = causes_of(same, (0.1, 0.6, 0.1, 0.1, 0.05, 0.05), factors=factors)
    assert found == [None, "compression", "compression", "compression", None]


def test_at_the_edge_of_a_fault_nothing_else_is_named():
    dip = (3.0, 2.8, 2.0, 2.8, 3.0)
    found = causes_of(grain, (0.02, 0.6, 0.02, 0.02, 0.02, 0.32), quality=dip)
    assert found == ["compression", None, "noise", None, "compression"]


def test_packet_loss_is_where_a_damaged_stream_is_worse_than_the_rest_of_its_scene():
    dip = (4.0, 4.0, 2.5, 4.0, 4.0)
    same = lambda pixels, frame: pixels  # noqa: E731
    assert causes_of(same, intact=False, quality=dip) == [None, None, "packet loss", None, None]
    assert causes_of(same, intact=True, quality=dip) == [None] * 5
    # Where the decoder says which pictures it repaired, those and what follows from them are meant, and no others.
    repaired = np.array([0.0, 0.9, 0.1, 0.0, 0.0])
    assert causes_of(same, intact=False, quality=dip, repaired=repaired) == [None, *["packet loss"] * 2, None, None]
