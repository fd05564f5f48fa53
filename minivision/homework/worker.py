"""The program of a student's process: it loads the student's file and calls its functions on request.

`process.py` starts it as ``python -I worker.py``. It reads requests from one pipe and writes answers to another. After
the student's code was loaded, the grader trusts no answer.
"""

import builtins
import faulthandler
import importlib
import importlib.util
import inspect
import os
import pathlib
import signal
import socket
import sys
import traceback
import types

MAX_MESSAGE_CHARS = 4000  # of an exception


def main(arguments, here):
    """Answer requests until the pipe or the connection is closed.

    Parameters
    ----------
    arguments : list of str
        ``READ WRITE``, the file descriptors of two pipes, or ``port PORT`` of this computer to connect to.
    here : str
        The folder of this file.
    """
    messages = _import_file(os.path.join(here, "messages.py"))
    if arguments[0] == "port":
        reader = writer = socket.create_connection(("127.0.0.1", int(arguments[1])))
        writer.sendall(os.environ.pop("MINIVISION_TOKEN").encode())
    else:
        reader, writer = map(int, arguments)
    channel = messages.Channel(reader, writer, named_tuples=_named_tuple)
    settings = channel.receive()
    sys.path[:0] = settings["path"]
    lines = open(settings["lines"], "w", encoding="utf-8")
    sandbox = None
    if importlib.util.find_spec("resource"):  # on Windows there is none, and no limit but the time
        sandbox = _import_file(os.path.join(here, "sandbox.py"))
        sandbox.limit_resources(settings["cpu_seconds"])
    for name in ("ctypes", "numpy", "json", "linecache", "encodings.idna"):
        importlib.import_module(name)
    unprotected = []
    if settings["isolated"]:
        unprotected = sandbox.isolate(settings["folder"], settings["hidden"], settings["parent"])
    elif sandbox and sys.platform == "linux":
        sandbox.end_with(settings["parent"], signal.SIGKILL)
    channel.send({"unprotected": unprotected})  # before any code of the file can answer
    os.chdir(settings["folder"])
    # When the time is up, the parent sends this signal and reads the current line.
    if hasattr(signal, "SIGUSR1"):
        faulthandler.register(signal.SIGUSR1, file=lines, all_threads=False)
    functions, problem = _load(settings, channel)
    about = {name: _about(function) for name, function in functions.items()}
    channel.send({"functions": about, "error": problem})
    while True:
        try:
            name, args, kwargs = channel.receive()
        except messages.ChannelClosedError:
            return
        channel.send(_answer(functions[name], args, kwargs, settings["file"], messages))


def _import_file(path):
    spec = importlib.util.spec_from_file_location(pathlib.Path(path).stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _named_tuple(module, name):
    if not module.startswith("minivision."):
        raise ValueError(f"a tuple of {module}")
    return getattr(importlib.import_module(module), name)


def _load(settings, channel):
    """Run the student's file; return its functions by name, and a described exception or None."""
    file = settings["file"]
    module = types.ModuleType(pathlib.Path(file).stem)
    module.__file__ = file
    sys.modules[module.__name__] = module  # Numba looks for it there
    if settings["imports"]:
        module.__builtins__ = {**vars(builtins), "__import__": _import_of_allowed(settings["imports"])}
    try:
        exec(compile(pathlib.Path(file).read_bytes(), file, "exec", dont_inherit=True), vars(module))
    except BaseException as error:  # SystemExit too
        return {}, _described(error, file)
    functions = {}
    for name, value in vars(module).items():
        function = getattr(value, "py_func", value)  # the Python function of a Numba dispatcher
        own = inspect.isfunction(function) and function.__module__ == module.__name__
        if own and not name.startswith("_"):
            functions[name] = value
    for name in settings["substitutes"]:  # the file calls the grader's functions in place of its own
        if name in vars(module):
            setattr(module, name, _substitute(name, channel))
    return functions, None


def _import_of_allowed(allowed):
    """Return the ``__import__`` of a file that may import some packages, and the modules and functions in them."""

    def is_allowed(dotted):
        return any(f"{dotted}.".startswith(f"{each}.") for each in allowed)

    def import_allowed(name, globals=None, locals=None, fromlist=(), level=0):
        for dotted in [f"{name}.{each}" for each in fromlist or ()] or [name]:
            if not is_allowed(dotted):
                raise ImportError(f"{dotted} may not be imported in this assignment, which allows {', '.join(allowed)}")
        return importlib.__import__(name, globals, locals, fromlist, level)

    return import_allowed


def _substitute(name, channel):
    def function(*args, **kwargs):
        channel.send({"call": [name, args, kwargs]})
        answer = channel.receive()
        if "error" in answer:
            kind, message = answer["error"]
            raise getattr(builtins, kind, RuntimeError)(message)
        return answer["result"]

    function.__name__ = name
    return function


def _about(function):
    function = getattr(function, "py_func", function)
    parameters = inspect.signature(function, **_unevaluated()).parameters
    return {"parameters": list(parameters), "line": function.__code__.co_firstlineno}


def _unevaluated():
    """Return options of inspect.signature with which no annotation is evaluated, as Python 3.14 would; see
    `minivision.core.signatures`."""
    if importlib.util.find_spec("annotationlib") is None:
        return {}
    return {"annotation_format": importlib.import_module("annotationlib").Format.FORWARDREF}


def _answer(function, args, kwargs, file, messages):
    """Call a function; return its result and the arguments as they are afterwards, or a described exception."""
    try:
        result = function(*args, **kwargs)
        answer = {"result": result, "args": args, "kwargs": kwargs}
        messages.pack(answer)
    except messages.MessageError as error:
        message = f"in the result: {error}"
        return {"error": {"type": "TypeError", "kind": "TypeError", "message": message, "line": None, "code": ""}}
    except BaseException as error:  # SystemExit and KeyboardInterrupt too
        return {"error": _described(error, file)}
    return answer


def _described(error, file):
    """Describe an exception: its type, its message, and the innermost line of the student's file in its traceback."""
    place = None
    if isinstance(error, SyntaxError) and error.filename == file:
        place = error.lineno, (error.text or "").strip()
    for frame in traceback.extract_tb(error.__traceback__):
        if frame.filename == file:
            place = frame.lineno, frame.line
    line, code = place or (None, "")
    code = (code or "")[:MAX_MESSAGE_CHARS]
    try:
        message = str(error.msg if isinstance(error, SyntaxError) else error)[:MAX_MESSAGE_CHARS]
    except Exception:  # its own __str__
        message = ""
    kind = next(base.__name__ for base in type(error).__mro__ if base.__module__ == "builtins")
    return {
        "type": type(error).__name__,
        "kind": kind,
        "message": message,
        "line": line,
        "code": (code or "")[:MAX_MESSAGE_CHARS],
    }


if __name__ == "__main__":
    main(sys.argv[1:], os.path.dirname(os.path.abspath(__file__)))
