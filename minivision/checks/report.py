"""Reports of a check, one for each operation: fields to read, and text to print."""

from __future__ import annotations

import dataclasses
import re
import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minivision.checks.diagnoses import NO_DIAGNOSIS, paragraph
from minivision.core.signatures import signature

if TYPE_CHECKING:
    from minivision.core.types import Array, Operation

OK, WRONG, NOT_YET, REFERENCE = "ok", "wrong", "not yet", "reference"


@dataclasses.dataclass
class Failure:
    """One thing that is wrong, and the simplest arguments that show it.

    Attributes
    ----------
    what : str
        A sentence: ``"dx is wrong"``.
    result : str
        Name of the wrong result, or of the input that was written to; may be empty.
    call : str
        Name of the operation that was called: the one that is checked, or, for gradients, its forward pass.
    arguments : dict
        Its arguments by name, to call it with again.
    cases : int
        Number of the cases in which it is wrong.
    details : str
        The worst elements, or the line that raised an error; may be empty.
    pattern : str
        What the failing cases have in common and the others have not; may be empty.
    diagnosis : str or None
        The likely mistake, where it is a known one.
    """

    what: str
    result: str
    call: str
    arguments: dict[str, Any]
    cases: int
    details: str = ""
    pattern: str = ""
    diagnosis: str | None = None


@dataclasses.dataclass
class Report:
    """The result of checking one operation on one backend.

    Attributes
    ----------
    operation, backend : str
        Their names.
    verdict : str
        ``"ok"``, ``"wrong"``, ``"not yet"`` (it raises NotImplementedError), or ``"reference"``: the backend has no
        function for the operation, so the reference implementation would run, and there is nothing to check.
    cases : int
        Number of calls whose results were compared with the right ones.
    values : float or None
        The largest error of a value, relative to the largest value of that result.
    gradients : float or None
        The largest error of a gradient, compared with finite differences; None where there is no gradient.
    adjoint : float or None
        The largest difference of the adjoint identity; None where the operation is not linear.
    failures : list of Failure
        Empty unless the verdict is ``"wrong"``.
    place : str
        File and line of the function, as in ``"mine.py, line 12"``; empty for the package's own.
    """

    operation: str
    backend: str
    verdict: str = OK
    cases: int = 0
    values: float | None = None
    gradients: float | None = None
    adjoint: float | None = None
    failures: list[Failure] = dataclasses.field(default_factory=list)
    place: str = ""

    @property
    def passed(self) -> bool:
        """Whether the backend has a function of its own for the operation, and it is right."""
        return self.verdict == OK

    def __str__(self) -> str:
        """Return the failures as text to print; a mistake that two results share is explained once."""
        texts: list[str] = []
        explained: list[str] = []
        for failure in self.failures:
            diagnosis = failure.diagnosis or ""
            nameless = {
                diagnosis.removeprefix(failure.result),
                re.sub(rf"\b{re.escape(failure.result)}\b", "", diagnosis),
            }
            texts.append(self._shown(failure, again=bool(diagnosis) and any(text in explained for text in nameless)))
            explained += nameless
        return "\n\n".join(texts)

    def _shown(self, failure, again):
        origin = self.place or f"backend {self.backend!r}"
        cases = f"{failure.cases} of {self.cases} cases" if failure.call == self.operation else f"{failure.cases} cases"
        title = textwrap.fill(f"{self.operation} ({origin}), {cases}: {failure.what}", 112, subsequent_indent="  ")
        if again:
            return f"{title}\n  → It looks like the same mistake."
        call = shown_call(failure.call, failure.arguments)
        unknown = NO_DIAGNOSIS if "\nindex" in failure.details else None
        lines = filter(None, [call, failure.details, failure.pattern])
        return "\n".join([title, *(textwrap.indent(line, "  ") for line in lines)]) + paragraph(
            failure.diagnosis or unknown
        )


def shown_call(name: str, arguments: Mapping[str, Any]) -> str:
    """Return a call as text, with the shapes of arrays: ``for conv2d(x[2, 3, 7, 6], ..., stride=2)``."""
    words = []
    for argument, value in arguments.items():
        if isinstance(value, np.ndarray):
            words.append(f"{argument}[{', '.join(map(str, value.shape))}]")
        elif isinstance(value, np.random.Generator) or hasattr(value, "_fields"):
            words.append(argument)
        else:
            words.append(f"{argument}={value!r}")
    return textwrap.fill(f"for {name}({', '.join(words)})", width=104, subsequent_indent="    ")


def worst_elements(got: Array, expected: Array, error: Array, shown: int = 5) -> str:
    """Return a table of the elements with the largest errors."""
    lines = [f"{'index':<18} {'given':>15} {'right':>15} {'relative error':>15}"]
    for k in np.argsort(-error, axis=None)[:shown]:
        index = tuple(int(i) for i in np.unravel_index(k, error.shape))
        lines.append(f"[{', '.join(map(str, index))}]".ljust(18) + f" {_number(got[index])} {_number(expected[index])}"
                     f" {error[index]:>15.2g}")  # fmt: skip
    return "\n".join(lines)


def _number(value):
    return f"{value:>15.8g}" if isinstance(value, np.floating) else f"{value!s:>15}"


def pattern(op: Operation, failing: Sequence[Mapping[str, Any]], passing: Sequence[Mapping[str, Any]]) -> str:
    """Return a sentence about what failing cases have in common and passing ones have not, or an empty string.

    Parameters
    ----------
    op : operation
    failing, passing : list of dict
        Arguments by name.
    """
    of_failing = [special_features(op, arguments) for arguments in failing]
    of_passing = [special_features(op, arguments) for arguments in passing]
    if not of_failing or not of_passing:
        return ""
    shared = [feature for feature in of_failing[0] if all(feature in features for features in of_failing)]
    for feature in shared:
        if not any(feature in features for features in of_passing):
            return f"All cases with {feature} fail; those without pass."
    for feature in shared:
        if len(failing) > 1 and sum(feature in features for features in of_passing) < len(passing) / 3:
            return f"It fails only in cases with {feature}."
    return ""


def special_features(op: Operation, arguments: Mapping[str, Any]) -> list[str]:
    """Return what is special about the arguments of a case, in words."""
    names = signature(op).parameters
    positional = [arguments[name] for name in list(names)[: op.positional] if name in arguments]
    keywords = {name: arguments[name] for name in op.keywords if name in arguments}
    values = dict(zip(names, op.normalize(*positional, **keywords), strict=True))
    first: tuple[int, ...] = getattr(next(iter(values.values())), "shape", ())
    features = []
    if first and first[0] == 0:
        features.append("an empty batch")
    if len(first) >= 2 and first[0] > 1:
        features.append("more than one example in the batch")
    if _repeats(next(iter(values.values()))):
        features.append("numbers that occur more than once")
    if any(k > s for k, s in zip(values.get("kernel_size", ()), values.get("stride", ()), strict=False)):
        features.append("windows that overlap")
    for name, value in values.items():
        default = names[name].default
        if name in ("stride", "dilation") and value != (1, 1):
            features.append(f"a {name} above 1")
        elif name in ("padding", "output_padding") and np.any(value):
            features.append(name.replace("_", " "))
        elif name == "groups" and value > 1:
            features.append("several groups")
        elif isinstance(value, (bool, str)):
            features.append(f"{name}={value!r}")
        elif default is None and isinstance(value, np.ndarray):
            features.append(f"{name} given")
        elif isinstance(value, float) and isinstance(default, (int, float)) and value != default:
            features.append(f"{name} other than {default:g}")
    return features


def _repeats(array):
    return isinstance(array, np.ndarray) and array.dtype.kind == "f" and np.unique(array).size < array.size
