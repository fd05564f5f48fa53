"""Panels: the arrays of a recorded function that are shown for its arguments and results."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from minivision.tracing.expression import subscripted

if TYPE_CHECKING:
    from minivision.core.types import Array
    from minivision.tracing.recording import Recording


class Panel(NamedTuple):
    """An argument or a result, as it is shown.

    Attributes
    ----------
    name : str
    shape : tuple of int
        Shape of the array that is shown: a padded argument with its padding, a cropped result with what is cut off.
    part : tuple of slice
        The part of it that is the argument or the result itself.
    is_result : bool
    sources : dict
        The watched arrays whose elements it shows: for the number of each, the panel's cell of each element.
    """

    name: str
    shape: tuple[int, ...]
    part: tuple[slice, ...]
    is_result: bool
    sources: dict[int | None, Array]

    @property
    def first_source(self) -> int | None:
        """The number of the watched array that has the panel's shape."""
        return next(iter(self.sources))

    @property
    def own_cells(self) -> Array:
        """The flat cells of the argument or result itself, in its shape."""
        return _cells(self.shape)[(*self.part, ...)]

    @property
    def inside(self) -> Array:
        """Mask of the cells of the argument or result itself: bool ndarray of shape (cells,)."""
        mask = np.zeros(math.prod(self.shape), bool)
        mask[self.own_cells] = True
        return mask

    def title_of(self, cell: int) -> str:
        """Return the name of a cell, as in ``x[1,2]``, with its index in the argument or result itself."""
        place = np.unravel_index(cell, self.shape) if self.shape else ()
        index = [int(i) - part.start for i, part in zip(place, self.part, strict=True)]
        return subscripted(self.name, index, [part.stop - part.start for part in self.part])


def lay_out(recording: Recording, arguments: Mapping[str, Array], results: Mapping[str, Array]) -> list[Panel]:
    """Return a panel for each argument and each result.

    An argument that the function pads is shown padded. A result that the function crops out of a larger array, which
    it computed in place, is shown as that array.

    Parameters
    ----------
    recording : Recording
    arguments, results : dict of str to ndarray

    Returns
    -------
    panels : list of Panel
    """
    panels = []
    for name, array in arguments.items():
        key = recording.number_of(array)
        padded = _padded_copy(recording, key)
        if padded is None:
            panels.append(_panel(name, array.shape, key, is_result=False))
        else:
            shape, part = recording.watched[padded].array.shape, recording.watched[padded].padded_from[1]
            panels.append(Panel(name, shape, part, False, {padded: np.arange(math.prod(shape))}))
    for name, array in results.items():
        key = _number_of_result(recording, array)
        origin = recording.watched[key].cropped_from
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
    """Return the number of a padded copy of the array numbered `key` that is only read, or None."""
    for number, watched in enumerate(recording.watched):
        if watched.padded_from and watched.padded_from[0] == key and not recording.is_written(number):
            return number
    return None


def _number_of_result(recording, array):
    """Return the number of the watched array with a result's elements; watch it now if there is none."""
    number = recording.number_of(array)
    if number is not None:
        return number
    for number, watched in enumerate(recording.watched):  # a result may be a reshaped view of another array
        if watched.array.size == array.size > 0 and np.shares_memory(watched.array, array):
            return number
    return recording.watch(array, "result")
