"""Everything public in the packages that people program with says the types of its parameters and of its result."""

import importlib
import inspect
import pkgutil

import pytest

PACKAGES = (
    "core", "executors", "ops", "layers", "optim", "data", "detection", "metrics", "checks", "models", "viz", "tasks",
    "training",
)  # fmt: skip


def modules(package):
    found = importlib.import_module(f"minivision.{package}")
    yield found
    for module in pkgutil.walk_packages(found.__path__, f"{found.__name__}."):
        yield importlib.import_module(module.name)


def public_functions(module):
    """Yield ``(name, function)`` for the public functions that a module defines, and the methods of its classes."""
    for name, member in vars(module).items():
        if name.startswith("_") or getattr(member, "__module__", None) != module.__name__:
            continue
        if inspect.isfunction(member):
            yield name, getattr(member, "reference", member)
        elif inspect.isclass(member):
            for method, function in vars(member).items():
                function = getattr(function, "__func__", getattr(function, "fget", function))
                if inspect.isfunction(function) and (not method.startswith("_") or method == "__init__"):
                    yield f"{name}.{method}", function


@pytest.mark.parametrize("package", PACKAGES)
def test_public_functions_are_annotated(package):
    missing, count = [], 0
    for module in modules(package):
        for name, function in public_functions(module):
            if function.__module__ != module.__name__ or "<" in function.__code__.co_filename:
                continue  # written by dataclass or NamedTuple
            count += 1
            parameters = [p for p in inspect.signature(function).parameters.values() if p.name not in ("self", "cls")]
            bare = [p.name for p in parameters if p.annotation is inspect.Parameter.empty]
            if inspect.signature(function).return_annotation is inspect.Signature.empty:
                bare.append("return")
            if bare:
                missing.append(f"{module.__name__}.{name}: {', '.join(bare)}")
    assert count > 3 and missing == []
