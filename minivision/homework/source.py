"""Makes student files and reduced modules from the library's source: blank, solved, or with deliberate mistakes."""

import ast
import dataclasses
import functools
import textwrap

from minivision.homework.manifest import ManifestError, source_file


@dataclasses.dataclass(frozen=True)
class Function:
    """The source of a function.

    Attributes
    ----------
    name : str
    head : str
        From ``def`` to the end of the docstring. The signature has no annotations, so that students read
        ``def conv2d(x, w, b=None, *, stride=1)``.
    body : str
        Everything below the docstring, with comments.
    first, body_first, last : int
        Line numbers in the file: of the first decorator or ``def``, of the first and the last line of the body.
    """

    name: str
    head: str
    body: str
    first: int
    body_first: int
    last: int

    @property
    def text(self):
        """The whole function, without decorators."""
        return self.head + self.body


def functions_in(text):
    """Return the functions at the top level of a module.

    Parameters
    ----------
    text : str
        Source of the module.

    Returns
    -------
    functions : dict
        Name -> :class:`Function`.
    """
    lines = text.splitlines(keepends=True)
    functions = {}
    for node in ast.parse(text).body:
        if not isinstance(node, ast.FunctionDef):
            continue
        documented = ast.get_docstring(node) is not None
        # Without a docstring, the body begins with the first statement.
        body_first = node.body[0].end_lineno + 1 if documented else node.body[0].lineno
        below_signature = node.body[0].lineno - 1
        functions[node.name] = Function(
            node.name,
            _plain_signature(node, text) + "".join(lines[below_signature : body_first - 1]),
            "".join(lines[body_first - 1 : node.end_lineno]),
            min([node.lineno, *(each.lineno for each in node.decorator_list)]),
            body_first,
            node.end_lineno,
        )
    return functions


def _plain_signature(node, text):
    """Return the ``def`` lines of a function without annotations."""
    arguments = node.args
    if not node.returns and not any(isinstance(each, ast.arg) and each.annotation for each in ast.walk(arguments)):
        return "".join(text.splitlines(keepends=True)[node.lineno - 1 : node.body[0].lineno - 1])
    positional = [*arguments.posonlyargs, *arguments.args]
    defaults = [None] * (len(positional) - len(arguments.defaults)) + arguments.defaults
    parts = [_parameter(*each, text) for each in zip(positional, defaults, strict=True)]
    if arguments.posonlyargs:
        parts.insert(len(arguments.posonlyargs), "/")
    if arguments.vararg or arguments.kwonlyargs:
        parts.append(f"*{arguments.vararg.arg if arguments.vararg else ''}")
    parts += [_parameter(*each, text) for each in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)]
    parts += [f"**{arguments.kwarg.arg}"] if arguments.kwarg else []
    line = f"def {node.name}({', '.join(parts)}):\n"
    return line if len(line) <= 121 else f"def {node.name}(\n    {', '.join(parts)}\n):\n"


def _parameter(argument, default, text):
    return argument.arg if default is None else f"{argument.arg}={ast.get_source_segment(text, default)}"


def function_of(dotted):
    """Return a function of the library.

    Parameters
    ----------
    dotted : str
        Dotted name of the function.

    Returns
    -------
    function : Function
    """
    path = source_file(dotted)
    function = _functions_of(path, path.stat().st_mtime_ns).get(dotted.rpartition(".")[2])
    if function is None:
        raise ManifestError(f"{dotted} is not a function at the top level of {path}")
    return function


@functools.lru_cache
def _functions_of(path, changed):
    return functions_in(path.read_text(encoding="utf-8"))


def not_written(message, hints=()):
    """Return the body of a blank function: hints as comments, and NotImplementedError."""
    comments = "".join(textwrap.indent(textwrap.fill(hint, 112), "    # ") + "\n" for hint in hints)
    return f'{comments}    raise NotImplementedError("{message}")\n'


def blank_body(assignment, task, name):
    """Return the body of a blank function of a task, or None for a helper: the blank file has no helpers."""
    if name not in task.names:
        return None
    return not_written(f"task {task.id}: {task.title}: write {name} in {assignment.file}", task.hints)


def student_file(assignment, bodies):
    """Return the text of a student's file.

    Parameters
    ----------
    assignment : Assignment
    bodies : callable
        ``bodies(task, function)`` returns the body for a :class:`Function` of the library, or None to leave it out. It
        is called for the functions of each task and for its helpers.

    Returns
    -------
    text : str
    """
    parts = [f'"""{assignment.title}.\n\n{_introduction(assignment)}"""\n\n{assignment.header.strip()}\n']
    written = set()  # two tasks can share a helper
    for task in assignment.tasks:
        if task.functions:
            points = f"{task.points:g} {'bonus ' * task.bonus}point{'s' * (task.points != 1)}"
            parts.append(f"\n\n# ---- task {task.id}: {task.title} ({points}) ".ljust(122, "-") + "\n")
        for dotted in (*task.helpers, *task.functions):
            function = function_of(dotted)
            body = bodies(task, function)
            if body is not None and dotted not in written:
                written.add(dotted)
                parts.append(f"\n\n{function.head}{body}")
    return "".join(parts)


_INTRODUCTION = """\
Write the functions below. Do not change their names and parameters. They always get their arguments in the same form:
pairs for stride, dilation, scale and kernel_size; ((top, bottom), (left, right)) for padding; arrays in C order and of
the same dtype. Never write to an argument. Names of your own helper functions begin with an underscore.

    minivision homework test {first}
"""


def _introduction(assignment):
    return _INTRODUCTION.format(first=assignment.tasks[0].id)


def blank(assignment):
    """Return the file that students get."""
    return student_file(assignment, lambda task, function: blank_body(assignment, task, function.name))


def solution(assignment, tasks=None):
    """Return the solved file: with the bodies of the library for all tasks, or for the tasks with the ids `tasks`."""

    def body(task, function):
        return function.body if tasks is None or task.id in tasks else blank_body(assignment, task, function.name)

    return student_file(assignment, body)


def with_body(assignment, name, body):
    """Return the solved file with another body for the function `name`."""
    return student_file(assignment, lambda task, function: body if function.name == name else function.body)


def with_functions(assignment, text):
    """Return the solved file with the source of another module appended, so that its functions replace those above."""
    return f"{solution(assignment)}\n\n# ---- alternative ----\n\n{text}"


# ---- the library without some functions ----------------------------------------------------------------------------


def without_bodies(text, messages):
    """Replace the bodies of some functions in a module.

    Parameters
    ----------
    text : str
        Source of the module.
    messages : dict
        Name of a function -> message of the NotImplementedError in its body.

    Returns
    -------
    text : str
    """
    lines = text.splitlines(keepends=True)
    functions = functions_in(text)
    for name in sorted(messages, key=lambda name: -functions[name].first):
        function = functions[name]
        lines[function.body_first - 1 : function.last] = [not_written(messages[name])]
    return "".join(lines)


def without_functions(text, names):
    """Remove some functions from a module, and the private names and imports that only they used.

    Parameters
    ----------
    text : str
        Source of the module.
    names : set of str

    Returns
    -------
    text : str or None
        None if no function or class is left.
    """
    removed = set(names)
    while True:
        tree = ast.parse(text)
        spans = [_span(text, node) for node in tree.body if removed & _bound(node) and not _is_import(node)]
        if spans:
            text = _cut(text, spans)
            tree = ast.parse(text)
        used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
        text = _prune_imports(text, tree, used)
        tree = ast.parse(text)
        removed = {
            name for node in tree.body if not _is_import(node) for name in _bound(node) if name.startswith("_")
        } - used
        if not removed:
            break
    kept = any(isinstance(node, (ast.FunctionDef, ast.ClassDef)) for node in tree.body)
    return text if kept else None


def _is_import(node):
    return isinstance(node, (ast.Import, ast.ImportFrom))


def _bound(node):
    """Return the names that a top-level statement defines."""
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return {node.name}
    if isinstance(node, ast.Assign):
        return {each.id for target in node.targets for each in ast.walk(target) if isinstance(each, ast.Name)}
    return set()


def _span(text, node):
    """Return the first and last line of a statement, with its decorators and the comment directly above."""
    lines = text.splitlines()
    first = min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", []))])
    while first > 1 and lines[first - 2].startswith("#"):
        first -= 1
    return first, node.end_lineno


def _cut(text, spans):
    lines = text.splitlines(keepends=True)
    for first, last in sorted(spans, reverse=True):
        while first > 1 and not lines[first - 2].strip():  # and the empty lines above
            first -= 1
        del lines[first - 1 : last]
    return "".join(lines)


def _prune_imports(text, tree, used):
    lines = text.splitlines(keepends=True)
    for node in reversed(tree.body):
        if not _is_import(node) or getattr(node, "module", None) == "__future__":
            continue
        kept = [alias for alias in node.names if (alias.asname or alias.name.partition(".")[0]) in used]
        if len(kept) < len(node.names):
            node.names = kept
            lines[node.lineno - 1 : node.end_lineno] = [ast.unparse(node) + "\n"] if kept else []
    return "".join(lines)
