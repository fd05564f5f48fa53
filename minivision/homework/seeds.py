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

from minivision.checks.memory import Memory
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
    yield sum(1 + len(_other_solutions(assignment, id)) for id in ids)
    prove_task = functools.partial(_prove, str(assignment.folder), seeds)
    if jobs == 1:
        for proofs in map(prove_task, ids):
            yield from proofs
        return
    spawn = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(jobs, mp_context=spawn, initializer=_one_thread) as pool:
        running = [pool.submit(prove_task, id) for id in ids]
        try:
            for future in concurrent.futures.as_completed(running):
                yield from future.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _other_solutions(assignment, id):
    """Return names and texts, ``(id of the task, text)``, of other right solutions of a task.

    A task without functions of its own is tried with the first of the other solutions of all tasks, then the second.
    """
    if assignment.task(id).file:
        return []
    others = {}
    for each, name, text in alternatives(assignment):
        others.setdefault(each, []).append((name, text))
    if assignment.task(id).functions:
        return [(name, [(id, text)]) for name, text in others.get(id, ())]
    numbered = enumerate(["the first other solutions", "the second other solutions"])
    return [(name, [(each, texts[k][1]) for each, texts in others.items() if k < len(texts)]) for k, name in numbered]


def _one_thread():
    os.environ.setdefault("NUMBA_NUM_THREADS", "1")  # before any kernel starts its threads


def _prove(folder, seeds, task):
    """Return the proofs of a task. All solutions share what depends on the seed alone."""
    assignment = load_assignment(folder)
    solutions = {LIBRARY: library_functions(assignment)}
    for name, texts in _other_solutions(assignment, task):
        functions = dict(solutions[LIBRARY])
        for id, text in texts:
            written = solution_functions(assignment, text, f"{task}_{name}_{id}")
            functions |= {each: written[each] for each in assignment.task(id).names}
        solutions[name] = functions
    plugin = _SeedsPlugin(assignment, solutions, task, seeds)
    run_pytest(plugin, (HIDDEN,))
    return [Proof(task, name, len(seeds), tuple(plugin.failures[name])) for name in solutions]


class _SeedsPlugin(TrustedPlugin):
    """Runs the tests of a task on several solutions with every seed, and notes the failures.

    The tests of a task often check the same cases: one test some of them, the next one all. With the same seed and
    solution a case is checked once.
    """

    def __init__(self, assignment, solutions, task, seeds):
        super().__init__(assignment, {}, LIBRARY, [task], judge=backends.DEFAULT, on_outcome=self._note)
        self.solutions, self.seeds = solutions, seeds
        self.failures, self._tests = {name: [] for name in solutions}, []

    def pytest_runtest_protocol(self, item, nextitem):
        self._tests.append(item)
        if nextitem is None:
            for seed in self.seeds:
                self._run_with(seed)
        return True

    def _run_with(self, seed):
        self.seed, shared = seed, Memory()
        for name, functions in self.solutions.items():
            self.file, self.functions, self.memory = name, functions, Memory(shared)
            for item in self._tests:
                super().pytest_runtest_protocol(item, None)
        self.outcomes.clear()

    def _note(self, outcome):
        if not outcome.passed:
            self.failures[self.file].append((self.seed, outcome.name, outcome.message))
