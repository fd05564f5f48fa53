"""Gradescope's formats: ``results.json`` for one submission, and the archive that makes its autograder.

Formats: Gradescope, "Autograder specifications" and "Output format" in its documentation for instructors.
"""

import json
import pathlib

from minivision.core.atomic import atomic_write
from minivision.homework.library import whole_library, write_wheel, write_zip
from minivision.homework.manifest import assignments

_SETUP = """\
#!/usr/bin/env bash
# Runs once, when the autograder's image is built. With a folder `wheels` nothing is fetched from anywhere.
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
# Runs for each submission, as root: the student's code itself runs locked up, and needs no network.
cd /autograder/source
/autograder/venv/bin/minivision homework grade {name} /autograder/submission --one \\
    --json /autograder/results/results.json{seed}
"""


def results(result):
    """Return a :class:`Result` in Gradescope's format.

    Visible tests show what is wrong; hidden ones only whether they hold, and what they earn.
    """
    tests = []
    for task in result.tasks:
        for outcome in task.outcomes:
            said = outcome.message if not outcome.hidden else "" if outcome.passed else "wrong for other numbers"
            if outcome.unwritten:
                said = "not written yet"
            entry = {
                "number": task.id,
                "name": f"{task.title}: {_sentence(outcome.name)}" + (" (other numbers)" if outcome.hidden else ""),
                "status": "passed" if outcome.passed else "failed",
                "output": said + (f"\n\nYour code printed:\n{outcome.printed}" if outcome.printed and said else ""),
                "output_format": "text",
                "visibility": "visible",
            }
            if outcome.points:
                entry |= {"score": outcome.earned, "max_score": outcome.points}
            tests.append(entry)
    lines = [f"{result.assignment}: {result.earned:g} of {result.points:g} points"]
    lines += [result.problem] if result.problem else []
    lines += [
        f"task {task.id} was graded with the library's functions in place of yours of earlier tasks"
        for task in result.tasks
        if task.with_reference
    ]
    return {
        "score": result.earned,
        "output": "\n".join(lines),
        "stdout_visibility": "hidden",
        "tests": tests,
        "extra_data": {
            "assignment": result.assignment,
            "submission": result.submission,
            "seed": result.seed,
            "not_protected": result.missing,
            "tasks": {task.id: task.earned for task in result.tasks},
            "graded": [task.id for task in result.tasks],
        },
    }


def _sentence(test):
    return test.removeprefix("test_").replace("_", " ")


def write_results(results, path):
    """Write results as JSON; the file is always a whole one, the old or the new."""
    with atomic_write(path) as beside:
        beside.write_text(json.dumps(results, indent=1) + "\n")


def autograder(assignment, path, *, seed=None, wheels=None):
    """Write the archive that Gradescope makes an autograder of.

    Parameters
    ----------
    assignment : Assignment
    path : path
        Of the zip archive.
    seed : int, optional
        Of hidden tests: choose one that nobody knows.
    wheels : path, optional
        A folder with the wheels of all dependencies (``pip download``); with it nothing is fetched from anywhere.
    """
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        wheel = write_wheel(whole_library(), "staff", folder)
        own = assignment.name not in assignments()  # not one of those in the wheel
        given = "" if seed is None else f" --seed {seed}"
        files = {
            "setup.sh": _SETUP.format(wheel=wheel.name).encode(),
            "run_autograder": _RUN.format(name="./assignment" if own else assignment.name, seed=given).encode(),
            wheel.name: wheel.read_bytes(),
        }
    for each in sorted(assignment.folder.rglob("*")) if own else ():
        if each.suffix in (".toml", ".py"):
            files[f"assignment/{each.relative_to(assignment.folder).as_posix()}"] = each.read_bytes()
    for each in sorted(pathlib.Path(wheels).glob("*.whl")) if wheels else ():
        files[f"wheels/{each.name}"] = each.read_bytes()
    with atomic_write(path) as beside:
        write_zip(files, beside)
