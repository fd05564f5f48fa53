"""Check one function of a backend in every way there is, and report what is wrong."""

from __future__ import annotations

import copy
import functools
import pathlib
import types
import warnings
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from minivision.checks.call import Call, CheckError, NotRecordedError, named_results, unchanged, written_inputs
from minivision.checks.cases import cases_of
from minivision.checks.closeness import Finding, Findings, compare
from minivision.checks.diagnoses import exception_diagnosis, input_diagnosis
from minivision.checks.evidence import Evidence, flat_results
from minivision.checks.gradients import adjoint_error, gradient_errors
from minivision.checks.limits import Limits
from minivision.checks.load_backend import first_line, last_frame
from minivision.checks.memory import Memory, Nothing, kernel_of
from minivision.checks.report import NOT_YET, REFERENCE, WRONG, Report
from minivision.core import backends, registry
from minivision.core.printable import printable
from minivision.core.signatures import signature

if TYPE_CHECKING:
    from minivision.core.types import Operation

STEP, TOLERANCE = 1e-6, 1e-6  # of finite differences
DEFAULT_LIMITS = Limits()


def check_operation(
    op: Operation | str,
    backend: str | None = None,
    *,
    seed: int = 0,
    keep: Callable[[dict[str, Any]], bool] | None = None,
    oracle: str = "reference",
    limits: Limits = DEFAULT_LIMITS,
    memory: Memory | None = None,
) -> Report:
    """Check one function of a backend: its values, its gradients, and its transpose.

    The function is called with all cases of ``minivision.checks.cases``, in float64 and float32, and its results are
    compared with those of the reference implementation. (The user's own backends are not called with NaN or infinity.)
    A function ``f_backward`` is also compared with finite differences of ``f`` and, where ``f`` is linear, checked
    against the definition of the transpose. For these, ``f`` is the backend's own function if its values are right,
    else the reference implementation; so a mistake in one of the two is not blamed on the other.

    Parameters
    ----------
    op : operation or str
        An operation of ``minivision.ops`` or ``minivision.detection``, or its name.
    backend : str, optional
        Name of the backend; by default the active one. See also :func:`minivision.checks.load_backend`.
    seed : int
        Seed of the numbers in the cases.
    keep : callable, optional
        ``keep(arguments)`` returns whether a case is tried, from its arguments by name; by default all are. For the
        gradients of a backward pass, it gets the arguments of the forward pass.
    oracle : str
        Name of the backend whose results are right. By default these are the reference implementations. A backend that
        has recorded their results serves where they are not installed; it raises :class:`NotRecordedError` for
        arguments that it has no results for.
    limits : Limits
        How much is computed.
    memory : Memory, optional
        What checks with this seed and oracle found out before (:class:`minivision.checks.memory.Memory`); cases that
        passed before are left out.

    Returns
    -------
    report : Report
        With the verdict ``"reference"`` when the backend has no function for the operation.

    Raises
    ------
    ValueError
        When there is no such operation or backend.
    NotRecordedError
        When the oracle has no result for a case.

    Examples
    --------
    >>> from minivision.checks import check_operation
    >>> check_operation("relu", "reference").verdict
    'ok'
    """
    if isinstance(op, str):
        operations = registry.operations()
        if op not in operations:
            raise ValueError(f"no operation is called {op!r}; there are {', '.join(operations)}")
        op = operations[op]
    backends.get_backend(oracle)
    backend = backend or backends.active_backend()[0].name
    with backends.backend(backend) as active, warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        kernel = active.kernel(op)
        if kernel is None:
            return Report(op.__name__, backend, REFERENCE)
        return _Check(op, active, kernel, seed, keep, oracle, limits, memory or Nothing()).report()


class _Check:
    """The check of one function: it collects findings, and makes a report of them."""

    def __init__(self, op, backend, kernel, seed, keep, oracle, limits, memory):
        self.op, self.seed, self.keep, self.oracle, self.limits = op, seed, keep, oracle, limits
        self.memory = memory
        self.own = isinstance(backend.source, types.ModuleType)  # the user's, not the package's
        self.file = getattr(backend.source, "__file__", None) if self.own else None
        place = f"{self.file}, line {first_line(kernel)}" if self.file else ""
        self.result = Report(op.__name__, backend.name, place=place)
        self.findings = Findings()

    def report(self):
        numbered = [case for case in self._cases(self.op) if self.keep is None or self.keep(case[1])]
        numbered = sorted(numbered, key=lambda case: self._is_huge(case[1]))
        for k, (number, arguments) in enumerate(numbered):
            if self.own and self.findings and self._is_huge(arguments):
                numbered = numbered[:k]  # see Limits.huge_coordinate
                break
            self._values(number, arguments)
        cases = [arguments for _, arguments in numbered]
        self.result.cases = len(cases)
        if self.findings.count("not yet") == len(cases):
            self.result.verdict = NOT_YET
            return self.result
        if self.findings.count("raised", "not yet") < len(cases):
            self._gradients()
        self.result.failures = self.findings.failures(cases, self.limits.max_diagnosed_cases)
        if self.result.failures:
            self.result.verdict = WRONG
        return self.result

    def _cases(self, op, *, finite=False):
        """Return the number and the arguments by name of each case."""

        def drawn():
            cases = cases_of(op, np.random.default_rng(self.seed), self.oracle)
            return [signature(op).bind(*arrays, **keywords).arguments for arrays, keywords in cases]

        cases = enumerate(self.memory.once(("cases", op), drawn))
        return [(k, case) for k, case in cases if not (self.own or finite) or all(map(_finite, case.values()))]

    def _is_huge(self, arguments):
        """Return whether a case has regions of very many pixels."""
        rois = arguments.get("rois")
        return rois is not None and rois.size > 0 and bool(np.nanmax(abs(rois)) > self.limits.huge_coordinate)

    # ---- values --------------------------------------------------------------------------------------------------

    def _values(self, number, arguments):
        """Compare the results of one case with the right ones, in float64 and, if these agree, in float32."""
        if self.memory.has_passed("values", self.op, number):
            return
        for dtype in (np.float64, np.float32):
            cast = {name: _cast(value, dtype) for name, value in arguments.items()}
            right = self.memory.once(("right", self.op, number, dtype), lambda cast=cast: self._right(cast))
            findings = self._compared(cast, *right, dtype)
            for finding in findings:
                self.findings.add(finding, self.op, arguments)
            if findings:
                return
        self.memory.passes("values", self.op, number)

    def _right(self, arguments):
        """Return the results of the oracle by name, and its arguments, which it may have updated."""
        for_oracle = copy.deepcopy(arguments)
        with backends.backend(self.oracle):
            return named_results(self.op, for_oracle), for_oracle

    def _compared(self, arguments, expected, for_oracle, dtype):
        """Return the findings of one call."""
        for_function = copy.deepcopy(arguments)
        try:
            got = named_results(self.op, for_function)
        except CheckError as failed:
            return [Finding(("result", ""), str(failed).replace(self.op.__name__, "it", 1))]
        except (Exception, SystemExit) as raised:  # whatever the user's function raises
            return [self._raised(raised, arguments)]
        findings = []
        for name in written_inputs(self.op, arguments, for_function, self.oracle):
            what = f"it writes to its input {name}"
            findings.append(Finding(("input", name), what, diagnosis=input_diagnosis(name)))
        for name, value in expected.items():  # a plain tuple does as well as a named one
            if hasattr(value, "_fields") and isinstance(got[name], tuple) and len(got[name]) == len(value):
                got[name] = type(value)(*got[name])
        got, expected = flat_results(got, for_function), flat_results(expected, for_oracle)
        shared = {}
        for name, value in expected.items():
            if name in arguments and unchanged(arguments[name], value):
                continue  # an argument; what the operation updates in place counts as a result
            finding, error = compare(
                self.op,
                arguments,
                name,
                got.get(name),
                value,
                dtype,
                oracle=self.oracle,
                shared=shared,
                also=got,
                tolerance=self.limits.tolerance,
            )
            if dtype is np.float64:
                self.result.values = max(self.result.values or 0.0, error)
            if finding:
                findings.append(finding)
            elif dtype is np.float64:
                right = functools.partial(Evidence, self.op, arguments, name, value, value, oracle=self.oracle)
                self.findings.add_right(name, right)
        return findings

    def _raised(self, error, arguments):
        """Return the finding that the function raised an exception: with its own line, without our traceback."""
        frame = last_frame(error, self.file)
        line, code = "", ""
        if frame:
            line, code = f" in line {frame.lineno} of {pathlib.Path(frame.filename).name}", frame.line
        kind = type(error).__name__
        key = ("not yet" if isinstance(error, NotImplementedError) else "raised", f"{kind}{line}")
        message = f": {' '.join(str(error).split())}" if str(error) else ""
        diagnosis = exception_diagnosis(error, self.op, arguments)
        return Finding(key, printable(f"{kind}{line}{message}"), f"`{code}`" if code else "", diagnosis)

    # ---- gradients -----------------------------------------------------------------------------------------------

    def _gradients(self):
        """Check a backward pass, or a loss with its own gradient, against differences and the adjoint identity."""
        calls = self._calls()
        for tried in calls:
            self._check_call(
                tried,
                "gradients",
                lambda call, **options: max(gradient_errors(call, **options).values()),
                step=STEP,
                tolerance=max(TOLERANCE, self.limits.tolerance),
                seed=self.seed,
                elements=self.limits.elements_tried,
                skip_kinks=True,
                once=functools.partial(self._once, tried),
            )
        for name in signature(calls[0].call.op).parameters if calls else ():
            pairs = [tried for tried in calls if name in tried.call.differentiable]  # a bias is not always given
            if all(self._is_linear(tried, name) for tried in pairs):
                for tried in pairs:
                    allowed = self.limits.tolerance or None
                    self._check_call(tried, "adjoint", adjoint_error, argument=name, seed=self.seed, tolerance=allowed)

    def _once(self, tried, name, compute):
        """Return what is computed from the forward pass of a call, which other functions may have in common."""
        return self.memory.once((name, tried.call.op, tried.number, tried.forward), compute)

    def _is_linear(self, tried, name):
        key = ("linear", tried.call.op, tried.number, name)
        return self.memory.once(key, lambda: _is_linear(tried.reference, name))

    def _check_call(self, tried, kind, error_of, **options):
        """Put the error that a check measures in the report, and add a finding unless that result has one."""
        call, key = tried.call, (kind, self.op, tried.number, options.get("argument"))
        if self.memory.has_passed(*key):
            return
        try:
            largest = error_of(call, **options, explain=not self.findings)
            self.memory.passes(*key)
        except CheckError as failed:
            largest = failed.error
            if not self.findings.about(failed.result):
                other = "finite differences" if kind == "gradients" else "the transpose of the forward pass"
                what = f"{failed.result} differs from {other}"
                finding = Finding((kind, failed.result), what, failed.details, failed.diagnosis)
                self.findings.add(finding, call.op, call.arguments)
        except NotRecordedError:
            return
        except (Exception, SystemExit) as failed:  # whatever the user's function raises
            largest = 0.0
            if not self.findings.count("raised", "not yet"):
                self.findings.add(self._raised(failed, None), call.op, call.arguments)
        setattr(self.result, kind, max(getattr(self.result, kind) or 0.0, largest))

    def _calls(self):
        """Return the calls that are small enough for differences, each also with the reference forward pass."""
        operations, name = registry.operations(), self.op.__name__
        forward = operations.get(name.removesuffix("_backward"))
        if forward is None or f"{name}_backward" in operations:
            return []  # a forward pass is checked with its backward pass
        calls = []
        for number, arguments in self._cases(forward, finite=True):
            if not self._is_kept(arguments) or self.own and self._is_huge(arguments):
                continue
            try:
                reference = Call(forward, (), arguments, forward=self.oracle, oracle=self.oracle)
                y = self.memory.once(("output", forward, number), reference.output)
            except LookupError:
                continue  # it has no gradient, or none for these arguments
            arrays = [value for value in (*arguments.values(), y) if isinstance(value, np.ndarray)]
            if max(array.size for array in arrays) > self.limits.max_elements:
                continue
            own = _Tried(number, Call(forward, (), arguments, oracle=self.oracle), reference, kernel_of(forward))
            right = self._once(own, "right", functools.partial(_gives, own.call, y))
            calls.append(own if right else _Tried(number, reference, reference, self.oracle))
        return calls

    def _is_kept(self, arguments):
        """Return whether a case of the forward pass is tried when the backward pass is checked."""
        try:
            return self.keep is None or self.keep(arguments)
        except KeyError:  # `keep` looks at an argument that only the backward pass has
            return True


class _Tried(NamedTuple):
    """A call whose gradients are tried: the number of the case, and which function runs as its forward pass."""

    number: int
    call: Call
    reference: Call
    forward: Hashable


def _gives(call, y):
    """Return whether the forward pass of a call returns `y`."""
    try:
        output = call.output()
        return np.shape(output) == np.shape(y) and np.allclose(output, y, rtol=1e-9, atol=1e-12)
    except (Exception, SystemExit):  # whatever the user's function raises
        return False


def _is_linear(call, name):
    """Return whether an operation is linear in an argument, up to a constant."""
    x = call.arguments[name]
    other = np.random.default_rng(0).standard_normal(x.shape)
    of_zeros, of_x, of_other, of_both = (call.output(**{name: value}) for value in (0 * x, x, other, x + other))
    return np.allclose(of_both - of_zeros, (of_x - of_zeros) + (of_other - of_zeros), rtol=1e-9, atol=1e-9)


def _finite(value):
    """Return whether an argument holds neither NaN nor infinity."""
    if isinstance(value, tuple):
        return all(map(_finite, value))
    return not isinstance(value, np.ndarray) or value.dtype.kind != "f" or bool(np.isfinite(value).all())


def _cast(value, dtype):
    """Return floats in a dtype, also inside of tuples (what an operation saved for its backward pass)."""
    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        return value.astype(dtype)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(_cast(part, dtype) for part in value))
    return copy.deepcopy(value)
