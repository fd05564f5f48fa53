"""Names and files in the text become links: `conv2d` to its page of the reference, `ops/convolution.py` to its source.

The text stays as it reads in an editor: inline code. Only what is surely meant is linked: names of operations, names
with their package in front (`ops.conv2d`, `minivision.viz.trace`), and paths of files that exist.
"""

import re
from pathlib import Path

from docutils import nodes
from package_pages import page_of, public_names
from source_pages import link_to_source
from sphinx.transforms.post_transforms import SphinxPostTransform

from minivision.core.registry import operations

FOLDERS = ("", "minivision", "minivision/models", "minivision/kernels/numba", "minivision/kernels/numba/engine")
FILE = re.compile(r"[\w.-]+(/[\w.-]+)*\.(py|cu|toml|html|css)")


def known_names():
    """Return for each way in which the text names a public thing the name under which the reference has it."""
    full = {f"{package}.{name}" for package, names in public_names().items() for name in names}
    names = {name: name for name in full}
    names |= {name.removeprefix("minivision."): name for name in full}
    names |= {name.rpartition(".")[2]: name for name in full if name.rpartition(".")[2] in operations()}
    return names


class CodeLinks(SphinxPostTransform):
    """Make links of inline code that is in no link yet."""

    default_priority = 4  # before references are resolved
    formats = ("html",)
    names = None

    def run(self):
        if CodeLinks.names is None:
            CodeLinks.names = known_names()
        here = self.env.docname
        for node in list(self.document.findall(nodes.literal)):
            if isinstance(node.parent, nodes.reference | nodes.title) or "xref" in node["classes"]:
                continue
            link = self.to_name(here, node) or self.to_file(here, node)
            if link is not None:
                node.replace_self(link)

    def to_name(self, here, node):
        full = self.names.get(node.astext().removesuffix("()"))
        if full is None:
            return None
        page = "docs/api/" + page_of(full)
        if page == here or page not in self.env.found_docs:
            return None
        uri = self.app.builder.get_relative_uri(here, page)
        return nodes.reference("", "", node.deepcopy(), internal=True, refuri=uri)

    def to_file(self, here, node):
        name = node.astext()
        if not FILE.fullmatch(name) or "/" not in name:
            return None
        root = Path(self.app.srcdir)
        paths = (f"{folder}/{name}".lstrip("/") for folder in FOLDERS)
        path = next((path for path in paths if path.startswith("minivision/") and (root / path).is_file()), None)
        return None if path is None else link_to_source(self.app.builder, here, path, node.deepcopy())


def setup(app):
    app.add_post_transform(CodeLinks)
    return {"parallel_read_safe": True}
