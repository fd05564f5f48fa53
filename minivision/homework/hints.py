"""Hints in tiers, from a nudge to nearly the line: each call shows the next one of a task.

The hints of an assignment are in its ``hints.toml``, lists of sentences by the ids of the tasks. How many a student has
seen is in ``.hints.json`` in the student's folder.
"""

import json
import tomllib

from minivision.core.atomic import atomic_write
from minivision.homework.manifest import ManifestError

FILE, SEEN = "hints.toml", ".hints.json"


def load_hints(assignment):
    """Read the hints of an assignment.

    Parameters
    ----------
    assignment : Assignment

    Returns
    -------
    hints : dict
        Id of a task -> list of str, the mildest first. Empty if the assignment has no ``hints.toml``.

    Raises
    ------
    ManifestError
        If the file cannot be read, or names a task that does not exist.
    """
    path = assignment.folder / FILE
    if not path.is_file():
        return {}
    try:
        hints = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ManifestError(f"{path}: {error}") from None
    ids = [task.id for task in assignment.tasks]
    for id, tiers in hints.items():
        if id not in ids:
            raise ManifestError(f"{path}: there is no task {id}; the tasks are {', '.join(ids)}")
        if not isinstance(tiers, list) or not tiers or not all(isinstance(tier, str) for tier in tiers):
            raise ManifestError(f"{path}: task {id}: expected a list of sentences, got {tiers!r}")
    return hints


def seen_hints(folder):
    """Return how many hints of each task were shown: id -> number. A file that cannot be read counts as none."""
    try:
        seen = json.loads((folder / SEEN).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    entries = seen.items() if isinstance(seen, dict) else ()
    return {id: number for id, number in entries if isinstance(number, int) and number > 0}


def next_hint(assignment, id):
    """Return the hints of a task up to the next one, and note that it was shown.

    Parameters
    ----------
    assignment : Assignment
        Its folder is that of the student.
    id : str
        Id of the task.

    Returns
    -------
    shown : list of str
        All hints that the student has seen now; the last one is new, unless none was left.
    is_new : bool
    left : int
        How many are left.

    Raises
    ------
    ValueError
        If the task does not exist or has no hints.
    """
    tiers = _tiers(assignment, id)
    seen = seen_hints(assignment.folder)
    before = min(seen.get(id, 0), len(tiers))
    now = min(before + 1, len(tiers))
    if now > before:
        with atomic_write(assignment.folder / SEEN) as partial:
            partial.write_text(json.dumps(seen | {id: now}, indent=1) + "\n", encoding="utf-8")
    return tiers[:now], now > before, len(tiers) - now


def shown_hints(assignment, id):
    """Return the hints of a task that the student has seen, without showing another."""
    return _tiers(assignment, id)[: seen_hints(assignment.folder).get(id, 0)]


def _tiers(assignment, id):
    assignment.task(id)  # an unknown id is an error that lists the known ones
    tiers = load_hints(assignment).get(id)
    if not tiers:
        raise ValueError(f"{assignment.name} has no hints for task {id}; its comments and docstring are in the file")
    return tiers
