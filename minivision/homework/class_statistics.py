"""What a class got of each task, and the most frequent causes of lost points."""

import collections
import csv
import dataclasses
import json
import pathlib
import statistics

from minivision.core.atomic import atomic_write

MAX_CAUSES = 3  # of a task, in the table
_NO_CAUSE = "(no cause was named)"


@dataclasses.dataclass(frozen=True)
class TaskStatistics:
    """A class's results in one task.

    Attributes
    ----------
    id, title : str
    points, mean : float
        Points of the task, and what the class got on average.
    full, none : float
        Fractions of the class with all points, and with none.
    unwritten : int
        Number of submissions in which the function is still the blank.
    causes : list of (str, int)
        What the messages of the visible tests named, and for how many submissions, the most frequent first.
    bonus : bool
        Whether the points count on top of those of the assignment.
    """

    id: str
    title: str
    points: float
    mean: float
    full: float
    none: float
    unwritten: int
    causes: list
    bonus: bool = False


def read_results(path):
    """Read the file that ``homework grade --json`` wrote.

    Parameters
    ----------
    path : path

    Returns
    -------
    results : list of dict
        The results of each submission.

    Raises
    ------
    ValueError
        If the file has no such results.
    """
    path = pathlib.Path(path)
    try:
        written = json.loads(path.read_text(encoding="utf-8"))
        results = written["submissions"] if "submissions" in written else [written]
        for each in results:
            each["tests"], each["extra_data"]["points"], each["extra_data"]["tasks"]  # noqa: B018
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise ValueError(f"{path} has no results of `homework grade --json`: {reason}") from None
    return results


def class_statistics(results):
    """Return the statistics of each task.

    Parameters
    ----------
    results : sequence of dict
        As :func:`read_results` returns them. Submissions that could not be graded do not count; files that could not be
        run have 0 points.

    Returns
    -------
    tasks : list of TaskStatistics
    """
    graded = [each for each in results if "score" in each]
    points, titles, bonus = {}, {}, set()
    for each in graded:
        points |= each["extra_data"]["points"]
        titles |= each["extra_data"].get("titles", {})
        bonus |= set(each["extra_data"].get("bonus", ()))
    tasks = []
    for id, most in points.items():
        earned = [each["extra_data"]["tasks"].get(id, 0) for each in graded]
        causes = collections.Counter(cause for each in graded for cause in _causes(each, id))
        unwritten = causes.pop("not written yet", 0)
        tasks.append(
            TaskStatistics(
                id,
                titles.get(id, ""),
                most,
                statistics.fmean(earned),
                sum(got >= most for got in earned) / len(earned),
                sum(got == 0 for got in earned) / len(earned),
                unwritten,
                sorted(causes.items(), key=lambda pair: (-pair[1], pair[0])),
                id in bonus,
            )
        )
    return tasks


def _causes(results, id):
    """Return what the messages about a task name, each once: the sentences behind an arrow."""
    failed = [test for test in results["tests"] if test["number"] == id and test["status"] != "passed"]
    outputs = [test["output"].partition("\n\nYour code printed:")[0] for test in failed]
    if any(output == "not written yet" for output in outputs):
        return {"not written yet"}
    lines = [line.strip() for output in outputs for line in output.splitlines()]
    named = {line.removeprefix("→").strip() for line in lines if line.startswith("→")}
    return named or ({_NO_CAUSE} if outputs else set())


def write_statistics(tasks, path):
    """Write statistics as CSV: a line for each task, with its most frequent causes.

    Parameters
    ----------
    tasks : sequence of TaskStatistics
    path : path
    """
    from minivision.homework.class_results import plain_cell

    head = ["task", "title", "points", "mean", "full", "none", "unwritten", "bonus"]
    head += [f"{name} {k}" for k in range(1, MAX_CAUSES + 1) for name in ("cause", "times")]
    with atomic_write(path) as partial, open(partial, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(head)
        for task in tasks:
            numbers = [f"{task.points:g}", f"{task.mean:.2f}", f"{task.full:.3f}", f"{task.none:.3f}"]
            numbers += [task.unwritten, "bonus" * task.bonus]
            causes = [cell for cause, times in task.causes[:MAX_CAUSES] for cell in (plain_cell(cause), times)]
            writer.writerow([task.id, plain_cell(task.title), *numbers, *causes])
