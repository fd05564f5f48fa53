"""A student whose functions run in this process: for solutions that the library's authors wrote, never for submissions.

Nothing is copied between processes and nothing is limited, so a test costs little more than the functions themselves.
"""

import pathlib
import pkgutil
import sys
import types

from minivision.core import backends
from minivision.core.dispatch import call
from minivision.core.registry import operations
from minivision.core.signatures import signature
from minivision.homework import source
from minivision.homework.plugin import HomeworkPlugin, is_hidden
from minivision.homework.student import Student


class TrustedStudent(Student):
    """The argument ``student`` of a test, with functions of this process.

    Parameters
    ----------
    functions : dict
        Name -> function.
    file : path
        What reports call the file.
    names, seed, small, oracle
        See :class:`minivision.homework.student.Student`.
    memory : minivision.checks.memory.Memory, optional
        What earlier checks of these functions with this seed found out.
    files : dict
        Name -> path of the other files of the solution.
    """

    used, raised = 0.0, 0  # seconds, and exceptions: they are not counted

    def __init__(self, functions, *, file, names, seed=0, small=True, oracle="reference", memory=None, files=None):
        self.memory, self.files = memory, files or {}
        self.names, self.seed, self.small, self.oracle = names, seed, small, oracle
        self.file = pathlib.Path(file)
        self.substitutes, self.stopped, self._functions = {}, None, functions
        self.functions = {name: _about(function) for name, function in functions.items()}

    def _proxy(self, name, about):
        proxy = super()._proxy(name, about)
        proxy.stands_for = self._functions[name]
        return proxy

    def call(self, name, args, kwargs):
        """Call a function with normalized arguments."""
        return self._functions[name](*args, **kwargs)

    def handed_in(self, name):
        """Return the path of another file of the solution."""
        return self.files[name]

    def printed(self):
        """Return nothing: what the functions print is not caught."""
        return ""

    def close(self):
        """Do nothing: there is no process to end."""


class TrustedPlugin(HomeworkPlugin):
    """Runs the tests of an assignment on functions of this process.

    Parameters
    ----------
    assignment : Assignment
    functions : dict
        Name -> function.
    name : str
        What reports call the solution.
    tasks : sequence of str, optional
    judge : str
        Name of the backend whose results are right.
    **options
        See :class:`minivision.homework.plugin.HomeworkPlugin`.
    """

    def __init__(self, assignment, functions, name, tasks=None, *, judge="reference", **options):
        super().__init__(assignment, name, tasks, **options)
        self.functions, self.judge, self.memory = functions, judge, None

    def student_for(self, item):
        hidden = is_hidden(item)
        self._student = TrustedStudent(
            self.functions,
            file=self.file,
            names=self.assignment.names,
            seed=self.seed if hidden else 0,
            small=not hidden,
            oracle=self.judge,
            memory=self.memory,
            files=self.assignment.solution_files,
        )
        return self._student


def _about(function):
    function = getattr(function, "py_func", function)  # of a Numba dispatcher
    return {"parameters": list(signature(function).parameters), "line": function.__code__.co_firstlineno}


def functions_of_text(text, name):
    """Run the text of a solution as a module of this name; return its public functions by name."""
    module = types.ModuleType(name)
    sys.modules[name] = module  # Numba looks for it there when a function is compiled
    exec(compile(text, f"<{name}>", "exec", dont_inherit=True), vars(module))
    functions = {}
    for key, value in vars(module).items():
        function = getattr(value, "py_func", value)
        if isinstance(function, types.FunctionType) and function.__module__ == name and not key.startswith("_"):
            functions[key] = value
    return functions


def library_functions(assignment):
    """Return the functions of an assignment as the library runs them: compiled, where it has a kernel."""
    return {dotted.rpartition(".")[2]: _on_default_backend(dotted) for dotted in assignment.functions}


def _on_default_backend(dotted):
    name = dotted.rpartition(".")[2]
    if name not in operations():
        return pkgutil.resolve_name(dotted)
    op = operations()[name]

    def function(*args, **kwargs):
        with backends.backend(backends.DEFAULT):
            return call(op, (*args, *kwargs.values()))  # keywords are in the order of the operation

    function.__signature__ = signature(op)
    return function


def solution_functions(assignment, text, name):
    """Return the functions of the library's solution, those in `text` in place of its own."""
    return functions_of_text(source.with_functions(assignment, text), f"{assignment.name}_{name}")
