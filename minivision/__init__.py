"""minivision: detection and segmentation, every operation by hand, forwards and backwards.

The floors, from the ground up: ``backends`` (which code runs), ``kernels`` (how it runs fast), ``ops`` (what each
operation means) beside ``checks`` (whether it is right), ``layers``, ``data``, ``training``, ``metrics``,
``viz``, ``models`` and the command line. Importing the package loads none of Numba, matplotlib, scikit-image or
CuPy: each comes in when it is first needed.
"""

import importlib

from minivision.backends import active_backend, backend, register_backend, set_backend

__version__ = "0.1.0"

__all__ = ["__version__", "active_backend", "backend", "register_backend", "set_backend"]

_FLOORS = ("ops", "checks", "layers", "data", "training", "metrics", "viz", "models", "cli", "instances")


def __getattr__(name):
    """Import a floor of the house when it is first named: ``minivision.ops`` needs no import of its own."""
    if name in _FLOORS:
        return importlib.import_module(f"minivision.{name}")
    raise AttributeError(f"module 'minivision' has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *_FLOORS})
