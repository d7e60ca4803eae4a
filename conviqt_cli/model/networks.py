"""The two networks of CONVIQT, as plain modules.

Spatial: ResNet-50 up to its pooled features (CONTRIQUE, section III; torchvision's layer names).
Temporal: a one-layer GRU over the features of a clip (CONVIQT, section III-B).
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torchvision.models import resnet50
from torchvision.models.resnet import Bottleneck

FEATURES = 2048
HIDDEN = 1024

#: What the ImageNet network expects at its input, and so any network that was trained from it.
IMAGENET_NORMALISATION: dict[str, list[float]] = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}

#: Which convolution of a stage's first block strides: ``conv1`` as in He et al. (2015), ``conv2`` as in torchvision.
StrideIn = Literal["conv1", "conv2"]


class SpatialNetwork(nn.Module):
    """Frames to unit vectors: (n, 3, height, width) float to (n, 2048) float, L2-normalised, one scale at a time."""

    def __init__(self, stride_in: StrideIn = "conv2") -> None:
        super().__init__()
        backbone = resnet50(weights=None)
        backbone.fc = nn.Identity()
        if stride_in == "conv1":
            for stage in (backbone.layer2, backbone.layer3, backbone.layer4):
                stage[0].conv1.stride, stage[0].conv2.stride = (2, 2), (1, 1)
        self.backbone = backbone

    def forward(self, frames: Tensor) -> Tensor:
        """Pooled, L2-normalised features; normalised in float32 whatever the network's own precision."""
        return nn.functional.normalize(self.backbone(frames).float(), dim=1)

    def fold_batch_norm(self) -> SpatialNetwork:
        """Merge each batch norm into the convolution before it: the same function, fewer passes over memory."""
        backbone = self.backbone.eval()
        backbone.conv1, backbone.bn1 = fuse_conv_bn_eval(backbone.conv1, backbone.bn1), nn.Identity()
        for block in backbone.modules():
            if isinstance(block, Bottleneck):
                for conv, norm in (("conv1", "bn1"), ("conv2", "bn2"), ("conv3", "bn3")):
                    setattr(block, conv, fuse_conv_bn_eval(getattr(block, conv), getattr(block, norm)))
                    setattr(block, norm, nn.Identity())
                if block.downsample is not None:
                    block.downsample = nn.Sequential(fuse_conv_bn_eval(*block.downsample), nn.Identity())
        return self


class TemporalNetwork(nn.Module):
    """Features of a clip to one unit vector: (n, frames, 2048) to (n, 1024), the normalised mean of GRU outputs."""

    def __init__(self, features: int = FEATURES) -> None:
        super().__init__()
        self.gru = nn.GRU(features, HIDDEN, batch_first=True)

    def forward(self, features: Tensor) -> Tensor:
        """One vector per clip and scale."""
        outputs, _ = self.gru(features)
        return nn.functional.normalize(outputs.mean(dim=1), dim=1)


def unfilled() -> torch.device:
    """Where to make a network whose weights are assigned next: nothing is drawn at random only to be overwritten."""
    return torch.device("meta")


def half_size(frames: Tensor) -> Tensor:
    """uint8 frames (n, 3, h, w) at (h // 2, w // 2), bilinear with antialiasing, rounded (Pillow's convention)."""
    size = (max(1, frames.shape[2] // 2), max(1, frames.shape[3] // 2))
    if frames.device.type == "cpu":
        return nn.functional.interpolate(frames, size, mode="bilinear", antialias=True)
    small = nn.functional.interpolate(frames.float(), size, mode="bilinear", antialias=True)
    return small.round().clamp(0, 255).to(torch.uint8)
