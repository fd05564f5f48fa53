"""Results for the places where courses are: Gradescope, Classroom 50, PrairieLearn, and what reads JUnit's XML.

Each function takes the results of one submission as :func:`minivision.homework.gradescope.results` returns them, which
is also what ``homework grade --json`` writes.
"""

import datetime
import json
import os
import pathlib
import re
import xml.etree.ElementTree as ElementTree

from minivision.core.atomic import atomic_write

MAX_OUTPUT_CHARS = 4000  # of one test: PrairieLearn reads no results of more than 1 MB
# What the runner of Classroom 50 tells an autograder, and the entries of result.json that it goes to.
_CLASSROOM50 = {
    "classroom": "CLASSROOM", "assignment": "ASSIGNMENT", "submission": "SUBMISSION_TAG", "commit": "COMMIT_URL",
    "release": "RELEASE_URL", "review": "REVIEW_URL",
}  # fmt: skip


class FormatError(ValueError):
    """Results that cannot be written in a format. The message says what is missing."""


def write_reports(results, format, path):
    """Write the results of one submission as a file, of several as a folder with a file for each.

    Parameters
    ----------
    results : sequence of dict
    format : str
        One of ``FORMATS``.
    path : path
        A file; for several submissions a folder.

    Returns
    -------
    paths : list of Path
    """
    write, suffix = FORMATS[format]
    path = pathlib.Path(path)
    paths = [path]
    if len(results) != 1:
        path.mkdir(parents=True, exist_ok=True)
        paths = [path / f"{name}{suffix}" for name in _names(results)]
    for each, file in zip(results, paths, strict=True):
        with atomic_write(file) as partial:
            partial.write_text(write(each), encoding="utf-8")
    return paths


def _names(results):
    """Return a file name for each submission; two that would have the same get a number."""
    names = []
    for each in results:
        name = re.sub(r"[^\w.-]+", "_", pathlib.Path(each["extra_data"]["submission"]).name).lstrip(".") or "submission"
        count = sum(other.partition("~")[0].lower() == name.lower() for other in names)
        names.append(f"{name}~{count + 1}" if count else name)
    return names


def check_format(format):
    """Refuse a format that cannot be written here, before anything is graded.

    Raises
    ------
    FormatError
        If the runner of Classroom 50 has not set the variables that its format needs.
    """
    missing = [name for name in _CLASSROOM50.values() if not _variable(name)]
    if format == "classroom50" and missing:
        raise FormatError(f"classroom50 is written by its runner, which sets variables; not set: {', '.join(missing)}")


def _variable(name):
    value = os.environ.get(name, "")
    return value or (os.environ.get("COMMIT_URL", "") if name == "REVIEW_URL" else "")


# ---- formats ---------------------------------------------------------------------------------------------------------


def gradescope(results):
    """Return the text of Gradescope's ``results.json``."""
    return json.dumps(results, indent=1) + "\n"


def classroom50(results):
    """Return the text of Classroom 50's ``result.json``, schema ``classroom50/result/v1``.

    Points must be whole numbers there, so each task is one entry, and fractions of a point are rounded down. There is
    no extra credit: the points for a bonus are a part of the total.

    Source: Classroom 50, "Advanced Autograding", section "The result.json contract".
    """
    check_format("classroom50")
    if not _is_graded(results):
        raise FormatError(f"not graded, so there is no result.json: {_sentence(results)}")
    tests = [
        {"test-name": f"{id} {title}", "passed": earned == points, "score": int(earned), "max-score": int(points)}
        for id, title, earned, points, _ in _tasks(results)
    ]
    now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    entries = {entry: _variable(name) for entry, name in _CLASSROOM50.items()}
    totals = {key: sum(test[key] for test in tests) for key in ("score", "max-score")}
    return json.dumps(
        {"schema": "classroom50/result/v1", **entries, "datetime": now, **totals, "tests": tests}, indent=1
    )


def prairielearn(results):
    """Return the text of ``/grade/results/results.json`` of PrairieLearn's external graders.

    The score is a fraction, at most 1: a bonus makes up for points that are lost elsewhere. A file that cannot be run,
    and a fault of the grader, cost no attempt.

    Source: PrairieLearn, "External grading", section "Grading results".
    """
    if not _is_graded(results) or not results["tests"]:
        return json.dumps({"gradable": False, "format_errors": [_sentence(results)]}, indent=1)
    tests = [
        {
            "name": f"{test['number']} {test['name']}",
            "points": test.get("score", 0),
            "max_points": test.get("max_score", 0),
            "output": _cut(test["output"]),
        }
        for test in results["tests"]
    ]
    points = sum(points for *_, points, bonus in _tasks(results) if not bonus)
    score = min(max(results["score"] / points, 0.0), 1.0) if points else 0.0
    return json.dumps({"gradable": True, "score": score, "message": results["output"], "tests": tests}, indent=1)


def junit(results):
    """Return the results as XML in the form of JUnit: a suite for each submission, a case for each test.

    Elements and attributes are those that pytest writes (``--junitxml``).
    """
    name = results["extra_data"]["assignment"]
    cases = [_case(name, test) for test in results["tests"]]
    if not cases:  # the file could not be run, or the grader failed
        case = ElementTree.Element("testcase", classname=name, name="the submission is graded")
        kind = "failure" if _is_graded(results) else "error"
        ElementTree.SubElement(case, kind, message=_legal(_sentence(results)))
        cases = [case]
    counts = {kind: sum(case.find(kind) is not None for case in cases) for kind in ("failure", "error")}
    suites = ElementTree.Element("testsuites")
    suite = ElementTree.SubElement(
        suites, "testsuite", name=name, tests=str(len(cases)), failures=str(counts["failure"]),
        errors=str(counts["error"]), skipped="0",
    )  # fmt: skip
    properties = ElementTree.SubElement(suite, "properties")
    for key, value in {"submission": results["extra_data"]["submission"], "score": results.get("score", "")}.items():
        ElementTree.SubElement(properties, "property", name=key, value=_legal(f"{value}"))
    suite.extend(cases)
    ElementTree.indent(suites)
    return ElementTree.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def _case(assignment, test):
    case = ElementTree.Element("testcase", classname=f"{assignment}.{test['number']}", name=_legal(test["name"]))
    if test["status"] != "passed":
        text = _legal(_cut(test["output"]))
        ElementTree.SubElement(case, "failure", message=text.partition("\n")[0]).text = text
    return case


FORMATS = {
    "gradescope": (gradescope, ".json"),
    "classroom50": (classroom50, ".json"),
    "prairielearn": (prairielearn, ".json"),
    "junit": (junit, ".xml"),
}


# ---- what the formats share ------------------------------------------------------------------------------------------


def _is_graded(results):
    return "score" in results


def _sentence(results):
    """Return the reason why there are no tests."""
    return " ".join(results["output"].split())


def _tasks(results):
    """Yield id, title, earned points and points of each task, and whether it is for a bonus."""
    about = results["extra_data"]
    for id, points in about["points"].items():
        bonus = id in about.get("bonus", ())
        title = about["titles"][id] + " (bonus)" * bonus
        yield id, title, about["tasks"].get(id, 0), points, bonus


def _cut(text):
    return text if len(text) <= MAX_OUTPUT_CHARS else f"{text[:MAX_OUTPUT_CHARS]}\n... (cut)"


def _legal(text):
    """Return text without the characters that XML does not allow."""
    return re.sub("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", text)
