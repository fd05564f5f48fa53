"""What an operation's page has besides its docstring: its loops, a player, backends, chapters."""

import inspect
import json
import re
from functools import cache
from pathlib import Path

from chapters import FOLDER, first_lines
from docutils import nodes
from package_pages import link_to_page
from players import example_player
from sphinx.util.docutils import SphinxDirective

from minivision.core.registry import find

BACKENDS = ("numba", "cupy")


class OperationDetails(SphinxDirective):
    """The directive `operation`: nothing for a name that is no operation."""

    required_arguments = 1

    def run(self):
        op = find(self.arguments[0].rpartition(".")[2])
        if op is None or not self.arguments[0].startswith(("minivision.ops.", "minivision.detection.")):
            return []
        return [
            *section("Reference implementation", self.reference(op)),
            *section("Step by step", self.player(op)),
            *section("Backends", self.backends(op)),
            *section("Where it is explained", self.chapters(op)),
        ]

    def reference(self, op):
        source = inspect.getsource(op.reference)
        source = source[source.index("def ") :]  # without its decorator
        source = re.sub(r'^    r?""".*?"""\n', "", source, count=1, flags=re.DOTALL | re.MULTILINE)  # it is above
        return [nodes.literal_block(source, source, language="python")]

    def player(self, op):
        return [nodes.raw("", example_player(op).show()._repr_html_(), format="html")]

    def backends(self, op):
        items = ["reference"] + [name for name in BACKENDS if kernel_file(self.env, name, op)]
        return [nodes.paragraph("", "", *joined(nodes.literal(text=name) for name in items))]

    def chapters(self, op):
        root = Path(self.env.srcdir)
        links = []
        for path in chapters_with(root, op.__name__.removesuffix("_backward")):
            links.append(link_to_page(self.env, f"{FOLDER}/{path.stem}", first_lines(path)[0]))
        return [nodes.paragraph("", "", *joined(links))] if links else []


def section(title, content):
    """Return a heading with what belongs to it, or nothing if that is nothing."""
    return [nodes.rubric("", title), *content] if content else []


def joined(items):
    """Return nodes with commas between them."""
    for number, item in enumerate(items):
        if number:
            yield nodes.Text(", ")
        yield item


def kernel_file(env, backend, op):
    """Return the file of a backend's kernel for an operation, None if there is none."""
    path = Path(env.srcdir) / "minivision" / "kernels" / backend / f"{op.family}.py"
    if path.is_file() and re.search(rf"^(def {op.__name__}\(|{op.__name__} = )", path.read_text("utf-8"), re.MULTILINE):
        return path
    return None


@cache
def _code(root):
    """Return the code of each notebook."""
    notebooks = sorted((root / FOLDER).glob("*.ipynb"))
    cells = {path: json.loads(path.read_text(encoding="utf-8"))["cells"] for path in notebooks}
    return {path: "\n".join("".join(cell["source"]) for cell in each) for path, each in cells.items()}


def chapters_with(root, name):
    """Return the notebooks that call an operation or show it in a player."""
    called = re.compile(rf"\b{name}(_backward)?\(|\bops\.{name}(_backward)?\b")
    return [path for path, code in _code(root).items() if called.search(code)]


def setup(app):
    app.add_directive("operation", OperationDetails)
    return {"parallel_read_safe": True}
