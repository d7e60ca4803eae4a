"""The command line with networks that train in a moment: ``python -m tests.training.small_networks train ...``."""

from __future__ import annotations

import functools

import pytest
from torchvision.models import resnet50

from conviqt_cli.model import networks

#: Takes the place of torchvision's: the same names, strides and 2048 features, but a sixth of the weights.
small_resnet50 = functools.partial(resnet50, width_per_group=8, num_classes=10)


def shrink(patch: pytest.MonkeyPatch) -> None:
    """From here on, every network of the package is small."""
    patch.setattr(networks, "resnet50", small_resnet50)


if __name__ == "__main__":
    from conviqt_cli.cli.main import main

    shrink(pytest.MonkeyPatch())
    main()
