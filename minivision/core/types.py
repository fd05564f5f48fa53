"""Aliases for the types in signatures."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

Array: TypeAlias = np.ndarray  # a NumPy array; operations and layers take CuPy arrays as well
IntOrPair: TypeAlias = "int | tuple[int, int]"  # one number for both axes, or (vertical, horizontal)
Padding: TypeAlias = "int | tuple[int, int] | tuple[tuple[int, int], tuple[int, int]]"  # ((top, bottom), (left, right))
Size: TypeAlias = "tuple[int, int]"  # height and width
Color: TypeAlias = "str | tuple[float, float, float]"  # a name that matplotlib knows, or RGB from 0 to 1
