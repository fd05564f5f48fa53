"""The examples in docstrings are right, and every operation has one."""

import doctest
import importlib
import pkgutil

import pytest

import minivision
from minivision.core.registry import operations

LEFT_OUT = ("minivision.__main__", "minivision.kernels.cupy")  # the command line; needs a GPU

MODULES = [
    module.name
    for module in pkgutil.walk_packages(minivision.__path__, "minivision.", onerror=lambda name: None)
    if not module.name.startswith(LEFT_OUT)
]
FINDER = doctest.DocTestFinder(exclude_empty=True)


@pytest.mark.parametrize("name", MODULES)
def test_examples_print_what_they_say(name):
    output = []
    for example in FINDER.find(importlib.import_module(name)):
        doctest.DocTestRunner().run(example, out=output.append)
    assert not output, "".join(output)


@pytest.mark.parametrize("name", operations())
def test_every_operation_has_an_example_that_calls_it(name):
    tests = FINDER.find(operations()[name], name)
    calls = [example.source for test in tests for example in test.examples]
    assert any(f"{name}(" in call for call in calls), f"{name} has no example: add a section Examples to its docstring"
