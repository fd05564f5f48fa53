"""Players as Jupyter widgets, with anywidget (``pip install 'minivision[notebooks]'``)."""

from __future__ import annotations

import functools
import json
from typing import Any

from minivision.viz.player import page


def make_widget(data: dict[str, Any], *, dark: bool | None, large: bool) -> Any:
    """Return a player as a widget: an ``anywidget.AnyWidget``.

    Raises
    ------
    ImportError
        If anywidget is not installed.
    """
    return _widget_class()(data=json.dumps(data), options={"dark": dark, "large": large})


@functools.cache
def _widget_class():
    try:
        import anywidget
        import traitlets
    except ImportError as error:
        raise ImportError(
            "a widget needs anywidget: pip install 'minivision[notebooks]'; a notebook shows the player also without it"
        ) from error

    class PlayerWidget(anywidget.AnyWidget):
        _esm = page.module()
        _css = page.style()
        data = traitlets.Unicode().tag(sync=True)
        options = traitlets.Dict().tag(sync=True)

    return PlayerWidget
