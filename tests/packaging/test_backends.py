"""Backends: how one is chosen, registered and removed, and the error messages for wrong kernels."""

import importlib
import os
import pathlib
import shutil
import subprocess
import sys
import threading
import types

import numpy as np
import pytest

import minivision
from minivision.core.backends import active_backend, backends
from minivision.core.dispatch import call
from minivision.ops import relu


@pytest.fixture(autouse=True)
def default_backend(monkeypatch):
    """Undo what a test chooses and registers."""
    monkeypatch.setattr("minivision.core.backends._chosen", None)
    yield
    for name in backends().keys() - {"reference", "numba", "cupy"}:
        minivision.unregister_backend(name)


def module_with(**functions):
    module = types.ModuleType("mine")
    for name, function in functions.items():
        function.__module__ = "mine"
        setattr(module, name, function)
    return module


def test_with_block_ends_and_does_not_leak_into_other_threads():
    seen = []
    with minivision.backend("reference"):
        assert active_backend()[0].name == "reference"
        thread = threading.Thread(target=lambda: seen.append(active_backend()[0].name))
        thread.start()
        thread.join()
    assert seen == ["numba"] and active_backend()[0].name == "numba"


def test_set_backend_lasts_and_is_given_as_the_reason():
    minivision.set_backend("reference")
    backend, reason = active_backend()
    assert backend.name == "reference" and "set_backend" in reason


def test_the_environment_variable_chooses_a_backend_and_a_wrong_name_is_an_error():
    code = "import minivision.core.backends as b; print(b.active_backend()[0].name)"
    environment = {"MINIVISION_BACKEND": "reference"}
    result = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert result.stdout.strip() == "reference", result.stderr
    environment["MINIVISION_BACKEND"] = "fortran"
    result = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert "the variable MINIVISION_BACKEND: no backend is called 'fortran'" in result.stderr


def test_kernels_of_a_registered_module_run_and_other_operations_run_their_reference():
    calls = []

    def my_relu(x):
        calls.append(x.shape)
        return x * (x > 0)

    minivision.register_backend("mine", module_with(relu=my_relu))
    x = np.linspace(-1, 1, 5)
    with minivision.backend("mine"):
        np.testing.assert_array_equal(relu(x), [0, 0, 0, 0.5, 1])
        assert minivision.ops.sigmoid(np.zeros(1))[0] == 0.5
    assert calls == [(5,)]


def test_kernels_get_normalized_arguments():
    seen = {}

    def conv2d(x, w, b, stride, padding, dilation, groups):
        seen.update(stride=stride, padding=padding, dilation=dilation, groups=groups, dtype=w.dtype)
        return x

    minivision.register_backend("mine", module_with(conv2d=conv2d))
    with minivision.backend("mine"):
        minivision.ops.conv2d(np.zeros((1, 1, 4, 4), np.float32), np.zeros((1, 1, 3, 3)), stride=2, padding=(1, 0))
    assert seen == {
        "stride": (2, 2),
        "padding": ((1, 1), (0, 0)),
        "dilation": (1, 1),
        "groups": 1,
        "dtype": np.float32,
    }


def test_a_function_that_is_no_operation_is_an_error_with_a_correction():
    with pytest.raises(TypeError, match="mine.rellu names no operation.*_rellu if it is a helper"):
        minivision.register_backend("mine", module_with(rellu=lambda x: x))


def test_a_kernel_with_other_parameters_is_an_error():
    with pytest.raises(TypeError, match=r"mine.relu takes \(x, slope\) but the operation takes \(x\)"):
        minivision.register_backend("mine", module_with(relu=lambda x, slope: x))


def test_built_in_backends_cannot_be_replaced_and_unknown_names_are_errors():
    with pytest.raises(ValueError, match="'numba' is built in"):
        minivision.register_backend("numba", module_with())
    with pytest.raises(ValueError, match="no backend is called 'fast'; there are 'reference', 'numba'"):
        minivision.set_backend("fast")
    with pytest.raises(ValueError, match="'cupy' is not chosen by name"):
        minivision.set_backend("cupy")


def test_the_reference_implementation_and_the_check_are_attributes():
    x, w, b, stride, *_ = minivision.ops.conv2d.normalize(np.zeros((1, 1, 3, 3)), np.zeros((1, 1, 2, 2)), stride=2)
    assert stride == (2, 2) and b is None
    assert minivision.ops.conv2d.reference is not minivision.ops.conv2d


def test_the_cache_stamp_of_a_kernel_covers_the_files_that_it_imports_and_no_others():
    """Numba itself checks only the file of the kernel, not those of its helpers."""
    from minivision.core.numba_internals import cache_stamp
    from minivision.kernels.numba import convolution

    names = {name for name, _ in cache_stamp(convolution._conv_matrix)}
    assert names >= {"convolution.py", "direct.py", "register_tile.py", "compile.py"}
    assert not names & {"losses.py", "suppression.py"}


def test_compiled_kernels_survive_a_copy_of_the_package_and_not_another_content(tmp_path):
    """As in a container's image, a wheel or a clone: the files are the same, and their times are not."""
    count = (
        "import numpy as np; from minivision import ops; from minivision.kernels.numba import pointwise;"
        "ops.relu(np.ones((1, 1, 2, 2), np.float32)); print(sum(pointwise._relu.stats.cache_hits.values()))"
    )
    environment = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}

    def hits(folder):
        result = subprocess.run(
            [sys.executable, "-c", count], cwd=folder, env={**environment, "PYTHONPATH": str(folder)},
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        return int(result.stdout)

    source = pathlib.Path(minivision.__file__).parent
    shutil.copytree(source, tmp_path / "a" / "minivision", ignore=shutil.ignore_patterns("__pycache__"))
    assert (hits(tmp_path / "a"), hits(tmp_path / "a")) == (0, 1)
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    for file in (tmp_path / "b").rglob("*.py"):
        os.utime(file, (1e9, 1e9))
    assert hits(tmp_path / "b") == 1
    with open(tmp_path / "b" / "minivision" / "core" / "compile.py", "a") as file:
        file.write("# changed\n")
    assert hits(tmp_path / "b") == 0


def test_an_operation_that_a_module_imports_is_not_its_kernel():
    module = types.ModuleType("imports_relu")
    module.relu = relu
    minivision.register_backend("imports_relu", module)
    with minivision.backend("imports_relu"):
        assert relu(np.array([-1.0, 2.0])).tolist() == [0, 2]


def test_a_registered_backend_can_be_removed():
    minivision.register_backend("mine", module_with(relu=lambda x: x))
    minivision.unregister_backend("mine")
    assert "mine" not in backends()
    with pytest.raises(ValueError, match="no backend is called 'mine'"):
        minivision.set_backend("mine")


def test_a_backend_in_use_cannot_be_removed():
    minivision.register_backend("mine", module_with(relu=lambda x: x))
    with minivision.backend("mine"), pytest.raises(ValueError, match="'mine' is in use; choose another one"):
        minivision.unregister_backend("mine")
    minivision.register_backend("more", module_with(), otherwise="mine")
    with pytest.raises(ValueError, match="'mine' is the `otherwise` of 'more'; remove that one first"):
        minivision.unregister_backend("mine")
    minivision.unregister_backend("more")


@pytest.mark.parametrize("name", ["reference", "numba", "cupy"])
def test_a_built_in_backend_cannot_be_removed(name):
    with pytest.raises(ValueError, match=f"'{name}' is built in and cannot be removed"):
        minivision.unregister_backend(name)


def test_call_runs_a_given_kernel():
    x = np.array([-1.0, 2.0])
    assert call(relu, relu.normalize(x)).tolist() == [0, 2]
    assert call(relu, relu.normalize(x), kernel=lambda x: 2 * x).tolist() == [-2, 4]


def test_wrong_arguments_are_reported_under_the_name_of_the_operation():
    with pytest.raises(TypeError, match=r"conv2d\(\) missing 1 required positional argument: 'w'"):
        minivision.ops.conv2d(np.zeros((1, 1, 3, 3)))
    with pytest.raises(TypeError, match=r"relu\(\) got an unexpected keyword argument 'slope'"):
        relu(np.zeros(3), slope=1)


def run_python(code, **environment):
    """Run code in a process of its own; return what it printed."""
    environment = {**os.environ, "PYTHONWARNINGS": "ignore", **environment}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


WITHOUT_NUMBA = "import sys; sys.modules['numba'] = None; sys.modules['llvmlite'] = None\n"


def test_without_numba_operations_checks_the_tracer_and_scenes_run_as_reference():
    said = run_python(
        WITHOUT_NUMBA
        + """
import logging; logging.basicConfig(stream=sys.stdout)
import numpy as np, minivision
from minivision import ops
from minivision.checks import check_gradients
from minivision.core.backends import active_backend
from minivision.data import Scenes
from minivision.viz import trace
x, w = np.random.default_rng(0).normal(size=(1, 1, 5, 5)), np.ones((1, 1, 3, 3))
y = ops.conv2d(x, w)
assert np.allclose(y[0, 0, 1, 1], x[0, 0, 1:4, 1:4].sum()) and active_backend()[0].name == "reference"
check_gradients(ops.conv2d, x, w)
assert len(trace(ops.conv2d, x, w).expressions())
assert len(Scenes("easy", "train", size=64).draw(1)[0].image) == 64
"""
    )
    assert said.count("Numba cannot be imported") == 1  # told once


def test_without_numba_commands_work_and_doctor_tells_why_all_is_slow():
    said = run_python(
        WITHOUT_NUMBA + "from minivision.cli import main; print(main(['doctor']), main(['check', 'relu']))"
    )
    assert "reference implementations, hundreds of times slower" in said and "2 ok" in said


def test_with_numbas_compiler_switched_off_convolutions_run_as_reference():
    run_python(
        "import numpy as np; from minivision import ops\n"
        "assert (ops.conv2d(np.ones((1, 2, 4, 4)), np.ones((3, 2, 3, 3))) == np.full((1, 3, 2, 2), 18)).all()\n"
        "assert ops.max_pool2d(np.ones((1, 1, 4, 4)), 2)[0].sum() == 4",
        NUMBA_DISABLE_JIT="1",
    )


THREADS = """
import threading, numba, numpy as np
from minivision import ops
x, w = np.random.default_rng(0).normal(size=(2, 4, 32, 32)).astype(np.float32), np.ones((4, 4, 3, 3), np.float32)
expected, right = ops.conv2d(x, w), []
def work():
    right.extend((ops.conv2d(x, w) == expected).all() and (ops.relu(x) == x.clip(0)).all() for _ in range(20))
threads = [threading.Thread(target=work) for _ in range(3)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(sum(right), numba.threading_layer())
"""


@pytest.mark.parametrize("layer", ["workqueue", "omp"])
def test_python_threads_may_call_operations_at_the_same_time(layer):
    try:
        importlib.import_module(f"numba.np.ufunc.{layer}pool" if layer == "omp" else "numba.np.ufunc.workqueue")
    except ImportError:
        pytest.skip(f"Numba has no layer {layer} here")
    assert run_python(THREADS, NUMBA_THREADING_LAYER=layer).split() == ["60", layer]


WAITING = """
import importlib.util, sys, types
{before}
import numba
from minivision.core import numba_internals
seen = []
numba_internals.numba = types.SimpleNamespace(get_num_threads=lambda: seen.append(os.environ.get("GOMP_SPINCOUNT")))
import os
numba_internals.start_threads()
print(seen, "GOMP_SPINCOUNT" in os.environ)
"""
HAS_NO_TORCH = "find = importlib.util.find_spec; importlib.util.find_spec = lambda n: None if n == 'torch' else find(n)"
HAS_TORCH = "importlib.util.find_spec = lambda name: True"
COMMAND = "sys.modules['__main__'].__file__ = '/somewhere/bin/minivision'"


@pytest.mark.parametrize(
    ("before", "environment", "set_for_the_start"),
    [
        (HAS_NO_TORCH, {}, "['1000']"),
        (HAS_TORCH, {}, "[]"),  # it uses the same OpenMP
        (f"{HAS_TORCH}; {COMMAND}", {}, "['1000']"),  # nothing else computes in a command
        (HAS_NO_TORCH, {"OMP_WAIT_POLICY": "active"}, "[]"),  # the user's choice
    ],
)
def test_how_threads_wait_is_set_only_where_no_other_library_is_changed(
    before, environment, set_for_the_start, monkeypatch
):
    for name in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT"):
        monkeypatch.delenv(name, raising=False)
    assert run_python(WAITING.format(before=before), **environment).strip() == f"{set_for_the_start} False"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.parametrize("before", ["ops.relu(x)", "numba.get_num_threads()"])  # both start the threads
def test_a_forked_process_is_told_to_spawn_and_may_use_the_reference_implementations(before):
    said = run_python(f"""
import multiprocessing, numba, numpy as np, minivision
from minivision import ops
x = np.ones((1, 2, 8, 8), np.float32)
{before}
def work(queue):
    with minivision.backend("reference"):
        queue.put(float(ops.relu(x).sum()))
    try:
        queue.put(float(ops.relu(x).sum()))
    except RuntimeError as error:
        queue.put(str(error))
fork = multiprocessing.get_context("fork")
queue = fork.Queue()
process = fork.Process(target=work, args=(queue,))
process.start()
print(queue.get(timeout=60), queue.get(timeout=60), numba.threading_layer())
process.join(60)
""")
    assert said.startswith("128.0 ")
    assert (
        "relu: this process is a fork" in said and "multiprocessing.get_context('spawn')" in said or " omp" not in said
    )


@pytest.mark.parametrize("suffix", ["nbi", "nbc"])
def test_damaged_files_of_the_kernel_cache_are_compiled_anew(suffix, tmp_path):
    code = (
        "import logging, sys; logging.basicConfig(stream=sys.stdout)\n"
        "import numpy as np; from minivision import ops; print(ops.box_area(np.array([[0, 0, 2, 3.0]])))"
    )
    environment = {"NUMBA_CACHE_DIR": str(tmp_path)}
    assert run_python(code, **environment).split() == ["[6.]"]
    files = list(tmp_path.rglob(f"*.{suffix}"))
    assert files
    for path in files:
        path.write_bytes(path.read_bytes()[:20])
    said = run_python(code, **environment)
    assert said.endswith("[6.]\n") and said.count("Kernels are compiled anew") == 1
    assert run_python(code, **environment).split() == ["[6.]"]  # mended
