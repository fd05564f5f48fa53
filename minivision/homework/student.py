"""A student's file as a backend, and what its tests ask of it."""

import contextlib
import inspect
import types

from minivision.checks import CheckError, check_operation
from minivision.checks.report import NOT_YET, OK
from minivision.core import backends, registry
from minivision.homework.process import Process


class Student(Process):
    """What a test gets: a student's file, whose functions run in a process of their own.

    Parameters
    ----------
    file, seconds, locked, library
        As in :class:`Process`.
    served : mapping
        Functions by name that stand in for the file's own ones, those of earlier tasks: inside of the file they are
        called in their place, and outside of it these are not asked.
    seed : int
        What tests draw their numbers with.
    small : bool
        Whether :meth:`check` leaves out large cases, to be quick.
    """

    def __init__(self, file, *, seed=0, small=True, **options):
        self.seed, self.small = seed, small
        super().__init__(file, **options)

    @contextlib.contextmanager
    def backend(self):
        """Run the student's functions under everything inside of a ``with`` block: layers, models, training."""
        name = self._register()
        with backends.backend(name):
            yield name

    def _register(self):
        module = types.ModuleType(self.file.stem)
        module.__file__ = str(self.file)
        operations = registry.operations()
        for name, about in self.functions.items():
            if name not in operations or name in self.served:
                continue  # a helper of theirs; or one that is not asked here
            parameters = list(inspect.signature(operations[name]).parameters)
            if about["parameters"] != parameters:
                raise CheckError(
                    f"{self.file}, line {about['line']}: {name} takes ({', '.join(map(str, about['parameters']))}), "
                    f"expected ({', '.join(parameters)}): leave the first line of each function as it was"
                )
            setattr(module, name, self._proxy(operations[name], about, module))
        name = self.file.name if self.file.name not in ("reference", "numba", "cupy") else f"{self.file.name}.py"
        backends.register_backend(name, module)
        return name

    def _proxy(self, op, about, module):
        def proxy(*args, **kwargs):
            return self.call(op.__name__, list(args), kwargs)

        proxy.__name__, proxy.__module__ = op.__name__, module.__name__
        proxy.__signature__ = inspect.signature(op)
        proxy.first_line = int(about["line"])
        return proxy

    def __getattr__(self, name):
        """Return a function that calls the student's one through the door of the operation."""
        operations = registry.operations()
        if name.startswith("_") or name not in operations:
            raise AttributeError(f"the student's file has no attribute {name!r}")

        def through_the_door(*args, **kwargs):
            self._must_have(name)
            with self.backend():
                return operations[name](*args, **kwargs)

        return through_the_door

    def check(self, name, *, seed=0, keep=None):
        """Fail, with a report that says what is wrong and perhaps why, unless a function of the file is right.

        Parameters
        ----------
        name : str
        seed, keep
            As in :func:`minivision.checks.check_operation`.

        Raises
        ------
        CheckError
        NotImplementedError
            When it is still as it was handed out.
        """
        self._must_have(name)
        keep_all = keep or (lambda arguments: True)
        chosen = (lambda arguments: small(arguments) and keep_all(arguments)) if self.small else keep_all
        with self.backend() as backend:
            report = check_operation(name, backend, seed=seed, keep=chosen)
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
            raise CheckError(f"{self.file} has no function {name}; was it renamed, or does it stand inside of another?")


SMALL = 5_000  # elements of all arrays of a case


def small(arguments):
    """Return whether a case is quick to check, also by loops over single numbers."""
    sizes = [getattr(value, "size", 0) for value in arguments.values()]
    return sum(sizes) <= SMALL
