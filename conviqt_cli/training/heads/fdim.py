"""FDIM's deep branch: how like its source a picture looks, by a network that was fitted to opinions.

A tool for making labels, never a part of scoring or of the encoder's training. Weights: package ``fdim`` 0.2.1 (MIT,
Zhejiang University), read out of its wheel, since the package itself asks for an old PyTorch; Wang et al., "FDIM: A
feature-distance-based generic video quality metric", arXiv 2604.24123. The layers are written here after the names and
shapes of those weights: features of a ResNet-18 at four depths, compared by a deformable convolution and weighed by
attention to channels and places (Woo et al., "CBAM", ECCV 2018).
"""

from __future__ import annotations

import io
import math
import zipfile
from pathlib import Path
from pickle import UnpicklingError

import numpy as np
import openvino
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torchvision.models import resnet18
from torchvision.ops import DeformConv2d

from conviqt_cli.errors import InputError
from conviqt_cli.model.networks import unfilled

_CHECKPOINT = "fdim/dist/checkpoints/dist_5.0.0.ckpt"
_WIDTHS = (64, 128, 256, 512)


class Fdim:
    """The network, ready to compare pictures. OpenVINO computes it sixteen times faster than PyTorch on a CPU."""

    def __init__(self, wheel: Path) -> None:
        """Read the weights out of ``wheel``; raises :class:`InputError` when they are not there or do not fit."""
        with unfilled():
            network = _Network().eval()
        try:
            with zipfile.ZipFile(wheel) as package:
                stream = io.BytesIO(package.read(_CHECKPOINT))
            weights = torch.load(stream, map_location="cpu", weights_only=True)
            network.load_state_dict(weights.get("state_dict", weights), assign=True)
        except (OSError, KeyError, AttributeError, RuntimeError, zipfile.BadZipFile, UnpicklingError) as error:
            raise InputError(f"{wheel}: not the wheel of fdim 0.2.1, or damaged ({error})") from None
        example = torch.zeros(1, 3, 64, 64)
        model = openvino.convert_model(network, example_input=(example, example))
        self._compiled = openvino.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})

    def compare(self, reference: NDArray[np.uint8], distorted: NDArray[np.uint8]) -> float:
        """What viewers would say of ``distorted``, both (height, width, 3) RGB of one size: about 0 to 5.

        The network's value goes through the logistic that its authors fitted to opinions on a scale to 5.
        """
        request = self._compiled.create_infer_request()  # its own, so that threads may compare side by side
        value = float(request.infer([_batch(reference), _batch(distorted)])[0].item())
        return _LOW + (_HIGH - _LOW) / (1 + math.exp((_MIDDLE - value) / _SPREAD))


#: The logistic of FDIM 0.2.1.
_HIGH, _LOW, _MIDDLE, _SPREAD = 5.1354, -0.7089, -1.4327, 0.6885


def _batch(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    return np.asarray(pixels.transpose(2, 0, 1)[None] / np.float32(255), np.float32)


class _Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.backbone = _Backbone()
        self.DFFs = nn.ModuleList(_Comparison(width) for width in _WIDTHS)
        self.attens = nn.ModuleList(_Attention(width) for width in _WIDTHS)
        self.fc = nn.Sequential(
            nn.Linear(sum(_WIDTHS), 512), nn.ReLU(), nn.Dropout(), nn.Linear(512, 256), nn.ReLU(), nn.Dropout(),
            nn.Linear(256, 2),
        )  # fmt: skip

    def forward(self, reference: Tensor, distorted: Tensor) -> Tensor:
        """The value (n,) of pairs (n, 3, height, width) in [0, 1]."""
        depths = zip(self.backbone(reference), self.backbone(distorted), self.DFFs, self.attens, strict=True)
        pooled = [attend(compare(_unit(one), _unit(other))).mean((2, 3)) for one, other, compare, attend in depths]
        value: Tensor = self.fc(torch.cat(pooled, dim=1))[:, 0]
        return value


class _Backbone(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        layers = resnet18(weights=None)
        self.conv1, self.bn1 = layers.conv1, layers.bn1
        self.layer1, self.layer2, self.layer3, self.layer4 = (
            layers.layer1, layers.layer2, layers.layer3, layers.layer4
        )  # fmt: skip

    def forward(self, pictures: Tensor) -> list[Tensor]:
        """Features at four depths."""
        x = nn.functional.max_pool2d(torch.relu(self.bn1(self.conv1(pictures))), 3, 2, 1)
        depths = []
        for layer in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = layer(x)
            depths.append(x)
        return depths


class _Comparison(nn.Module):
    """Both features and their squared difference, through a convolution that finds its own places."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.deform = DeformConv2d(3 * width, width, 3, padding=1)
        self.offset = nn.Conv2d(width, 18, 3, padding=1)

    def forward(self, reference: Tensor, distorted: Tensor) -> Tensor:
        together = torch.cat((reference, distorted, (reference - distorted) ** 2), dim=1)
        return torch.relu(self.deform(together, self.offset(reference)))


class _Attention(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.channel_attention, self.spatial_attention = _ChannelAttention(width), _SpatialAttention()

    def forward(self, features: Tensor) -> Tensor:
        weighed: Tensor = self.spatial_attention(self.channel_attention(features))
        return weighed


class _ChannelAttention(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc = nn.Sequential(
            nn.Linear(width, width // 16, bias=False), nn.ReLU(), nn.Linear(width // 16, width, bias=False)
        )

    def forward(self, features: Tensor) -> Tensor:
        weight = torch.sigmoid(self.fc(features.mean((2, 3))) + self.fc(features.amax((2, 3))))
        return features * weight[..., None, None]


class _SpatialAttention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 1, 7, padding=3, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        planes = torch.cat((features.mean(1, keepdim=True), features.amax(1, keepdim=True)), dim=1)
        return features * torch.sigmoid(self.conv(planes))


def _unit(features: Tensor) -> Tensor:
    return features / torch.sqrt((features**2).sum(1, keepdim=True) + 1e-10)
