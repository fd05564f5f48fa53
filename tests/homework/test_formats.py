"""Results for Gradescope, Classroom 50, PrairieLearn and JUnit, and the scripts of Gradescope's archive."""

import importlib.metadata
import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
import zipfile

import pytest

from minivision.cli import homework_grade as command
from minivision.cli import main
from minivision.homework import formats
from minivision.homework.gradescope import autograder, pinned_versions, results
from minivision.homework.grading import SubmissionReport, TaskScore
from minivision.homework.plugin import TestOutcome

RUNNER = {  # what the runner of Classroom 50 sets
    "CLASSROOM": "cv-2026", "ASSIGNMENT": "hw1", "SUBMISSION_TAG": "submit/2026-06-01T14-32-05Z-a1b2c3d",
    "COMMIT_URL": "commit/a1b2c3d", "RELEASE_URL": "releases/tag/submit", "REVIEW_URL": "compare/a...b",
}  # fmt: skip


def report(name="class/ann.py", problem="", graded=True, tasks=None, points=10):
    outcomes = [
        TestOutcome(
            "1.1", "test_relu", False, 0, False, message="it is wrong\n  → <sign> & \x1b[31m\x00more", printed="1"
        ),
        TestOutcome("1.1", "test_hidden_relu", True, 4, False, message="x = 3.14"),
    ]
    right = [TestOutcome("1.2", "test_gradient", True, 2.5, True), TestOutcome("1.2", "test_axis", True, 3.5, False)]
    if tasks is None:
        tasks = [TaskScore("1.1", "ReLU", 4, 0.0, outcomes), TaskScore("1.2", "ReLU, backward", 6, 2.5, right)]
    return results(SubmissionReport("trial", name, 7, points, tasks, problem, graded))


BLANK = [TaskScore("1.1", "ReLU", 4), TaskScore("1.2", "ReLU, backward", 6)]
CANNOT_RUN = {"problem": "line 3: invalid syntax", "tasks": BLANK}
NOT_GRADED = {"problem": "NOT GRADED, through no fault of the submission", "graded": False, "tasks": []}


@pytest.fixture
def runner(monkeypatch):
    for name, value in RUNNER.items():
        monkeypatch.setenv(name, value)


# ---- Gradescope ------------------------------------------------------------------------------------------------------


def test_tasks_that_were_not_graded_in_time_are_told():
    told = "not all tasks are graded"
    assert told in report(tasks=BLANK[:1])["output"]
    assert told not in report()["output"] and told not in report(**CANNOT_RUN)["output"]


def test_versions_are_pinned_to_what_is_installed_here():
    pins = dict(line.split("==") for line in pinned_versions())
    assert {"numpy", "pytest", "matplotlib", "scikit-image", "defusedxml"} <= set(pins)
    assert {"pluggy", "kiwisolver", "scipy"} <= set(pins)  # what those need
    assert "minivision" not in pins and "sphinx" not in pins
    for name, version in pins.items():
        assert importlib.metadata.version(name) == version
    assert pinned_versions() == sorted(pinned_versions())


STUBS = {  # each writes down how it was called
    "apt-get": 'echo "apt-get $*" >> "$LOG"\ntouch "$LOG.venv"\n',
    "python3": """\
echo "python3 $*" >> "$LOG"
case "$*" in
    *version_info*) exit "$OLD" ;;
    *ensurepip*) [ -e "$LOG.venv" ]; exit ;;
    *"-m venv"*)
        [ -e "$LOG.venv" ] || exit 1
        mkdir -p "$LOG.autograder/venv/bin" "$LOG.autograder/venv/lib/python3.12/site-packages/minivision"
        printf '#!/bin/sh\\necho "pip $*" >> "%s"\\n' "$LOG" > "$LOG.autograder/venv/bin/pip"
        chmod +x "$LOG.autograder/venv/bin/pip" ;;
    *) echo "Python 3.8" ;;
esac
""",
}


@pytest.mark.parametrize(("has_venv", "old"), [(True, 0), (False, 0), (False, 1)])
def test_the_setup_works_where_venv_is_not_and_pins_versions(trial, tmp_path, has_venv, old):
    autograder(trial, tmp_path / "autograder.zip")
    log, source = tmp_path / "log", tmp_path / "log.autograder" / "source"
    with zipfile.ZipFile(tmp_path / "autograder.zip") as archive:
        archive.extractall(source)
    for name, text in STUBS.items():
        (tmp_path / "bin").mkdir(exist_ok=True)
        (tmp_path / "bin" / name).write_text(f"#!/bin/sh\n{text}")
        (tmp_path / "bin" / name).chmod(0o755)
    if has_venv:
        (tmp_path / "log.venv").touch()
    script = (source / "setup.sh").read_text().replace("/autograder", str(tmp_path / "log.autograder"))
    environment = {"PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}", "LOG": str(log), "OLD": str(old)}
    done = subprocess.run(["bash", "-c", script], env=environment, capture_output=True, text=True, check=False)
    calls = log.read_text()
    if old:
        assert done.returncode == 1 and "3.11 or newer" in done.stderr and "pip" not in calls
        return
    assert done.returncode == 0, done.stderr
    assert ("apt-get install -y python3-venv" in calls) == (not has_venv)
    (install,) = [line for line in calls.splitlines() if line.startswith("pip ")]
    assert "--constraint constraints.txt ./minivision-" in install and "--no-index" not in install
    assert (source / "constraints.txt").read_text().splitlines() == pinned_versions()
    library = log.with_suffix(".autograder") / "venv" / "lib" / "python3.12" / "site-packages" / "minivision"
    for hidden in (library, source, *source.rglob("*")):
        assert not hidden.stat().st_mode & 0o007, f"the user of a submission may read {hidden}"


def test_the_grader_stops_before_gradescope_does(trial, tmp_path):
    for minutes, seconds in [(10, 570), (40, 2370)]:
        autograder(trial, tmp_path / "autograder.zip", minutes=minutes)
        with zipfile.ZipFile(tmp_path / "autograder.zip") as archive:
            assert f"timeout --signal=INT --kill-after=10 {seconds} " in archive.read("run_autograder").decode()
    with pytest.raises(ValueError, match="too few"):
        autograder(trial, tmp_path / "autograder.zip", minutes=0.5)


def test_a_grader_that_is_stopped_leaves_the_finished_tasks(trial, submit, tmp_path):
    """As `timeout` does it in `run_autograder`."""
    path, out = submit(relu_backward="    import time\n    time.sleep(600)\n"), tmp_path / "results.json"
    grade = [sys.executable, "-m", "minivision", "homework", "grade", str(trial.folder), str(path), "--json", str(out)]
    process = subprocess.Popen(grade, stderr=subprocess.PIPE, text=True)
    while not out.exists() and process.poll() is None:
        try:
            process.wait(0.2)
        except subprocess.TimeoutExpired:
            pass
    process.send_signal(2)
    process.communicate(timeout=60)
    written = json.loads(out.read_text())
    assert written["score"] == 4 and written["extra_data"]["graded"] == ["1.1"]
    assert "not all tasks are graded" in written["output"]


# ---- Classroom 50 ----------------------------------------------------------------------------------------------------


def test_classroom50_gets_whole_points_for_each_task(runner):
    """The requirements are those that its collector checks (collect_scores.py, validate_result)."""
    written = json.loads(formats.classroom50(report()))
    assert written["schema"] == "classroom50/result/v1"
    assert [written[key] for key in ("classroom", "assignment", "submission")] == [*RUNNER.values()][:3]
    assert written["commit"] and written["release"] and written["review"] and written["datetime"].endswith("Z")
    assert written["tests"] == [
        {"test-name": "1.1 ReLU", "passed": False, "score": 0, "max-score": 4},
        {"test-name": "1.2 ReLU, backward", "passed": False, "score": 2, "max-score": 6},
    ]
    numbers = [written, *written["tests"]]
    assert all(type(each[key]) is int for each in numbers for key in ("score", "max-score"))
    assert (written["score"], written["max-score"]) == (2, 10)


def test_classroom50_gets_no_points_for_a_file_that_cannot_run_and_nothing_for_a_fault_of_the_grader(runner):
    assert json.loads(formats.classroom50(report(**CANNOT_RUN)))["score"] == 0
    with pytest.raises(formats.FormatError, match="NOT GRADED"):
        formats.classroom50(report(**NOT_GRADED))


def test_outside_of_its_runner_classroom50_is_refused_before_grading(trial, monkeypatch, capsys):
    for name in RUNNER:
        monkeypatch.delenv(name, raising=False)
    words = ["homework", "grade", str(trial.folder), "nowhere.py", "--format", "classroom50", "--out", "result.json"]
    assert main(words) == 2
    assert "SUBMISSION_TAG" in capsys.readouterr().err
    for name in set(RUNNER) - {"REVIEW_URL"}:  # which old runners do not set
        monkeypatch.setenv(name, RUNNER[name])
    assert json.loads(formats.classroom50(report()))["review"] == RUNNER["COMMIT_URL"]


# ---- PrairieLearn ----------------------------------------------------------------------------------------------------


def test_prairielearn_gets_a_fraction_and_the_points_of_tests():
    written = json.loads(formats.prairielearn(report()))
    assert written["gradable"] is True and written["score"] == 0.25
    assert [(test["points"], test["max_points"]) for test in written["tests"]] == [(0, 0), (0, 4), (2.5, 2.5), (0, 3.5)]
    assert all(isinstance(test[key], str) for test in written["tests"] for key in ("name", "output"))


@pytest.mark.parametrize("case", [CANNOT_RUN, NOT_GRADED])
def test_prairielearn_takes_no_attempt_for_a_file_that_cannot_run(case):
    written = json.loads(formats.prairielearn(report(**case)))
    assert written["gradable"] is False and case["problem"] in written["format_errors"][0] and "score" not in written


def test_prairielearn_gets_less_than_a_megabyte():
    outcomes = [TestOutcome("1.1", f"test_{k}", False, 0, False, message="x" * 10**6) for k in range(60)]
    assert len(formats.prairielearn(report(tasks=[TaskScore("1.1", "ReLU", 4, 0, outcomes)]))) < 1e6


# ---- JUnit -----------------------------------------------------------------------------------------------------------


def shape(element, shapes):
    """Collect for each path of elements its attributes, and the elements in it."""
    children = {child.tag for child in element}
    attributes, inside = shapes.setdefault(element.tag, (set(), set()))
    attributes |= set(element.attrib)
    inside |= children
    for child in element:
        shape(child, shapes)
    return shapes


@pytest.fixture(scope="module")
def of_pytest(tmp_path_factory):
    """The shape of the XML that pytest writes for a test that passes, one that fails and one that cannot be set up."""
    folder = tmp_path_factory.mktemp("junit")
    (folder / "test_it.py").write_text(
        "import pytest\n\n@pytest.fixture\ndef broken():\n    raise OSError\n\n"
        "def test_right(record_testsuite_property):\n    record_testsuite_property('score', 1)\n"
        "def test_wrong():\n    assert False\ndef test_none(broken):\n    pass\n"
    )
    words = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "--junitxml", "out.xml", "test_it.py"]
    subprocess.run([sys.executable, *words], cwd=folder, capture_output=True, check=False)
    return shape(ElementTree.parse(folder / "out.xml").getroot(), {})


@pytest.mark.parametrize("case", [{}, CANNOT_RUN, NOT_GRADED])
def test_junit_has_the_shape_of_pytests(of_pytest, case):
    root = ElementTree.fromstring(formats.junit(report(**case)).encode())
    for tag, (attributes, inside) in shape(root, {}).items():
        assert tag in of_pytest and attributes <= of_pytest[tag][0] and inside <= of_pytest[tag][1], tag
    (suite,) = root
    for kind in ("failure", "error"):
        assert int(suite.get(f"{kind}s")) == len(suite.findall(f".//{kind}"))
    assert int(suite.get("tests")) == len(suite.findall("testcase")) >= 1 and suite.get("skipped") == "0"
    assert all(case.get("classname") and case.get("name") for case in suite.findall("testcase"))


def test_junit_has_the_messages_and_no_character_that_xml_lacks():
    text = formats.junit(report())
    suite = ElementTree.fromstring(text.encode())[0]
    failure = suite.findall(".//failure")[0]
    assert failure.get("message") == "it is wrong" and "→ <sign> & \ufffd[31m\ufffdmore" in failure.text
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("4", "3", "0")
    assert "3.14" not in text  # the numbers of hidden tests


# ---- files -----------------------------------------------------------------------------------------------------------


def test_a_file_for_one_submission_and_a_folder_for_several(tmp_path):
    assert formats.write_reports([report()], "junit", tmp_path / "one.xml") == [tmp_path / "one.xml"]
    names = ["class/ann.py", "class/late/ann.py", "class/../../x y.py", "class/ANN.py", "class/.bashrc"]
    paths = formats.write_reports([report(name) for name in names], "prairielearn", tmp_path / "all")
    written = ["ann.py.json", "ann.py~2.json", "x_y.py.json", "ANN.py~3.json", "bashrc.json"]
    assert [path.relative_to(tmp_path / "all").as_posix() for path in paths] == written
    assert {path.name for path in (tmp_path / "all").iterdir()} == set(written)


def test_the_command_knows_all_formats_and_writes_them(trial, submit, tmp_path, capsys):
    assert tuple(formats.FORMATS) == command.FORMATS
    words = ["homework", "grade", str(trial.folder), str(submit()), "--format", "junit"]
    assert main(words) == 2 and "--out" in capsys.readouterr().err
    assert main([*words, "--out", str(tmp_path / "out.xml")]) == 0
    assert ElementTree.parse(tmp_path / "out.xml").getroot()[0].get("failures") == "0"
