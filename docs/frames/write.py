"""Write the header and the footer of the notebooks from chapters.toml, the list in this folder.

    python docs/frames/write.py             all of them
    python docs/frames/write.py 05 06       some of them

The header is the table at the end of a notebook's first cell: what one will learn, what it needs, how long it takes,
where in the lecture it is, its key terms. The footer is its last cell: the chapters before and after it, the map of
the lecture, and the homework. Both are written here so that they are alike everywhere and no link leads nowhere.
What is known elsewhere is taken from there: titles from the notebooks, minutes from docs/instructor-guide.md, homework
from docs/lecture.md.
"""

from __future__ import annotations

import json
import pathlib
import re
import sys
import tomllib
from typing import Any

from minivision.core.atomic import atomic_write

HERE = pathlib.Path(__file__).parent
DOCS = HERE.parent
NOTEBOOKS = DOCS.parent / "notebooks"
HEADER = "| | |\n|---|---|\n"


def chapters() -> dict[str, dict[str, Any]]:
    """Return the list: what is said of each notebook, by its name."""
    return tomllib.loads((HERE / "chapters.toml").read_text(encoding="utf-8"))


def names() -> list[str]:
    """Return the names of all notebooks in the order in which they are read."""
    return sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb"))


def number(name: str) -> str:
    """Return the number of a notebook: 04b of 04b-a-network-by-hand."""
    return name.partition("-")[0]


def read(name: str) -> dict[str, Any]:
    """Return a notebook as it is stored."""
    return json.loads((NOTEBOOKS / f"{name}.ipynb").read_text(encoding="utf-8"))


def text_of(cell: dict[str, Any]) -> str:
    """Return the text of a cell."""
    return "".join(cell["source"])


def link(name: str) -> str:
    """Return a link from one notebook to another, with its number and its title."""
    title = text_of(read(name)["cells"][0]).partition("\n")[0].removeprefix("# ")
    return f"[{number(name)} {title}]({name}.ipynb)"


def minutes(name: str) -> str:
    """Return how long reading takes, as the instructor guide says."""
    guide = (DOCS / "instructor-guide.md").read_text(encoding="utf-8")
    row = re.search(rf"^\| \[\w+\]\(\.\./notebooks/{name}\.ipynb\) \|.*?\|.*?\| (\d+) \|", guide, re.MULTILINE)
    if row is None:
        raise ValueError(f"docs/instructor-guide.md does not say how long {name} takes")
    return row[1]


def homework(name: str) -> list[str]:
    """Return the tasks of the ideas that a notebook explains, as the map of the lecture says."""
    tasks = set()
    for line in (DOCS / "lecture.md").read_text(encoding="utf-8").splitlines():
        cells = re.split(r"(?<!\\)\|", line)
        if len(cells) == 7 and f"notebooks/{name}.ipynb" in cells[2]:
            tasks |= set(re.findall(r"\d+\.\d+", cells[5]))
    return sorted(tasks, key=lambda task: [int(part) for part in task.split(".")])


def header(name: str, chapter: dict[str, Any]) -> str:
    """Return the table for the beginning of a notebook."""
    by_number = {number(other): other for other in names()}
    needs = ", ".join([*(link(by_number[each]) for each in chapter["needs"]), *filter(None, [chapter.get("also")])])
    rows = {
        "You will learn to": "; ".join(chapter["learn"]),
        "You need": needs or "nothing",
        "Time": f"{minutes(name)} minutes to read, under a minute to run",
        "In the lecture": chapter["slides"],
        "Key terms": f"{', '.join(chapter['terms'])} ([glossary](../docs/glossary.md))",
    }
    return HEADER + "\n".join(f"| **{what}** | {text} |" for what, text in rows.items())


def footer(name: str) -> str:
    """Return the last lines of a notebook."""
    order = names()
    k = order.index(name)
    tasks = homework(name)
    parts = {
        "Previous": link(order[k - 1]) if k else "",
        "Next": link(order[k + 1]) if k + 1 < len(order) else "",
        "Map": "[the lecture, idea by idea](../docs/lecture.md)",
        "Homework": f"[task{'s' * (len(tasks) > 1)} {', '.join(tasks)}](../docs/homework.md)" if tasks else "",
    }
    return " · ".join(f"**{what}:** {text}" for what, text in parts.items() if text)


def framed(name: str, chapter: dict[str, Any]) -> dict[str, Any]:
    """Return a notebook with its header and footer."""
    notebook = read(name)
    cells = notebook["cells"]
    introduction = text_of(cells[0]).partition(HEADER)[0].rstrip()
    cells[0]["source"] = _lines(f"{introduction}\n\n{header(name, chapter)}")
    if cells[-1]["id"] != "footer":
        cells.append({"cell_type": "markdown", "id": "footer", "metadata": {}, "source": []})
    cells[-1]["source"] = _lines(footer(name))
    return notebook


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


def main() -> None:
    """Write the notebooks whose numbers are given, or all that are in the list."""
    listed = chapters()
    for name in names():
        if name in listed and (number(name) in sys.argv[1:] or len(sys.argv) == 1):
            text = json.dumps(framed(name, listed[name]), indent=1, ensure_ascii=False) + "\n"
            with atomic_write(NOTEBOOKS / f"{name}.ipynb") as partial:
                partial.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
