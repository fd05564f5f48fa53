"""Whether an operation is right: gradients against differences, transposes against their operation, all of it at once.

>>> import numpy as np
>>> from minivision.checks import check_gradients, check_operation, load_backend
>>> from minivision.ops import conv2d
>>> rng = np.random.default_rng(0)
>>> errors = check_gradients(conv2d, rng.normal(size=(2, 3, 5, 5)), rng.normal(size=(4, 3, 3, 3)), stride=2)
>>> check_operation("conv2d_backward", "reference").verdict
'ok'

A file of functions is checked the same way: ``check_operation("conv2d", load_backend("mine.py"))`` returns a
:class:`Report`, which prints what is wrong and, where the mistake has a known face, what was probably written.
"""

from minivision.checks.call import CheckError
from minivision.checks.conformance import check_operation
from minivision.checks.gradients import check_adjoint, check_gradients
from minivision.checks.load_backend import StudentFileError, load_backend
from minivision.checks.report import Failure, Report

__all__ = [
    "CheckError",
    "Failure",
    "Report",
    "StudentFileError",
    "check_adjoint",
    "check_gradients",
    "check_operation",
    "load_backend",
]
