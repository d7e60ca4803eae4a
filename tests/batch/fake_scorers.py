"""Scorers without a model, which do what a test says; other processes can load them, too."""

from __future__ import annotations

import copy
import os
import signal
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from conviqt_cli.errors import BundleError, DecodeError
from conviqt_cli.quality.scale import ACR
from conviqt_cli.scoring.results import FailedScore, ModelInfo
from conviqt_cli.scoring.settings import ScoringSettings


class FakeEncoder:
    device, backend, precision, encoder_id = "cpu", "torch", "fp32", "e"

    def spatial(self, frames):
        return frames

    def temporal(self, features):
        return features

    def batch_frames(self, height, width):
        return 1


class FakeScorer:
    """Scores by calling what the test says, with the encoder that the engine put in."""

    regressor = SimpleNamespace(scale=ACR)

    def __init__(self, score):
        self.encoder, self.settings, self._score = FakeEncoder(), ScoringSettings(device="cpu"), score

    def model_info(self):
        return ModelInfo("m", "c", "e", "bundled", False)

    def sharing(self, encoder, admit):
        shared = copy.copy(self)
        shared.encoder = encoder
        return shared

    def score(self, source, progress):
        return self._score(self, source)


def happened(marker: Path) -> None:
    """Tell other threads and processes that something has happened."""
    marker.touch()


def wait_for(marker: Path) -> bool:
    """Wait until it has."""
    deadline = time.monotonic() + 30
    while not marker.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    return marker.exists()


def failing(scorer, source):
    errors = {"a": DecodeError("a: cut"), "b": ValueError("two\nlines"), "c": MemoryError(), "d": DecodeError("d")}
    raise errors[source]


def damaged_model(scorer, source):
    raise BundleError("damaged")


def overlapping(scorer, source):
    folder = Path(source).parent
    if Path(source).name == "a":
        scorer.encoder.spatial(np.zeros(1))
        # Scoring the first goes on until the second is being decoded; without overlap it never is.
        assert wait_for(folder / "decoding")
    else:
        happened(folder / "decoding")
    return FailedScore(source, "x", "")


def stopped(scorer, source):
    folder = Path(source).parent
    if Path(source).name == "first":
        scorer.encoder.spatial(np.zeros(1))
        assert wait_for(folder / "decoded")
        happened(folder / "stop")
        assert wait_for(folder / "stopping")
    else:
        happened(folder / "decoded")
        assert wait_for(folder / "stopping")
        time.sleep(0.5)  # a worker elsewhere has to hear of it
        scorer.encoder.spatial(np.zeros(1))
    return FailedScore(source, "x", "")


def deadly(scorer, source):
    """Some videos end the process that scores them: one always, others the first time."""
    marker = Path(source).with_suffix(".seen")
    if "poison" in source or ("once" in source and not marker.exists()):
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return FailedScore(source, "x", "")


def immediate(scorer, source):
    return FailedScore(source, "x", "")
