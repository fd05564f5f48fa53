"""Wrong functions, as a student would write them: reference implementations with a piece of their text replaced."""

import __future__

import inspect
import types

import minivision
from minivision.core.registry import operations


def written_wrongly(name, *replacements):
    """Return the reference implementation of an operation with pieces of its text replaced: pairs of old and new."""
    body = operations()[name].reference
    text = inspect.getsource(body)
    text = text[text.index("def ") :]
    for old, new in replacements:
        assert old in text, f"{name} no longer contains {old!r}"
        text = text.replace(old, new)
    namespace = {**body.__globals__, "__name__": "wrong"}
    # annotations stay text, as in the modules of operations
    code = compile(text, "wrong", "exec", flags=__future__.annotations.compiler_flag, dont_inherit=True)
    exec(code, namespace)
    return namespace[name]


def register(**functions):
    """Register functions as the backend "wrong" and return its name."""
    module = types.ModuleType("wrong")
    for name, function in functions.items():
        setattr(module, name, function)
    minivision.register_backend("wrong", module)
    return "wrong"
