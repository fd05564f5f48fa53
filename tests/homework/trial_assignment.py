"""A small assignment of two tasks, with all of its files."""

import pathlib

from minivision.homework import load_assignment

MANIFEST = """\
title = "A trial"
file = "trial.py"
header = "import numpy as np"
seed = 7
functions_held_back = ["minivision.ops.pointwise.sigmoid"]

[[task]]
id = "1.1"
title = "ReLU"
points = 4
functions = ["minivision.ops.pointwise.relu"]
hints = ["Negative numbers become zero."]
seconds = 30

[[task]]
id = "1.2"
title = "ReLU, backward"
points = 6
functions = ["minivision.ops.pointwise.relu_backward"]
prerequisites = ["1.1"]
seconds = 30
"""
TESTS = """\
import numpy as np
import pytest


@pytest.mark.task("1.1")
def test_relu_is_right(student):
    student.check("relu")


@pytest.mark.task("1.1")
def test_below_zero(student):
    assert student.relu(np.array([-1.0]))[0] == 0, "Negative numbers become zero."


@pytest.mark.task("1.2")
def test_gradient(student):
    student.check("relu_backward")
"""
HIDDEN = """\
import pytest


@pytest.mark.task("1.1", points=4)
def test_relu_of_other_numbers(student):
    student.check("relu", seed=student.seed)


@pytest.mark.task("1.2", points=2)
def test_one_axis(student):
    student.check("relu_backward", seed=student.seed, keep=lambda case: case["x"].ndim == 1)


@pytest.mark.task("1.2", points=4)
def test_gradient_of_other_numbers(student):
    student.check("relu_backward", seed=student.seed)
"""
MUTANTS = """\
[[mutant]]
task = "1.1"
name = "the wrong side is cut"
function = "relu"
body = "return np.minimum(x, 0)"
says = "Negative numbers"

[[mutant]]
task = "1.2"
name = "the gradient is doubled"
function = "relu_backward"
body = "return 2 * dy * (x > 0)"
says = "2 times"
"""
RELU, RELU_BACKWARD = "    return np.maximum(x, 0)\n", "    return np.where(x > 0, dy, 0).astype(dy.dtype)\n"


def write_assignment(folder):
    """Write the trial assignment into a folder."""
    files = {
        "manifest.toml": MANIFEST,
        "mutants.toml": MUTANTS,
        "tests/test_trial.py": TESTS,
        "hidden/test_trial_hidden.py": HIDDEN,
        "alternatives/1.1-where.py": "import numpy as np\n\n\ndef relu(x):\n    return np.where(x > 0, x, x * 0)\n",
        "alternatives/1.1-mask.py": "def relu(x):\n    return x * (x > 0)\n",
        "alternatives/1.2-product.py": "def relu_backward(dy, x):\n    return dy * (x > 0)\n",
        "alternatives/1.2-loop.py": "def relu_backward(dy, x):\n    d = dy.copy()\n    d[x <= 0] = 0\n    return d\n",
    }
    for name, text in files.items():
        path = pathlib.Path(folder) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return load_assignment(folder)
