"""Which arrays of a recorded function are shown, and in whose place."""

import math
from typing import NamedTuple

import numpy as np

from minivision.tracing.number import subscripted


class Panel(NamedTuple):
    """An argument or a result, as it is shown.

    Attributes
    ----------
    name : str
    shape : tuple of int
        Of what is shown: a padded argument is shown with its padding, a cropped result with what is cut off.
    part : tuple of slice
        Where in it the argument or the result itself lies.
    is_result : bool
    sources : dict
        The watched arrays whose elements it shows: for the number of each, the panel's cell for each element.
    """

    name: str
    shape: tuple
    part: tuple
    is_result: bool
    sources: dict

    @property
    def first_source(self):
        """The number of the watched array that gives the panel its shape."""
        return next(iter(self.sources))

    @property
    def own_cells(self):
        """The flat cells of the argument or result itself, in its shape."""
        return _cells(self.shape)[(*self.part, ...)]

    @property
    def inside(self):
        """Which cells belong to the argument or result itself: (cells,) bool."""
        mask = np.zeros(math.prod(self.shape), bool)
        mask[self.own_cells] = True
        return mask

    def title_of(self, cell):
        """Return the name of a cell, as in ``x[1,2]``; subscripts count from the argument's or result's own corner."""
        index = np.unravel_index(cell, self.shape) if self.shape else ()
        index = [int(i) - part.start for i, part in zip(index, self.part, strict=True)]
        return subscripted(self.name, index, [part.stop - part.start for part in self.part])


def lay_out(recording, arguments, results):
    """Return a panel for each argument and each result.

    An argument that the function pads is shown padded. A result that the function cuts out of a larger array, in
    which it did its work, is shown as that array.

    Parameters
    ----------
    recording : Recording
    arguments, results : dict of str to ndarray
    """
    panels = []
    for name, array in arguments.items():
        key = recording.number_of(array)
        padded = _padded_copy(recording, key)
        if padded is None:
            panels.append(_panel(name, array.shape, key, is_result=False))
        else:
            shape, part = recording.watched[padded].array.shape, recording.watched[padded].grown_from[1]
            panels.append(Panel(name, shape, part, False, {padded: np.arange(math.prod(shape))}))
    for name, array in results.items():
        key = _number_of_result(recording, array)
        origin = recording.watched[key].cut_from
        if origin and recording.is_written(origin[0]):
            canvas, part = origin
            shape = recording.watched[canvas].array.shape
            sources = {canvas: np.arange(math.prod(shape)), key: _cells(shape)[(*part, ...)].ravel()}
            panels.append(Panel(name, shape, part, True, sources))
        else:
            panels.append(_panel(name, array.shape, key, is_result=True))
    return panels


def _panel(name, shape, key, *, is_result):
    whole = tuple(slice(0, size) for size in shape)
    return Panel(name, tuple(shape), whole, is_result, {key: np.arange(math.prod(shape))})


def _cells(shape):
    return np.arange(math.prod(shape)).reshape(shape)


def _padded_copy(recording, key):
    """Return the number of an array that holds the one numbered `key` and constants around it, and is only read."""
    for number, watched in enumerate(recording.watched):
        if watched.grown_from and watched.grown_from[0] == key and not recording.is_written(number):
            return number
    return None


def _number_of_result(recording, array):
    """Return the number of the watched array that holds a result's elements; watch it now if there is none."""
    number = recording.number_of(array)
    if number is not None:
        return number
    for number, watched in enumerate(recording.watched):  # a result may be another's elements in a new shape
        if watched.array.size == array.size > 0 and np.shares_memory(watched.array, array):
            return number
    return recording.watch(array, "result")
