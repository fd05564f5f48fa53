"""Every picture of the book says in words what it shows: a page with one that does not is a warning.

A figure of ``minivision.viz`` has these words in the metadata of its output, where IPython and nbconvert look for them.
MyST-NB reads width and height there, but not these.
"""

from docutils import nodes
from myst_nb.core.render import NbElementRenderer
from sphinx.util import logging

logger = logging.getLogger(__name__)
_render_image = NbElementRenderer.render_image


def render_image(self, data):
    """Return what MyST-NB makes of a picture in an output, with the alternative text that the output has."""
    made = _render_image(self, data)
    text = data.output_metadata.get(data.mime_type, {}).get("alt")
    for image in (image for each in made for image in each.findall(nodes.image)):
        if text and not image.get("alt"):
            image["alt"] = text
    return made


def tell_missing(app, document):
    """Warn of each picture without an alternative text."""
    for image in document.findall(nodes.image):
        if not image.get("alt"):
            logger.warning("%s: a picture without alternative text: %s", app.env.docname, image["uri"])


def setup(app):
    NbElementRenderer.render_image = render_image
    app.connect("doctree-read", tell_missing)
    return {"parallel_read_safe": True}
