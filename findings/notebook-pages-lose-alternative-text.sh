#!/usr/bin/env bash
# Notebooks: the alternative text of a picture is in the file, and on no page.
#
# One would expect: `IPython.display.Image(data, alt="...")` in a cell puts these words
#   into the output's metadata, and pages made of the notebook have them in <img alt>.
# What happens: the words are in the notebook. nbconvert writes "No description has been
#   provided for this image" in their place, MyST-NB the picture's file name, 64 digits
#   and letters for a screen reader to spell.
# Versions tried: MyST-NB 1.4.0, Sphinx 9.0.4, nbconvert 7.17.2, IPython 9.18.1, Python
#   3.11. Date: 2026-11-29.
# Why it matters: courses about pictures are written as notebooks. Who took the trouble
#   of describing every picture has pages that describe none.
# What to do: for MyST-NB repeat the text in the metadata of the cell (mystnb: image:
#   alt), or copy it in an extension of the book; look at the pages, not the notebook.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"${PYTHON:-python3.11}" -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install -q --disable-pip-version-check \
  myst-nb==1.4.0 sphinx==9.0.4 nbconvert==7.17.2 ipython==9.18.1 nbclient ipykernel pillow
cd "$tmp"
cat > make.py <<'PY'
import json
import nbformat
from nbclient import NotebookClient

code = """import io
from IPython.display import Image
from PIL import Image as Picture
file = io.BytesIO()
Picture.new("RGB", (40, 30), "red").save(file, "PNG")
Image(file.getvalue(), alt="a red rectangle")"""
book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# A picture"), nbformat.v4.new_code_cell(code)])
NotebookClient(book, kernel_name="python3").execute()
print("in the notebook:", json.dumps(book.cells[1].outputs[0].metadata))
nbformat.write(book, "index.ipynb")
PY
"$tmp/venv/bin/python" -m ipykernel install --prefix "$tmp/venv" > /dev/null 2>&1
PATH="$tmp/venv/bin:$PATH" "$tmp/venv/bin/python" make.py 2> /dev/null
PATH="$tmp/venv/bin:$PATH" "$tmp/venv/bin/python" -m nbconvert --to html --output converted index.ipynb > /dev/null 2>&1
printf 'extensions = ["myst_nb"]\nnb_execution_mode = "off"\n' > conf.py
"$tmp/venv/bin/python" -m sphinx -q -b html . built index.ipynb 2> /dev/null
"$tmp/venv/bin/python" - <<'PY'
import re, sys
from importlib.metadata import version

print(*(f"{name} {version(name)}" for name in ("myst-nb", "sphinx", "nbconvert", "ipython")))

def words(path):
    return [re.search('alt="([^"]*)"', tag) for tag in re.findall("<img[^>]*>", open(path, encoding="utf-8").read())]

(converted,), (built,) = words("converted.html"), words("built/index.html")
print("nbconvert:", converted and converted[1])
print("MyST-NB:  ", built and built[1])
if not (converted and converted[1].startswith("No description") and built and built[1].endswith(".png")):
    sys.exit("CHANGED: one of them has the alternative text, or says something else.")
PY
