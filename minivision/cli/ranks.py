"""Commands that mpiexec started: several processes, of which the first one speaks and writes."""

import contextlib
import os
import sys

from minivision.core.ranks import current_ranks, launched_rank


def run_on_ranks(run, sentence):
    """Return ``run()`` of this process as one of the ranks of MPI; an exception that it raises ends all of them.

    ``sentence(error)`` is what to print if MPI cannot be used.
    """
    from minivision.training.mpi import mpi_ranks

    with contextlib.ExitStack() as stack:
        try:
            ranks = stack.enter_context(mpi_ranks())
        except ValueError as error:
            return 2 if launched_rank() else fail(sentence(error), 2)
        if ranks.rank > 0:
            nowhere = stack.enter_context(open(os.devnull, "w", encoding="utf-8"))
            stack.enter_context(contextlib.redirect_stdout(nowhere))
            stack.enter_context(contextlib.redirect_stderr(nowhere))
        return run()


def fail(message, code):
    """Print what went wrong, end the other ranks, if there are any, and return the exit code."""
    ranks = current_ranks()
    if ranks.size == 1:
        print(f"minivision: {message}", file=sys.stderr)
        return code
    ranks.let_first_speak()
    on_rank = f"rank {ranks.rank}: " if ranks.rank else ""
    print(f"minivision: {on_rank}{message}", file=sys.__stderr__, flush=True)
    ranks.end_all(code)
    return code
