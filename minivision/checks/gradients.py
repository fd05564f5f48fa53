"""Two checks that need nothing but the operation itself: the difference quotient and the adjoint identity."""

import copy
import inspect

import numpy as np

from minivision.backends import active_backend
from minivision.operation import all_operations

WORST_SHOWN = 5  # wrong elements printed in a failure


class CheckError(AssertionError):
    """A gradient or a transpose that is wrong; the message says where, and by how much."""


def check_gradients(op, *arrays, step=1e-6, tolerance=1e-6, seed=0, elements=200, **keywords):
    """Hold the gradients of an operation to central differences, in float64, on the active backend.

    The loss is ``sum(y * dy)`` with random ``dy``; a loss function is its own loss. Each element of each argument
    that gets a gradient is moved by ``+step`` and ``-step``; of large arrays, `elements` drawn at random are.

    Parameters
    ----------
    op : operation
        One of ``minivision.ops``; with it stands ``<op>_backward``, or it returns its gradient itself.
    *arrays
        Its positional arguments. Choose them so that nothing sits at a kink: no ties in a pooling window, no zeros
        for a ReLU. And choose windows that overlap: 2 x 2 windows of stride 2 also pass with a wrong backward.
    step : float
        The distance of the difference quotient.
    tolerance : float
        The largest error allowed, relative to the largest gradient of the argument.
    seed : int
        Of the random ``dy`` and of the choice of elements.
    elements : int
        The most elements of one argument that are tried.
    **keywords
        The operation's keyword arguments.

    Returns
    -------
    dict
        The largest relative error for each argument, by name.

    Raises
    ------
    CheckError
        When a gradient is wrong, has the wrong shape or dtype, or an input was written to.
    LookupError
        When the operation has no gradient.
    """
    rng = np.random.default_rng([seed, 2017])  # not the stream the caller may have drawn x from
    call = _Call(op, arrays, keywords)
    y = call.output()
    dy = rng.standard_normal(np.shape(y))
    gradients = call.gradients(dy)
    errors = {}
    for name, gradient in gradients.items():
        value = call.arguments[name]
        if gradient.shape != value.shape or gradient.dtype != value.dtype:
            raise CheckError(
                f"{call.title}: the gradient for {name} has shape {gradient.shape} and dtype {gradient.dtype}; "
                f"{name} has {value.shape} and {value.dtype}"
            )
        places = np.arange(value.size)
        if value.size > elements:
            places = np.sort(rng.choice(value.size, elements, replace=False))
        expected = np.array([call.slope(name, place, step, dy) for place in places])
        errors[name] = _compare(call.title, name, value.shape, places, gradient.ravel()[places], expected, tolerance)
    return errors


def check_adjoint(op, *arrays, argument=None, tolerance=None, seed=0, **keywords):
    """Hold the backward pass of a linear operation to the definition of a transpose: ``<A x, y> = <x, Aᵀ y>``.

    Parameters
    ----------
    op : operation
        One that is linear in `argument`, up to a constant.
    *arrays
        Its positional arguments, float32 or float64.
    argument : str, optional
        The name of the argument in which it is linear; the first one by default.
    tolerance : float, optional
        The largest difference allowed, relative to ``|A x| |y|``; by default 1e-12 in float64, 1e-5 in float32.
    seed : int
        Of the random ``y``.
    **keywords
        The operation's keyword arguments.

    Returns
    -------
    float
        The difference relative to ``|A x| |y|``.

    Raises
    ------
    CheckError
        When the two products differ by more.
    """
    rng = np.random.default_rng([seed, 2017])  # not the stream the caller may have drawn x from
    call = _Call(op, arrays, keywords, double=False)
    name = argument or next(iter(call.arguments))
    if name not in call.differentiable:
        raise LookupError(f"{op.__name__} has no gradient for {name!r}; it has {', '.join(call.differentiable)}")
    x = call.arguments[name]
    Ax = call.output() - call.output(**{name: np.zeros_like(x)})
    y = rng.standard_normal(Ax.shape).astype(Ax.dtype)
    gradients = call.gradients(y)
    left = np.vdot(Ax.astype(np.float64), y.astype(np.float64))
    right = np.vdot(x.astype(np.float64), gradients[name].astype(np.float64))
    size = np.linalg.norm(Ax.astype(np.float64)) * np.linalg.norm(y.astype(np.float64))
    error = abs(left - right) / max(size, np.finfo(np.float64).tiny)
    if tolerance is None:
        tolerance = 1e-12 if x.dtype == np.float64 else 1e-5
    if not error <= tolerance:  # also when it is NaN
        raise CheckError(
            f"{call.title}: the backward pass is not the transpose in {name}: <A {name}, y> = {left:.9g} but "
            f"<{name}, Aᵀ y> = {right:.9g}, relative difference {error:.2g} (allowed {tolerance:.2g})"
        )
    return error


class _Call:
    """An operation with its arguments: evaluate it, move an element, walk it back."""

    def __init__(self, op, arrays, keywords, *, double=True):
        self.op = op
        self.title = f"{op.__name__} on backend {active_backend()[0].name!r}"
        bound = inspect.signature(op).bind(*arrays, **keywords)
        bound.apply_defaults()
        self.arguments = {name: _prepared(value, double) for name, value in bound.arguments.items()}
        self.backward = all_operations().get(f"{op.__name__}_backward")
        # Gradients are called d<argument>; an optional argument that was not given (a bias) has none to check.
        returned = (self.backward or op).returns
        self.differentiable = [name for name in self.arguments if f"d{name}" in returned and self.given(name)]
        if not self.differentiable:
            raise LookupError(f"{op.__name__} has no gradient: there is no {op.__name__}_backward")

    def given(self, name):
        """Return whether an argument has a value."""
        return self.arguments[name] is not None

    def results(self, **changed):
        """Call the operation, every time on fresh copies; return its results by name."""
        arguments = copy.deepcopy({**self.arguments, **changed})
        result = _call_by_name(self.op, arguments)
        return dict(zip(self.op.returns, result if isinstance(result, tuple) else (result,), strict=True))

    def output(self, **changed):
        """Return the first result: ``y``, or the loss."""
        return self.results(**changed)[self.op.returns[0]]

    def slope(self, name, place, step, dy):
        """Return the central difference of ``sum(y * dy)`` along one element of one argument."""
        sides = []
        for sign in (1, -1):
            moved = self.arguments[name].copy()
            moved.flat[place] += sign * step
            sides.append(self.output(**{name: moved}))
        return np.sum((sides[0] - sides[1]) * dy) / (2 * step)

    def gradients(self, dy):
        """Return the gradients by the name of their argument."""
        found = self.results() if self.backward is None else self._walk_back(dy)
        scale = dy if self.backward is None else 1  # a loss returns the gradient of itself, not of loss * dy
        return {name: found[f"d{name}"] * scale for name in self.differentiable}

    def _walk_back(self, dy):
        # What a backward operation asks for, it finds by name: arguments, results, and the input's size.
        known = {**self.arguments, **self.results(), "dy": dy}
        first = next(iter(self.arguments.values()))
        known["input_shape"] = first.shape
        known["input_size"] = first.shape[-2:]
        wanted = inspect.signature(self.backward).parameters
        arguments = {name: copy.deepcopy(known[name]) for name in wanted if name in known}
        untouched = copy.deepcopy(arguments)
        result = _call_by_name(self.backward, arguments)
        for name, value in arguments.items():
            if isinstance(value, np.ndarray) and not np.array_equal(value, untouched[name], equal_nan=True):
                raise CheckError(f"{self.title}: {self.backward.__name__} wrote to its input {name}")
        return dict(zip(self.backward.returns, result if isinstance(result, tuple) else (result,), strict=True))


def _prepared(value, double):
    """Return lists as arrays, and arrays of floats in float64 where that is wanted."""
    if isinstance(value, np.ndarray) and value.dtype.kind == "f" and double:
        return value.astype(np.float64)
    return value


def _call_by_name(op, arguments):
    """Call `op` with arguments by name: the leading ones by position, as many as it takes so."""
    parameters = inspect.signature(op).parameters.values()
    by_position = [arguments[p.name] for p in parameters if p.kind is not p.KEYWORD_ONLY and p.name in arguments]
    by_name = {p.name: arguments[p.name] for p in parameters if p.kind is p.KEYWORD_ONLY and p.name in arguments}
    return op(*by_position, **by_name)


def _compare(title, name, shape, places, got, expected, tolerance):
    scale = max(np.abs(expected).max(initial=0), np.abs(got).max(initial=0), 1e-8)
    error = np.abs(got - expected) / scale
    error[np.isnan(error)] = np.inf
    worst = error.max(initial=0)
    if worst <= tolerance:
        return float(worst)
    order = np.argsort(-error)[:WORST_SHOWN]
    lines = [
        f"{title}: the gradient for {name} is wrong in {np.sum(error > tolerance)} of {len(places)} elements tried",
        f"  {'index':<20} {'backward gives':>15} {'difference gives':>17} {'relative error':>15}",
    ]
    for k in order:
        index = ", ".join(str(int(i)) for i in np.unravel_index(places[k], shape))
        where = f"{name}[{index}]"
        lines.append(f"  {where:<20} {got[k]:>15.8g} {expected[k]:>17.8g} {error[k]:>15.2g}")
    raise CheckError("\n".join(lines))
