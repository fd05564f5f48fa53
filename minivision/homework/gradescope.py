"""The formats of Gradescope: ``results.json`` for one submission, and the archive of an autograder.

Formats: Gradescope, "Autograder specifications" and "Output format" in its documentation for instructors.
"""

import json
import pathlib
import tempfile

from minivision.core.atomic import atomic_write
from minivision.homework.library import whole_library, write_wheel, write_zip
from minivision.homework.manifest import assignments

_SETUP = """\
#!/usr/bin/env bash
# Runs once, when the image of the autograder is built. With a folder `wheels` nothing is downloaded.
set -euo pipefail
cd /autograder/source
python3 --version || (apt-get update && apt-get install -y python3 python3-venv)
python3 -m venv /autograder/venv
offline=()
if [ -d wheels ]; then offline=(--no-index --find-links wheels); fi
/autograder/venv/bin/pip install "${{offline[@]}}" ./{wheel}
"""
_RUN = """\
#!/usr/bin/env bash
# Runs for each submission, as root. The student's code runs isolated and has no network.
cd /autograder/source
/autograder/venv/bin/minivision homework grade {name} /autograder/submission --one --proved \\
    --json /autograder/results/results.json{seed}
"""


def results(report):
    """Return a report in the format of Gradescope.

    Students see the messages of visible tests. Of hidden tests they only see whether they pass, and the points.

    Parameters
    ----------
    report : SubmissionReport

    Returns
    -------
    results : dict
    """
    tests = []
    for task in report.tasks:
        for outcome in task.outcomes:
            output = outcome.message if not outcome.hidden else "" if outcome.passed else "wrong for other numbers"
            if outcome.unwritten:
                output = "not written yet"
            if outcome.printed and output and not outcome.hidden:  # it may print the numbers that it was given
                output += f"\n\nYour code printed:\n{outcome.printed}"
            entry = {
                "number": task.id,
                "name": f"{task.title}: {_sentence(outcome.name)}" + (" (other numbers)" if outcome.hidden else ""),
                "status": "passed" if outcome.passed else "failed",
                "output": output,
                "output_format": "text",
                "visibility": "visible",
            }
            if outcome.points:
                entry |= {"score": outcome.earned, "max_score": outcome.points}
            tests.append(entry)
    lines = [f"{report.assignment}: {report.earned:g} of {report.points:g} points"]
    lines += [report.problem] if report.problem else []
    lines += [
        f"task {task.id} was graded with the library's functions in place of your functions of earlier tasks"
        for task in report.tasks
        if task.with_reference
    ]
    return {
        **({"score": report.earned} if report.graded else {}),
        "output": "\n".join(lines),
        "stdout_visibility": "hidden",
        "tests": tests,
        "extra_data": {
            "assignment": report.assignment,
            "submission": report.submission,
            "seed": report.seed,
            "not_protected": report.unprotected,
            "tasks": {task.id: task.earned for task in report.tasks},
            "graded": [task.id for task in report.tasks],
        },
    }


def _sentence(test):
    return test.removeprefix("test_").replace("_", " ")


def write_results(results, path):
    """Write results as JSON, atomically.

    Parameters
    ----------
    results : dict
        As :func:`results` returns it.
    path : path
    """
    with atomic_write(path) as partial:
        partial.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


def autograder(assignment, path, *, seed=None, wheels=None):
    """Write the zip archive of an autograder for Gradescope.

    Parameters
    ----------
    assignment : Assignment
    path : path
        Path of the archive.
    seed : int, optional
        Seed of the hidden tests. Keep it secret.
    wheels : path, optional
        A folder with the wheels of all dependencies (``pip download``). With it nothing is downloaded.
    """
    with tempfile.TemporaryDirectory() as folder:
        wheel = write_wheel(whole_library(), "staff", folder)
        own = assignment.name not in assignments()  # not in the wheel
        option = "" if seed is None else f" --seed {seed}"
        files = {
            "setup.sh": _SETUP.format(wheel=wheel.name).encode(),
            "run_autograder": _RUN.format(name="./assignment" if own else assignment.name, seed=option).encode(),
            wheel.name: wheel.read_bytes(),
        }
    for each in sorted(assignment.folder.rglob("*")) if own else ():
        if each.suffix in (".toml", ".py"):
            files[f"assignment/{each.relative_to(assignment.folder).as_posix()}"] = each.read_bytes()
    for each in sorted(pathlib.Path(wheels).glob("*.whl")) if wheels else ():
        files[f"wheels/{each.name}"] = each.read_bytes()
    with atomic_write(path) as partial:
        write_zip(files, partial)
