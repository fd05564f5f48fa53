"""Grading: right functions earn points, whatever else a submission does."""

import csv
import dataclasses
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import textwrap
import time
import zipfile

import pytest
from trial_assignment import RELU, RELU_BACKWARD, write_assignment

import minivision
from minivision.homework.batch_grading import grade_all, submissions, write_table
from minivision.homework.gradescope import results
from minivision.homework.grading import grade
from minivision.homework.plugin import TestsError, run_tests
from minivision.homework.process import StudentProcess
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
        answer = {"functions": {"dict": {"relu": 3, "relu_backward": None}}, "unprotected": 1, "error": None}
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


# ---- several submissions, and formats ----------------------------------------------------------------------------


def test_a_folder_of_submissions_gives_a_table_in_the_order_of_names(trial, submit, tmp_path):
    submit(name="class/ann/trial.py")
    submit(relu=WRONG, name="class/bob/trial.py")
    (tmp_path / "class" / "cy").mkdir()
    with zipfile.ZipFile(tmp_path / "class" / "dee.zip", "w") as archive:
        archive.write(submit(relu=RELU, relu_backward=RELU_BACKWARD), "homework/trial.py")
    paths = submissions(trial, tmp_path / "class")
    reports = list(grade_all(trial, paths, jobs=2))
    write_table(trial, reports, tmp_path / "class.csv")
    lines = (tmp_path / "class.csv").read_text().splitlines()
    assert lines[0] == "submission,points,of,1.1,1.2,problem"
    assert lines[1] == "ann,10,10,4,6," and lines[2] == "bob,6,10,0,6," and lines[4] == "dee.zip,10,10,4,6,"
    assert lines[3].startswith("cy,0,10,0,0,") and "has no trial.py" in lines[3]


def test_everyone_is_in_the_table_whatever_they_handed_in(trial, submit, tmp_path):
    folder = tmp_path / "class"
    right = submit().read_text()
    for name in ("ann/__MACOSX", "bob/deep", "bob/.venv", "__MACOSX/ann"):
        (folder / name).mkdir(parents=True)
    for name in ("ann/TRIAL (1).py", "ann/__MACOSX/._trial.py", "bob/deep/trial.py", "bob/.venv/trial.py", "cy.PY"):
        (folder / name).write_text(right)
    with zipfile.ZipFile(folder / "dee.ZIP", "w") as archive:
        entry = zipfile.ZipInfo("x")
        entry.filename = "homework\\trial.py"  # as some Windows tools write it
        archive.writestr(entry, right)
        archive.writestr("trial.py/", "")  # a folder
    with tarfile.open(folder / "eve.tar.gz", "w:gz") as archive:
        archive.add(folder / "bob" / "deep" / "trial.py", "homework/trial.py")
    (folder / "fay").mkdir()
    shutil.copy(folder / "dee.ZIP", folder / "fay" / "upload.zip")
    for name in ("gil.ipynb", "hal.zip", "ida.7z", ".DS_Store", "Thumbs.db"):
        (folder / name).write_bytes(b"none of these")
    reports = list(grade_all(trial, submissions(trial, folder)))
    write_table(trial, reports, tmp_path / "class.csv")
    with open(tmp_path / "class.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))[1:]
    points = {row[0]: row[1] for row in rows}
    full = ("ann", "bob", "cy.PY", "dee.ZIP", "eve.tar.gz", "fay")
    assert points == dict.fromkeys(full, "10") | dict.fromkeys(("gil.ipynb", "hal.zip", "ida.7z"), "0")
    reasons = {row[0]: row[-1] for row in rows}
    assert "no Python file" in reasons["gil.ipynb"] and "not a readable archive" in reasons["hal.zip"]


def test_an_error_of_the_grader_costs_no_points_and_stops_nobody_else(trial, submit, tmp_path, monkeypatch):
    submit(name="class/ann/trial.py")
    submit(name="class/bob/trial.py")
    launch = StudentProcess._launch

    def fail(self, *arguments, **options):
        if "ann" in str(self.file):
            raise OSError(28, "No space left on device")
        return launch(self, *arguments, **options)

    monkeypatch.setattr(StudentProcess, "_launch", fail)
    ann, bob = grade_all(trial, submissions(trial, tmp_path / "class"))
    assert bob.earned == 10 and bob.graded and not ann.graded
    assert ann.problem.startswith("NOT GRADED, through no fault of the submission") and "No space left" in ann.problem
    write_table(trial, [ann, bob], tmp_path / "class.csv")
    assert (tmp_path / "class.csv").read_text().splitlines()[1].startswith("ann,,10,")
    assert "score" not in results(ann)
    with pytest.raises(TestsError, match="cannot be started: OSError: .*No space left"):  # a student's own check
        run_tests(trial, tmp_path / "class" / "ann" / "trial.py")


@pytest.mark.parametrize("jobs", [1, 2])
def test_ctrl_c_ends_the_grading_and_tells_how_far_it_came(trial, submit, tmp_path, jobs):
    submit(name="class/ann/trial.py")
    submit(relu="    while True:\n        pass\n", name="class/bob/trial.py")
    table = tmp_path / "class.csv"
    command = [
        sys.executable,
        "-m",
        "minivision",
        "homework",
        "grade",
        trial.folder,
        tmp_path / "class",
        "--csv",
        table,
    ]
    ctrl_c = signal.default_int_handler  # a job in the background ignores Ctrl-C
    process = subprocess.Popen(
        [*map(str, command), "--jobs", str(jobs)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, ctrl_c),
    )  # fmt: skip
    assert "ann" in process.stdout.readline()  # printed when it is graded
    time.sleep(3)  # then the endless loop of the other one runs
    start = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert time.monotonic() - start < 10 and process.returncode == 1
    assert errors.splitlines()[-1] == f"minivision: stopped; 1 of 2 submissions are graded and stand in {table}"
    assert "Traceback" not in errors and table.read_text().splitlines()[1].startswith("ann,10,")


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


def test_only_the_file_is_unpacked_from_an_archive(trial, submit, tmp_path, library):
    path = tmp_path / "trick.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(submit(), "../../trial.py")
        archive.writestr("../../evil.py", "x")
    assert grade(trial, path, library=library).earned == 10
    assert not (tmp_path.parent / "evil.py").exists()
