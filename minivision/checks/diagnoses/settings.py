"""What the textbook gives for other arguments: when that is the wrong result, the mistake is found.

"The stride is ignored" is no guess if the result is, number for number, that of stride 1.
"""

import inspect
import itertools

import numpy as np

MOST_WITNESSES = 5  # other cases that are asked where one leaves it open
FEW = 4  # different numbers, of which fewer prove nothing

# What to look at when an argument was not used as it should be.
_WHERE_TO_LOOK = {
    "stride": "Window (i, j) begins at row i * stride[0] and column j * stride[1]: look for an i or a j without it.",
    "dilation": "The taps of a filter lie `dilation` pixels apart: its window is a slice with that step, "
    "start : start + dilation * (kernel - 1) + 1 : dilation.",
    "padding": "Row 0 of the map is row `top` of the padded map, column 0 is column `left`; "
    "padding is ((top, bottom), (left, right)).",
    "output_padding": "These rows and columns are added at the bottom and at the right of the output.",
    "scale": "Output pixel (i, j) belongs to input pixel (i // scale[0], j // scale[1]).",
    "kernel_size": "A window is kernel_size[0] rows high and kernel_size[1] columns wide.",
    "reduction": "For 'mean', the value and its gradient are both divided by the number of terms; for 'sum', neither.",
    "ignore_index": "A target of this value counts neither in the sum nor in what the sum is divided by.",
    "weight": "The loss and the gradient of each place are multiplied by weight[target] there, and the mean is "
    "divided by the sum of these weights.",
    "b": "b[k] is added once to every element of output k.",
    "training": "In training the statistics are those of the batch, and they have a gradient too; "
    "otherwise they are the running ones, which are constants.",
}

_FLIPPED = {
    "conv2d": "That is the convolution of mathematicians; here, as everywhere in this field, the filter slides as it "
    "is. Take out the [::-1, ::-1] (or np.flip, or scipy.signal.convolve2d).",
    "conv2d_backward": "If you compute dx as a convolution of dy, the filter must be turned for it: pixel (r, s) of "
    "a window met w[..., r, s], so its gradient meets dy from the other side. If you hand out dy * w window by window, "
    "no turn is needed.",
    "conv_transpose2d": "Each input value writes a copy of the filter as it is. If you compute this as a convolution "
    "of a map with zeros between its pixels, the filter must be turned once.",
    "conv_transpose2d_backward": "Going back, dx is a plain sliding dot product of dy with w as it is.",
}


def other_settings(evidence, others=()):
    """Say which setting (stride, padding, reduction, a bias...) was ignored, swapped or taken for another."""
    found = {}  # what was done -> how to say it
    for name, other, what in _settings(evidence):
        if what not in found and _explains(evidence, **{name: other}):
            instead = f"with {name}={shown(other)} instead of {shown(evidence.values[name])}"
            instead = f"without {name}" if other is None else instead
            hint = _WHERE_TO_LOOK.get(name, "")
            found[what] = f"{evidence.result} is what the textbook gives {instead}: {what}. {hint}".rstrip()
    if not found:
        return None
    if evidence.expected.dtype.kind != "f" or np.unique(evidence.expected).size < FEW:
        # A few numbers may agree by chance, but not in every case.
        found = {what: said for what, said in found.items() if not _refuted(what, others[:MOST_WITNESSES])}
        if not found:
            return None
    # Several may come to the same in one case (on a map one pixel wide), but not in the others.
    votes = dict.fromkeys(found, 0)
    for other_evidence in others[:MOST_WITNESSES] if len(found) > 1 else ():
        for name, other, what in _settings(other_evidence):
            votes[what] = votes.get(what, 0) + _explains(other_evidence, **{name: other})
    return found[max(found, key=votes.get)]


def _refuted(what, others):
    """Return whether one of these cases shows that it was not this setting which was mistaken."""
    for evidence in others:
        settings = [(name, other) for name, other, its in _settings(evidence) if its == what]
        given = [evidence.textbook(**{name: other}) for name, other in settings]
        if any(each is not None for each in given) and not any(_explains(evidence, **{n: o}) for n, o in settings):
            return True
    return False


def other_arrays(evidence):
    """Say which array was read turned, mirrored or with two axes swapped."""
    for name, value in evidence.values.items():
        if not isinstance(value, np.ndarray) or value.dtype.kind != "f" or value.ndim < 2:
            continue
        for axes, how in (((-2, -1), "turned by 180 degrees"), ((-2,), "upside down"), ((-1,), "left side right")):
            if value.ndim >= 3 and _explains(evidence, **{name: np.flip(value, axes).copy()}):
                hint = _FLIPPED.get(evidence.op.__name__, "") if name == "w" else "Look for a negative step."
                return f"{evidence.result} is what the textbook gives for {name} {how}. {hint}".rstrip()
        names = evidence.axis_names(name)
        for a, b in itertools.combinations(range(value.ndim), 2):
            if value.shape[a] == value.shape[b] and _explains(evidence, **{name: np.swapaxes(value, a, b).copy()}):
                return (
                    f"{evidence.result} is what the textbook gives for {name} with two axes swapped: {names[a]} and "
                    f"{names[b]}. The axes of {name} are ({', '.join(names)}); check the order of your indices, each "
                    f"transpose, and which side of a matrix product {name} stands on."
                )
        if value.ndim == 2 and value.shape[1] in (4, 5):
            order = [1, 0, 3, 2] if value.shape[1] == 4 else [0, 2, 1, 4, 3]
            if _explains(evidence, **{name: value[:, order]}):
                return (
                    f"{evidence.result} is what the textbook gives for {name} with x and y swapped. A box is "
                    "(x1, y1, x2, y2): x counts columns, y counts rows, and maps are indexed [row, column]."
                )
    return None


def shown(value):
    """Return a setting as one would write it."""
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        fields = (f"{name}={part!r}" for name, part in zip(value._fields, value, strict=True) if np.ndim(part) == 0)
        return f"{type(value).__name__}({', '.join(fields)})"
    return f"{value:g}" if isinstance(value, float) else repr(value)


def _explains(evidence, **changed):
    """Return whether the textbook with these arguments gives the wrong result."""
    found, got = evidence.textbook(**changed), evidence.got
    if found is None or found.ndim != got.ndim:
        return False
    # A loop may keep the right size although its windows are those of another stride. Then one of the two is a corner
    # of the other, with nothing in the rest.
    corner = tuple(slice(min(a, b)) for a, b in zip(found.shape, got.shape, strict=True))
    if not evidence.same(found[corner], got[corner]) or evidence.same(found, evidence.expected):
        return False
    if found[corner].size < got.size:
        nothing = evidence.textbook(**{evidence.first: np.zeros_like(evidence.values[evidence.first])})
        if nothing is None or nothing.shape != got.shape:
            return False
        nothing[corner] = found[corner]
        return evidence.same(nothing, got)
    return True


def _settings(evidence):
    """Yield ``(name, other value, how that mistake is called)`` for every other value that would be another result."""
    for name, value in evidence.values.items():
        for other, what in _alternatives(evidence, name, value):
            if shown(other) != shown(value):
                yield name, other, what


def _alternatives(evidence, name, value):
    """Yield other values that an argument may have been mistaken for, and how that mistake is called."""
    default = inspect.signature(evidence.op).parameters[name].default
    if isinstance(value, bool):
        yield not value, f"{name} is not looked at"
    elif name == "reduction":
        other = "sum" if value == "mean" else "mean"
        yield other, "a division by the number of terms is " + ("missing" if value == "mean" else "one too many")
    elif name == "padding":
        yield from _other_paddings(value)
    elif _is_pair(value):
        if default is None or isinstance(default, int):
            plain = 1 if default is None else default
            yield (plain, plain), f"{name} is ignored"
        if default is None and "kernel_size" in evidence.values:
            yield evidence.values["kernel_size"], f"{name} is ignored"
        yield value[::-1], f"its two numbers are swapped ({name} is vertical first, then horizontal)"
        yield (value[0],) * 2, f"the vertical number of {name} is used for both directions"
        yield (value[1],) * 2, f"the horizontal number of {name} is used for both directions"
    elif isinstance(value, tuple) and hasattr(value, "_fields"):
        for field, part in zip(value._fields, value, strict=True):
            if isinstance(part, bool):
                yield value._replace(**{field: not part}), f"{name}.{field} is not looked at"
    elif default is None and value is not None:
        yield None, f"{name} is ignored"
    elif isinstance(value, (int, float)):
        if isinstance(default, (int, float)):
            yield default, f"{name} is ignored"
        if 0 < value < 1:
            yield 1 - value, f"{name} and 1 - {name} are swapped"


def _is_pair(value):
    return isinstance(value, tuple) and len(value) == 2 and all(isinstance(part, int) for part in value)


def _other_paddings(value):
    (top, bottom), (left, right) = value
    yield ((0, 0), (0, 0)), "the padding is ignored"
    yield ((left, right), (top, bottom)), "vertical and horizontal padding are swapped"
    yield ((bottom, top), (right, left)), "the two sides are swapped (top with bottom, left with right)"
    yield ((top, top), (left, left)), "the padding at the top and at the left is used for the other side too"
    yield (
        ((bottom, bottom), (right, right)),
        "the padding at the bottom and at the right is used for the other side too",
    )
    yield ((top, bottom), (top, bottom)), "the vertical padding is used for both directions"
    yield ((left, right), (left, right)), "the horizontal padding is used for both directions"
    yield ((top, top), (top, top)), "one number is used for all four sides"
