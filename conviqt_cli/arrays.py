"""Names for the types of arrays that every part of the package passes around."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Floating-point values of any precision; the docstring says which shape.
Floats = NDArray[np.floating[Any]]
#: Positions in another array.
Indices = NDArray[np.intp]
#: True or false for each item.
Mask = NDArray[np.bool_]
