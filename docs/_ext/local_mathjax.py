"""Formulas without the network: MathJax is copied from an installed package into the book.

The package django-static-mathjax holds the files of MathJax and nothing of Django. One of them is the whole typesetter
with its letters as drawings, so that it works from a folder as well as from a server.
"""

from importlib.resources import as_file, files
from pathlib import Path
from shutil import copyfile

FILE = "tex-svg-full.js"


def copy_mathjax(app, error):
    """Put the file into _static when the pages have been written."""
    if error or app.builder.name != "html":
        return
    with as_file(files("mathjax") / "static" / "mathjax" / "es5" / FILE) as source:
        copyfile(source, Path(app.outdir) / "_static" / FILE)


def setup(app):
    app.config.mathjax_path = FILE
    app.config.mathjax3_config = {"options": {"enableMenu": False}, "svg": {"fontCache": "global"}}
    app.connect("build-finished", copy_mathjax)
    return {"parallel_read_safe": True}
