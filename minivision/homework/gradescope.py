"""The formats of Gradescope: ``results.json`` for one submission, and the archive of an autograder.

Formats: Gradescope, "Autograder specifications" and "Output format" in its documentation for instructors; limits:
"Troubleshooting" there.
"""

import importlib.metadata
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
install() {{ apt-get update && apt-get install -y "$@"; }}
command -v python3 > /dev/null || install python3 python3-venv
if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "Python 3.11 or newer is needed, and this image has $(python3 --version): choose a newer base image" >&2
    exit 1
fi
python3 -c 'import ensurepip, venv' 2> /dev/null || install python3-venv  # on Debian and Ubuntu a package of its own
python3 -m venv --clear /autograder/venv
offline=()
if [ -d wheels ]; then offline=(--no-index --find-links wheels); fi
/autograder/venv/bin/pip install "${{offline[@]}}" --constraint constraints.txt ./{wheel}
# A submission runs as a user of its own, who may read neither the hidden tests nor the solutions in the library.
chmod -R o= /autograder/source /autograder/venv/lib/python3.*/site-packages/minivision
"""
_RUN = """\
#!/usr/bin/env bash
# Runs for each submission, as root. The student's code runs isolated and has no network.
cd /autograder/source
# Whatever takes longer than Gradescope's limit gets 0 of all points: stop before, the finished tasks are written.
timeout --signal=INT --kill-after=10 {seconds} \\
    /autograder/venv/bin/minivision homework grade {name} /autograder/submission --one --resume --unprotected \\
    --proved --json /autograder/results/results.json{seed} || echo "the grader ended with exit code $?"
"""
MINUTES = 10  # Gradescope's limit for one submission, unless the settings of the assignment say more
_SPARE_SECONDS = 30  # for starting the container, and for what is written at the end


def results(report):
    """Return a report in the format of Gradescope.

    Students see the messages of visible tests. Of hidden tests they only see whether they pass, and the points. The
    format has no entry for extra credit: the total in ``score`` may be more than the points of the assignment, and the
    names of these tests begin with "bonus".

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
            output = outcome.public_message
            if outcome.unwritten:
                output = "not written yet"
            if outcome.printed and output and not outcome.hidden:  # it may print the numbers that it was given
                output += f"\n\nYour code printed:\n{outcome.printed}"
            entry = {
                "number": task.id,
                "name": f"{'bonus: ' * task.bonus}{task.title}: {_sentence(outcome.name)}"
                + (" (other numbers)" if outcome.hidden else ""),
                "status": "passed" if outcome.passed else "failed",
                "output": output,
                "output_format": "text",
                "visibility": "visible",
            }
            if outcome.points:
                entry |= {"score": outcome.earned, "max_score": outcome.points}
            tests.append(entry)
    extra = sum(task.earned for task in report.tasks if task.bonus)
    lines = [f"{report.assignment}: {report.earned:g} of {report.points:g} points"]
    lines[0] += f", {extra:g} of them for a bonus" if extra else ""
    lines += [report.problem] if report.problem else []
    graded = sum(task.points for task in report.tasks)
    if not report.problem and len(report.tasks) and graded < report.points + report.bonus:
        lines.append("not all tasks are graded: the time for this submission ended before")
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
            "points": {task.id: task.points for task in report.tasks},
            "titles": {task.id: task.title for task in report.tasks},
            "bonus": [task.id for task in report.tasks if task.bonus],
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


def pinned_versions():
    """Return the versions of all that grading needs, as they are installed here: ``name==version``.

    Returns
    -------
    lines : list of str
        Sorted. The library itself is not among them.
    """
    from packaging.requirements import Requirement  # pytest brings it

    to_visit, versions = ["pytest>=8", *(importlib.metadata.requires("minivision") or ())], {}
    while to_visit:
        requirement = Requirement(to_visit.pop())
        name = requirement.name.lower().replace("_", "-")
        if name in versions or (requirement.marker and not requirement.marker.evaluate({"extra": ""})):
            continue
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
        to_visit += importlib.metadata.requires(name) or ()
    return sorted(f"{name}=={version}" for name, version in versions.items())


def autograder(assignment, path, *, seed=None, wheels=None, minutes=MINUTES):
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
    minutes : float
        Gradescope's limit for one submission. What is not graded shortly before it ends has no points.
    """
    seconds = round(60 * minutes) - _SPARE_SECONDS
    if seconds < _SPARE_SECONDS:
        raise ValueError(f"{minutes:g} minutes are too few for a submission; Gradescope's limit is {MINUTES} to 40")
    with tempfile.TemporaryDirectory() as folder:
        wheel = write_wheel(whole_library(), "staff", folder)
        own = assignment.name not in assignments()  # not in the wheel
        option = "" if seed is None else f" --seed {seed}"
        files = {
            "setup.sh": _SETUP.format(wheel=wheel.name).encode(),
            "run_autograder": _RUN.format(
                name="./assignment" if own else assignment.name,
                seed=option,
                seconds=seconds,
            ).encode(),
            "constraints.txt": "".join(f"{line}\n" for line in pinned_versions()).encode(),
            wheel.name: wheel.read_bytes(),
        }
    for each in sorted(assignment.folder.rglob("*")) if own else ():
        if each.suffix in (".toml", ".py") or each.name in assignment.files:
            files[f"assignment/{each.relative_to(assignment.folder).as_posix()}"] = each.read_bytes()
    for each in sorted(pathlib.Path(wheels).glob("*.whl")) if wheels else ():
        files[f"wheels/{each.name}"] = each.read_bytes()
    with atomic_write(path) as partial:
        write_zip(files, partial)
