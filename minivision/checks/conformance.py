"""Everything that can be checked about one function of a backend, as a report."""

import copy
import inspect
import pathlib
import types
import warnings

import numpy as np

from minivision.checks.call import Call, CheckError, NotRecordedError, named_results, unchanged, written_inputs
from minivision.checks.cases import cases_of
from minivision.checks.closeness import Finding, Findings, compare
from minivision.checks.diagnoses.diagnose import exception_diagnosis, input_diagnosis
from minivision.checks.evidence import flat_results
from minivision.checks.gradients import adjoint_error, gradient_errors
from minivision.checks.load_backend import first_line, last_frame
from minivision.checks.report import NOT_YET, TEXTBOOK, WRONG, Report
from minivision.core import backends, registry

MOST_ELEMENTS = 600  # in the arrays of a case that is held to differences: each element is two calls
ELEMENTS_TRIED = 60  # of one argument
STEP, TOLERANCE = 1e-6, 1e-6  # of the differences
HUGE = 1e5  # pixels from the origin


def check_operation(op, backend=None, *, seed=0, keep=None):
    """Check one function of a backend against the textbook, differences and the definition of a transpose.

    All cases of ``minivision.checks.cases`` are tried, in float64 and float32; a backend of one's own is spared NaN
    and infinity. A function ``f_backward`` is also held to differences of ``f`` and, where ``f`` is linear, to the
    adjoint identity; for these, ``f`` is the backend's own where it agrees with the textbook, else the textbook, so
    that a mistake in one of the two is not blamed on the other.

    Parameters
    ----------
    op : operation or str
        One of ``minivision.ops``, or of those that detectors share; or its name.
    backend : str, optional
        The name of the backend; by default the active one. See also ``minivision.checks.load_backend``.
    seed : int
        Of the numbers in the cases.
    keep : callable, optional
        ``keep(arguments)`` says whether a case is tried, by its arguments' names; by default all are. Where a backward
        pass is held to differences, it is asked about the cases of the way forward.

    Returns
    -------
    Report
        With the verdict ``"textbook"`` when the backend has no function for the operation.

    Raises
    ------
    ValueError
        When there is no such operation or backend.
    """
    if isinstance(op, str):
        operations = registry.operations()
        if op not in operations:
            raise ValueError(f"no operation is called {op!r}; there are {', '.join(operations)}")
        op = operations[op]
    backend = backend or backends.active_backend()[0].name
    with backends.backend(backend) as active, warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        kernel = active.kernel(op)
        if kernel is None:
            return Report(op.__name__, backend, TEXTBOOK)
        return _Check(op, active, kernel, seed, keep).report()


class _Check:
    """The check of one function: it collects findings, and writes the report."""

    def __init__(self, op, backend, kernel, seed, keep):
        self.op, self.seed, self.keep = op, seed, keep
        self.own = isinstance(backend.source, types.ModuleType)  # somebody's own, not the package's
        self.file = getattr(backend.source, "__file__", None) if self.own else None
        place = f"{self.file}, line {first_line(kernel)}" if self.file else ""
        self.result = Report(op.__name__, backend.name, place=place)
        self.findings = Findings()

    def report(self):
        cases = [case for case in self._cases(self.op) if self.keep is None or self.keep(case)]
        cases = sorted(cases, key=_is_huge)
        for k, arguments in enumerate(cases):
            if self.own and self.findings and _is_huge(arguments):
                cases = cases[:k]  # what is wrong anyway may count the pixels of such a box until tomorrow
                break
            self._values(arguments)
        self.result.cases = len(cases)
        if self.findings.count("not yet") == len(cases):
            self.result.verdict = NOT_YET
            return self.result
        if self.findings.count("raised", "not yet") < len(cases):
            self._gradients()
        self.result.failures = self.findings.failures(cases)
        if self.result.failures:
            self.result.verdict = WRONG
        return self.result

    def _cases(self, op, *, finite=False):
        """Return the arguments of all cases, by name."""
        with backends.backend("reference"):  # what is checked must not make its own cases
            cases = cases_of(op, np.random.default_rng(self.seed))
        cases = [inspect.signature(op).bind(*arrays, **keywords).arguments for arrays, keywords in cases]
        return [case for case in cases if not (self.own or finite) or all(map(_finite, case.values()))]

    # ---- values --------------------------------------------------------------------------------------------------

    def _values(self, arguments):
        """Compare one case with the textbook, in float64 and, if that is right, in float32."""
        for dtype in (np.float64, np.float32):
            found = self._compared({name: _cast(value, dtype) for name, value in arguments.items()}, dtype)
            for finding in found:
                self.findings.add(finding, self.op, arguments)
            if found:
                break

    def _compared(self, arguments, dtype):
        """Return the findings of one call."""
        textbook, mine = copy.deepcopy(arguments), copy.deepcopy(arguments)
        with backends.backend("reference"):
            expected = named_results(self.op, textbook)
        try:
            got = named_results(self.op, mine)
        except CheckError as error:
            return [Finding(("result", ""), str(error).replace(self.op.__name__, "it", 1))]
        except Exception as error:  # whatever somebody's function raises
            return [self._raised(error)]
        found = []
        for name in written_inputs(self.op, arguments, mine):
            found.append(Finding(("input", name), f"it writes to its input {name}", diagnosis=input_diagnosis(name)))
        for name, value in expected.items():  # a plain tuple does as well as a named one
            if hasattr(value, "_fields") and isinstance(got[name], tuple) and len(got[name]) == len(value):
                got[name] = type(value)(*got[name])
        got, expected = flat_results(got, mine), flat_results(expected, textbook)
        shared = {}
        for name, value in expected.items():
            if name in arguments and unchanged(arguments[name], value):
                continue  # an argument; what the textbook updates in place counts as a result
            finding, error = compare(self.op, arguments, name, got.get(name), value, dtype, shared)
            if dtype is np.float64:
                self.result.values = max(self.result.values or 0.0, error)
            if finding:
                found.append(finding)
        return found

    def _raised(self, error):
        """Return the finding that the function raised an exception: its own line, and no traceback of ours."""
        frame = last_frame(error, self.file)
        line, code = "", ""
        if frame:
            line, code = f" in line {frame.lineno} of {pathlib.Path(frame.filename).name}", frame.line
        kind = type(error).__name__
        key = ("not yet" if isinstance(error, NotImplementedError) else "raised", f"{kind}{line}")
        message = f": {' '.join(str(error).split())}" if str(error) else ""
        diagnosis = exception_diagnosis(error, self.op)
        return Finding(key, f"{kind}{line}{message}", f"`{code}`" if code else "", diagnosis)

    # ---- gradients -----------------------------------------------------------------------------------------------

    def _gradients(self):
        """Hold a backward pass, or a loss with its own gradient, to differences and to the adjoint identity."""
        calls = self._calls()
        for call, _ in calls:
            self._hold(
                call,
                "gradients",
                lambda call, **options: max(gradient_errors(call, **options).values()),
                step=STEP,
                tolerance=TOLERANCE,
                seed=self.seed,
                elements=ELEMENTS_TRIED,
                skip_kinks=True,
            )
        for name in inspect.signature(calls[0][0].op).parameters if calls else ():
            having = [pair for pair in calls if name in pair[0].differentiable]  # a bias is not always given
            if all(_is_linear(textbook, name) for _, textbook in having):
                for call, _ in having:
                    self._hold(call, "adjoint", adjoint_error, argument=name, seed=self.seed)

    def _hold(self, call, kind, error_of, **options):
        """Note the error that a check finds in the report, and what is wrong if it is not known already."""
        error = 0.0
        try:
            error = error_of(call, **options, explain=not self.findings)
        except CheckError as failed:
            error = failed.error
            if not self.findings.about(failed.result):
                beside = "what differences give" if kind == "gradients" else "the transpose of the way forward"
                what = f"{failed.result} is not {beside}"
                finding = Finding((kind, failed.result), what, failed.details, failed.diagnosis)
                self.findings.add(finding, call.op, call.arguments)
        except NotRecordedError:
            return
        except Exception as failed:  # whatever somebody's function raises
            if not self.findings.count("raised", "not yet"):
                self.findings.add(self._raised(failed), call.op, call.arguments)
        setattr(self.result, kind, max(getattr(self.result, kind) or 0.0, error))

    def _calls(self):
        """Return the calls that are small enough for differences, each also with the textbook's way forward."""
        operations, name = registry.operations(), self.op.__name__
        forward = operations.get(name.removesuffix("_backward"))
        if forward is None or f"{name}_backward" in operations:
            return []  # a way forward is checked with its way back
        calls = []
        for arguments in self._cases(forward, finite=True):
            if not self._is_kept(arguments) or self.own and _is_huge(arguments):
                continue
            try:
                textbook = Call(forward, (), arguments, forward="reference")
                y = textbook.output()
            except LookupError:
                continue  # it has no gradient, or none for these arguments
            arrays = [value for value in (*arguments.values(), y) if isinstance(value, np.ndarray)]
            if max(array.size for array in arrays) > MOST_ELEMENTS:
                continue
            own = Call(forward, (), arguments)
            calls.append((own if _gives(own, y) else textbook, textbook))
        return calls

    def _is_kept(self, arguments):
        """Return whether a case of the way forward is tried when the way back is checked."""
        try:
            return self.keep is None or self.keep(arguments)
        except KeyError:  # it asked for an argument that only the way back has
            return True


def _gives(call, y):
    """Return whether the way forward of a call gives what the textbook gives."""
    try:
        found = call.output()
        return np.shape(found) == np.shape(y) and np.allclose(found, y, rtol=1e-9, atol=1e-12)
    except Exception:  # whatever somebody's function raises
        return False


def _is_linear(call, name):
    """Return whether an operation is linear in an argument, up to a constant."""
    x = call.arguments[name]
    other = np.random.default_rng(0).standard_normal(x.shape)
    nothing, one, two, both = (call.output(**{name: value}) for value in (0 * x, x, other, x + other))
    return np.allclose(both - nothing, (one - nothing) + (two - nothing), rtol=1e-9, atol=1e-9)


def _finite(value):
    """Return whether an argument holds neither NaN nor infinity."""
    if isinstance(value, tuple):
        return all(map(_finite, value))
    return not isinstance(value, np.ndarray) or value.dtype.kind != "f" or bool(np.isfinite(value).all())


def _is_huge(arguments):
    """Return whether a case has boxes of very many pixels."""
    rois = arguments.get("rois")
    return rois is not None and rois.size > 0 and bool(np.nanmax(abs(rois)) > HUGE)


def _cast(value, dtype):
    """Return floats in a dtype, also inside of tuples (what an operation saved for its way back)."""
    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        return value.astype(dtype)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(_cast(part, dtype) for part in value))
    return copy.deepcopy(value)
