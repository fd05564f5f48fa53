"""docs/coming-from-pytorch.md: the names of both sides exist, defaults agree, and its code runs as it is printed."""

import importlib
import importlib.util
import inspect
import re

import pytest
from test_docs import TOP

import minivision

TEXT = (TOP / "docs" / "coming-from-pytorch.md").read_text(encoding="utf-8")
TABLE = TEXT[TEXT.index("## Names") : TEXT.index("## What autograd does")]
ROWS = [[cell.strip() for cell in line.split("|")[1:-1]] for line in TABLE.splitlines() if line.startswith("| `")]
DIFFERENT = {("ops.roi_align", "aligned"), ("optim.SGD", "momentum")}  # as the table says


def names(cell):
    return [name.partition("(")[0] for name in re.findall(r"`([^`]+)`", cell)]


PAIRS = [
    (ours, theirs)
    for row in ROWS
    for ours, theirs in zip(names(row[0]), names(row[1]), strict=True)
    if not ours.startswith("Layer.")
]


def resolve(name, module):
    found = module
    for part in name.split("."):
        found = getattr(found, part)
    return found


def theirs_of(name):
    module = name.partition(".")[0]
    if importlib.util.find_spec(module) is None:
        pytest.skip(f"{module} is not installed")
    package, _, attribute = name.rpartition(".")
    return resolve(attribute, importlib.import_module(package))


def test_there_are_rows():
    assert len(PAIRS) > 35


@pytest.mark.parametrize("ours", [ours for ours, _ in PAIRS])
def test_our_name_exists(ours):
    package, _, rest = ours.partition(".")
    assert resolve(rest, importlib.import_module(f"minivision.{package}"))


def test_every_operation_and_every_layer_with_a_name_of_pytorch_is_in_the_table():
    functional = pytest.importorskip("torch.nn.functional")
    torch = pytest.importorskip("torch")
    listed = {ours for ours, _ in PAIRS}
    missing = [name for name in minivision.ops.__all__ if hasattr(functional, name) and f"ops.{name}" not in listed]
    missing += [
        name for name in minivision.layers.__all__ if hasattr(torch.nn, name) and f"layers.{name}" not in listed
    ]
    assert [name for name in missing if name not in ("AvgPool2d", "Sigmoid", "Parameter")] == []


@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
def test_arguments_of_the_same_name_have_the_same_default(ours, theirs):
    package, _, rest = ours.partition(".")
    function = resolve(rest, importlib.import_module(f"minivision.{package}"))
    expected = parameters_of(theirs_of(theirs), theirs)
    for name, parameter in inspect.signature(function).parameters.items():
        default = expected[name].default if name in expected else inspect.Parameter.empty
        if inspect.Parameter.empty not in (default, parameter.default) and (ours, name) not in DIFFERENT:
            assert parameter.default == default, name


def parameters_of(function, name):
    """Return the parameters of PyTorch's function; of one in C++, which has no signature, those of its class."""
    try:
        return inspect.signature(function).parameters
    except ValueError:
        words = name.rpartition(".")[2].replace("conv_transpose", "conv Transpose").replace("_", " ").split()
        cls = getattr(importlib.import_module("torch.nn"), "".join(word[0].upper() + word[1:] for word in words), None)
        return inspect.signature(cls).parameters if cls else {}


def test_the_code_of_the_page_runs_in_order():
    pytest.importorskip("torch")
    blocks = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    assert len(blocks) >= 7
    scope = {}
    for block in blocks:
        exec(block, scope)
