"""What is handed out: blanks, messages as good as the whole library's, and no answer."""

import ast
import json
import re
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from trial_assignment import MANIFEST, write_assignment

from minivision.checks import check_operation, load_backend
from minivision.checks.call import NotRecordedError
from minivision.core.registry import operations
from minivision.homework import load_assignment, source
from minivision.homework.gradescope import autograder
from minivision.homework.leaks import leaks, solution_lines
from minivision.homework.manifest import ManifestError
from minivision.homework.plugin import run_tests
from minivision.homework.recorded_references import playing
from minivision.homework.recording import record
from minivision.homework.release import release, without_outputs


@pytest.fixture(scope="module")
def handed_out(trial, tmp_path_factory):
    folder = tmp_path_factory.mktemp("handout") / "trial"
    release(trial, folder)
    return folder


# ---- cutting -------------------------------------------------------------------------------------------------------


def test_a_blank_keeps_the_docstring_and_the_hints_and_nothing_of_the_body(trial):
    blank = source.functions_in(source.blank(trial))["relu"]
    whole = source.function_of("minivision.ops.pointwise.relu")
    assert blank.head == whole.head
    assert 'NotImplementedError("task 1.1: ReLU: write relu in trial.py")' in blank.body
    assert "# What is below zero becomes zero." in blank.body
    assert not set(whole.body.splitlines()) & set(blank.body.splitlines())


def test_a_solution_of_some_tasks_leaves_the_others_blank(trial):
    functions = source.functions_in(source.solution(trial, ["1.1"]))
    assert functions["relu"].body == source.function_of("minivision.ops.pointwise.relu").body
    assert "task 1.2" in functions["relu_backward"].body


def test_bodies_are_cut_by_their_own_lines():
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


def test_with_a_function_goes_what_only_it_used():
    start = '"""Kernels."""\n\nfrom other import compiled\n\nSHARED = 3\n'
    assert source.without_functions(KERNELS, {"gone"}) == start + "\n\n@compiled\ndef kept(x):\n    return x + SHARED\n"
    assert source.without_functions(KERNELS, {"gone", "kept"}) is None


# ---- manifests -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('title = "A trial"', "title = 3", "title has the wrong type"),
        ('title = "A trial"', "", "the entry title is missing"),
        ('title = "A trial"', 'title = "A"\ncolour = "red"', "unknown entry colour"),
        ('id = "1.2"', 'id = "1.1"', "two tasks 1.1"),
        ('prerequisites = ["1.1"]', 'prerequisites = ["1.3"]', "needs 1.3"),
        ("pointwise.relu_backward", "pointwise.rellu", "is no operation"),
        ("pointwise.relu_backward", "pointwise.relu", "belongs to two tasks"),
        ("points = 6", "points = -6", "must not be negative"),
        ("[[task]]", "[task", "manifest.toml"),
    ],
)
def test_a_manifest_that_makes_no_sense_is_refused_by_the_entry(tmp_path, old, new, said):
    (tmp_path / "manifest.toml").write_text(MANIFEST.replace(old, new))
    with pytest.raises(ManifestError, match=said):
        load_assignment(tmp_path)


def test_an_unknown_assignment_or_task_is_answered_with_those_there_are(trial):
    with pytest.raises(ValueError, match="neither an assignment"):
        load_assignment("hw0")
    with pytest.raises(ValueError, match="no task 2.1; there are 1.1, 1.2"):
        trial.task("2.1")


# ---- releases ------------------------------------------------------------------------------------------------------


def test_a_release_holds_what_students_need_and_nothing_else(trial, handed_out):
    names = sorted(path.relative_to(handed_out).as_posix() for path in handed_out.rglob("*") if path.is_file())
    (wheel,) = [name for name in names if name.endswith(".whl")]
    assert [name for name in names if name != wheel] == [
        "README.md", "answers.bin", "manifest.toml", "tests/conftest.py", "tests/test_trial.py", "trial.py"
    ]  # fmt: skip
    assert "held_back" not in (handed_out / "manifest.toml").read_text()
    assert load_assignment(handed_out).tasks[1].prerequisites == ("1.1",)
    assert leaks(trial, handed_out) == []


def test_the_wheel_lacks_bodies_and_kernels_of_what_is_to_be_written(handed_out):
    (wheel,) = handed_out.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        body = archive.read("minivision/ops/pointwise.py").decode()
        kernels = archive.read("minivision/kernels/numba/pointwise.py").decode()
    for name in ("relu", "relu_backward", "sigmoid"):
        assert "raise NotImplementedError" in source.functions_in(body)[name].body
        assert name not in source.functions_in(kernels)
    assert "sigmoid_backward" in source.functions_in(kernels)
    assert not [name for name in names if "/cupy/" in name or "hidden" in name or "mutants" in name or "proof" in name]
    ast.parse(kernels)


def test_the_same_source_gives_the_same_bytes(trial, handed_out, tmp_path):
    release(trial, tmp_path / "again")
    for path in handed_out.rglob("*"):
        if path.is_file():
            assert path.read_bytes() == (tmp_path / "again" / path.relative_to(handed_out)).read_bytes(), path


def test_a_folder_with_something_in_it_is_left_alone(trial, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(ValueError, match="not empty"):
        release(trial, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        (
            "tests/helper.py",
            "y = np.zeros_like(x)\nnp.maximum(x, 0, out=y)\n{line}\n",
            "tests/helper.py, line 3 is from",
        ),
        ("notes.py", "### BEGIN SOLUTION\n", "bears a mark"),
        ("__pycache__/trial.cpython-311.pyc", "x", "not to be handed out"),
        ("work.ipynb", None, "cell 1 holds outputs"),
    ],
)
def test_a_leak_is_found(trial, tmp_path, name, text, said):
    write_assignment(tmp_path)
    if text is None:
        cell = {"cell_type": "code", "source": ["1"], "outputs": [{"text": "1"}], "metadata": {}}
        text = json.dumps({"cells": [cell]})
    else:
        text = text.replace("{line}", max(solution_lines(trial), key=len))
    path = tmp_path / "release" / name
    path.parent.mkdir(parents=True)
    path.write_text(text)
    assert any(said in found for found in leaks(trial, tmp_path / "release"))


def test_notebooks_are_handed_out_without_outputs_and_solutions():
    cells = [
        {"cell_type": "code", "source": ["1"], "outputs": [{"text": "1"}], "execution_count": 3, "metadata": {}},
        {"cell_type": "code", "source": ["2"], "outputs": [], "execution_count": 1, "metadata": {"tags": ["solution"]}},
    ]
    found = json.loads(without_outputs(json.dumps({"cells": cells, "nbformat": 4})))
    assert [cell["source"] for cell in found["cells"]] == [["1"]]
    assert found["cells"][0]["outputs"] == [] and found["cells"][0]["execution_count"] is None


# ---- answers that were written down --------------------------------------------------------------------------------


def _report(name, body, tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(f"import numpy as np\n\n\n{body}")
    return str(check_operation(name, load_backend(path), keep=lambda case: case["dy"].size < 2000))


def test_reports_from_written_answers_are_those_of_the_textbook(tmp_path):
    """Written down once by checking spoiled functions, they serve other mistakes as well."""
    text = MANIFEST.replace(
        "minivision.ops.pointwise.relu_backward", "minivision.ops.upsampling.upsample_nearest_backward"
    )
    (tmp_path / "manifest.toml").write_text(text)
    record(load_assignment(tmp_path), tmp_path / "answers.bin")
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
        body = op.reference
        with playing(tmp_path / "answers.bin"):
            # the mistake is made with the true body, which a student's machine would not have
            playback, op.true = op.reference, body
            assert _report(op.__name__, within.replace("op.reference", "op.true"), tmp_path) == expected.replace(
                "op.reference", "op.true"
            )
            assert op.reference is playback
        del op.true


def test_what_was_not_written_down_is_said_and_not_made_up(trial, handed_out, rng):
    relu = operations()["relu"]
    with playing(handed_out / "answers.bin"), pytest.raises(NotRecordedError):
        relu.reference(rng.standard_normal((3, 3)))
    np.testing.assert_array_equal(relu.reference(np.array([-1.0, 2.0])), [0, 2])


def test_students_read_what_is_wrong_and_why(handed_out, tmp_path):
    file = tmp_path / "trial.py"
    text = (handed_out / "trial.py").read_text()
    blank = source.functions_in(text)["relu"].body
    file.write_text(text.replace(blank, "    return -np.maximum(x, 0)\n"))
    assignment = load_assignment(handed_out)
    by_task = {}
    for outcome in run_tests(assignment, file).outcomes:
        by_task.setdefault(outcome.task, []).append(outcome)
    assert "-1 times" in by_task["1.1"][0].message or "sign" in by_task["1.1"][0].message
    assert by_task["1.2"][0].unwritten and "not written yet" in by_task["1.2"][0].message


def test_plain_pytest_works_in_a_release(handed_out):
    done = subprocess.run([sys.executable, "-m", "pytest", "-q"], cwd=handed_out, capture_output=True, text=True)
    assert done.returncode == 1 and "2 failed" in done.stdout or "3 failed" in done.stdout
    assert "relu is not written yet" in done.stdout


# ---- Gradescope ----------------------------------------------------------------------------------------------------


def test_an_autograder_holds_the_whole_library_and_scripts_that_can_run(trial, tmp_path):
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
