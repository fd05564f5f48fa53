"""Faces of single mistakes: sums left out, edges, reshapes, images forgotten, numbers that are none.

Each function is given an :class:`Evidence` and answers with what was probably written, or with None.
"""

import itertools

import numpy as np

# ---- faces of a wrong shape --------------------------------------------------------------------------------------


def unsummed(evidence):
    got, expected = evidence.got, evidence.expected
    result = evidence.result
    if got.size == expected.size > 1 and evidence.same(got.reshape(expected.shape), expected):
        return (
            f"The numbers of {result} are right, only the shape is not: {got.shape} instead of {expected.shape}. "
            f"Was keepdims=True used, or a reshape forgotten?"
        )
    for count in range(1, got.ndim + 1) if got.size > expected.size else ():
        for axes in itertools.combinations(range(got.ndim), count):
            if evidence.same(got.sum(axis=axes).reshape(-1), expected.reshape(-1)):
                names = [f"axis {axis}" for axis in range(got.ndim)]
                if "dy" in evidence.values and np.shape(evidence.values["dy"])[-got.ndim :] == got.shape:
                    names = evidence.axis_names("dy")[-got.ndim :]
                over = " and ".join(names[axis] for axis in axes)
                tuple_of_axes = axes[0] if count == 1 else axes
                return (
                    f"{result} is left unsummed over {over}: what was one number in the forward pass was used there "
                    f"many times, and its gradient is the sum over all of them. Add .sum(axis={tuple_of_axes})."
                )
    return None


def cropped(evidence):
    got, expected = evidence.got, evidence.expected
    if got.ndim != 4 or expected.ndim != 4 or any(a > b for a, b in zip(got.shape, expected.shape, strict=True)):
        return None
    if not evidence.same(expected[tuple(slice(n) for n in got.shape)], got):
        return None
    missing = [b - a for a, b in zip(got.shape, expected.shape, strict=True)]
    names = evidence.axis_names(evidence.result)
    lost = " and ".join(f"the last {n} of {name}" for n, name in zip(missing, names, strict=True) if n)
    return (
        f"What is there is right, but {lost} is missing. Check the formula of the output size: is its + 1 there, and "
        "is the padding of both sides in it?"
    )


# ---- faces of wrong numbers ----------------------------------------------------------------------------------------


def not_finite(evidence):
    lost = np.sum(~np.isfinite(evidence.got) & np.isfinite(evidence.expected))
    if not lost:
        return None
    some = f"{lost} of the elements of {evidence.result} are" if evidence.got.ndim else f"{evidence.result} is"
    return (
        f"{some} NaN or infinite where the right numbers are finite: a division by zero, the log of 0, or an exp that "
        "overflows (subtract the largest score first: it changes nothing and no exponent is above 0). An array from "
        "np.empty that was not filled also looks like this."
    )


def not_updated(evidence):
    before = evidence.values.get(evidence.result)
    if before is None or not np.array_equal(before, evidence.got):
        return None
    return (
        f"{evidence.result} is as it was before the call. It is to be updated in place: `{evidence.result}[:] = ...` "
        f"writes into it, while `{evidence.result} = ...` makes another array that the caller never sees."
    )


def imprecise(evidence):
    """Right to some digits, as after a detour through float32."""
    errors = np.abs(evidence.got - evidence.expected) / evidence.scale
    error, errors = errors.max(initial=0), errors[evidence.expected != 0]  # a 0 is easily right
    if not 1e-10 < error < 1e-5 or errors.size < 4 or np.mean(errors > 1e-3 * error) < 0.7:
        return None
    return (
        f"{evidence.result} is right to {-int(np.floor(np.log10(error)))} digits only. Something on the way has lower "
        "precision: an array of np.float32 (or float16), or a rounded constant."
    )


def all_zero(evidence):
    if evidence.got.any() or np.sum(evidence.expected != 0) < 3:
        return None
    return f"{evidence.result} is zero everywhere: it was made, but nothing was written to it."


def reordered(evidence):
    """Right numbers in wrong places: turned, transposed, reshaped where a transpose was meant, or shifted."""
    got, expected, result = evidence.got, evidence.expected, evidence.result
    if got.size != expected.size or np.unique(expected).size < 3:
        return None
    if evidence.same_shape and got.ndim >= 3:
        for axes, how in (((-2, -1), "turned by 180 degrees"), ((-2,), "upside down"), ((-1,), "left side right")):
            if evidence.same(np.flip(got, axes), expected):
                return (
                    f"{result} has the right numbers, but {how}: look for a flip or a negative step, [::-1], that is "
                    "one too many (or one that is missing)."
                )
    if evidence.same_shape and got.ndim == 2 and got.shape[1] <= 5:
        for columns in itertools.permutations(range(got.shape[1])):
            if evidence.same(expected[:, columns], got):
                return f"The columns of {result} are right, but not in their places: they hold {list(columns)}."
    names = evidence.axis_names(result)
    for order in list(itertools.permutations(range(expected.ndim)))[1:]:
        swapped = expected.transpose(order)
        now = ", ".join(names[k] for k in order)
        if evidence.same(swapped, got):
            return (
                f"{result} has the right numbers, but its axes are ({now}) instead of ({', '.join(names)}): a "
                "transpose is missing or one too many, or the two factors of a product are the wrong way round."
            )
        if evidence.same(swapped.reshape(got.shape), got):
            return (
                f"{result} has the right numbers in the wrong places: they stand as if the axes were ({now}) and were "
                f"then reshaped to {got.shape}. A reshape does not move axes; transpose first."
            )
    return None


def cut_at_zero(evidence):
    """A search for the largest value that starts from 0 never finds a negative one."""
    got, expected = evidence.got, evidence.expected
    if np.sum(expected < 0) < 3 or not evidence.same(np.maximum(expected, 0), got):
        return None
    return (
        f"{evidence.result} is right where it is positive and 0 where it should be negative: the search for the "
        "largest value begins with 0, or zeros around the map take part in it. Begin with -np.inf, and pad with it."
    )


def other_positions(evidence):
    """Positions in the plane of a map, counted in another way."""
    got, expected, values = evidence.got, evidence.expected, evidence.values
    if evidence.result != "indices" or "kernel_size" not in values or expected.size < 4:
        return None
    kh, kw = values["kernel_size"]
    H, W = values["x"].shape[2:]
    if np.array_equal(got, expected // W * H + expected % W):
        return "They are row * H + column. A row has W elements, so element (row, column) is number row * W + column."
    if got.max() < kh * kw <= expected.max():
        return "They count within each window. Count in the whole plane of x: row * W + column."
    return None


def scattered(evidence):
    """Right numbers, in places that nothing explains."""
    got, expected = evidence.got, evidence.expected
    if np.unique(expected).size < 4 or not evidence.same(np.sort(got, axis=None), np.sort(expected, axis=None)):
        return None
    return (
        f"{evidence.result} has the right numbers, but they stand in the wrong places: look for a reshape where a "
        "transpose was meant, np.tile for np.repeat, two indices the wrong way round, or an offset."
    )


def shifted(evidence):
    """Right numbers, some rows or columns from where they belong."""
    got, expected = evidence.got, evidence.expected
    if got.ndim != 4:
        return None
    far = [min(3, n // 3) for n in got.shape[2:]]
    shifts = itertools.product(*(range(-most, most + 1) for most in far))
    for down, right in sorted(shifts, key=lambda shift: sum(map(abs, shift)))[1:]:
        here = (..., _overlap(down), _overlap(right))
        there = (..., _overlap(-down), _overlap(-right))
        if np.unique(expected[there]).size < 4 or not evidence.same(got[here], expected[there]):
            continue
        if np.mean(evidence.wrong[here]) < 0.5:
            continue  # most of it is right without a shift
        moved = [f"{abs(n)} {axis}{'s' * (abs(n) > 1)}" for n, axis in ((down, "row"), (right, "column")) if n]
        advice = "look for an offset that is missing or one too many."
        if "padding" in evidence.values:
            advice = "in the padded map it begins at row `top` and column `left`. Where is it put in or cut out?"
        return f"{evidence.result} is right, but shifted by {' and '.join(moved)}: {advice}"
    return None


def _overlap(shift):
    return slice(shift, None) if shift >= 0 else slice(None, shift)


def one_image(evidence):
    wrong = evidence.wrong
    if wrong.ndim != 4 or wrong.shape[0] < 2:
        return None
    share = wrong.reshape(len(wrong), -1).mean(axis=1)
    for right, which in ((0, "first"), (-1, "last")):
        others = np.delete(share, right)
        if share[right] == 0 and others.min() > 0.9:
            return (
                f"Only the {which} image of the batch is right: is a `return` inside of the loop over the images, or "
                f"an index [{right}] where [n] was meant?"
            )
    return None


def border(evidence):
    """Wrong only in a frame around the maps, where windows reach into the padding."""
    wrong = evidence.wrong
    if wrong.ndim != 4 or np.sum(wrong) < 6 or not _reaches_beyond(evidence):
        return None
    places = wrong.any(axis=(0, 1))  # (H, W)
    H, W = places.shape
    widest = [range(min(3, n // 2) + 1) for n in (H, H, W, W)]
    for top, bottom, left, right in sorted(itertools.product(*widest), key=sum):
        rows, columns = slice(top, H - bottom), slice(left, W - right)
        inside = places[rows, columns]
        if inside.size * wrong[:, :, 0, 0].size < 8 or inside.any():
            continue
        if np.mean(evidence.expected[:, :, rows, columns] != 0) < 0.5:
            return None  # zeros are easily right
        if places.sum() < 0.6 * (places.size - inside.size):
            return None  # single wrong elements that happen to lie there
        sides = ("top", top), ("bottom", bottom), ("left", left), ("right", right)
        where = ", ".join(f"{name} {width}" for name, width in sides if width)
        rule = _PADDING_RULE if "padding" in evidence.values else _EDGE_RULE
        return f"Only the border of {evidence.result} is wrong ({where}); inside all is right. {rule}"
    return None


_PADDING_RULE = (
    "So the windows that reach into the padding see something else there: zeros are added around a convolution's "
    "input, they count in an average, and they never win a maximum (-inf does not either)."
)

_EDGE_RULE = "Look at what your code does where it would need pixels beyond the edge of the map."


def _reaches_beyond(evidence):
    """Return whether these are maps, and anything lies beyond their border: padding, or the neighbours of a blend."""
    beyond = "scale" in evidence.values or np.any(evidence.values.get("padding", 0))
    return beyond and evidence.axis_names(evidence.result)[0] == "N"
