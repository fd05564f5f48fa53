"""Whether an operation is right: gradients against differences, transposes against their operation.

>>> import numpy as np
>>> from minivision.checks import check_gradients
>>> from minivision.ops import conv2d
>>> rng = np.random.default_rng(0)
>>> errors = check_gradients(conv2d, rng.normal(size=(2, 3, 5, 5)), rng.normal(size=(4, 3, 3, 3)), stride=2)
"""

from minivision.checks.gradients import CheckError, check_adjoint, check_gradients

__all__ = ["CheckError", "check_adjoint", "check_gradients"]
