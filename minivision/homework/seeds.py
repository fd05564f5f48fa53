"""Proof that the hidden tests hold for any seed: right solutions pass them with hundreds of seeds.

The tests run in this process, on solutions that the library's authors wrote: the compiled functions of the library, and
the other right solutions of each task. Compiled functions stand in for the reference implementations as the judge, too,
which are as right and far slower; whether the reference implementations agree with themselves is no question.
"""

import concurrent.futures
import dataclasses
import functools
import multiprocessing
import os

from minivision.core import backends
from minivision.homework.manifest import load_assignment
from minivision.homework.plugin import HIDDEN, run_pytest
from minivision.homework.trusted_student import TrustedPlugin, library_functions, solution_functions
from minivision.homework.verification import alternatives

LIBRARY = "the library's solution"


@dataclasses.dataclass(frozen=True)
class Proof:
    """The outcome of the hidden tests of a task on one right solution.

    Attributes
    ----------
    task, solution : str
        Id of the task, name of the solution.
    seeds : int
        Number of seeds that were tried.
    failures : tuple of (int, str, str)
        Seeds for which the solution loses points, with the name of the test and its message.
    """

    task: str
    solution: str
    seeds: int
    failures: tuple


def prove(assignment, count, *, tasks=None, jobs=1, first=0):
    """Run the hidden tests of an assignment on its right solutions, with many seeds.

    Parameters
    ----------
    assignment : Assignment
    count : int
        Number of seeds, from `first` on; the seed of the assignment is tried as well.
    tasks : sequence of str, optional
        Ids of the tasks. Default: all.
    jobs : int
        Number of processes.
    first : int

    Yields
    ------
    total : int
        First, the number of proofs.
    proof : Proof
        Then one for each task and solution, in the order in which they are finished.
    """
    seeds = [assignment.seed, *range(first, first + count)]
    ids = [task.id for task in assignment.tasks if tasks is None or task.id in tasks]
    work = [(id, LIBRARY, ()) for id in ids]
    for id in ids:
        work += [(id, name, texts) for name, texts in _other_solutions(assignment, id)]
    yield len(work)
    prove_one = functools.partial(_prove, str(assignment.folder), seeds)
    if jobs == 1:
        yield from map(prove_one, *zip(*work, strict=True))
        return
    spawn = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(jobs, mp_context=spawn, initializer=_one_thread) as pool:
        running = [pool.submit(prove_one, *each) for each in work]
        try:
            for future in concurrent.futures.as_completed(running):
                yield future.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _other_solutions(assignment, id):
    """Return names and texts, ``(id of the task, text)``, of other right solutions of a task.

    A task without functions of its own is tried with the first of the other solutions of all tasks, then the second.
    """
    others = {}
    for each, name, text in alternatives(assignment):
        others.setdefault(each, []).append((name, text))
    if assignment.task(id).functions:
        return [(name, [(id, text)]) for name, text in others.get(id, ())]
    numbered = enumerate(["the first other solutions", "the second other solutions"])
    return [(name, [(each, texts[k][1]) for each, texts in others.items() if k < len(texts)]) for k, name in numbered]


def _one_thread():
    os.environ.setdefault("NUMBA_NUM_THREADS", "1")  # before any kernel starts its threads


def _prove(folder, seeds, task, solution, texts):
    assignment = load_assignment(folder)
    functions = library_functions(assignment)
    for id, text in texts:
        written = solution_functions(assignment, text, f"{task}_{solution}_{id}")
        functions |= {name: written[name] for name in assignment.task(id).names}
    plugin = _SeedsPlugin(assignment, functions, solution, [task], seeds)
    run_pytest(plugin, (HIDDEN,))
    return Proof(task, solution, len(seeds), tuple(plugin.failures))


class _SeedsPlugin(TrustedPlugin):
    """Runs each test with every seed, and notes the failures."""

    def __init__(self, assignment, functions, solution, tasks, seeds):
        super().__init__(assignment, functions, solution, tasks, judge=backends.DEFAULT, on_outcome=self._note)
        self.seeds, self.failures = seeds, []

    def pytest_runtest_protocol(self, item, nextitem):
        for seed in self.seeds:
            self.seed = seed
            super().pytest_runtest_protocol(item, nextitem)
        return True

    def _note(self, outcome):
        if not outcome.passed:
            self.failures.append((self.seed, outcome.name, outcome.message))
