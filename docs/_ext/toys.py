"""The toys: pages in docs/toys that are no pages of the book, copied as they are and linked as pages."""

import shutil
from pathlib import Path

from docutils import nodes
from sphinx import addnodes
from sphinx.transforms.post_transforms import SphinxPostTransform

FOLDER = "docs/toys"


class ToyLinks(SphinxPostTransform):
    """Make plain links of what would be downloads."""

    default_priority = 5
    formats = ("html",)

    def run(self):
        for node in list(self.document.findall(addnodes.download_reference)):
            path = self.env.relfn2path(node["reftarget"], self.env.docname)[0]
            if path.startswith(FOLDER + "/") and path.endswith(".html"):
                uri = self.app.builder.get_relative_uri(self.env.docname, path.removesuffix(".html"))
                node.replace_self(nodes.reference("", "", *node.children, internal=True, refuri=uri))


def copy_toys(app, error):
    """Copy the folder beside the pages."""
    if not error and app.builder.name == "html":
        source = Path(app.srcdir) / FOLDER
        shutil.copytree(source, Path(app.outdir) / FOLDER, ignore=shutil.ignore_patterns("*.py"), dirs_exist_ok=True)


def setup(app):
    app.add_post_transform(ToyLinks)
    app.connect("build-finished", copy_toys)
    return {"parallel_read_safe": True}
