"""Tasks whose functions are no operations: they are called as they are, and their tests hold for any seed."""

import importlib.util
import types

import numpy as np
import pytest

from minivision.checks import CheckError, StudentFileError, load_backend
from minivision.core.backends import get_backend
from minivision.homework import load_assignment, source
from minivision.homework.grading import grade
from minivision.homework.library import library_files
from minivision.homework.manifest import ManifestError
from minivision.homework.plugin import run_tests
from minivision.homework.student import Student
from minivision.homework.verification import alternatives, mutants

MANIFEST = """\
title = "A trial"
file = "trial.py"
header = "import numpy as np"

[[task]]
id = "1.1"
title = "IoU"
points = 4
functions = ["FUNCTION"]
helpers = ["minivision.metrics.segmentation._divide"]
"""
IOU = "minivision.metrics.segmentation.class_iou"
TEST = """\
import numpy as np
import pytest

@pytest.mark.task("1.1")
def test_iou(student):
    assert student.class_iou(np.eye(2)).tolist() == [1, 1]
"""
PLAIN = (("hw1", "1.11"), ("hw2", "2.11"), ("hw3", "3.11"), ("hw3", "3.13"))


@pytest.fixture
def assignment(tmp_path):
    (tmp_path / "tests").mkdir()
    (tmp_path / "manifest.toml").write_text(MANIFEST.replace("FUNCTION", IOU))
    (tmp_path / "tests" / "test_iou.py").write_text(TEST)
    return load_assignment(tmp_path)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("minivision.metrics.segmentation.no_such", "has no function no_such"),
        ("minivision.no_such.function", "there is no module"),
        ("minivision.ops.pointwise._check_one", "is not an operation"),
        ("minivision.metrics.segmentation.relu", "is not an operation"),
    ],
)
def test_a_function_that_does_not_exist_is_refused(tmp_path, function, message):
    (tmp_path / "manifest.toml").write_text(MANIFEST.replace("FUNCTION", function))
    with pytest.raises(ManifestError, match=message):
        load_assignment(tmp_path)


def test_the_blank_is_not_written_yet_and_the_solution_is_right(assignment, tmp_path):
    (tmp_path / "trial.py").write_text(source.blank(assignment))
    (outcome,) = run_tests(assignment, tmp_path / "trial.py")
    assert outcome.unwritten and "task 1.1: IoU: write class_iou in trial.py" in outcome.message
    (tmp_path / "trial.py").write_text(source.solution(assignment))
    (outcome,) = run_tests(assignment, tmp_path / "trial.py")
    assert outcome.passed, outcome.message


def test_a_function_that_is_missing_or_writes_to_its_argument(tmp_path):
    path = tmp_path / "trial.py"
    path.write_text("def class_iou(confusion):\n    confusion[:] = 7\n    return confusion\n")
    counts = np.eye(2)
    with Student(path) as student:
        assert (student.class_iou(counts) == 7).all() and (counts == np.eye(2)).all()
        with pytest.raises(CheckError, match="no function class_iuo; was it renamed"):
            student.class_iuo(counts)


LATER = """
[[task]]
id = "1.2"
title = "Mean IoU"
points = 2
functions = ["minivision.metrics.segmentation.mean_iou"]
prerequisites = ["1.1"]
"""
HIDDEN_TEST = """\
import numpy as np
import pytest

@pytest.mark.task("1.1", points=4)
def test_iou(student):
    assert student.class_iou(np.eye(2)).tolist() == [1, 1]

@pytest.mark.task("1.2", points=2)
def test_mean(student):
    assert student.mean_iou(np.eye(2)) == 1
"""


def test_a_wrong_plain_function_costs_the_tasks_after_it_nothing(assignment, tmp_path):
    """They are graded again with the library's in its place, whether it is an operation or not."""
    manifest = tmp_path / "manifest.toml"
    manifest.write_text(manifest.read_text() + LATER)
    (tmp_path / "hidden").mkdir()
    (tmp_path / "hidden" / "test_hidden.py").write_text(HIDDEN_TEST)
    wrong = "import numpy as np\n\n\ndef class_iou(confusion):\n    return np.zeros(len(confusion))\n\n\n"
    wrong += "def mean_iou(confusion):\n    return float(class_iou(confusion).mean())\n"
    (tmp_path / "trial.py").write_text(wrong)
    report = grade(load_assignment(tmp_path), tmp_path / "trial.py", library=None, isolated=False)
    assert [task.earned for task in report.tasks] == [0, 2]
    assert [task.with_reference for task in report.tasks] == [False, True]


# ---- the library's assignments ---------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def marker(pytestconfig):
    """Let the files of hidden tests be imported here: the mark is one of the grader's own."""
    pytestconfig.addinivalue_line("markers", "task(id, points=0): the task of a test, and its points")


def hidden_tests(assignment, id):
    """Return the hidden tests of a task as functions of a student."""
    found = []
    for path in sorted((assignment.folder / "hidden").glob("test_*.py")):
        specification = importlib.util.spec_from_file_location(path.stem, path)
        module = importlib.util.module_from_spec(specification)
        specification.loader.exec_module(module)
        for name, function in vars(module).items():
            if name.startswith("test_") and function.pytestmark[-1].args == (id,):
                found.append(function)
    return found


def namesake(assignment, text, seed):
    """Return what tests take for a student: the functions of a file, in this process."""
    names = {}
    exec(compile(text, assignment.file, "exec"), names)
    return types.SimpleNamespace(**names, seed=seed)


@pytest.mark.parametrize(("name", "id"), PLAIN)
def test_no_right_solution_loses_a_point_whatever_the_seed(name, id):
    assignment = load_assignment(name)
    tests = hidden_tests(assignment, id)
    assert len(tests) >= 3
    right = [source.with_functions(assignment, text) for task, _, text in alternatives(assignment) if task == id]
    assert len(right) == 2
    for text in (source.solution(assignment), *right):
        for seed in (*range(4), 10**15):
            student = namesake(assignment, text, seed)
            for test in tests:
                test(student)


@pytest.mark.parametrize(("name", "id"), PLAIN)
def test_every_wrong_solution_loses_a_point_whatever_the_seed(name, id):
    assignment = load_assignment(name)
    tests = hidden_tests(assignment, id)
    wrong = [each for each in mutants(assignment) if each.task == id]
    assert len(wrong) >= 10
    for mutant in wrong:
        for seed in range(2):
            student = namesake(assignment, source.with_body(assignment, mutant.function, mutant.body), seed)
            assert any(fails(test, student) for test in tests), mutant.name


def fails(test, student):
    try:
        test(student)
    except Exception:
        return True
    return False


def test_the_files_of_the_library_for_students_have_no_plain_function():
    files = ("metrics/segmentation.py", "metrics/precision_recall.py", "models/parts/two_heads.py", "models/ssd.py")
    for (name, id), file in zip(PLAIN, files, strict=True):
        assignment = load_assignment(name)
        functions = source.functions_in(library_files(assignment)[file].decode())
        for written in assignment.task(id).names:
            assert "NotImplementedError" in functions[written].body


@pytest.mark.parametrize("name", sorted({name for name, _ in PLAIN}))
def test_a_file_says_itself_what_is_no_operation(name, tmp_path):
    """Such a file is a backend, and its other functions can be called: the notebooks do both."""
    assignment = load_assignment(name)
    plain = [each for where, id in PLAIN if where == name for each in assignment.task(id).names]
    for text in (source.blank(assignment), source.solution(assignment)):
        (tmp_path / "mine.py").write_text(text)
        backend = get_backend(load_backend(tmp_path / "mine.py"))
        assert all(callable(getattr(backend.source, each)) for each in plain)
        (tmp_path / "mine.py").write_text(text.replace("not_operations = ", "others = "))
        with pytest.raises(StudentFileError, match=f"line [0-9]+: {plain[0]} names no operation"):
            load_backend(tmp_path / "mine.py")


def test_a_list_of_what_is_no_operation_that_is_none(tmp_path):
    (tmp_path / "mine.py").write_text("not_operations = 3\n")
    with pytest.raises(StudentFileError, match="expected a list of names of functions, got 3"):
        load_backend(tmp_path / "mine.py")
