"""Where it began: finding the layer that first turned finite numbers into NaN or infinity."""

import contextlib
import math

import numpy as np


class TrainingError(RuntimeError):
    """Training cannot go on; the message says why and what to try."""


def what_went_wrong(model, losses, repeat):
    """Say where NaN or infinity came from, after a step whose losses or gradients are not finite.

    Parameters
    ----------
    model : Model
        With its parameters as they were in that step.
    losses : dict of str to float
        By name.
    repeat : callable
        Takes the step's way forward and back again, without arguments.

    Returns
    -------
    str
        Which loss it was, where it began, and what to try.
    """
    bad = [name for name, loss in losses.items() if not math.isfinite(loss)]
    what = f"the loss {bad[0]!r} is {losses[bad[0]]}" if bad else "the loss is finite but its gradient is not"
    return f"{what}; {_culprit(model, repeat)}; a lower rate, or clipping the gradient to 1, often helps"


def _culprit(model, repeat):
    for parameter in model.parameters():
        if not np.isfinite(parameter.value).all():
            return f"the parameter {parameter.name} is not finite itself, so the step before went too far"
    forward, backward = _first_not_finite(model, repeat)
    if forward is not None:
        return f"the first layer whose output is not finite is {forward}"
    if backward is not None:
        return f"on the way back, the first layer whose gradient is not finite is {backward}"
    return "the output of every layer is finite, so it is the loss itself that is not"


def _first_not_finite(model, repeat):
    """Take the step again; return the first bad layer of the way forward and of the way back, or None."""
    first = {"forward": None, "backward": None}
    with contextlib.ExitStack() as undo, np.errstate(all="ignore"):
        undo.callback(model.forget)
        for path, layer in _named_layers(model):
            for way in first:
                _watch(layer, way, path, first)
                undo.callback(vars(layer).pop, way)
        with contextlib.suppress(ArithmeticError, ValueError, RuntimeError):  # NaN may lead to any of them
            repeat()
    return first["forward"], first["backward"]


def _watch(layer, way, path, first):
    """Put a method in front of ``layer.forward`` or ``layer.backward`` that looks at what comes out of it."""
    method = getattr(layer, way)

    def watched(*args, **kwargs):
        result = method(*args, **kwargs)
        own = [p.grad for p in vars(layer).values() if hasattr(p, "grad")] if way == "backward" else []
        if first[way] is None and not _is_finite([result, own]):
            first[way] = f"{path} ({type(layer).__name__})" if path else type(layer).__name__
        return result

    vars(layer)[way] = watched


def _named_layers(layer, prefix=""):
    yield prefix.rstrip("."), layer
    for name, part in layer.parts():
        yield from _named_layers(part, f"{prefix}{name}.")


def _is_finite(value):
    """Return whether all floating-point numbers anywhere in a nest of arrays, lists and dicts are finite."""
    if isinstance(value, dict):
        return all(_is_finite(item) for item in value.values())
    if isinstance(value, (list, tuple)):
        return all(_is_finite(item) for item in value)
    if getattr(getattr(value, "dtype", None), "kind", "") == "f":
        return bool(np.isfinite(value).all())
    return True
