"""A student's file, made from the library's own source: with blanks, solved, or with mistakes on purpose."""

import ast
import dataclasses
import functools
import textwrap

from minivision.homework.manifest import ManifestError, source_file


@dataclasses.dataclass(frozen=True)
class Function:
    """A function as it stands in a file, in three parts.

    Attributes
    ----------
    name : str
    head : str
        From ``def`` to the end of the docstring.
    body : str
        All below it, comments included.
    first, body_first, last : int
        Line numbers: of the first decorator or ``def``, of the first line of the body, of the last one.
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
    """Return the functions at the top level of a module's source, by name."""
    lines = text.splitlines(keepends=True)
    found = {}
    for node in ast.parse(text).body:
        if not isinstance(node, ast.FunctionDef):
            continue
        documented = ast.get_docstring(node) is not None
        # What is above the body: the docstring, or else what the first statement follows upon.
        body_first = node.body[0].end_lineno + 1 if documented else node.body[0].lineno
        found[node.name] = Function(
            node.name,
            "".join(lines[node.lineno - 1 : body_first - 1]),
            "".join(lines[body_first - 1 : node.end_lineno]),
            min([node.lineno, *(each.lineno for each in node.decorator_list)]),
            body_first,
            node.end_lineno,
        )
    return found


def function_of(dotted):
    """Return a function of the library, from its dotted name."""
    path = source_file(dotted)
    found = _functions_of(path, path.stat().st_mtime_ns).get(dotted.rpartition(".")[2])
    if found is None:
        raise ManifestError(f"{dotted} is not a function at the top level of {path}")
    return found


@functools.lru_cache
def _functions_of(path, changed):
    return functions_in(path.read_text())


def not_written(message, hints=()):
    """Return the body of a function that is not written yet."""
    comments = "".join(textwrap.indent(textwrap.fill(hint, 112), "    # ") + "\n" for hint in hints)
    return f'{comments}    raise NotImplementedError("{message}")\n'


def blank_body(assignment, task, name):
    """Return what stands in place of the body of a function that is to be written."""
    return not_written(f"task {task.id}: {task.title}: write {name} in {assignment.file}", task.hints)


def student_file(assignment, bodies):
    """Return the text of a student's file.

    Parameters
    ----------
    assignment : Assignment
    bodies : callable
        ``bodies(task, function)`` returns the text of a function's body, from the task and the :class:`Function` of
        the library; or None for a function that is not there.
    """
    parts = [f'"""{assignment.title}.\n\n{_introduction(assignment)}"""\n\n{assignment.header.strip()}\n']
    for task in assignment.tasks:
        if task.functions:
            points = f"{task.points:g} point{'s' * (task.points != 1)}"
            parts.append(f"\n\n# ---- task {task.id}: {task.title} ({points}) ".ljust(122, "-") + "\n")
        for dotted in task.functions:
            function = function_of(dotted)
            body = bodies(task, function)
            if body is not None:
                parts.append(f"\n\n{function.head}{body}")
    return "".join(parts)


_INTRODUCTION = """\
Write the functions below; leave their names and their first lines as they are. They are called with arguments in one
form: pairs for stride and the like, ((top, bottom), (left, right)) for padding, arrays in C order and of one dtype.
Never write to an argument. Functions of your own begin with an underscore.

    minivision homework test {first}
"""


def _introduction(assignment):
    return _INTRODUCTION.format(first=assignment.tasks[0].id)


def blank(assignment):
    """Return the file that is handed out."""
    return student_file(assignment, lambda task, function: blank_body(assignment, task, function.name))


def solution(assignment, tasks=None):
    """Return the file with the library's own bodies: of all tasks, or of those whose ids are in `tasks`."""

    def body(task, function):
        return function.body if tasks is None or task.id in tasks else blank_body(assignment, task, function.name)

    return student_file(assignment, body)


def with_body(assignment, name, body):
    """Return the solved file with another body for one function."""
    return student_file(assignment, lambda task, function: body if function.name == name else function.body)


def with_functions(assignment, text):
    """Return the solved file, with the functions of another module's source in place of its own.

    The module stands at the end of the file, so that its functions and imports come last and win.
    """
    return f"{solution(assignment)}\n\n# ---- otherwise ----\n\n{text}"


# ---- the library without some functions ----------------------------------------------------------------------------


def without_bodies(text, messages):
    """Return a module's source with the bodies of some functions replaced.

    Parameters
    ----------
    text : str
    messages : dict
        Name of a function -> what the NotImplementedError in its place says.
    """
    lines = text.splitlines(keepends=True)
    functions = functions_in(text)
    for name in sorted(messages, key=lambda name: -functions[name].first):
        function = functions[name]
        lines[function.body_first - 1 : function.last] = [not_written(messages[name])]
    return "".join(lines)


def without_functions(text, names):
    """Return a module's source without some functions, and without what only they used: private names and imports.

    Returns
    -------
    str or None
        None where no function or class is left.
    """
    gone = set(names)
    while True:
        tree = ast.parse(text)
        spans = [_span(text, node) for node in tree.body if gone & _bound(node) and not _is_import(node)]
        if spans:
            text = _cut(text, spans)
            tree = ast.parse(text)
        used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
        text = _prune_imports(text, tree, used)
        tree = ast.parse(text)
        gone = {
            name for node in tree.body if not _is_import(node) for name in _bound(node) if name.startswith("_")
        } - used
        if not gone:
            break
    kept = any(isinstance(node, (ast.FunctionDef, ast.ClassDef)) for node in tree.body)
    return text if kept else None


def _is_import(node):
    return isinstance(node, (ast.Import, ast.ImportFrom))


def _bound(node):
    """Return the names that a statement at the top level of a module binds."""
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return {node.name}
    if isinstance(node, ast.Assign):
        return {each.id for target in node.targets for each in ast.walk(target) if isinstance(each, ast.Name)}
    return set()


def _span(text, node):
    """Return the first and last line of a statement, with its decorators and the comment right above it."""
    lines = text.splitlines()
    first = min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", []))])
    while first > 1 and lines[first - 2].startswith("#"):
        first -= 1
    return first, node.end_lineno


def _cut(text, spans):
    lines = text.splitlines(keepends=True)
    for first, last in sorted(spans, reverse=True):
        while first > 1 and not lines[first - 2].strip():  # the empty lines above go with it
            first -= 1
        del lines[first - 1 : last]
    return "".join(lines)


def _prune_imports(text, tree, used):
    lines = text.splitlines(keepends=True)
    for node in reversed(tree.body):
        if not _is_import(node):
            continue
        kept = [alias for alias in node.names if (alias.asname or alias.name.partition(".")[0]) in used]
        if len(kept) < len(node.names):
            node.names = kept
            lines[node.lineno - 1 : node.end_lineno] = [ast.unparse(node) + "\n"] if kept else []
    return "".join(lines)
