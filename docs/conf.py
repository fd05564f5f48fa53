"""The settings of the book. `sphinx-build -W -c docs . build/book` builds it, and its index.html is the front page.

What takes code of its own is in docs/_ext, a subject a file.
Its source folder is the whole repository, so that links between pages, notebooks and code are the same here as in an
editor or on a web site that shows the files.
"""

import re
import sys
from configparser import ConfigParser
from pathlib import Path

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS / "_ext"))

setup_cfg = ConfigParser()
setup_cfg.read(DOCS.parent / "setup.cfg", encoding="utf-8")

project = author = "minivision"
copyright = "the authors of minivision"
html_title = "minivision"
version = release = re.search(r'__version__ = "(.+)"', (DOCS.parent / "minivision/__init__.py").read_text("utf-8"))[1]
repository_url = setup_cfg["metadata"].get("url", "")  # where it is empty, the chapters carry no badge of Colab

root_doc = "docs/index"
include_patterns = ["docs/**", "notebooks/*.ipynb", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"]
exclude_patterns = ["docs/_*", ".*", "build", "minivision", "tests", "findings", "runs", "**/__pycache__"]

extensions = [
    "myst_nb",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "alternative_texts",
    "chapters",
    "code_links",
    "failures",
    "gallery",
    "local_mathjax",
    "operation_pages",
    "package_pages",
    "players",
    "source_pages",
    "toys",
]

# ---- pages

myst_enable_extensions = ["dollarmath", "amsmath", "colon_fence", "attrs_block"]
myst_heading_anchors = 4
templates_path = [str(DOCS / "_templates")]  # autosummary looks from the source folder, all else from this one

# ---- notebooks: chapters.py chooses the cache

nb_execution_mode = "cache"
nb_execution_timeout = 300  # seconds for a cell; chapters.py applies it to the notebook
nb_execution_raise_on_error = True
nb_execution_show_tb = True
nb_merge_streams = True
nb_mime_priority_overrides = [("html", "application/vnd.jupyter.widget-view+json", None)]  # players are frames then
nb_ipywidgets_js = {}  # it would come from the network

# ---- reference

autosummary_ignore_module_all = False
autodoc_typehints = "none"  # the docstrings say shapes and units
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
numpydoc_xref_param_type = False

# ---- looks

html_theme = "pydata_sphinx_theme"
html_static_path = ["_static"]
html_css_files = ["book.css"]
html_js_files = ["theme.js"]
html_context = {"default_mode": "auto"}  # light or dark, as the reader's system is
html_additional_pages = {"index": "redirect.html"}
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {
    "logo": {"text": "minivision"},
    "navbar_align": "left",
    "header_links_before_dropdown": 7,
    "show_prev_next": True,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
epub_show_urls = "no"
epub_title = "minivision: detection and segmentation by hand"
epub_exclude_files = ["index.xhtml"]
suppress_warnings = ["epub.unknown_project_files"]  # what Sphinx keeps beside the pages is not in the EPUB
