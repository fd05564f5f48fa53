"""What pages and notebooks name: headings that links lead to, as GitHub names them, and objects of the package."""

import importlib
import json
import re

import minivision


def anchor(heading):
    """Return the name of a heading in a link: lower case, no punctuation, hyphens for spaces."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading.strip().lower())
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def anchors(path):
    """Return the names of all headings of a page or a notebook."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        cells = [cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "markdown"]
        text = "\n".join("".join(cell["source"]) for cell in cells)
    text = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)  # there, # begins a comment
    return {anchor(heading) for heading in re.findall(r"^#+ (.*)$", text, flags=re.MULTILINE)}


def wrong_links(text, folder):
    """Return the links of a text whose file, or heading in it, does not exist."""
    wrong = []
    for link in re.findall(r"\]\(([^)\s]*)\)", text):
        name, _, heading = link.partition("#")
        path = folder / name
        if link.startswith("http"):
            continue
        if name and not path.exists():
            wrong.append(link)
        elif name and heading and path.suffix in (".md", ".ipynb") and heading not in anchors(path):
            wrong.append(link)
    return wrong


def find(name):
    """Return the object of a dotted name, with or without `minivision.`; None if there is none."""
    package, *parts = name.removeprefix("minivision.").split(".")
    if package not in minivision.PACKAGES:
        return None
    found = importlib.import_module(f"minivision.{package}")
    for part in parts:
        if not hasattr(found, part):
            try:
                importlib.import_module(f"{found.__name__}.{part}")
            except (ImportError, AttributeError):
                return None
        found = getattr(found, part)
    return found
