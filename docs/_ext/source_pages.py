"""Pages with the source files that the text links to, so that a link to a file is a link to its lines.

A link to a file of the package (``[pooling](../minivision/ops/pooling.py)``) would be a download; here it leads to a
page ``source/ops/pooling.py.html``.
"""

from pathlib import Path

from docutils import nodes
from pygments.lexers import get_lexer_for_filename
from pygments.util import ClassNotFound
from sphinx import addnodes
from sphinx.transforms.post_transforms import SphinxPostTransform

PACKAGE = "minivision/"


def page_of(path):
    """Return the name of the page of a source file, from its path within the repository."""
    return "source/" + path.removeprefix(PACKAGE)


def link_to_source(builder, docname, path, *children):
    """Return a reference from a page to the page of a source file, and note that it is wanted."""
    pages = builder.env.__dict__.setdefault("source_pages", set())
    pages.add(path)
    return nodes.reference("", "", *children, internal=True, refuri=builder.get_relative_uri(docname, page_of(path)))


class SourceLinks(SphinxPostTransform):
    """Turn downloads of the package's files into links to their pages."""

    default_priority = 5
    formats = ("html",)

    def run(self):
        for node in list(self.document.findall(addnodes.download_reference)):
            path = self.env.relfn2path(node["reftarget"], self.env.docname)[0]
            if path.startswith(PACKAGE) and (Path(self.app.srcdir) / path).is_file():
                node.replace_self(link_to_source(self.app.builder, self.env.docname, path, *node.children))


def pages(app):
    """Yield name, context and template of each page, for Sphinx to write."""
    highlight = app.builder.highlighter.highlight_block
    for path in sorted(app.env.__dict__.get("source_pages", ())):
        text = (Path(app.srcdir) / path).read_text(encoding="utf-8")
        try:
            language = get_lexer_for_filename(path).aliases[0]
        except ClassNotFound:
            language = "text"
        body = highlight(text, language, linenos="inline")
        name = path.rpartition("/")[2]
        yield page_of(path), {"title": name, "body": f"<h1>{path}</h1>\n{body}"}, "page.html"


def setup(app):
    app.add_post_transform(SourceLinks)
    app.connect("html-collect-pages", pages)
    return {"parallel_read_safe": True, "parallel_write_safe": False}
