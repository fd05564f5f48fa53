"""The notebooks as chapters: where their outputs are kept, how long they took, and how a reader runs one.

Outputs are kept under a name that depends on the code of the package and of its data files, so a page never shows what
older code computed. A notebook that takes longer than ``nb_execution_timeout`` is a warning, and warnings are errors.
"""

import hashlib
import json
from pathlib import Path

from docutils import nodes
from myst_nb.sphinx_ import NbMetadataCollector
from sphinx import addnodes
from sphinx.transforms import SphinxTransform
from sphinx.util import logging

FOLDER = "notebooks"
logger = logging.getLogger(__name__)


def choose_cache(app, config):
    """Keep outputs in build/notebooks/DIGEST, where DIGEST is that of the package's files."""
    if config.nb_execution_cache_path:
        return  # given on the command line
    root = Path(app.srcdir)
    digest = hashlib.sha256()
    for path in sorted((root / "minivision").rglob("*")):
        if path.is_file() and path.suffix != ".pyc":
            digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    config.nb_execution_cache_path = str(root / "build" / FOLDER / digest.hexdigest()[:16])


def first_lines(notebook):
    """Return title and first sentence of a notebook."""
    text = "".join(json.loads(notebook.read_text(encoding="utf-8"))["cells"][0]["source"])
    title, _, rest = text.partition("\n")
    return title.lstrip("# "), rest.strip().partition("\n")[0]


class RunIt(SphinxTransform):
    """Put a line below the title of each chapter: download it, run it, or open it in Colab."""

    default_priority = 500

    def apply(self):
        docname = self.env.docname
        title = next(iter(self.document.findall(nodes.title)), None)
        if not docname.startswith(FOLDER + "/") or title is None:
            return
        name = docname.rpartition("/")[2] + ".ipynb"
        line = nodes.paragraph(classes=["run-it"])
        line += nodes.Text("Run it yourself: ")
        line += addnodes.download_reference("", "", nodes.literal(text=name), reftarget=f"/{docname}.ipynb")
        url = self.config.repository_url.removesuffix(".git").rstrip("/")
        if url:
            colab = url.replace("https://github.com/", "https://colab.research.google.com/github/")
            line += nodes.Text(", or ")
            line += nodes.reference("", "open it in Colab", refuri=f"{colab}/blob/main/{docname}.ipynb")
            line += nodes.Text(", where the first cell has to be ")
            line += nodes.literal(text=f"%pip install -q git+{url}")
        title.parent.insert(title.parent.index(title) + 1, line)


def tell_times(app, env):
    """Print how long each notebook took, and warn of those that took too long."""
    for docname in sorted(env.found_docs):
        run = NbMetadataCollector.get_exec_data(env, docname) if docname.startswith(FOLDER + "/") else None
        if run and run["runtime"]:
            logger.info("%s: %.0f s", docname, run["runtime"])
            if run["runtime"] > app.config.nb_execution_timeout:
                logger.warning("%s took %.0f s, more than %d", docname, run["runtime"], app.config.nb_execution_timeout)


def setup(app):
    app.add_config_value("repository_url", "", "env")
    app.connect("config-inited", choose_cache)
    app.connect("env-updated", tell_times)
    app.add_transform(RunIt)
    return {"parallel_read_safe": True}
