"""Grading: right functions earn points, whatever else a submission does."""

import dataclasses
import os
import pathlib
import re
import sys
import textwrap

import pytest
from trial_assignment import write_assignment

import minivision
from minivision.homework.gradescope import results
from minivision.homework.grading import grade
from minivision.homework.sandbox import readable

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux offers this isolation")


def earned(report):
    return {task.id: task.earned for task in report.tasks}


def messages(report):
    return " ".join(" ".join(outcome.message for task in report.tasks for outcome in task.outcomes).split())


def test_the_solution_earns_everything_and_a_blank_nothing(graded):
    assert earned(graded()) == {"1.1": 4, "1.2": 6}
    blank = '    raise NotImplementedError("task")\n'
    result = graded(relu=blank, relu_backward=blank)
    assert earned(result) == {"1.1": 0, "1.2": 0}
    assert all(outcome.unwritten for task in result.tasks for outcome in task.outcomes if "below" not in outcome.name)


def test_a_partly_right_function_earns_part_of_the_points(graded):
    partly = "    return dy * (x > 0) if x.ndim == 1 else dy\n"
    assert earned(graded(relu_backward=partly)) == {"1.1": 4, "1.2": 2}


def test_a_mistake_in_an_earlier_task_costs_the_later_one_nothing(graded):
    result = graded(relu="    return np.abs(x)\n", relu_backward="    return dy * (relu(x) > 0)\n")
    assert earned(result) == {"1.1": 0, "1.2": 6}
    assert [task.with_reference for task in result.tasks] == [False, True]


def test_a_task_that_uses_all_others_is_not_graded_with_the_library(tmp_path, submit, library):
    """Otherwise a submission without any function would earn its points."""
    assignment = write_assignment(tmp_path)
    for kind in ("tests", "hidden"):
        for path in (tmp_path / kind).glob("*.py"):
            path.write_text(path.read_text().replace('task("1.2"', 'task("1.1"'))
    (tmp_path / "hidden" / "test_use.py").write_text(
        "import numpy as np\nimport pytest\n\n\n"
        '@pytest.mark.task("1.2", points=6)\ndef test_use(student):\n'
        "    assert student.relu_backward(np.ones(1), -np.ones(1)) == 0\n"
    )
    first, last = assignment.tasks
    first = dataclasses.replace(first, functions=first.functions + last.functions)
    whole = dataclasses.replace(assignment, tasks=(first, dataclasses.replace(last, functions=())))
    assert earned(grade(whole, submit(relu_backward="    return dy\n"), library=library))["1.2"] == 0
    assert earned(grade(whole, submit(), library=library))["1.2"] == 6


def test_the_library_replaces_functions_of_earlier_tasks_only(graded):
    """The function of the graded task itself is never replaced."""
    assert earned(graded(relu_backward="    return relu_backward_of_the_library(dy, x)\n"))["1.2"] == 0


def test_the_same_submission_earns_the_same_points(graded):
    assert earned(graded(relu="    return abs(x)\n")) == earned(graded(relu="    return abs(x)\n"))


COMPILED = """
import numba

@numba.njit
def _endless(x):
    k = 0
    while x.size >= 0:
        k += 1
    return k
"""


def test_the_seed_decides_the_hidden_numbers(trial, submit, library):
    path = submit(relu="    raise ValueError(str(x.sum()))\n")

    def raised(seed):
        tasks = grade(trial, path, library=library, seed=seed, tasks=["1.1"]).tasks
        return [outcome.message for outcome in tasks[0].outcomes if outcome.hidden]

    assert raised(1) == raised(1) != raised(2)


def test_no_report_gets_what_a_submission_prints_in_hidden_tests(trial, submit, library):
    path = submit(relu="    print('GIVEN', x)\n    return -x\n")
    report = grade(trial, path, library=library, tasks=["1.1"])
    printed = {outcome.hidden: outcome.printed for outcome in report.tasks[0].outcomes}
    assert printed[True] == "" and "GIVEN" in printed[False]
    assert not any("GIVEN" in test["output"] for test in results(report)["tests"] if "other numbers" in test["name"])


@pytest.mark.parametrize(
    "loop",
    [
        "    while True:\n        pass\n",
        "    import time\n    time.sleep(1000)\n",
        "    return _endless(x)\n",
    ],
    ids=["python", "asleep", "compiled"],
)
def test_an_endless_loop_costs_only_its_task(graded, loop):
    result = graded(seconds=(1, 4), relu=loop, before=COMPILED if "_endless" in loop else "")
    assert earned(result) == {"1.1": 0, "1.2": 6}
    assert "stopped after 1 s" in messages(result) or "processor time" in messages(result)
    if "True" in loop:
        assert re.search(r"in line \d+: is there a loop", messages(result)), messages(result)


def test_all_calls_share_one_time_limit(graded):
    result = graded(seconds=(1, 4), relu="    import time\n    time.sleep(0.6)\n    return np.maximum(x, 0)\n")
    assert earned(result) == {"1.1": 0, "1.2": 6} and "stopped after 1 s" in messages(result)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("    import os\n    os._exit(0)\n", "its process ended"),
        ("    raise SystemExit\n", "SystemExit"),
        ("    import ctypes\n    ctypes.string_at(0)\n", "crashed|ended"),
        ("    return np.zeros(10**11)\n", "MemoryError"),
        ("    return [x] * 3\n", "type list|result"),
        ("    return object()\n", "TypeError"),
        ("    return None\n", "returned None|return y"),
        ("    x[...] = 0\n    return x\n", "writes to its input x"),
    ],
    ids=["exit", "SystemExit", "crash", "memory", "list", "object", "None", "writes"],
)
def test_code_that_ends_its_process_costs_only_its_task(graded, code, message):
    result = graded(relu=code)
    assert earned(result) == {"1.1": 0, "1.2": 6}
    assert re.search(message, messages(result))


def test_a_file_that_cannot_be_run_is_reported_with_its_line(graded):
    result = graded(after="\ndef f(:\n")
    assert result.earned == 0 and "SyntaxError" in result.problem and "line" in result.problem
    assert "ZeroDivisionError" in graded(after="\n1 / 0\n").problem


def test_other_parameters_are_reported(trial, library, submit):
    path = submit()
    path.write_text(path.read_text().replace("def relu(x)", "def relu(x, y=0)"))
    result = grade(trial, path, library=library)
    assert earned(result)["1.1"] == 0 and "relu takes (x, y), expected (x)" in messages(result)


# ---- tricks that earn nothing ------------------------------------------------------------------------------------

WRONG = "    return x.copy()\n"
TRICKS = {
    "patches numpy": "np.allclose = np.array_equal = lambda *a, **k: True\nnp.ndarray.__eq__ = None",
    "patches the checks": """
        import minivision.checks, minivision.core.dispatch
        minivision.checks.check_operation = lambda *a, **k: None
        """,
    "patches pytest": "import pytest\npytest.main = lambda *a, **k: 0",
    "prints a forged result": 'print(\'{"score": 10, "tests": []}\')',
    "writes results.json": """
        for path in ("results.json", "/autograder/results/results.json", "../results.json"):
            try:
                open(path, "w").write('{"score": 10}')
            except OSError:
                pass
        """,
    "imports the library's own": """
        try:
            from minivision.ops.pointwise import relu as _theirs
            relu = _theirs.reference
        except Exception:
            pass
        """,
    "calls the library's kernel": """
        try:
            from minivision.kernels.numba.pointwise import relu
        except ImportError:
            pass
        """,
    "looks for the library elsewhere": f"""
        import sys
        sys.path.insert(0, {str(pathlib.Path(minivision.__file__).parent.parent)!r})
        for name in [name for name in sys.modules if name.startswith("minivision")]:
            del sys.modules[name]
        try:
            from minivision.ops.pointwise import relu as _theirs
            relu = _theirs.reference
        except Exception:
            pass
        """,
    "forges the first answer": """
        import json, os, struct, sys
        answer = {"functions": {"dict": {"relu": 3, "relu_backward": None}}, "error": None}
        text = json.dumps({"dict": answer}).encode()
        data = struct.pack("<I", len(text)) + text
        os.write(int(sys.argv[2]), struct.pack("<Q", len(data)) + data)
        """,
    "writes to every pipe": """
        import os
        for descriptor in range(3, 20):
            try:
                os.write(descriptor, b'{"score": 10}' * 100)
            except OSError:
                pass
        """,
}


@LINUX
@pytest.mark.parametrize("trick", TRICKS)
def test_a_trick_earns_nothing(graded, trick):
    result = graded(relu=WRONG, after=f"\n{textwrap.dedent(TRICKS[trick])}\n")
    assert earned(result)["1.1"] == 0, trick
    assert result.earned <= 6


@LINUX
def test_other_files_can_be_neither_read_nor_deleted(graded, tmp_path):
    precious = tmp_path / "precious.txt"
    precious.write_text("secret")
    result = graded(
        relu=WRONG,
        before=f"""
import os, shutil
try:
    print(open({str(precious)!r}).read())
except OSError:
    print("not read")
shutil.rmtree({str(tmp_path)!r}, ignore_errors=True)
""",
    )
    assert precious.read_text() == "secret"
    printed = [outcome.printed for task in result.tasks for outcome in task.outcomes if outcome.printed]
    if any("Landlock" in sentence for sentence in result.unprotected):
        pytest.skip("this system has no Landlock, as the report says")
    assert printed and "secret" not in printed[0] and "not read" in printed[0]


@LINUX
def test_there_is_no_network_and_no_environment_variable_of_the_grader(graded, monkeypatch):
    monkeypatch.setenv("MINIVISION_SECRET", "abc")
    result = graded(
        relu=WRONG,
        before="""
import os, socket
print("variables", "MINIVISION_SECRET" in os.environ)
try:
    socket.create_connection(("127.0.0.1", 9), timeout=1)
except OSError as error:
    print("network", error.strerror)
""",
    )
    printed = next(outcome.printed for task in result.tasks for outcome in task.outcomes if outcome.printed)
    assert "variables False" in printed
    if any("namespaces" in sentence for sentence in result.unprotected):
        pytest.skip("this system has no namespaces, as the report says")
    assert "unreachable" in printed


def test_hidden_folders_are_not_readable(tmp_path, monkeypatch):
    packages = tmp_path / "site-packages"
    for name in ("minivision/ops", "numpy"):
        (packages / name).mkdir(parents=True)
    monkeypatch.setattr(sys, "path", [str(packages)])
    paths = readable([str(packages / "minivision")])
    assert str(packages / "numpy") in paths
    assert not any(os.path.commonpath([path, str(packages / "minivision")]) == path for path in paths if path != "/")


# ---- reports -------------------------------------------------------------------------------------------------------


def test_a_report_is_available_after_every_task(trial, submit, library):
    seen = []
    grade(trial, submit(), library=library, on_result=lambda report: seen.append(earned(report)))
    assert seen == [{"1.1": 4}, {"1.1": 4, "1.2": 6}]


def test_gradescope_shows_messages_of_visible_tests_only(graded):
    written = results(graded(relu=WRONG))
    assert written["score"] == 6
    assert sum(test.get("max_score", 0) for test in written["tests"]) == 10
    hidden = [test for test in written["tests"] if "score" in test]
    assert {test["output"] for test in hidden} == {"", "wrong for other numbers"}
    assert any("Negative numbers become zero." in test["output"] for test in written["tests"])
