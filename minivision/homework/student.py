"""The student's file as tests use it: call its functions, check them, and run layers and models on them."""

import contextlib

import numpy as np

from minivision.checks import CheckError, check_operation
from minivision.checks.report import NOT_YET, OK
from minivision.core import backends, registry
from minivision.core.signatures import signature
from minivision.core.temporary_backend import temporary_backend
from minivision.homework.process import StudentProcess

MAX_SMALL_ELEMENTS = 5_000  # in all arrays of a case that is quick to check, also with loops over single numbers


class Student(StudentProcess):
    """The argument ``student`` of a test: a student's file, whose functions run in a process of their own.

    ``student.conv2d(x, w)`` calls a function of the file, with the argument check of the operation.

    Parameters
    ----------
    file, seconds, isolated, library, imports, called
        See :class:`StudentProcess`.
    substitutes : dict
        Name -> function that is used in place of the file's own one. Code of the file calls it too.
    seed : int
        Seed of the numbers that tests draw.
    small : bool
        Whether :meth:`check` leaves out large cases, to be quick.
    oracle : str
        Name of the backend whose results count as right.
    """

    def __init__(self, file, *, seed=0, small=True, oracle="reference", **options):
        self.seed, self.small, self.oracle = seed, small, oracle
        super().__init__(file, **options)

    @contextlib.contextmanager
    def backend(self):
        """Run the student's functions under all layers and models inside of a ``with`` block.

        Yields
        ------
        name : str
            Name of the backend.

        Raises
        ------
        CheckError
            If a function of the file has other parameters than its operation.
        """
        functions, operations = {}, registry.operations()
        for name, about in self.functions.items():
            if name in operations and name not in self.substitutes:
                self._check_parameters(operations[name], about)
                functions[name] = self._proxy(name, about)
        otherwise = None if self.oracle == "reference" else self.oracle
        with temporary_backend(self.file.name, functions, file=self.file, otherwise=otherwise) as name:
            with backends.backend(name):
                yield name

    def _check_parameters(self, op, about):
        parameters = list(signature(op).parameters)
        if about["parameters"] != parameters:
            raise CheckError(
                f"{self.file}, line {about['line']}: {op.__name__} takes ({', '.join(about['parameters'])}), "
                f"expected ({', '.join(parameters)}): do not change the first line of a function"
            )

    def _proxy(self, name, about):
        def proxy(*args, **kwargs):
            return self.call(name, list(args), kwargs)

        proxy.first_line = about["line"]
        return proxy

    def __getattr__(self, name):
        """Return a function that calls the student's function through the dispatcher of the operation.

        A function that is no operation gets copies of its arguments as they are.
        """
        operations = registry.operations()
        if name.startswith("_") or "functions" not in vars(self):
            raise AttributeError(f"the student's file has no attribute {name!r}")
        if name not in operations:
            self._must_have(name)
            return lambda *args, **kwargs: self.call(name, [*map(np.copy, args)], kwargs)

        def dispatch(*args, **kwargs):
            self._must_have(name)
            with self.backend():
                return operations[name](*args, **kwargs)

        return dispatch

    def check(self, name, *, seed=0, keep=None):
        """Fail unless a function of the file is right. The message reports what is wrong, and the cause if it is known.

        Parameters
        ----------
        name : str
            Name of the function.
        seed, keep
            See :func:`minivision.checks.check_operation`.

        Raises
        ------
        CheckError
            If the function is wrong or missing.
        NotImplementedError
            If the function is still the blank.
        """
        self._must_have(name)

        def is_chosen(arguments):
            return (not self.small or is_small(arguments)) and (keep is None or keep(arguments))

        with self.backend() as backend:
            report = check_operation(name, backend, seed=seed, keep=is_chosen, oracle=self.oracle)
        if not report.cases:
            raise LookupError(f"{name}: no case is left to check")
        if self.stopped:
            raise self.stopped
        if report.verdict == NOT_YET:
            raise NotImplementedError(f"{name} is not written yet ({report.place})")
        if report.verdict != OK:
            raise CheckError(str(report))

    def _must_have(self, name):
        if name not in self.functions:
            raise CheckError(f"{self.file} has no function {name}; was it renamed, or is it inside another function?")


def is_small(arguments):
    """Return whether a case is quick to check, given its arguments by name."""
    sizes = [getattr(value, "size", 0) for value in arguments.values()]
    return sum(sizes) <= MAX_SMALL_ELEMENTS
