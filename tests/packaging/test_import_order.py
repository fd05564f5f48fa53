"""The packages stand on each other in one order, that of ``minivision.PACKAGES``, and there are no import cycles."""

import ast
import pathlib

import pytest

import minivision

ROOT = pathlib.Path(minivision.__file__).parent
MODULES = {
    ".".join(path.relative_to(ROOT.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(ROOT.rglob("*.py"))
    if not any(part.startswith("hw") for part in path.relative_to(ROOT).parts)  # assignments, not modules
}


def imports(path):
    """Return ``(line, module)`` for every import of minivision in a file, those for type checkers left out."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):  # `if TYPE_CHECKING:` blocks run nowhere
        if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING":
            node.body = []
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            inner = [f"{node.module}.{alias.name}" for alias in node.names]
            found += [(node.lineno, name if name in MODULES else node.module) for name in inner]
    return [(line, name) for line, name in found if name.partition(".")[0] == "minivision"]


def package(module):
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else None


def test_every_package_stands_in_the_list_and_nothing_else_does():
    folders = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert folders == set(minivision.PACKAGES)
    assert {path.name for path in ROOT.glob("*.py")} == {"__init__.py", "__main__.py"}


@pytest.mark.parametrize("name", minivision.PACKAGES)
def test_a_package_imports_only_packages_before_it(name):
    position = minivision.PACKAGES.index(name)
    upward = []
    for module, path in MODULES.items():
        if package(module) != name:
            continue
        for line, imported in imports(path):
            other = package(imported)
            if other in minivision.PACKAGES and minivision.PACKAGES.index(other) > position:
                upward.append(f"{path.relative_to(ROOT)}:{line} imports {imported}")
    assert upward == []


def test_kernels_import_core_alone():
    kernels = {module: path for module, path in MODULES.items() if package(module) == "kernels"}
    others = {imported for path in kernels.values() for _, imported in imports(path) if package(imported) != "kernels"}
    assert {package(imported) for imported in others} == {"core"}


def test_the_registry_imports_nothing_of_the_package():
    assert imports(ROOT / "core" / "registry.py") == []


def test_no_module_imports_itself_by_way_of_others():
    """Imports inside functions are left out: they run when everything is there."""
    graph = {}
    for module, path in MODULES.items():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        lines = {node.lineno for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))}
        targets = {imported for line, imported in imports(path) if line in lines}
        graph[module] = {target for target in targets if target in MODULES and target != module}
    done, active = set(), []

    def visit(module):
        assert module not in active, " -> ".join([*active[active.index(module) :], module])
        if module not in done:
            active.append(module)
            for target in graph[module]:
                visit(target)
            active.pop()
            done.add(module)

    for module in graph:
        visit(module)


def test_packages_can_be_used_from_the_first_line():
    for name in minivision.PACKAGES:
        assert getattr(minivision, name).__name__ == f"minivision.{name}"
    with pytest.raises(AttributeError, match="no attribute 'detectoin'"):
        minivision.detectoin  # noqa: B018
