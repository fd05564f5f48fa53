"""Check gradients against finite differences, and a backward pass against the definition of the transpose."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from minivision.checks.call import Call, CheckError
from minivision.checks.diagnoses import NO_DIAGNOSIS, diagnose, dtype_diagnosis
from minivision.checks.evidence import Evidence

if TYPE_CHECKING:
    from minivision.core.types import Operation

WORST_SHOWN = 5  # wrong elements printed in a failure


def check_gradients(
    op: Operation,
    *arrays: Any,
    step: float = 1e-6,
    tolerance: float = 1e-6,
    seed: int = 0,
    elements: int = 200,
    oracle: str = "reference",
    **keywords: Any,
) -> dict[str, float]:
    """Compare the gradients of an operation with central differences, in float64, on the active backend.

    The loss is ``sum(y * dy)`` with random ``dy``; a loss function is its own loss. Each element of each argument
    that has a gradient is moved by ``+step`` and ``-step``; of a large array, `elements` random ones are.

    Parameters
    ----------
    op : operation
        One of ``minivision.ops`` with a ``<op>_backward``, or a loss that returns its gradient itself.
    *arrays
        Its positional arguments. Choose them so that nothing is at a kink: no ties in a pooling window, no zeros
        for a ReLU. And choose windows that overlap: 2 x 2 windows of stride 2 also pass with a wrong backward pass.
    step : float
        Step of the difference quotient.
    tolerance : float
        The largest error allowed, relative to the largest gradient of the argument.
    seed : int
        Seed of the random ``dy`` and of the random elements.
    elements : int
        Largest number of elements of one argument that are tried.
    oracle : str
        Name of the backend that a diagnosis takes the right results from.
    **keywords
        The operation's keyword arguments.

    Returns
    -------
    errors : dict
        The largest relative error for each argument, by name.

    Raises
    ------
    CheckError
        When a gradient is wrong, has the wrong shape or dtype, or an input was written to. If it is a known mistake,
        the message ends with its diagnosis.
    LookupError
        When the operation has no gradient.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision.checks import check_gradients
    >>> from minivision.ops import sigmoid
    >>> errors = check_gradients(sigmoid, np.linspace(-2, 2, 5))
    >>> errors["x"] < 1e-6
    True
    """
    call = Call(op, arrays, keywords, oracle=oracle)
    return gradient_errors(call, step=step, tolerance=tolerance, seed=seed, elements=elements, skip_kinks=False)


def gradient_errors(
    call: Call,
    *,
    step: float,
    tolerance: float,
    seed: int,
    elements: int,
    skip_kinks: bool,
    explain: bool = True,
    once: Callable[[str, Callable[[], Any]], Any] = lambda name, compute: compute(),
) -> dict[str, float]:
    """Do what :func:`check_gradients` does, for a :class:`Call`.

    With `skip_kinks`, elements at a kink are left out: there is no gradient.
    Without `explain`, no diagnosis is made; it takes longer than the check. ``once(name, compute)`` returns the slopes
    along an argument where they are known, else what `compute` returns.
    """
    rng = np.random.default_rng([seed, 2017])  # not the stream the caller may have drawn x from
    y = call.output()
    dy = rng.standard_normal(np.shape(y)) if call.backward else np.ones(())
    gradients = call.gradients(dy)
    # What rounding y alone does to a difference quotient: nothing smaller can be told from zero.
    rounding = 8 * np.finfo(np.float64).eps * np.abs(y * dy).max(initial=0) / step
    errors = {}
    for name, gradient in gradients.items():
        value = call.arguments[name]
        gradient = _checked(call, dy, name, gradient, value, explain)
        places = np.arange(value.size)
        if value.size > elements:
            places = np.sort(rng.choice(value.size, elements, replace=False))

        def kept(name=name, places=places):
            return _slopes_at(call, name, places, step, y, dy, rounding, tolerance if skip_kinks else None)

        places, slopes = once(f"slopes of {name}", kept)
        error, message, details = _compare(call, name, gradient, places, slopes, tolerance, rounding)
        if error > tolerance:
            diagnosis = (_diagnosis(call, dy, name, gradient, places, slopes) or NO_DIAGNOSIS) if explain else None
            raise CheckError(message, result=f"d{name}", error=error, details=details, diagnosis=diagnosis)
        errors[name] = error
    return errors


def check_adjoint(
    op: Operation,
    *arrays: Any,
    argument: str | None = None,
    tolerance: float | None = None,
    seed: int = 0,
    oracle: str = "reference",
    **keywords: Any,
) -> float:
    """Check that the backward pass of a linear operation is its transpose: ``<A x, y> = <x, Aᵀ y>``.

    Parameters
    ----------
    op : operation
        An operation that is linear in `argument`, up to a constant.
    *arrays
        Its positional arguments, float32 or float64.
    argument : str, optional
        Name of the argument in which it is linear; the first one by default.
    tolerance : float, optional
        The largest difference allowed, relative to ``|A x| |y|``; by default 1e-12 in float64, 1e-5 in float32.
    seed : int
        Seed of the random ``y``.
    oracle : str
        Name of the backend that a diagnosis takes the right results from.
    **keywords
        The operation's keyword arguments.

    Returns
    -------
    error : float
        The difference relative to ``|A x| |y|``.

    Raises
    ------
    CheckError
        When the two products differ by more; if it is a known mistake, the message ends with its diagnosis.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision.checks import check_adjoint
    >>> from minivision.ops import upsample_nearest
    >>> check_adjoint(upsample_nearest, np.random.default_rng(0).normal(size=(1, 2, 3, 4))) < 1e-12
    True
    """
    call = Call(op, arrays, keywords, double=False, oracle=oracle)
    return adjoint_error(call, argument=argument, tolerance=tolerance, seed=seed)


def adjoint_error(
    call: Call, *, argument: str | None = None, tolerance: float | None = None, seed: int = 0, explain: bool = True
) -> float:
    """Do what :func:`check_adjoint` does, for a :class:`Call`; without `explain`, no diagnosis is made."""
    rng = np.random.default_rng([seed, 2017])  # not the stream the caller may have drawn x from
    name = argument or next(iter(call.arguments))
    if name not in call.differentiable:
        raise LookupError(f"{call.op.__name__} has no gradient for {name!r}; it has {', '.join(call.differentiable)}")
    x = call.arguments[name]
    Ax = call.output() - call.output(**{name: np.zeros_like(x)})
    y = rng.standard_normal(Ax.shape).astype(Ax.dtype)
    gradients = call.gradients(y)
    gradient = _checked(call, y, name, gradients[name], x, explain)
    left = np.vdot(Ax.astype(np.float64), y.astype(np.float64))
    right = np.vdot(x.astype(np.float64), gradient.astype(np.float64))
    size = np.linalg.norm(Ax.astype(np.float64)) * np.linalg.norm(y.astype(np.float64))
    error = abs(left - right) / max(size, np.finfo(np.float64).tiny)
    if tolerance is None:
        tolerance = 1e-12 if x.dtype == np.float64 else 1e-5
    if not error <= tolerance:  # also when it is NaN
        message = (
            f"{call.title}: the backward pass is not the transpose in {name}: <A {name}, y> = {left:.9g} but "
            f"<{name}, Aᵀ y> = {right:.9g}, relative difference {error:.2g} (allowed {tolerance:.2g})"
        )
        diagnosis = _diagnosis(call, y, name, gradient) if explain else None
        raise CheckError(message, result=f"d{name}", error=float(error), diagnosis=diagnosis)
    return float(error)


def _slopes(call, name, place, step, y, dy):
    """Return the slopes of ``sum(y * dy)`` to both sides, along one element of one argument."""
    sides = []
    for sign in (1, -1):
        moved = call.arguments[name].copy()
        moved.flat[place] += sign * step
        sides.append(np.sum((call.output(**{name: moved}) - y) * dy) / (sign * step))
    return sides


def _slopes_at(call, name, places, step, y, dy, rounding, tolerance):
    """Return the places, those at a kink left out unless `tolerance` is None, and the slopes there."""
    slopes = np.array([_slopes(call, name, place, step, y, dy) for place in places]).reshape(-1, 2)
    if tolerance is not None:
        allowed = tolerance / 4 * np.abs(slopes).max(initial=0) + rounding  # no error that a test could see
        apart = np.abs(slopes[:, 0] - slopes[:, 1])
        kinks = [
            k
            for k in np.flatnonzero(apart > allowed)
            if _is_kink(call, name, places[k], apart[k], step, y, dy, rounding)
        ]
        places, slopes = np.delete(places, kinks), np.delete(slopes, kinks, axis=0)
    return places, slopes.mean(axis=1)


def _is_kink(call, name, place, apart, step, y, dy, rounding):
    """Return whether the slopes to the two sides differ because of a kink, as at two equal numbers of a max pooling.

    Where a function is only curved, the difference shrinks with the step; at a kink it stays, or vanishes at once.
    """
    for divisor in (2, 4):
        before, after = _slopes(call, name, place, step / divisor, y, dy)
        if abs(divisor * abs(before - after) - apart) > 0.2 * apart + divisor**2 * rounding:
            return True
    return False


def _checked(call, dy, name, gradient, value, explain):
    """Return the gradient as an array; raise CheckError unless it has the shape and dtype of its argument."""
    if not isinstance(gradient, (np.ndarray, np.generic, float)):
        raise CheckError(
            f"{call.title}: the gradient for {name} is a {type(gradient).__name__}, expected an array",
            result=f"d{name}",
        )
    gradient = np.asarray(gradient)
    if gradient.shape != value.shape or gradient.dtype != value.dtype:
        message = (
            f"{call.title}: the gradient for {name} has shape {gradient.shape} and dtype {gradient.dtype}; "
            f"{name} has {value.shape} and {value.dtype}"
        )
        diagnosis = _diagnosis(call, dy, name, gradient) if explain else None
        raise CheckError(message, result=f"d{name}", diagnosis=diagnosis)
    return gradient


def _compare(call, name, gradient, places, expected, tolerance, rounding):
    """Return the largest relative error, a sentence about the errors, and the worst elements as a table."""
    got = gradient.ravel()[places]
    scale = max(np.abs(expected).max(initial=0), np.abs(got).max(initial=0), rounding / tolerance, 1e-8)
    error = np.abs(got - expected) / scale
    error[np.isnan(error)] = np.inf
    wrong = np.sum(error > tolerance)
    lines = [f"{'index':<20} {'backward gives':>15} {'difference gives':>17} {'relative error':>15}"]
    for k in np.argsort(-error)[:WORST_SHOWN]:
        index = ", ".join(str(int(i)) for i in np.unravel_index(places[k], gradient.shape))
        lines.append(f"{f'{name}[{index}]':<20} {got[k]:>15.8g} {expected[k]:>17.8g} {error[k]:>15.2g}")
    message = f"{call.title}: the gradient for {name} is wrong in {wrong} of {len(places)} elements tried"
    return float(error.max(initial=0)), message, "\n".join(lines)


def _diagnosis(call, dy, name, gradient, places=None, slopes=None):
    """Return the diagnosis of a wrong gradient, or None; `slopes` are the differences at the flat `places`."""
    results = call.results()
    for y in call.upstream:
        forward = Evidence(call.op, call.arguments, y, results[y], oracle=call.oracle)
        if not forward.same(forward.got, forward.expected):
            known = diagnose(forward) or f"{y} differs from the result of the reference implementation."
            return f"The forward pass is already wrong; fix it first. {known}"
    op = call.backward or call.op
    arguments = call.backward_arguments(dy) if call.backward else call.arguments
    evidence = Evidence(op, arguments, f"d{name}", gradient, oracle=call.oracle)
    if gradient.dtype != evidence.expected.dtype:
        return dtype_diagnosis(gradient.dtype, evidence.expected.dtype)
    if places is not None and np.abs(evidence.expected.ravel()[places] - slopes).max() > 1e-6 * evidence.scale:
        # The reference implementation itself is wrong: compare with the differences at the elements tried.
        got = gradient.ravel()[places]
        evidence = Evidence(op, arguments, f"d{name}", got, slopes, tolerance=1e-6, oracle=call.oracle)
    return diagnose(evidence)
