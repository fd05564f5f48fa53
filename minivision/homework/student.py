"""The student's file as tests use it: call its functions, check them, and run layers and models on them."""

import contextlib

import numpy as np

from minivision.checks import CheckError, Limits, check_operation
from minivision.checks.report import NOT_YET, OK
from minivision.core import backends, registry
from minivision.core.signatures import signature
from minivision.core.temporary_backend import temporary_backend
from minivision.homework.answers import shown
from minivision.homework.process import StudentProcess

MAX_SMALL_ELEMENTS = 5_000  # in all arrays of a case that is quick to check, also with loops over single numbers
# A result is right if no number is off by more than this part of the largest: an epsilon in a denominator may stay.
TOLERANCE = 1e-5
LIMITS = Limits(tolerance=TOLERANCE)
SIZES = {"map_size", "input_size", "input_shape", "output_size"}  # arguments that are the size of a map


class HandedInError(CheckError):
    """A file that was handed in earns nothing, or not all. Students may read why, also of a hidden test."""

    def __init__(self, message):
        super().__init__(message)
        self.in_short = shown(message)


class Student(StudentProcess):
    """The argument ``student`` of a test: a student's file, whose functions run in a process of their own.

    ``student.conv2d(x, w)`` calls a function of the file, with the argument check of the operation.

    Parameters
    ----------
    file, seconds, isolated, library, imports, called
        See :class:`StudentProcess`.
    names : collection of str, optional
        The functions that the assignment asks for. Others of the file are helpers, whatever they are called: an
        operation of the same name runs as the library's. Default: all that are called like an operation.
    substitutes : dict
        Name -> function that is used in place of the file's own one. Code of the file calls it too.
    seed : int
        Seed of the numbers that tests draw.
    small : bool
        Whether :meth:`check` leaves out large cases, to be quick.
    oracle : str
        Name of the backend whose results count as right.
    refused : dict
        Name of another file of the submission -> why there is none to judge. Others are beside the student's file.
    """

    def __init__(self, file, *, names=None, seed=0, small=True, oracle="reference", refused=None, **options):
        self.names, self.seed, self.small, self.oracle = names, seed, small, oracle
        self.refused = refused or {}
        super().__init__(file, **options)

    memory = None  # what checks know of each other (minivision.checks.memory)
    remark = ""  # of a test, for the student, if it passes

    @property
    def used(self):
        """Seconds for which the functions ran in all calls, as the time limit counts them."""
        return self.seconds - self.left

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
        names = operations if self.names is None else self.names
        for name, about in self.functions.items():
            if name in operations and name in names and name not in self.substitutes:
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

    def handed_in(self, name):
        """Return the path of another file of the submission. Only its author knows what is in it.

        Raises
        ------
        HandedInError
            If there is none, with the reason.
        """
        if name in self.refused:
            raise HandedInError(self.refused[name])
        path = self.path.with_name(name)
        if not path.is_file():
            raise HandedInError(f"there is no {name} beside {self.file.name}")
        return path

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

    def check(self, name, *, seed=0, keep=None, empty=()):
        """Fail unless a function of the file is right. The message reports what is wrong, and the cause if it is known.

        Parameters
        ----------
        name : str
            Name of the function.
        seed, keep
            See :func:`minivision.checks.check_operation`.
        empty : collection of str
            Arguments that may be without elements. Name those of which the statement of the task says so: no right
            solution should lose points by what nobody asked for.

        Raises
        ------
        CheckError
            If the function is wrong or missing.
        NotImplementedError
            If the function is still the blank.
        """
        self._must_have(name)

        def is_chosen(arguments):
            if is_empty(arguments, empty) or self.small and not is_small(arguments):
                return False
            return keep is None or keep(arguments)

        with self.backend() as backend:
            options = {"oracle": self.oracle, "limits": LIMITS, "memory": self.memory}
            report = check_operation(name, backend, seed=seed, keep=is_chosen, **options)
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


def is_empty(arguments, allowed=()):
    """Return whether a case is about nothing: an array or a map without elements, unless its name is `allowed`."""
    sizes = {name: getattr(value, "shape", None) for name, value in arguments.items()}
    sizes |= {name: np.ravel(arguments[name]) for name in SIZES & set(arguments)}
    return any(size is not None and 0 in size for name, size in sizes.items() if name not in allowed)
