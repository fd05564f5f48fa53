"""Check operations: values, gradients against finite differences, backward passes against the transpose.

>>> import numpy as np
>>> from minivision.checks import check_gradients, check_operation, load_backend
>>> from minivision.ops import conv2d
>>> rng = np.random.default_rng(0)
>>> errors = check_gradients(conv2d, rng.normal(size=(2, 3, 5, 5)), rng.normal(size=(4, 3, 3, 3)), stride=2)
>>> check_operation("conv2d_backward", "reference").verdict
'ok'

A file of functions is checked the same way: ``check_operation("conv2d", load_backend("mine.py"))`` returns a
:class:`Report`, which prints what is wrong and, for a known mistake, what was probably written
(:mod:`minivision.checks.diagnoses`).
"""

from minivision.checks.call import CheckError, NotRecordedError
from minivision.checks.conformance import check_operation
from minivision.checks.examples import Example, smallest_failure
from minivision.checks.gradients import check_adjoint, check_gradients
from minivision.checks.limits import Limits
from minivision.checks.load_backend import StudentFileError, load_backend
from minivision.checks.report import Failure, Report

__all__ = [
    "CheckError",
    "Example",
    "Failure",
    "Limits",
    "NotRecordedError",
    "Report",
    "StudentFileError",
    "check_adjoint",
    "check_gradients",
    "check_operation",
    "load_backend",
    "smallest_failure",
]
