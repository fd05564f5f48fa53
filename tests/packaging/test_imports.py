"""Importing the package is quick and brings in nothing heavy."""

import subprocess
import sys

import pytest

HEAVY = ("numba", "matplotlib", "skimage", "cupy", "torch")


def run(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.parametrize(
    "module", ["minivision", "minivision.ops", "minivision.layers", "minivision.data", "minivision.cli"]
)
def test_nothing_heavy_is_imported(module):
    assert run(f"import sys, {module}; print([name for name in {HEAVY} if name in sys.modules])") == "[]"


def test_importing_the_package_takes_a_moment_beyond_numpy():
    code = "import time, numpy; start = time.perf_counter(); import minivision; print(time.perf_counter() - start)"
    assert min(float(run(code)) for _ in range(3)) <= 0.3


def test_packages_are_reached_from_minivision_without_an_import_of_their_own():
    assert run("import minivision; print(minivision.ops.relu.__name__, minivision.layers.ReLU.__name__)")
