"""Results that are right up to a factor or a term: a division by N, a sign, gamma or beta is missing or too many."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from minivision.checks.evidence import Evidence
    from minivision.core.types import Array


def constant_factor(evidence: Evidence, others: Sequence[Evidence] = ()) -> str | None:
    """Diagnose one factor for all elements, and what that number probably is."""
    factor = _factor(evidence)
    if factor is None:
        return None
    names, factors, everywhere = _names(evidence, factor), {_times(factor): None}, True
    for other in others:  # 2 and the batch size are the same number in one case, but not in the next
        if not np.any(other.expected) or not np.isfinite(other.got).all():
            continue  # zeros have any factor
        its_factor = 1.0 if other.is_right else _factor(other)
        alike = _is_alike(other, evidence)
        if its_factor is None:
            theirs = set()
        elif other.is_right:
            theirs = {label for label in names if _changes_nothing(label, other)}
        else:
            theirs = set(_names(other, its_factor))
        if alike and not other.is_right and its_factor is not None:
            factors[_times(its_factor)] = None
        elif alike and not theirs:
            everywhere = False
        if alike or not other.is_right and theirs & set(names):  # other settings may change what is divided by
            names = {label: names[label] for label in names if label in theirs}
    if not names and not _is_enough(evidence):
        return None  # a few numbers prove nothing
    lead = f"{evidence.result} is right up to a factor: every element is {_times(factor)} what it should be."
    if not names:
        if len(factors) > 1:
            lead += f" In other cases it is {', '.join(list(factors)[1:4])}."
        if not everywhere:
            return f"{lead} In other cases there is no such factor."
        return f"{lead} Look for a factor, or a division, that is missing or one too many."
    label, *also = names
    doubt = f" (Or is it {also[0]}? In all cases that is the same number.)" if also else ""
    return f"{lead} {names[label]}{doubt}"


def _changes_nothing(label, evidence):
    """Return whether a factor of this name is 1 in a case: so it is where there is no such number."""
    if label in ("the sign", "2"):
        return False
    numbers = [_quantities(evidence).get(each, 1) for each in label.split(" / ")]
    return abs(numbers[0] / numbers[-1] - 1) < evidence.tolerance if len(numbers) > 1 else numbers[0] == 1


def _is_alike(other, evidence):
    """Return whether a case has no settings and no arrays but those of another one, and its switches are the same."""
    switches = [name for name, value in evidence.values.items() if isinstance(value, (bool, str))]
    same = all(other.values.get(name) == evidence.values[name] for name in switches)
    return same and other.settings <= evidence.settings and _arrays(other) <= _arrays(evidence)


def _arrays(evidence):
    """Return the names of the arrays that are given: a bias, which is added, hides the factor of all else."""
    return {name for name, value in evidence.values.items() if isinstance(value, np.ndarray)}


def _factor(evidence):
    """Return c where got = c * expected to rounding, or None."""
    got, expected = evidence.got, evidence.expected
    if got.shape != expected.shape or expected.dtype.kind != "f" or not np.isfinite(got).all():
        return None
    squares = np.sum(expected * expected)
    if not 0 < squares < np.inf:
        return None
    factor = float(np.sum(expected * got) / squares)
    if factor == 0 or abs(factor - 1) < 1e-5 or not evidence.same(got / factor, expected):
        return None
    if not _is_enough(evidence) and not _names(evidence, factor):
        return None  # any two numbers have some factor between them
    return factor


def _is_enough(evidence):
    """Return whether there are enough numbers to exclude a common factor by chance."""
    return np.sum(np.abs(evidence.expected) > 1e-3 * evidence.scale) >= 3


_SUMS = "the sum of the weights of the pixels that count", "the sum of the weights of the classes"

# Added where a division by a number of things is missing, or one too many.
_CONFUSED = " (is it a sum where a mean is meant?)", " (is it a mean where a sum is meant?)"


def _times(factor):
    """Return a factor in words: "3 times", "1/18 of", "minus 2/3 of", "0.7311 times"."""
    sign = "minus " if factor < 0 else ""
    for numerator in range(1, 10):
        divisor = round(numerator / abs(factor))
        if divisor and abs(abs(factor) * divisor / numerator - 1) < 1e-6:
            if divisor == 1:
                return f"{sign}{numerator} times" if numerator > 1 else "minus"
            return f"{sign}{numerator}/{divisor} of"
    return f"{factor:.6g} times"


def _names(evidence, factor):
    """Return what the factor may be, the likeliest first, each with a sentence about the code."""

    def is_one(number):
        return abs(number - 1) < evidence.tolerance

    size, quantities = abs(factor), _quantities(evidence)
    if is_one(-factor):
        return {
            "the sign": "The sign is wrong: a minus is missing or one too many, or a difference is the wrong way round."
        }
    names = {}
    for label, number in quantities.items():
        if number <= 0 or is_one(number):
            continue
        counts = isinstance(number, int)
        sum_for_mean, mean_for_sum = _CONFUSED if counts else ("", "")
        if is_one(size / number):
            names[label] = f"{number:g} is {label}: a division by it is missing{sum_for_mean}."
        elif is_one(size * number):
            names[label] = f"{number:g} is {label}: one division by it is too many{mean_for_sum}."
    if is_one(size / 2):
        names["2"] = "Something is counted twice, or a factor 1/2 is missing."
    if is_one(size * 2):
        names["2"] = "A factor 2 is missing (the derivative of x * x is 2 * x), or there is a 1/2 too many."
    if not names and _is_enough(evidence):
        for (label, number), (other, divisor) in itertools.permutations(quantities.items(), 2):
            least = 0 if label in _SUMS and other in _SUMS else 1  # factors between small numbers are often chance
            if min(number, divisor) > least and is_one(size * divisor / number):
                names[f"{label} / {other}"] = f"It is divided by {other} ({divisor:g}) instead of {label} ({number:g})."
    return {label: advice + (" And the sign is wrong." if factor < 0 else "") for label, advice in names.items()}


def _quantities(evidence):
    """Return the numbers of this case that a division may be by, by their names, the likeliest first."""
    values, quantities = evidence.values, {}
    arrays = {name: value for name, value in values.items() if getattr(value, "dtype", np.dtype("O")).kind == "f"}
    name = "x" if "x" in arrays else next(iter(arrays), evidence.result)
    given = arrays.get(name, evidence.expected)
    if given.ndim in (2, 4):
        axis = evidence.axis_names(name)[0]
        things = {"N": "the batch size N", "K": "the number of regions" if "rois" in values else "the number of boxes"}
        quantities[things.get(axis, "the batch size N" if axis == "axis 0" else f"{axis}, the length of {name}")] = (
            given.shape[0]
        )
    for name, what in (("kernel_size", "window"), ("scale", "block")):
        if name in values:
            quantities[f"the number of pixels of a {what}"] = values[name][0] * values[name][1]
    if "w" in arrays and arrays["w"].ndim == 4:
        quantities["the number of weights of a filter"] = arrays["w"][0].size
        quantities["the number of pixels of a filter"] = arrays["w"][0, 0].size
    if evidence.result not in values:
        arrays[evidence.result] = evidence.expected
    shapes = {array.shape: name for name, array in reversed(arrays.items())}  # dy and dx are often of the same
    for name, array in ((name, arrays[name]) for name in reversed(shapes.values())):
        if array.ndim == 4 and array.size:
            quantities[f"the number of pixels of a map of {name}"] = array[0, 0].size
            if name != "w":  # which has no images
                quantities[f"the number of pixels of {name} in all images"] = array[:, 0].size
        if array.ndim > 0:
            quantities[f"the number of elements of {name}"] = array.size
        if array.ndim > 1:
            quantities[f"the number of {'columns' if array.ndim == 2 else 'channels'} of {name}"] = array.shape[1]
    if isinstance(values.get("weight"), np.ndarray) and isinstance(values.get("target"), np.ndarray):
        weight, target = values["weight"], values["target"]
        if weight.ndim == 1 and target.dtype.kind in "iu":
            counting = target[target != values.get("ignore_index")]
            quantities |= dict(zip(_SUMS, (float(weight[counting].sum()), float(weight.sum())), strict=True))
    for name, value in values.items():
        if isinstance(value, float):
            quantities[name] = value
            quantities[f"1 - {name}"] = 1 - value
    return quantities


def factor_along_an_axis(evidence: Evidence, others: Sequence[Evidence] = ()) -> str | None:
    """Diagnose one factor for each channel (or along another axis), and which argument it is."""
    for rest, name in _axes_with_many_elements(evidence):
        # got = factor * expected + term for each index, by least squares
        got = evidence.got - evidence.got.mean(axis=rest, keepdims=True)
        expected = evidence.expected - evidence.expected.mean(axis=rest, keepdims=True)
        squares = np.sum(expected * expected, axis=rest)
        if not np.all(squares > (1e-3 * evidence.scale) ** 2):
            continue
        factor = np.sum(expected * got, axis=rest) / squares
        if np.allclose(factor, 1) or not evidence.same(np.expand_dims(factor, rest) * expected, got):
            continue
        whole = evidence.same(np.expand_dims(factor, rest) * evidence.expected, evidence.got)
        lead = f"{evidence.result} is right up to a factor{'' if whole else ' and a term'} for each {name}"
        for label, vector in _vectors(evidence, len(factor)):
            if np.allclose(factor * vector, 1, rtol=1e-6, atol=0):
                return f"{lead}: a multiplication by {label} is missing."
            if np.allclose(factor, vector, rtol=1e-6, atol=0):
                return f"{lead}: it is multiplied by {label} once too often."
        if _differ(factor):
            return f"{lead}: {_some(factor)}. What has one number for each {name}, and is missing here or one too many?"
    return None


def term_along_an_axis(evidence: Evidence, others: Sequence[Evidence] = ()) -> str | None:
    """Diagnose one term for each channel (or along another axis), and which argument it is."""
    for rest, name in _axes_with_many_elements(evidence):
        term = (evidence.got - evidence.expected).mean(axis=rest)
        if not evidence.same(np.expand_dims(term, rest) + evidence.expected, evidence.got):
            continue
        lead = f"{evidence.result} is off by one number for each {name}"
        scale = evidence.tolerance * evidence.scale
        for label, vector in _vectors(evidence, len(term)):
            if np.allclose(term, -vector, rtol=1e-6, atol=scale):
                return f"{lead}: {label} is not added."
            if np.allclose(term, vector, rtol=1e-6, atol=scale):
                return f"{lead}: {label} is added once too often."
        if _differ(term):
            return f"{lead}: {_some(term)}. What has one number for each {name}, and is missing here or one too many?"
    return None


def _differ(numbers):
    return np.ptp(numbers) > 1e-3 * np.abs(numbers).max()


def _axes_with_many_elements(evidence: Evidence) -> Iterator[tuple[tuple[int, ...], str]]:
    """Yield the other axes and the name of each axis that has many elements at every index."""
    shape = evidence.expected.shape
    if not evidence.same_shape or not np.isfinite(evidence.got).all():
        return
    names = evidence.axis_names(evidence.result)
    for axis, size in enumerate(shape[:2]):  # images and channels; rows and columns have no parameters
        rest = tuple(k for k in range(len(shape)) if k != axis)
        if size >= 2 and all(np.unique(part).size >= 5 for part in np.moveaxis(evidence.expected, axis, 0)):
            yield rest, {"N": "image", "C": "channel", "F": "filter"}.get(names[axis], f"index of {names[axis]}")


def _vectors(evidence: Evidence, length: int) -> Iterator[tuple[str, Array]]:
    """Yield the names and values of the arguments that have one number for each index."""
    for name, value in evidence.values.items():
        parts = {name: value}
        if isinstance(value, tuple) and hasattr(value, "_fields"):
            parts = {f"{name}.{field}": part for field, part in zip(value._fields, value, strict=True)}
        for label, part in parts.items():
            if isinstance(part, np.ndarray) and part.shape == (length,) and part.dtype.kind == "f":
                yield label, part


def _some(numbers):
    shown = ", ".join(f"{number:.4g}" for number in numbers[:4])
    return f"{shown}, ..." if len(numbers) > 4 else shown
