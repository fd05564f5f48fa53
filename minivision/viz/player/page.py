"""Pages with players: one HTML file that needs nothing from elsewhere, or a frame for a notebook."""

from __future__ import annotations

import functools
import html
import importlib.resources
import json
from collections.abc import Sequence
from typing import Any

from minivision.core.printable import printable

SCRIPTS = ("numbers.js", "picture.js", "formula.js", "steps.js", "view.js", "player.js")
STORY_FORMAT = "minivision story 1"
FRAME_HEIGHT = 620  # pixels, until the page in the frame has said how high it is

_PAGE = """<!DOCTYPE html>
<html lang="en"{theme}>
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
{style}
</style>
</head>
<body>
{body}
<script>
{script}
</script>
</body>
</html>
"""

_PAGE_STYLE = """
html { background: #fff; }
html[data-theme="dark"] { background: #0f1114; }
@media (prefers-color-scheme: dark) { html:not([data-theme="light"]) { background: #0f1114; } }
body { margin: 0 auto; padding: 10px; max-width: 1500px; }
.mv-host + .mv-host { margin-top: 18px; }
"""

_FRAME_STYLE = """
html, body { background: transparent; margin: 0; padding: 1px; overflow-x: hidden; }
"""

# A frame in a notebook grows with its content, and is dark where the notebook is.
_IN_FRAME = """
try {
  const frame = window.frameElement, outside = parent.document.body;
  if (outside.dataset.jpThemeLight === "false" || outside.classList.contains("vscode-dark"))
    for (const player of document.querySelectorAll(".mv-player")) player.dataset.theme ||= "dark";
  new ResizeObserver(() => { frame.style.height = `${document.body.scrollHeight + 4}px`; }).observe(document.body);
} catch { /* a frame of another origin keeps its height */ }
"""


@functools.cache
def _file(name):
    return importlib.resources.files("minivision.viz.player").joinpath(name).read_text(encoding="utf-8")


def style(*, stories: bool = True) -> str:
    """Return the style sheet of players, and of stories."""
    return _file("player.css") + (_file("story.css") if stories else "")


def script(*, stories: bool = True) -> str:
    """Return the JavaScript of players, and of stories.

    It defines the global function ``minivisionPlayer(element, data, options)``.
    """
    return "(() => {\n" + _scripts(stories) + "globalThis.minivisionPlayer = show;\n})();"


def _scripts(stories):
    return "".join(map(_file, SCRIPTS)) + (_file("story.js") if stories else "")


def module() -> str:
    """Return the JavaScript as a module for anywidget, which calls its `render`.

    Jupyter's shortcuts (an arrow folds a heading) come before a widget's keys, unless an attribute of the element in
    focus says that they shall not.
    """
    render = """
export default {
  render({ model, el }) {
    el.addEventListener("focusin", ({ target }) => target.setAttribute("data-lm-suppress-shortcuts", "true"));
    show(el, JSON.parse(model.get("data")), model.get("options"));
  },
};
"""
    return _scripts(True) + render


def as_json(data: Any) -> str:
    """Return JSON that can stand in a script of a page: no ``<`` in it, which could end the script."""
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def page(players: Sequence[dict[str, Any]], *, title: str = "", dark: bool | None = None, large: bool = False) -> str:
    """Return a page with one player or several below one another.

    Parameters
    ----------
    players : sequence of dict
        Data of players: see docs/players.md.
    title : str
        Title of the page; by default that of the first player.
    dark : bool, optional
        Whether the page is dark; by default as the reader's system is.
    large : bool
        Whether everything is large, for slides.

    Returns
    -------
    text : str
    """
    options = {"dark": dark, "large": large, "keys": "page"}
    return _fill(players, title, options, _PAGE_STYLE, "")


def frame(players: Sequence[dict[str, Any]], *, dark: bool | None = None, large: bool = False) -> str:
    """Return an HTML frame with the page of some players, for the output of a notebook's cell."""
    content = _fill(players, "", {"dark": dark, "large": large, "keys": "page"}, _FRAME_STYLE, _IN_FRAME)
    name = html.escape(printable(players[0]["title"]), quote=True)
    return (
        f'<iframe srcdoc="{html.escape(content, quote=True)}" title="{name}, step by step" '
        f'style="width:100%;height:{FRAME_HEIGHT}px;border:0" loading="lazy"></iframe>'
    )


def _fill(players, title, options, page_style, last):
    if not players:
        raise ValueError("players: a page needs at least one")
    calls = [
        f'minivisionPlayer(document.getElementById("player-{k}"), {as_json(data)}, {as_json(options)});'
        for k, data in enumerate(players)
    ]
    stories = any(data["format"] == STORY_FORMAT for data in players)
    theme = "" if options["dark"] is None else ' data-theme="dark"' if options["dark"] else ' data-theme="light"'
    return _PAGE.format(
        theme=theme,
        title=html.escape(printable(title or players[0]["title"])),
        style=style(stories=stories) + page_style,
        body="\n".join(f'<div id="player-{k}" class="mv-host" data-page></div>' for k in range(len(players))),
        script="\n".join([script(stories=stories), *calls, last]),
    )
