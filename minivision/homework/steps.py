"""A student's wrong functions step by step, beside the right values: never beside the right code."""

import contextlib

from minivision.checks import load_backend, smallest_failure
from minivision.core import backends
from minivision.core.registry import operations
from minivision.homework import recorded_references
from minivision.viz import FailureError, show_failure


def wrong_runs(assignment, file, tasks):
    """Return players for the functions of some tasks that are wrong.

    The file is loaded in this process, as by its author: this is for students' own machines, not for grading.

    Parameters
    ----------
    assignment : Assignment
    file : path
        The student's file.
    tasks : collection of str
        Ids of the tasks.

    Returns
    -------
    players : list of Display
        A run of each wrong function on the smallest example that shows it, with the right values.
    reasons : list of str
        Why a function cannot be shown.
    """
    names = [dotted.rpartition(".")[2] for task in assignment.tasks if task.id in tasks for dotted in task.functions]
    players, reasons = [], []
    with _oracle(assignment) as oracle:
        backend = load_backend(file)
        for op in (operations()[name] for name in names if name in operations()):
            function = backends.get_backend(backend).kernel(op)
            example = smallest_failure(op, backend, oracle=oracle) if function else None
            if example is None or isinstance(example.error, NotImplementedError):
                continue
            try:
                players.append(show_failure(op, function, example, name=file.name, with_right_run=False))
            except FailureError as error:
                reasons.append(f"{op.__name__}: {error}")
    return players, reasons


@contextlib.contextmanager
def _oracle(assignment):
    """Yield the name of the backend whose results are right: the recorded ones in a release."""
    path = assignment.folder / recorded_references.FILE
    if path.exists():
        with recorded_references.recorded_backend(path) as recorded:
            yield recorded
    else:
        yield "reference"
