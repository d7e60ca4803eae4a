"""The published procedure as one would first write it: the yardstick of ``benchmarks.speed``.

Eager PyTorch in float32: the whole video in memory as PIL pictures, each resized to half by PIL, ResNet-50 with its
batch normalisation as it is, 16 frames of each scale at a time, then the GRU and the ridge.

    python -m benchmarks.plain VIDEO    # prints the score
"""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import torch
from PIL import Image

from conviqt_cli.model.bundle import open_bundle
from conviqt_cli.model.networks import SpatialNetwork, TemporalNetwork
from conviqt_cli.model.weights import fill
from conviqt_cli.video.ffmpeg import find_ffmpeg
from conviqt_cli.video.probe import probe


def pictures(path: str) -> list[Image.Image]:
    """All frames of a video."""
    info = probe(path)
    command = [find_ffmpeg().path, "-v", "error", "-i", path, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    raw = subprocess.run(command, capture_output=True, check=True).stdout
    frames = np.frombuffer(raw, np.uint8).reshape(-1, info.height, info.width, 3)
    return [Image.fromarray(frame) for frame in frames]


def tensor(picture: Image.Image) -> torch.Tensor:
    """(3, h, w) in [0, 1], as torchvision's ToTensor has it."""
    return torch.from_numpy(np.array(picture)).permute(2, 0, 1).float() / 255


@torch.no_grad()
def score(path: str) -> float:
    """Pooled quality over clips of 16 frames back to back."""
    bundle = open_bundle()
    spatial = SpatialNetwork(bundle.manifest["architecture"]["stride_in"])
    fill(spatial.backbone, bundle.file("spatial"))
    spatial.eval()
    temporal = TemporalNetwork()
    fill(temporal.gru, bundle.file("temporal"))
    temporal.eval()
    normalisation = bundle.manifest["normalisation"] or {"mean": [0.0] * 3, "std": [1.0] * 3}
    mean, std = (torch.tensor(normalisation[key]).view(1, 3, 1, 1) for key in ("mean", "std"))
    full = pictures(path)
    half = [each.resize((each.width // 2, each.height // 2), Image.Resampling.BILINEAR) for each in full]
    clips = []
    for first in range(0, len(full) - 15, 16):
        scales = []
        for frames in (full, half):
            batch = torch.stack([tensor(each) for each in frames[first : first + 16]])
            scales.append(spatial((batch - mean) / std))
        clips.append(temporal(torch.stack(scales)).reshape(-1).numpy())
    return float(bundle.regressor().predict(np.stack(clips)).mean())


if __name__ == "__main__":
    print(f"{score(sys.argv[1]):.4f}")
