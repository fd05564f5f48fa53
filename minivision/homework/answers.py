"""What a student's process answers, checked: after its file was loaded, that code may send any bytes.

Everything here is bounded and of the expected type, or a :class:`~minivision.homework.messages.MessageError`.
"""

import builtins
import traceback

import numpy as np

from minivision.core.printable import printable
from minivision.homework.messages import MessageError

MAX_TEXT_CHARS, MAX_NAME_CHARS, MAX_NAMES = 4000, 100, 1000


def shown(text, max_chars=MAX_TEXT_CHARS):
    """Return text that every terminal, file and format takes: no control characters, and no more than a page of it."""
    text = printable(str(text)[:max_chars])
    return text if len(text) <= max_chars else text[:max_chars]


def first_answer(answer):
    """Return the parts of the first answer.

    Parameters
    ----------
    answer : object
        As the process sent it.

    Returns
    -------
    functions : dict
        Name -> dict with ``parameters`` (list of str) and ``line`` (int).
    error : dict or None
        What :func:`raised` takes: why the file could not be run.
    """
    functions, error = answer["functions"], answer["error"]
    if len(functions) > MAX_NAMES:
        raise MessageError("its first answer is too long")
    functions = {
        _name(name): {"parameters": [_name(each) for each in about["parameters"][:MAX_NAMES]], "line": _line(about)}
        for name, about in functions.items()
    }
    return functions, None if error is None else _described(error)


def later_answer(answer):
    """Return the parts of an answer to a call.

    Returns
    -------
    kind : str
        ``"call"``: it calls a substitute. ``"error"``: the function raised an exception. ``"result"``.
    parts : tuple or dict
        ``(name, args, kwargs)``; a described exception; ``(result, args, kwargs)``.
    """
    if "call" in answer:
        name, args, kwargs = answer["call"]
        if not (isinstance(args, (list, tuple)) and isinstance(kwargs, dict)):
            raise MessageError("a call without arguments")
        return "call", (_name(name), args, kwargs)
    if answer.get("error"):
        return "error", _described(answer["error"])
    return "result", (answer["result"], answer["args"], answer["kwargs"])


def raised(described, file):
    """Return the exception that the process describes, with the same name and the line of the student's file."""
    base = getattr(builtins, described["kind"], RuntimeError)
    if not (isinstance(base, type) and issubclass(base, Exception)) or base is getattr(builtins, "ExceptionGroup", 0):
        base = RuntimeError
    methods = {
        "__init__": lambda self, text: Exception.__init__(self, text),
        "__str__": lambda self: str(self.args[0]),
    }
    error = type(described["type"], (base,), methods)(described["message"])
    if described["line"]:
        error.frame = traceback.FrameSummary(str(file), described["line"], "", line=described["code"])
    return error


def _described(error):
    names = {key: _name(error.get(key) or "Exception") for key in ("type", "kind")}
    texts = {key: shown(error.get(key) or "") for key in ("message", "code")}
    return {**names, **texts, "line": _line(error)}


def _name(value):
    name = str(value)[:MAX_NAME_CHARS]
    if not name.isidentifier():
        raise MessageError("a name that is none")
    return name


def _line(described):
    line = described.get("line")
    return line if type(line) is int and 0 < line < 1 << 20 else 0


def write_back(ours, theirs):
    """Copy the contents that arguments have after the call into our arrays."""
    for array, after in zip(_arrays(ours), _arrays(theirs), strict=True):
        if array.shape == after.shape and array.dtype == after.dtype and array.tobytes() != after.tobytes():
            array[...] = after


def _arrays(value):
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from _arrays(part)
    elif isinstance(value, (tuple, list)):
        for part in value:
            yield from _arrays(part)
