"""The process in which a student's code runs: it loads one file, and calls its functions when it is told to.

It is started by `process.py` as ``python -I child.py``, reads its orders from one pipe and answers on another. What
stands here runs before the student's code; nothing that it says afterwards is trusted.
"""

import faulthandler
import importlib
import importlib.util
import inspect
import os
import pathlib
import signal
import sys
import traceback
import types


def main(reading, writing, here):
    """Answer calls until the pipe is closed."""
    messages = _file(os.path.join(here, "messages.py"))
    line = messages.Line(reading, writing, named_tuples=_named_tuple)
    orders = line.receive()
    sys.path[:0] = orders["path"]
    sandbox = _file(os.path.join(here, "sandbox.py"))
    sandbox.limit(orders["processor_seconds"])
    for name in ("ctypes", "numpy", "json", "linecache", "encodings.idna"):
        importlib.import_module(name)
    missing = sandbox.lock_up(orders["folder"], orders["hidden"]) if orders["locked"] else []
    os.chdir(orders["folder"])
    # Where it is, when its time is up: the parent asks by a signal, and reads what is written to stderr.
    faulthandler.register(signal.SIGUSR1, file=sys.stderr, all_threads=False)
    functions, problem = _load(orders, line, messages)
    line.send({"missing": missing, "functions": {name: _about(f) for name, f in functions.items()}, "error": problem})
    while True:
        try:
            name, args, kwargs = line.receive()
        except messages.HangUpError:
            return
        line.send(_answer(functions[name], args, kwargs, orders["file"], messages))


def _file(path):
    """Import a file by its path."""
    spec = importlib.util.spec_from_file_location(pathlib.Path(path).stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _named_tuple(module, name):
    if not module.startswith("minivision."):
        raise ValueError(f"a tuple of {module}")
    return getattr(importlib.import_module(module), name)


def _load(orders, line, messages):
    """Run the student's file; return its own functions by name, and what went wrong or None."""
    file = orders["file"]
    module = types.ModuleType(pathlib.Path(file).stem)
    module.__file__ = file
    sys.modules[module.__name__] = module  # Numba looks for it there
    try:
        exec(compile(pathlib.Path(file).read_bytes(), file, "exec", dont_inherit=True), vars(module))
    except BaseException as error:  # SystemExit too
        return {}, _said(error, file)
    functions = {}
    for name, value in vars(module).items():
        function = getattr(value, "py_func", value)  # what a Numba dispatcher was made of
        own = inspect.isfunction(function) and function.__module__ == module.__name__
        if own and not name.startswith("_"):
            functions[name] = value
    for name in orders["served"]:  # in place of these, others are called: those of who asks
        if name in vars(module):
            setattr(module, name, _served(name, line, messages))
    return functions, None


def _served(name, line, messages):
    def function(*args, **kwargs):
        line.send({"serve": [name, args, kwargs]})
        return line.receive()

    function.__name__ = name
    return function


def _about(function):
    function = getattr(function, "py_func", function)
    return {"parameters": list(inspect.signature(function).parameters), "line": function.__code__.co_firstlineno}


def _answer(function, args, kwargs, file, messages):
    """Call a function; return its result, and the arguments as they are then, or the exception."""
    try:
        result = function(*args, **kwargs)
        answer = {"result": result, "args": args, "kwargs": kwargs}
        messages.pack(answer)
    except messages.MessageError as error:
        said = {"type": "TypeError", "kind": "TypeError", "message": f"in what it returns: {error}"}
        return {"error": said | {"line": None, "code": ""}}
    except BaseException as error:  # SystemExit and KeyboardInterrupt too
        return {"error": _said(error, file)}
    return answer


def _said(error, file):
    """Describe an exception: its kind, its message, and the student's line that it passed through last."""
    place = None
    if isinstance(error, SyntaxError) and error.filename == file:
        place = error.lineno, (error.text or "").strip()
    for frame in traceback.extract_tb(error.__traceback__):
        if frame.filename == file:
            place = frame.lineno, frame.line
    line, code = place or (None, "")
    message = error.msg if isinstance(error, SyntaxError) else str(error)
    kind = next(base.__name__ for base in type(error).__mro__ if base.__module__ == "builtins")
    return {"type": type(error).__name__, "kind": kind, "message": message, "line": line, "code": code or ""}


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), os.path.dirname(os.path.abspath(__file__)))
