"""Limits on the work of a check, and on the errors that it allows."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Limits:
    """How much :func:`minivision.checks.check_operation` computes, and how exact a result must be.

    Attributes
    ----------
    max_diagnosed_cases : int
        Number of failing cases whose wrong numbers are diagnosed; the others only confirm or refute a diagnosis.
    max_elements : int
        Cases with a larger array than this are not compared with finite differences: each element costs two calls.
    elements_tried : int
        Number of elements of one argument that are compared with finite differences.
    huge_coordinate : float
        A region with a corner beyond this, in pixels, makes a case huge. A function of the user's that already failed
        another case is not called with huge cases: a wrong loop over the pixels of such a region may take hours.
    tolerance : float
        Error relative to the largest right value up to which a result, a gradient or a transpose counts as right, where
        the check would be stricter: it is for backends, whose results differ by rounding alone.
    """

    max_diagnosed_cases: int = 10
    max_elements: int = 600
    elements_tried: int = 60
    huge_coordinate: float = 1e5
    tolerance: float = 0.0
