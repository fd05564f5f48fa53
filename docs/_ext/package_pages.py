"""The pages of the reference: one for each package, with a page for each of its public names.

They are written to docs/api before Sphinx looks for pages. What is public is what a package exports in ``__all__``,
and for models, which are found by name, the classes of all systems.
"""

import importlib
from pathlib import Path

from docutils import nodes
from sphinx import addnodes

import minivision
from minivision.core.registry import operations

LEFT_OUT = ("core", "kernels", "bench", "cli")  # nothing there is called from outside


def public_names():
    """Return for each package of the reference its public names, as they are imported."""
    names = {"minivision": [name for name in minivision.__all__ if name not in ("__version__", "load")]}
    for package in minivision.PACKAGES:
        if package not in LEFT_OUT:
            module = importlib.import_module(f"minivision.{package}")
            known = {name for each in names.values() for name in each}  # what a package exports again is on one page
            here = getattr(module, "__all__", None) or _models(module)
            names[module.__name__] = [name for name in here if name not in known]
    exported = {name for each in names.values() for name in each}
    names["minivision.detection"] += [_path(op) for name, op in operations().items() if name not in exported]
    return names


def page_of(full):
    """Return the page of a public name below docs/api: in the folder of its package."""
    return f"{full.split('.')[1] if full.count('.') > 1 else 'minivision'}/{full}"


def link_to_page(env, page, text):
    """Return a link from the page that is being read to another one; a page that does not exist is a warning."""
    link = addnodes.pending_xref("", nodes.inline(text=text), refdomain="std", reftype="doc", refexplicit=True)
    link["reftarget"], link["refdoc"], link["refwarn"] = f"/{page}", env.docname, True
    return link


def _models(module):
    """Return the functions of `minivision.models`, and the paths of the classes of the systems."""
    classes = [module.system_class(name) for name in module.systems()]
    return ["systems", "system_class", "make_model", *map(_path, classes)]


def _path(thing):
    """Return where a thing of a package's module is, from the package on."""
    return f"{thing.__module__}.{thing.__name__}".split(".", 2)[2]


def write_pages(app, config):
    """Write docs/api: PACKAGE.rst with a table of names; autosummary makes the page of each name from it."""
    folder = Path(app.srcdir) / "docs" / "api"
    pages = {}
    for package, names in public_names().items():
        short = package.removeprefix("minivision.")
        rule = "=" * len(package)
        table = "".join(f"   {name}\n" for name in names)
        pages[f"{short}.rst"] = (
            f"{package}\n{rule}\n\n.. automodule:: {package}\n   :no-members:\n\n"
            f".. autosummary::\n   :toctree: {short}\n   :nosignatures:\n\n{table}"
        )
    stubs = {f"{page_of(f'{package}.{name}')}.rst" for package, names in public_names().items() for name in names}
    for path in folder.rglob("*.rst"):
        if path.relative_to(folder).as_posix() not in pages.keys() | stubs:
            path.unlink()  # of a name that is no longer public
    folder.mkdir(exist_ok=True)
    for name, text in pages.items():
        path = folder / name
        if (
            not path.exists() or path.read_text(encoding="utf-8") != text
        ):  # an old page stays as it is, and is not read anew
            path.write_text(text, encoding="utf-8")


def setup(app):
    app.connect("config-inited", write_pages)  # before Sphinx looks for pages
    return {"parallel_read_safe": True}
