"""Players as Jupyter widgets, where anywidget is installed (``pip install 'minivision[notebooks]'``)."""

from __future__ import annotations

import functools
import json
from typing import Any

from minivision.viz.player import page


def view_of(data: dict[str, Any], *, dark: bool | None, large: bool) -> dict[str, Any]:
    """Return the widget of a player as a notebook's output; nothing where anywidget is not installed.

    Returns
    -------
    bundle : dict
        ``{"application/vnd.jupyter.widget-view+json": ...}``, or empty.
    """
    kind = _widget_class()
    if kind is None:
        return {}
    made = kind(data=json.dumps(data), options={"dark": dark, "large": large})._repr_mimebundle_()
    bundle = made[0] if isinstance(made, tuple) else made
    name = "application/vnd.jupyter.widget-view+json"
    return {name: bundle[name]} if bundle and name in bundle else {}


@functools.cache
def _widget_class():
    try:
        import anywidget
        import traitlets
    except ImportError:
        return None

    class PlayerWidget(anywidget.AnyWidget):
        _esm = page.module()
        _css = page.style()
        data = traitlets.Unicode().tag(sync=True)
        options = traitlets.Dict().tag(sync=True)

    return PlayerWidget
