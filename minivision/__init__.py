"""minivision: detection and segmentation by hand, every operation with its forward and backward pass.

``PACKAGES`` lists the packages, lowest first: each imports only those before it. All of them can be used right away,
as in ``import minivision as mv; mv.detection.nms``: each is imported when it is first named. Importing minivision
itself loads none of Numba, matplotlib, scikit-image or CuPy.
"""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any

from minivision.core.backends import active_backend, backend, register_backend, set_backend, unregister_backend
from minivision.core.subnormal import flush_subnormals

if TYPE_CHECKING:
    from minivision.models.base.model import Model

__version__ = "0.1.0"

__all__ = [
    "__version__",
    "active_backend",
    "backend",
    "flush_subnormals",
    "load",
    "register_backend",
    "set_backend",
    "unregister_backend",
]

PACKAGES = (
    "core",  # the registry of operations, the dispatcher, backends, devices, geometry
    "executors",  # many pieces of work: in this process, in several, on a cluster
    "kernels",  # how operations run fast: Numba, CuPy
    "ops",  # what each operation computes
    "layers",  # objects with parameters: forward, backward
    "optim",  # optimizers and learning rate schedules
    "data",  # images and their annotations
    "detection",  # what detectors share: anchors, matching, YOLO's tensor, selective search, masks
    "metrics",  # how good predictions are
    "checks",  # gradient checks, and the names of mistakes
    "models",  # the lecture's systems
    "tracing",  # an operation, step by step
    "viz",  # pictures
    "tasks",  # how predictions of each kind are evaluated, drawn and written
    "training",  # the trainer, its settings, checkpoints
    "comparison",  # systems trained alike, side by side
    "exercises",  # answers to the notebooks' questions, checked
    "bench",  # timings
    "homework",  # assignments: released, tested, graded
    "cli",  # the command line
)


def load(path: str | os.PathLike) -> Model:
    """Return the trained model of a run, ready to predict: ``minivision.load("runs/faster").predict(images)``.

    Parameters
    ----------
    path : path
        The folder of a run, or a checkpoint; see :func:`minivision.training.load`.

    Returns
    -------
    model : Model

    Raises
    ------
    FileNotFoundError
        When there is no checkpoint.
    CheckpointError
        When the file cannot be used.
    """
    from minivision.training.checkpoint import load

    return load(path)


def __getattr__(name: str) -> Any:
    """Import a package when it is first named: ``minivision.ops`` needs no import of its own."""
    if name in PACKAGES:
        return importlib.import_module(f"minivision.{name}")
    raise AttributeError(f"module 'minivision' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *PACKAGES})
