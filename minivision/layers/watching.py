"""Look at what goes through the layers of a model: for summaries, and to find where NaN begins."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from minivision.layers.layer import Layer


def named_layers(layer: Layer, prefix: str = "") -> Iterator[tuple[str, Layer]]:
    """Yield ``(name, layer)`` for a layer (its name is empty) and for all its parts, depth first."""
    yield prefix.rstrip("."), layer
    for name, part in layer.parts():
        yield from named_layers(part, f"{prefix}{name}.")


@contextlib.contextmanager
def watch(
    model: Layer, method: str, *, before: Callable | None = None, after: Callable | None = None
) -> Iterator[None]:
    """Call functions before and after a method of every layer of a model, inside a ``with`` block.

    The method is covered on each layer *object* by an attribute of its name; at the end of the block these are gone.

    Parameters
    ----------
    model : Layer
        It and all its parts are watched. One that stands in several places is watched once, by its first name.
    method : str
        ``"forward"`` or ``"backward"``.
    before : callable, optional
        ``before(name, layer)`` is called before the method.
    after : callable, optional
        ``after(name, layer, result)`` is called after it.
    """
    once: dict[int, tuple[str, Layer]] = {}
    for name, layer in named_layers(model):
        once.setdefault(id(layer), (name, layer))
    with contextlib.ExitStack() as undo:
        for name, layer in once.values():
            vars(layer)[method] = _watched(getattr(layer, method), name, layer, before, after)
            undo.callback(vars(layer).pop, method)
        yield


def _watched(method: Callable, name: str, layer: Layer, before: Callable | None, after: Callable | None) -> Callable:
    def watched(*args: Any, **kwargs: Any) -> Any:
        if before is not None:
            before(name, layer)
        result = method(*args, **kwargs)
        if after is not None:
            after(name, layer, result)
        return result

    return watched
