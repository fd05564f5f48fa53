"""A second process that compiles what a command needs later, while the first one compiles what it needs now.

The two share the cache of compiled kernels and nothing else. With a warm cache there is nothing to compile, and the
second process ends after a few seconds.
"""

import contextlib
import json
import os
import subprocess
import sys

CODE = """
import json, sys
from minivision.cli.compile_ahead import compile_backward_passes, compile_prediction
compile_backward_passes()
compile_prediction(*json.loads(sys.argv[1]))
"""


@contextlib.contextmanager
def compile_ahead(system, level, scene_options):
    """Compile backward passes, the prediction of a system and its evaluation in a second process, in a ``with`` block.

    On a computer of one core nothing is done. What goes wrong in the second process is of no consequence: the first
    then compiles everything itself.
    """
    process = None
    if (os.cpu_count() or 1) > 1:
        silent = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        command = [sys.executable, "-c", CODE, json.dumps([system, level, scene_options])]
        with contextlib.suppress(OSError):
            process = subprocess.Popen(command, **silent)
    try:
        yield
    finally:
        if process is not None:
            process.kill()
            process.wait()


def compile_backward_passes():
    """Run those that take longest to compile; the first process begins with the forward passes."""
    import numpy as np

    from minivision import ops

    def ones(*shape):
        return np.ones(shape, np.float32)

    ops.conv2d_backward(ones(8, 16, 16, 16), ones(8, 16, 16, 16), ones(16, 16, 3, 3), padding=1)  # Winograd's algorithm
    ops.linear_backward(ones(8, 16), ones(8, 32), ones(16, 32))
    ops.conv2d_backward(ones(1, 8, 8, 8), ones(1, 3, 8, 8), ones(8, 3, 3, 3), padding=1)
    ops.conv2d_backward(ones(1, 8, 8, 8), ones(1, 8, 8, 8), ones(8, 8, 1, 1))
    ops.roi_align_backward(ones(1, 8, 7, 7), np.float32([[0, 0, 0, 8, 8]]), (1, 8, 8, 8))


def compile_prediction(system, level, scene_options):
    """Predict and evaluate a few scenes with an untrained network."""
    from minivision.data import Scenes
    from minivision.models import make_model
    from minivision.tasks import evaluate

    options = {name: tuple(value) if isinstance(value, list) else value for name, value in scene_options.items()}
    scenes = Scenes(level, "val", **options).draw(4)
    model = make_model(system, scenes.classes)
    evaluate(model, model.prepare(scenes) or scenes)
