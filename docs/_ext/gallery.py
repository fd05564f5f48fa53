"""The gallery: every picture that `minivision.viz` draws, from the example in the docstring of its function.

The directive ``gallery`` runs the examples. The text for those who do not see a picture is ``figure.alt``.
"""

import doctest
from pathlib import Path

from docutils import nodes
from package_pages import link_to_page, page_of
from sphinx.util.docutils import SphinxDirective

from minivision import viz

FOLDER = "docs/_pictures"  # below the source folder; not in the repository


def drawing_functions():
    """Return the names of the functions of which the gallery shows a picture."""
    return [name for name in viz.__all__ if name.startswith("draw_")]


def example(name):
    """Run the example of a function up to the line that makes the figure; return these lines and the figure."""
    names, lines = {}, []
    for each in doctest.DocTestParser().get_examples(getattr(viz, name).__doc__):
        if "figure" in names:
            break
        exec(each.source, names)
        lines.append(each.source)
    return "".join(lines), names["figure"]


class Gallery(SphinxDirective):
    """The directive `gallery`."""

    def run(self):
        folder = Path(self.env.srcdir) / FOLDER
        folder.mkdir(exist_ok=True)
        self.env.note_dependency(viz.__file__)
        return [self.entry(name, folder) for name in drawing_functions()]

    def entry(self, name, folder):
        code, figure = example(name)
        figure.savefig(folder / f"{name}.png", dpi=110, facecolor=figure.get_facecolor())
        section = nodes.section("", nodes.title("", name), ids=[nodes.make_id(name)], classes=["gallery"])
        first = getattr(viz, name).__doc__.partition("\n")[0]
        section += nodes.paragraph(
            "", first + " ", link_to_page(self.env, "docs/api/" + page_of(f"minivision.viz.{name}"), "Reference")
        )
        section += nodes.image(uri=f"/{FOLDER}/{name}.png", alt=figure.alt)
        section += nodes.literal_block(code, code, language="python")
        return section


def setup(app):
    app.add_directive("gallery", Gallery)
    return {"parallel_read_safe": True}
