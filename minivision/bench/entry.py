"""One line of the table: the same work done by Numba, PyTorch and the textbook."""

from typing import NamedTuple

import numpy as np

from minivision.core.backends import backend, get_backend


class Entry(NamedTuple):
    """What is timed in one line.

    The textbook is thousands of times slower, so it and Numba also do the same kind of work on a smaller shape.

    Attributes
    ----------
    name, shape : str
        The operation, and the size of the work.
    ours : callable
        Does the work, without arguments.
    theirs : callable or None
        PyTorch does it.
    small_shape : str
        The size of the smaller work.
    ours_small, textbook : callable or None
        Numba and the textbook do that.
    seconds : float
        Length of a turn.
    call : tuple or None
        The operation, its positional and its keyword arguments, of the work: to do it elsewhere.
    """

    name: str
    shape: str
    ours: callable
    theirs: callable = None
    small_shape: str = ""
    ours_small: callable = None
    textbook: callable = None
    seconds: float = 0.05
    call: tuple = None


def entry(op, arguments, small, *, of=None, theirs=None, note="", **keywords):
    """Return the line of an operation.

    Parameters
    ----------
    op : operation
    arguments, small : tuple
        Its positional arguments: for the work beside PyTorch, and for the smaller work beside the textbook.
    of : pair of array, optional
        The arrays, of both, whose shapes are shown; by default the first ones.
    theirs : callable, optional
        PyTorch's way to do the former.
    note : str
        What follows the shape in the table.
    **keywords
        Of the operation, in both.
    """

    def textbook():
        with backend("reference"):
            return op(*small, **keywords)

    shape, small_shape = ("x".join(map(str, array.shape)) for array in of or map(_first_array, (arguments, small)))
    call = op, arguments, keywords
    line = Entry(op.__name__, shape + note, lambda: op(*arguments, **keywords), theirs, call=call)
    if get_backend("numba").kernel(op) is None:
        return line  # ours is the textbook
    return line._replace(small_shape=small_shape + note, ours_small=lambda: op(*small, **keywords), textbook=textbook)


def _first_array(arguments):
    return next(value for value in arguments if isinstance(value, np.ndarray))


def draw(*shape):
    """Return random float32 numbers, the same in every run."""
    return np.random.default_rng(0).standard_normal(shape, np.float32)
