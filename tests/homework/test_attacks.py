"""What a submission could try, with harmless input: it gains nothing, harms nobody, and learns nothing.

What one system does not offer is skipped there; :func:`missing_protections` says what that is.
"""

import contextlib
import json
import os
import pathlib
import subprocess
import sys
import time

import pytest
from trial_assignment import RELU, write_assignment

from minivision.homework import load_assignment, sandbox
from minivision.homework.answers import MAX_TEXT_CHARS
from minivision.homework.batch_grading import grade_all, grade_one, missing_protections
from minivision.homework.class_results import write_table
from minivision.homework.control_group import ControlGroup
from minivision.homework.gradescope import results
from minivision.homework.grading import SubmissionReport, grade

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux offers this isolation")


@pytest.fixture(scope="module")
def missing():
    return " ".join(missing_protections())


def outcomes(report):
    return [outcome for task in report.tasks for outcome in task.outcomes]


def printed(report):
    return next(outcome.printed for outcome in outcomes(report) if outcome.printed)


# ---- harm to the grader --------------------------------------------------------------------------------------------


ANSWERS = {
    "a line that is no number": '{"functions": {"relu": {"parameters": ["x"], "line": Infinity}}, "error": null}',
    "a line that is none": '{"functions": {"relu": {"parameters": ["x"], "line": NaN}}, "error": null}',
    "a list": "[1, 2]",
    "many": json.dumps({"functions": {f"f{k}": {"parameters": [], "line": 1} for k in range(2000)}, "error": None}),
    "deep": "[" * 5000 + "]" * 5000,
    "no name": '{"functions": {}, "error": {"type": "a\\u0000b", "kind": "ExceptionGroup", "message": "", "line": 3}}',
}  # fmt: skip


@pytest.mark.parametrize("answer", ANSWERS)
def test_forged_first_answers_cost_the_submission_alone(trial, submit, library, answer):
    forge = f"""
import json, os, struct, sys
def _encoded(value):
    return {{"dict": {{k: _encoded(v) for k, v in value.items()}}}} if isinstance(value, dict) else value
text = {ANSWERS[answer]!r}
try:
    text = json.dumps(_encoded(json.loads(text)))
except RecursionError:
    pass
text = text.encode()
data = struct.pack("<I", len(text)) + text
os.write(int(sys.argv[2]), struct.pack("<Q", len(data)) + data)
"""
    report = grade_one(trial, library, None, True, str(submit(relu="    return x\n", before=forge)))
    assert report["graded"] and report["tasks"][0]["earned"] == 0
    json.dumps(report)


@pytest.mark.parametrize(
    "code",
    [
        "    raise ValueError('\\ud800\\udfff' + chr(27) + '[31m' + chr(7) + 'long' * 5_000_000)\n",
        "    raise type('A' * 10**6, (Exception,), {})('x')\n",
        "    class E(Exception):\n        def __str__(self):\n            raise E\n    raise E\n",
        "    raise ExceptionGroup('g', [ValueError(1)])\n",
        "    print('x' * 10**6 + chr(27) + '[2J', flush=True)\n    return x\n",
        "    return {'a': [[0] * 10 for _ in range(10**5)]}\n",
        "    import os\n    os.closerange(3, 50)\n    import time\n    time.sleep(100)\n",
        "    import signal, time\n    signal.signal(signal.SIGTERM, signal.SIG_IGN)\n    time.sleep(100)\n",
    ],
    ids=["text", "name", "no text", "group", "output", "answer", "pipes", "signals"],
)
def test_what_code_raises_prints_and_answers_is_bounded_and_plain(trial, submit, library, tmp_path, code):
    assignment = load_assignment(trial.folder)
    short = write_assignment(tmp_path / "short")
    manifest = short.folder / "manifest.toml"
    manifest.write_text(manifest.read_text().replace("seconds = 30", "seconds = 2"))
    start = time.monotonic()
    report = grade_one(load_assignment(short.folder), library, None, True, str(submit(relu=code)))
    assert time.monotonic() - start < 60
    assert report["graded"] and report["tasks"][0]["earned"] == 0 and report["tasks"][1]["earned"] == 6
    report = SubmissionReport.from_dict(report)
    write_table(assignment, [report], tmp_path / "class.csv")
    text = json.dumps(results(report)) + (tmp_path / "class.csv").read_text(encoding="utf-8")
    text += "".join(outcome.message + outcome.printed for outcome in outcomes(report))
    assert text.encode() and not any(letter in text for letter in "\x1b\x07")
    assert all(len(outcome.message) <= MAX_TEXT_CHARS for outcome in outcomes(report))


def test_an_error_of_a_function_of_the_library_is_one_in_the_code_that_calls_it(graded):
    """With the library's functions in place of earlier ones: it is no invalid answer of the process."""
    tried = "    try:\n        relu('text', 3, 4)\n    except TypeError:\n        return np.where(relu(x) > 0, dy, 0)\n"
    report = graded(relu="    return np.abs(x)\n", relu_backward=tried)
    assert report.tasks[1].earned == 6 and report.tasks[1].with_reference


# ---- nothing outlives its grading ----------------------------------------------------------------------------------


CHILDREN = """
import os, time
for _ in range({count}):
    if os.fork() == 0:
        os.setsid()
        time.sleep(600)
        os._exit(0)
"""


def left_over(folder):
    """Return the processes whose home is below a folder."""
    mark, found = b"HOME=" + os.fsencode(folder), []
    for path in pathlib.Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if mark in path.read_bytes():
                found.append(path.parent.name)
    return found


@pytest.mark.parametrize("ending", ["", "os._exit(0)\n", "import ctypes\nctypes.CDLL(None).prctl(1, 0)\n"])
def test_no_process_outlives_its_grading(graded, tmp_path, monkeypatch, ending):
    tmp_path.chmod(0o711)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    graded(before=CHILDREN.format(count=5) + ending)
    assert left_over(tmp_path) == []
    assert not list(tmp_path.glob("minivision*"))


def test_without_namespaces_no_process_of_its_user_is_left(tmp_path):
    """In a process of its own, as the user whom a worker would be."""
    if os.geteuid() != 0:
        pytest.skip("another user is root's to be")
    program = (
        "import os, sys, time\nfrom minivision.homework import sandbox\n"
        "user = sandbox.user_of(os.getpid())\nos.setgroups([])\nos.setresuid(user, user, user)\n"
        "os.setsid()\nprint(flush=True)\ntime.sleep(600)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    process.stdout.readline()
    sandbox.kill_user(process.pid)
    assert process.wait(10) == -9


def test_a_right_solution_of_twenty_threads_beside_many_processes_earns_everything(trial, submit, tmp_path, missing):
    if missing:
        pytest.skip(missing)
    threads = """
    import threading
    parts = list(np.array_split(x.reshape(-1), 20))
    def cut(k):
        parts[k] = np.maximum(parts[k], 0)
    workers = [threading.Thread(target=cut, args=(k,)) for k in range(20)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return np.concatenate(parts).reshape(x.shape)
"""
    storm = """
import os, time
for _ in range(100):
    try:
        if os.fork() == 0:
            time.sleep(600)
    except OSError:
        break
time.sleep(3)
"""
    paths = [submit(relu=threads, name="a/trial.py"), submit(before=storm, name="b/trial.py")]
    reports = {report.submission: report for report in grade_all(trial, paths, jobs=2)}
    assert reports[str(paths[0])].earned == 10, outcomes(reports[str(paths[0])])


# ---- files and memory ----------------------------------------------------------------------------------------------


def test_files_are_limited_in_size_and_number_and_stay_with_the_submission(graded, tmp_path, monkeypatch, missing):
    if "namespace" in missing:
        pytest.skip(missing)
    tmp_path.chmod(0o711)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    report = graded(
        relu="    return x\n",
        before="""
total = count = 0
try:
    while total < 200:
        with open(f"big{total}", "wb") as file:
            file.write(bytes(10 << 20))
        total += 10
except OSError as error:
    print("megabytes", total, error.strerror)
import os
for k in range(total // 10 + 1):
    os.unlink(f"big{10 * k}")
try:
    while count < 10_000:
        open(f"small{count}", "wb").close()
        count += 1
except OSError as error:
    print("files", count, error.strerror)
""",
    )
    words = printed(report).split()
    assert 0 < int(words[words.index("megabytes") + 1]) <= sandbox.MAX_FOLDER_BYTES >> 20
    assert 0 < int(words[words.index("files") + 1]) <= sandbox.MAX_FILES
    assert not list(tmp_path.glob("minivision*"))


def test_all_processes_together_have_one_limit_of_memory_where_there_are_control_groups(tmp_path):
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    group = ControlGroup(process.pid, processes=8, memory=1 << 30)
    try:
        if not group.limited:
            pytest.skip("this system lets no group be made")
        assert any(str(process.pid) in (folder / "cgroup.procs").read_text().split() for folder in group.folders)
    finally:
        folders = list(group.folders)
        group.close()
        assert process.wait(10) == -9 and not any(folder.exists() for folder in folders)


ALONE = """
import os, sys
from minivision.homework import sandbox
sandbox._landlock = lambda *_: False
folder, hidden, ours = sys.argv[1:]
unprotected = sandbox.isolate(folder, [hidden], os.getppid())
print(unprotected == [sandbox.NO_LANDLOCK])
for path in (hidden + "/solution.py", ours):
    try:
        print(open(path).read())
    except OSError as error:
        print(type(error).__name__)
print(sorted(os.listdir(folder)), os.getuid() != 0, len([each for each in os.listdir("/proc") if each.isdigit()]))
"""


def test_without_landlock_neither_the_library_nor_a_neighbor_nor_other_processes_can_be_seen(tmp_path, missing):
    if missing or os.geteuid() != 0:
        pytest.skip(missing or "not root")
    tmp_path.chmod(0o711)
    own, hidden, neighbor = tmp_path / "own", tmp_path / "hidden", tmp_path / "neighbor"
    for folder in (own, hidden, neighbor):
        folder.mkdir(mode=0o700 if folder != hidden else 0o755)
    (own / "trial.py").write_text("x")
    (hidden / "solution.py").write_text("solution")
    (neighbor / "trial.py").write_text("copied")
    os.chown(neighbor, 12345, 12345)
    command = [sys.executable, "-c", ALONE, own, hidden, neighbor / "trial.py"]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=60, check=True)
    lines = done.stdout.splitlines()
    assert lines[:2] == ["True", "FileNotFoundError"] and lines[2] in ("PermissionError", "FileNotFoundError")
    assert lines[3] == "['trial.py'] True 1"


# ---- nothing of the hidden numbers ---------------------------------------------------------------------------------


HIDDEN_WORDS = {
    "", "not written yet", "wrong for other numbers", "your code raised an exception", "stopped after 2 s",
    "its process ended: an exit(), a crash, or too much memory?", "its process sent no valid answer",
    "the file could not be loaded again",
}  # fmt: skip


@pytest.mark.parametrize(
    ("code", "word"),
    [
        ("    raise ValueError(str(x.ravel()[:3]))\n", "your code raised an exception"),
        ("    import os\n    os._exit(int(abs(x).sum() * 1000) % 250 + 1)\n", "its process ended"),
        ("    k = int(abs(x).sum() * 999) % 2\n    while k == 0: pass\n    while k == 1: pass\n", "stopped"),
        ("    print(x)\n    return -x\n", "wrong for other numbers"),
        ("    raise NotImplementedError(str(x))\n", "not written yet"),
    ],
    ids=["exception", "exit code", "line", "print", "blank"],
)  # fmt: skip
def test_of_hidden_tests_a_report_has_fixed_words_alone(submit, library, tmp_path, code, word):
    short = write_assignment(tmp_path / "short")
    manifest = short.folder / "manifest.toml"
    manifest.write_text(manifest.read_text().replace("seconds = 30", "seconds = 2"))
    report = grade(load_assignment(short.folder), submit(relu=code), library=library, tasks=["1.1"])
    shown = [test for test in results(report)["tests"] if "(other numbers)" in test["name"]]
    assert {test["output"] for test in shown} <= HIDDEN_WORDS and any(word in test["output"] for test in shown)
    kept = [each for task in report.as_dict()["tasks"] for each in task["outcomes"]]
    assert all(each["seconds"] == 0 for each in kept)
    assert all(each["message"] in HIDDEN_WORDS and each["printed"] == "" for each in kept if each["hidden"])


def test_after_a_time_out_the_graders_own_lines_are_not_shown_as_printed(graded):
    report = graded(seconds=(1, 4), relu="    print('mine', flush=True)\n    while True:\n        pass\n")
    assert printed(report) == "mine"


def test_no_path_of_a_temporary_file_is_in_a_report(graded):
    import tempfile

    report = graded(relu="    print(__file__, flush=True)\n    raise ValueError\n")
    assert "trial.py" in printed(report)
    assert tempfile.gettempdir() + "/minivision-" not in json.dumps(report.as_dict()["tasks"])


# ---- imports -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "refused"),
    [
        ("import math, numpy.linalg\nfrom numpy.lib import stride_tricks\nimport numba\n", ""),
        ("from minivision.ops.pointwise import sigmoid\n", ""),
        ("import scipy.special\n", "scipy.special"),
        ("from minivision.ops import pointwise\n", "minivision.ops.pointwise"),
        ("from minivision.ops.pointwise import relu as theirs\n", "minivision.ops.pointwise.relu"),
        ("__import__('importlib')\n", "importlib"),
        ("exec('import os')\n", "os"),
    ],
)
def test_only_what_the_assignment_allows_can_be_imported(submit, library, tmp_path, code, refused):
    assignment = write_assignment(tmp_path / "strict")
    manifest = assignment.folder / "manifest.toml"
    allowed = 'imports = ["math", "numba", "numpy", "minivision.ops.pointwise.sigmoid"]\n'
    manifest.write_text(allowed + manifest.read_text())
    report = grade(load_assignment(assignment.folder), submit(before=code), library=library, tasks=["1.1"])
    if refused:
        assert f"{refused} may not be imported in this assignment, which allows math, numba, numpy" in report.problem
        assert "line" in report.problem and report.earned == 0
    else:
        assert report.earned == 4, report.problem


def test_imports_in_functions_are_refused_too(submit, library, tmp_path):
    assignment = write_assignment(tmp_path / "strict")
    manifest = assignment.folder / "manifest.toml"
    manifest.write_text('imports = ["numpy"]\n' + manifest.read_text())
    report = grade(
        load_assignment(assignment.folder), submit(relu=f"    import os\n{RELU}"), library=library, tasks=["1.1"]
    )
    assert report.earned == 0 and "os may not be imported" in " ".join(each.message for each in outcomes(report))
