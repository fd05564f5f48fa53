"""A file of the user's as a backend: it runs afresh, and its errors name file and line."""

import sys

import numpy as np
import pytest

import minivision
from minivision.checks import StudentFileError, check_operation, load_backend
from minivision.core.backends import get_backend

RELU = "import numpy as np\n\n\ndef relu(x):\n    return np.maximum(x, {})\n"


@pytest.fixture
def write(tmp_path):
    def write(text, name="mine.py"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


def test_the_file_s_functions_run_under_its_name(write):
    assert load_backend(write(RELU.format(0))) == "mine.py"
    with minivision.backend("mine.py"):
        np.testing.assert_array_equal(minivision.ops.relu(np.array([-1.0, 2.0])), [0, 2])
    report = check_operation("relu", "mine.py")
    assert report.passed and report.place.endswith("mine.py, line 4")


def test_operations_that_the_file_lacks_run_on_the_backend_otherwise(write):
    path, operations = write(RELU.format(0)), minivision.core.registry.operations()
    backend = get_backend(load_backend(path))
    assert backend.kernel(operations["linear"]) is None and backend.kernel(operations["relu"]) is not None
    backend = get_backend(load_backend(path, otherwise="numba"))
    assert backend.kernel(operations["linear"]) is get_backend("numba").kernel(operations["linear"])
    assert backend.kernel(operations["relu"]) is not get_backend("numba").kernel(operations["relu"])
    refused = {"fortran": "no backend is called 'fortran'", "mine.py": "cannot stand in for itself"}
    for otherwise, message in refused.items():
        with pytest.raises(ValueError, match=message):
            load_backend(path, otherwise=otherwise)


def test_an_edit_counts_at_once(write):
    """Same size, same second: caches that compare these would keep the old answer."""
    assert check_operation("relu", load_backend(write(RELU.format(0)))).passed
    assert check_operation("relu", load_backend(write(RELU.format(1)))).verdict == "wrong"
    assert check_operation("relu", load_backend(write(RELU.format(0)))).passed


def test_an_edit_of_a_module_in_its_folder_counts_at_once(write, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    mine = write("from neighbor import f\n\n\ndef relu(x):\n    return f(x)\n")
    for number, verdict in ((0, "ok"), (1, "wrong"), (0, "ok")):
        write(RELU.format(number).replace("relu", "f"), "neighbor.py")
        assert check_operation("relu", load_backend(mine)).verdict == verdict
    assert "neighbor" not in sys.modules and str(mine.parent) not in sys.path


def test_operations_that_are_only_imported_are_not_its_own(write):
    name = load_backend(write("from minivision.ops import conv2d, relu\n\n\ndef sigmoid(x):\n    return x\n"))
    assert get_backend(name).kernel(minivision.ops.relu) is None
    assert check_operation("relu", name).verdict == "reference"
    with minivision.backend(name):  # and they do not call themselves without end
        assert minivision.ops.relu(np.ones(1)) == 1


def test_numba_functions_are_taken(write):
    text = "import numba\n\n\n@numba.njit\ndef max_unpool2d_backward(dy, indices):\n    return dy[:, :, :0, :0]\n"
    report = check_operation("max_unpool2d_backward", load_backend(write(text)))
    assert report.verdict == "wrong" and report.place.endswith("mine.py, line 4")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def relu(x):\n    return (x\n", "line 2: '(' was never closed"),
        ("def relu(x):\nreturn x\n", "line 2: expected an indented block"),
        ("\nimport nowhere_to_be_found\n", "line 2: ModuleNotFoundError: No module named 'nowhere_to_be_found'"),
        ("def f():\n    return 1 / 0\n\n\nf()\n", "line 2: ZeroDivisionError: division by zero"),
        ("import sys\n\nsys.exit('enough')\n", "line 3: SystemExit: enough"),
        ("x = 1\n\n\ndef rellu(x):\n    return x\n", "line 4: rellu names no operation"),
        ("def relu(x, slope):\n    return x\n", "line 1: relu takes (x, slope) but the operation takes (x)"),
        ("\0", "null bytes"),
    ],
)
def test_an_error_in_the_file_names_its_line(write, text, message):
    path = write(text)
    with pytest.raises(StudentFileError) as error:
        load_backend(path)
    assert str(error.value).startswith(f"{path}") and message in str(error.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(StudentFileError, match="none.py: No such file"):
        load_backend(tmp_path / "none.py")
    with pytest.raises(StudentFileError, match="directory"):
        load_backend(tmp_path)


def test_an_exception_is_reported_with_its_line_in_the_file(write):
    text = "def _half(x):\n    return x[:, 10**6]\n\n\ndef global_avg_pool2d(x):\n    return _half(x)\n"
    report = check_operation("global_avg_pool2d", load_backend(write(text)))
    (failure,) = report.failures
    assert failure.what.startswith("IndexError in line 2 of mine.py: index 1000000 is out of bounds")
    assert failure.details == "`return x[:, 10**6]`"
    assert "Traceback" not in str(report) and "conformance.py" not in str(report)


def test_a_function_that_calls_itself_through_the_package_is_diagnosed(write):
    text = "from minivision import ops\n\n\ndef relu(x):\n    return ops.relu(x)\n"
    (failure,) = check_operation("relu", load_backend(write(text))).failures
    assert "RecursionError in line 5 of mine.py" in failure.what and "this very function" in failure.diagnosis


def test_a_misspelt_name_is_guessed(write):
    with pytest.raises(StudentFileError, match=r"did you mean upsample_nearest\?"):
        load_backend(write("def upsample_nearst(x, scale):\n    return x\n"))
