"""What prediction does with a block of outputs while it is in the cache: add a map of the same shape, cut at zero.

As operations of their own, each of these would read and write all maps once more.
"""

from minivision.core.compile import jit

NOTHING, ADD, RELU, ADD_AND_RELU = 0, 1, 2, 3


def how_to_finish(other, relu):
    """Return the constant above for a map to add (or None), and whether to cut at zero."""
    return (NOTHING if other is None else ADD) + (RELU if relu else NOTHING)


@jit
def finish_run(y, start, count, other, how):
    """Set ``y[i] = relu(y[i] + other[i])`` for `count` numbers from `start` on, or only a part of that."""
    if how == NOTHING:
        return
    out = y[start : start + count]
    zero = out.dtype.type(0)
    if how == RELU:
        for i in range(count):
            v = out[i]
            out[i] = zero if v <= zero else v  # NaN stays NaN, as in ``relu``
        return
    more = other[start : start + count]
    if how == ADD:
        for i in range(count):
            out[i] += more[i]
    else:
        for i in range(count):
            v = out[i] + more[i]
            out[i] = zero if v <= zero else v
