"""Releases: blank functions, the same messages as with the whole library, and no solution."""

import ast
import dataclasses
import json
import os
import re
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from trial_assignment import MANIFEST, write_assignment

import minivision
from minivision.checks import NotRecordedError, check_operation, load_backend
from minivision.core.backends import backends
from minivision.core.registry import operations
from minivision.homework import assignments, load_assignment, source
from minivision.homework.gradescope import autograder
from minivision.homework.leaks import leaks, solution_lines
from minivision.homework.library import library_files, write_library
from minivision.homework.manifest import ManifestError
from minivision.homework.plugin import run_tests
from minivision.homework.recorded_references import recorded_backend
from minivision.homework.recording import record
from minivision.homework.release import release, start, without_outputs


@pytest.fixture(scope="module")
def handed_out(trial, tmp_path_factory):
    folder = tmp_path_factory.mktemp("handout") / "trial"
    release(trial, folder)
    return folder


# ---- cutting -------------------------------------------------------------------------------------------------------


def test_a_blank_has_the_docstring_and_the_hints_and_nothing_of_the_body(trial):
    blank = source.functions_in(source.blank(trial))["relu"]
    whole = source.function_of("minivision.ops.pointwise.relu")
    assert blank.head == whole.head
    assert 'NotImplementedError("task 1.1: ReLU: write relu in trial.py")' in blank.body
    assert "# Negative numbers become zero." in blank.body
    assert not set(whole.body.splitlines()) & set(blank.body.splitlines())


def test_helpers_are_a_part_of_the_solution():
    hw2 = load_assignment("hw2")
    for solved, has_helper in [([], False), (["2.1"], False), (["2.6"], True), (["2.7"], True), (None, True)]:
        assert ("_sample_points" in source.functions_in(source.solution(hw2, solved))) == has_helper
    assert "_sample_points" not in source.functions_in(source.blank(hw2))
    assert "minivision.ops.regions._sample_points" in hw2.withheld


SIGNATURES = [
    (
        "def f(x: Array, /, w: A[b, c], b: Array | None = None, *, stride: IntOrPair = 1 / 9) -> Array:",
        "x, /, w, b=None, *, stride=1 / 9",
    ),
    ('def f(x: Array, *rest: int, name: str = "a", **others: int):', 'x, *rest, name="a", **others'),
    ("def f(\n    x: Array,\n    *,\n    offset: float = -1.0,\n) -> tuple[Array, int]:", "x, *, offset=-1.0"),
    ("def f(x, y = 2):", "x, y = 2"),
    ("def f() -> None:", ""),
]


@pytest.mark.parametrize(("signature", "parameters"), SIGNATURES)
def test_students_read_signatures_without_annotations(signature, parameters):
    function = source.functions_in(f'{signature}\n    """Doc."""\n    return x\n')["f"]
    assert function.head == f'def f({parameters}):\n    """Doc."""\n' and function.body == "    return x\n"


def test_a_long_signature_without_annotations_has_lines_of_its_own():
    names = ", ".join(f"parameter_{k}" for k in range(10))
    annotated = names.replace(",", ": int,")
    assert source.functions_in(f"def f({annotated}):\n    return 1\n")["f"].head == f"def f(\n    {names}\n):\n"


def test_a_solution_of_some_tasks_leaves_the_others_blank(trial):
    functions = source.functions_in(source.solution(trial, ["1.1"]))
    assert functions["relu"].body == source.function_of("minivision.ops.pointwise.relu").body
    assert "task 1.2" in functions["relu_backward"].body


def test_bodies_are_replaced_and_docstrings_kept():
    text = 'def f(x):\n    """Doc."""\n    # why\n    y = x\n    return y\n\n\n@g\ndef h():\n    return 1\n\n\nZ = 3\n'
    cut = source.without_bodies(text, {"f": "no", "h": "nor this"})
    assert cut == (
        'def f(x):\n    """Doc."""\n    raise NotImplementedError("no")\n\n\n'
        '@g\ndef h():\n    raise NotImplementedError("nor this")\n\n\nZ = 3\n'
    )


KERNELS = '''\
"""Kernels."""

from other import compiled, tool

SHARED = 3
_ONLY = 4


# What it does.
@compiled
def gone(x):
    return _helper(x) + _ONLY


def _helper(x):
    return tool(x)


@compiled
def kept(x):
    return x + SHARED
'''


def test_private_names_and_imports_are_removed_with_the_only_function_that_uses_them():
    start = '"""Kernels."""\n\nfrom other import compiled\n\nSHARED = 3\n'
    assert source.without_functions(KERNELS, {"gone"}) == start + "\n\n@compiled\ndef kept(x):\n    return x + SHARED\n"
    assert source.without_functions(KERNELS, {"gone", "kept"}) is None


# ---- manifests -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('title = "A trial"', "title = 3", "title has the wrong type"),
        ('title = "A trial"', "", "the entry title is missing"),
        ('title = "A trial"', 'title = "A"\ncolor = "red"', "unknown entry color"),
        ('id = "1.2"', 'id = "1.1"', "two tasks have the id 1.1"),
        ('prerequisites = ["1.1"]', 'prerequisites = ["1.3"]', "prerequisite 1.3"),
        ("pointwise.relu_backward", "pointwise.rellu", "is not an operation"),
        ("pointwise.relu_backward", "pointwise.relu", "belongs to two tasks"),
        ("points = 6", "points = -6", "must not be negative"),
        ("[[task]]", "[task", "manifest.toml"),
    ],
)
def test_an_inconsistent_manifest_is_refused_with_the_entry(tmp_path, old, new, message):
    (tmp_path / "manifest.toml").write_text(MANIFEST.replace(old, new))
    with pytest.raises(ManifestError, match=message):
        load_assignment(tmp_path)


def test_the_error_for_an_unknown_assignment_or_task_lists_the_known_ones(trial):
    with pytest.raises(ValueError, match="neither an assignment"):
        load_assignment("hw0")
    with pytest.raises(ValueError, match="no task 2.1; its tasks are 1.1, 1.2"):
        trial.task("2.1")


# ---- releases ------------------------------------------------------------------------------------------------------


def test_a_release_contains_what_students_need_and_nothing_else(trial, handed_out):
    names = sorted(path.relative_to(handed_out).as_posix() for path in handed_out.rglob("*") if path.is_file())
    (wheel,) = [name for name in names if name.endswith(".whl")]
    assert [name for name in names if name != wheel] == [
        "README.md", "manifest.toml", "recorded_references.bin", "tests/conftest.py", "tests/test_trial.py", "trial.py"
    ]  # fmt: skip
    assert "held_back" not in (handed_out / "manifest.toml").read_text()
    assert load_assignment(handed_out).tasks[1].prerequisites == ("1.1",)
    assert leaks(trial, handed_out) == []


def test_the_wheel_lacks_bodies_and_kernels_of_the_functions_to_write(handed_out):
    (wheel,) = handed_out.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        body = archive.read("minivision/ops/pointwise.py").decode()
        kernels = archive.read("minivision/kernels/numba/pointwise.py").decode()
    for name in ("relu", "relu_backward", "sigmoid"):
        assert "raise NotImplementedError" in source.functions_in(body)[name].body
        assert name not in source.functions_in(kernels)
    assert "sigmoid_backward" in source.functions_in(kernels)
    assert not [name for name in names if "/cupy/" in name or "hidden" in name or "mutants" in name or "verif" in name]
    ast.parse(kernels)


def test_a_file_to_hold_back_must_exist(trial):
    moved = dataclasses.replace(trial, files_held_back=("minivision/kernels/numba/moved.py",))
    with pytest.raises(ManifestError, match="no file minivision/kernels/numba/moved.py"):
        library_files(moved)


def test_the_same_source_gives_the_same_bytes(trial, handed_out, tmp_path):
    release(trial, tmp_path / "again")
    for path in handed_out.rglob("*"):
        if path.is_file():
            assert path.read_bytes() == (tmp_path / "again" / path.relative_to(handed_out)).read_bytes(), path


def test_a_folder_that_is_not_empty_stays_as_it_is(trial, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(ValueError, match="not empty"):
        release(trial, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (
            "tests/helper.py",
            "y = np.zeros_like(x)\nnp.maximum(x, 0, out=y)\n{line}\n",
            "tests/helper.py, line 3 is from",
        ),
        ("notes.py", "### BEGIN SOLUTION\n", "has a mark"),
        ("__pycache__/trial.cpython-311.pyc", "x", "must not be handed out"),
        ("work.ipynb", None, "cell 1 has outputs"),
    ],
)
def test_a_leak_is_found(trial, tmp_path, name, text, message):
    write_assignment(tmp_path)
    if text is None:
        cell = {"cell_type": "code", "source": ["1"], "outputs": [{"text": "1"}], "metadata": {}}
        text = json.dumps({"cells": [cell]})
    else:
        text = text.replace("{line}", max(solution_lines(trial), key=len))
    path = tmp_path / "release" / name
    path.parent.mkdir(parents=True)
    path.write_text(text)
    assert any(message in found for found in leaks(trial, tmp_path / "release"))


@pytest.mark.parametrize("name", assignments())
def test_the_librarys_assignments_give_nothing_away(name, tmp_path):
    """As `homework release` searches them, without the results that it records first."""
    assignment = load_assignment(name)
    start(assignment, tmp_path / "handout")
    write_library(assignment, tmp_path / "handout" / "library")
    assert leaks(assignment, tmp_path / "handout") == []


def test_notebooks_are_handed_out_without_outputs_and_solutions():
    cells = [
        {"cell_type": "code", "source": ["1"], "outputs": [{"text": "1"}], "execution_count": 3, "metadata": {}},
        {"cell_type": "code", "source": ["2"], "outputs": [], "execution_count": 1, "metadata": {"tags": ["solution"]}},
    ]
    notebook = json.loads(without_outputs(json.dumps({"cells": cells, "nbformat": 4})))
    assert [cell["source"] for cell in notebook["cells"]] == [["1"]]
    assert notebook["cells"][0]["outputs"] == [] and notebook["cells"][0]["execution_count"] is None


# ---- recorded references --------------------------------------------------------------------------------------------


def _report(name, body, tmp_path, oracle="reference"):
    path = tmp_path / "mine.py"
    path.write_text(f"import numpy as np\n\n\n{body}")
    return str(check_operation(name, load_backend(path), keep=lambda case: case["dy"].size < 2000, oracle=oracle))


def test_reports_are_the_same_with_recorded_results(tmp_path):
    """Results that were recorded with spoiled functions answer the questions about other mistakes, too."""
    text = MANIFEST.replace(
        "minivision.ops.pointwise.relu_backward", "minivision.ops.upsampling.upsample_nearest_backward"
    )
    (tmp_path / "manifest.toml").write_text(text)
    record(load_assignment(tmp_path), tmp_path / "recorded.bin")
    op = operations()["upsample_nearest_backward"]
    for wrong in (
        "return dy[:, :, :: scale[0], :: scale[1]].copy()",
        "return op.reference(dy, scale) / (scale[0] * scale[1])",
        "return op.reference(dy, scale[::-1])",
        "return op.reference(dy, scale)[:, :, :-1]",
    ):
        start = f"def {op.__name__}(dy, scale=2):\n    "
        within = f"{start}from minivision.ops import {op.__name__} as op\n    {wrong}\n"
        expected = _report(op.__name__, within, tmp_path)
        assert expected
        with recorded_backend(tmp_path / "recorded.bin") as oracle:
            assert _report(op.__name__, within, tmp_path, oracle) == expected


def test_a_result_that_was_not_recorded_is_an_error(handed_out, rng):
    relu = operations()["relu"]
    with recorded_backend(handed_out / "recorded_references.bin") as oracle, minivision.backend(oracle):
        with pytest.raises(NotRecordedError):
            relu(rng.standard_normal((3, 3)))
    np.testing.assert_array_equal(relu(np.array([-1.0, 2.0])), [0, 2])


def test_no_backend_is_left_over(trial, handed_out, tmp_path):
    existing = list(backends())
    file = tmp_path / "trial.py"
    file.write_text(source.solution(trial))
    assert all(outcome.passed for outcome in run_tests(load_assignment(handed_out), file))
    record(trial, tmp_path / "recorded.bin")
    assert list(backends()) == existing


def test_students_read_the_mistake_and_its_cause(handed_out, tmp_path):
    file = tmp_path / "trial.py"
    text = (handed_out / "trial.py").read_text()
    blank = source.functions_in(text)["relu"].body
    file.write_text(text.replace(blank, "    return -np.maximum(x, 0)\n"))
    assignment = load_assignment(handed_out)
    by_task = {}
    for outcome in run_tests(assignment, file):
        by_task.setdefault(outcome.task, []).append(outcome)
    assert "-1 times" in by_task["1.1"][0].message or "sign" in by_task["1.1"][0].message
    assert by_task["1.2"][0].unwritten and "not written yet" in by_task["1.2"][0].message


def test_a_student_sees_a_mistake_step_by_step_beside_the_right_values(trial, handed_out, tmp_path):
    """With the library that is handed out, which has the player and none of the right code."""
    (wheel,) = handed_out.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "library")
    text = (handed_out / "trial.py").read_text()
    wrong = text.replace(source.functions_in(text)["relu"].body, "    return np.where(x > 0, x, -x)\n")
    (tmp_path / "trial.py").write_text(wrong)
    command = [sys.executable, "-m", "minivision", "homework", "test", "1.1", "--file", str(tmp_path / "trial.py")]
    options = {"cwd": handed_out, "capture_output": True, "text": True}
    options["env"] = os.environ | {"PYTHONPATH": str(tmp_path / "library")}
    done = subprocess.run(command, **options, check=False)
    assert "To see a mistake step by step: minivision homework test 1.1 --html steps.html" in done.stdout, done.stderr
    done = subprocess.run([*command, "--html", str(tmp_path / "steps.html")], **options, check=False)
    assert f"open {tmp_path / 'steps.html'} in a browser" in done.stdout, done.stdout + done.stderr
    page = (tmp_path / "steps.html").read_text(encoding="utf-8")
    assert "np.where(x > 0, x, -x)" in page and '"expected":[' in page and "should be 0." in page
    assert not [line for line in solution_lines(trial) if line in page]


def test_plain_pytest_works_in_a_release(handed_out):
    done = subprocess.run([sys.executable, "-m", "pytest", "-q"], cwd=handed_out, capture_output=True, text=True)
    assert done.returncode == 1 and "2 failed" in done.stdout or "3 failed" in done.stdout
    assert "relu is not written yet" in done.stdout


# ---- Gradescope ----------------------------------------------------------------------------------------------------


def test_an_autograder_contains_the_whole_library_and_valid_scripts(trial, tmp_path):
    autograder(trial, tmp_path / "autograder.zip", seed=5)
    with zipfile.ZipFile(tmp_path / "autograder.zip") as archive:
        names = {entry.filename: entry.external_attr >> 16 for entry in archive.infolist()}
        run = archive.read("run_autograder").decode()
        (wheel,) = [name for name in names if name.endswith(".whl")]
        setup = archive.read("setup.sh").decode()
        archive.extract(wheel, tmp_path)
    assert {"assignment/manifest.toml", "assignment/hidden/test_trial_hidden.py"} <= set(names)
    assert names["setup.sh"] == names["run_autograder"] == 0o755
    assert f"./{wheel}" in setup and re.search(
        r"homework grade ./assignment /autograder/submission --one .*--seed 5", run, re.S
    )
    with zipfile.ZipFile(tmp_path / wheel) as archive:
        assert "minivision/homework/grading.py" in archive.namelist()
    for script in (setup, run):
        assert subprocess.run(["bash", "-n"], input=script, text=True).returncode == 0


def test_a_notebook_that_is_not_there_is_an_error(trial, tmp_path):
    with pytest.raises(ManifestError, match="there is no notebook .*none.ipynb"):
        release(dataclasses.replace(trial, notebook="none.ipynb"), tmp_path / "handout")
    assert not list(tmp_path.iterdir())


def test_the_notebook_of_an_assignment_is_handed_out(tmp_path):
    assignment = write_assignment(tmp_path / "assignment")
    cell = {"cell_type": "code", "source": ["1"], "outputs": [{"text": "1"}], "execution_count": 1, "metadata": {}}
    (tmp_path / "assignment" / "guide.ipynb").write_text(json.dumps({"cells": [cell], "nbformat": 4}))
    start(dataclasses.replace(assignment, notebook="guide.ipynb"), tmp_path / "mine")
    assert json.loads((tmp_path / "mine" / "guide.ipynb").read_text())["cells"][0]["outputs"] == []
    assert "`guide.ipynb` explains the tasks" in (tmp_path / "mine" / "README.md").read_text()
