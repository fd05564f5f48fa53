"""Functions whose loops are compiled, and whose bodies stay the textbook."""

import functools
import importlib

from minivision.core import backends


def with_kernel(body):
    """Run the Numba kernel of the same name in place of `body`, unless the backend ``"reference"`` is chosen.

    The kernel is a function of the body's name and parameters, in the module of ``minivision.kernels.numba`` that is
    called as the body's. The body stays reachable as ``.reference``. Nothing is checked here: that is up to callers.
    """
    module = f"minivision.kernels.numba.{body.__module__.rpartition('.')[2]}"

    @functools.wraps(body)
    def run(*args):
        if backends.active_backend()[0].name == "reference":
            return body(*args)
        return getattr(importlib.import_module(module), body.__name__)(*args)

    run.reference = body
    return run
