"""Find the layer whose output or gradient is the first with NaN or infinity."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from minivision.layers.watching import watch

if TYPE_CHECKING:
    from minivision.models.base.model import Model


class TrainingError(RuntimeError):
    """Training cannot go on; the message names the cause and a remedy."""


def explain_nonfinite(model: Model, losses: Mapping[str, float], repeat_step: Callable[[], Any]) -> str:
    """Return where NaN or infinity came from, for a step whose losses or gradients are not finite.

    Parameters
    ----------
    model : Model
        Its parameters are those of that step.
    losses : dict of str to float
        Losses of the step by name.
    repeat_step : callable
        Repeats the forward and backward pass of the step; takes no arguments.

    Returns
    -------
    str
        Which loss is not finite, which layer is the first, and what to try.
    """
    bad = [name for name, loss in losses.items() if not math.isfinite(loss)]
    what = f"the loss {bad[0]!r} is {losses[bad[0]]}" if bad else "the loss is finite but its gradient is not"
    cause = _cause(model, repeat_step)
    return f"{what}; {cause}; a lower rate, or clipping the gradient to 1, often helps"


def _cause(model, repeat_step):
    for parameter in model.parameters():
        if not np.isfinite(parameter.value).all():
            return f"the parameter {parameter.name} is not finite: the step before was too large"
    forward, backward = _first_nonfinite(model, repeat_step)
    if forward is not None:
        return f"the first layer whose output is not finite is {forward}"
    if backward is not None:
        return f"in the backward pass, the first layer whose gradient is not finite is {backward}"
    return "the output of every layer is finite, but the loss itself is not"


def _first_nonfinite(model, repeat_step):
    """Repeat the step; return the first layer of the forward and of the backward pass that is not finite, or None."""
    first = {"forward": None, "backward": None}

    def look(method, name, layer, result):
        own = [p.grad for p in vars(layer).values() if hasattr(p, "grad")] if method == "backward" else []
        if first[method] is None and not _is_finite([result, own]):
            first[method] = f"{name} ({type(layer).__name__})" if name else type(layer).__name__

    with contextlib.ExitStack() as undo, np.errstate(all="ignore"):
        undo.callback(model.forget)
        for method in first:
            undo.enter_context(watch(model, method, after=lambda *seen, method=method: look(method, *seen)))
        with contextlib.suppress(ArithmeticError, ValueError, RuntimeError):  # NaN may lead to any of them
            repeat_step()
    return first["forward"], first["backward"]


def _is_finite(value):
    """Return whether all floating-point numbers anywhere in a nest of arrays, lists and dicts are finite."""
    if isinstance(value, dict):
        return all(_is_finite(item) for item in value.values())
    if isinstance(value, (list, tuple)):
        return all(_is_finite(item) for item in value)
    if getattr(getattr(value, "dtype", None), "kind", "") == "f":
        return bool(np.isfinite(value).all())
    return True
