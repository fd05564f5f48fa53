"""Copies of filters and matrices in the order in which the register tile reads them: panels of ROWS rows."""

import numpy as np

from minivision.core.compile import jit
from minivision.kernels.numba.engine.vector_moves import transpose_tile
from minivision.kernels.numba.engine.vectors import ROWS


@jit
def copy_transposed(x, x_start, x_stride, rows, columns, y, y_start, y_stride):
    """Set ``y[y_start + k * y_stride + r] = x[x_start + r * x_stride + k]`` for r < rows and k < columns."""
    whole_rows, whole_columns = rows // ROWS * ROWS, columns // ROWS * ROWS
    for r in range(0, whole_rows, ROWS):
        for k in range(0, whole_columns, ROWS):
            transpose_tile(x, x_start + r * x_stride + k, x_stride, y, y_start + k * y_stride + r, y_stride)
    for r in range(rows):
        for k in range(whole_columns if r < whole_rows else 0, columns):
            y[y_start + k * y_stride + r] = x[x_start + r * x_stride + k]


@jit
def pack_filters_of_phases(w, groups, taps, starts):
    """Reorder filters ``(groups * C, F, taps)`` to ``(groups, F / ROWS, C, its taps, ROWS)`` per output phase, flat.

    Phase p has the taps ``taps[starts[p] : starts[p + 1]]``. F is filled up with zeros.
    """
    C, F, K = w.shape[0] // groups, w.shape[1], w.shape[2]
    panels = (F + ROWS - 1) // ROWS
    size = groups * panels * C * ROWS
    packed = np.zeros(size * taps.size, w.dtype)
    of_channel = np.empty(K * ROWS, w.dtype)
    numbers = w.reshape(w.size)
    for group in range(groups):
        for panel in range(panels):
            rows = min(ROWS, F - panel * ROWS)
            for c in range(C):
                first = ((group * C + c) * F + panel * ROWS) * K
                copy_transposed(numbers, first, K, rows, K, of_channel, 0, ROWS)
                for phase in range(starts.size - 1):
                    count = starts[phase + 1] - starts[phase]
                    target = size * starts[phase] + ((group * panels + panel) * C + c) * count * ROWS
                    for tap in range(count):
                        source = taps[starts[phase] + tap] * ROWS
                        for row in range(rows):
                            packed[target + tap * ROWS + row] = of_channel[source + row]
    return packed


def pack_filters(w, groups):
    """Reorder filters ``(groups * F, taps)`` to ``(groups, F / ROWS, taps, ROWS)``, flat.

    F is filled up to a multiple of ROWS with zeros.
    """
    return _pack_filters(np.ascontiguousarray(w), groups)


@jit
def _pack_filters(w, groups):
    F, taps = w.shape[0] // groups, w.shape[1]
    panels = (F + ROWS - 1) // ROWS
    packed = np.zeros(groups * panels * taps * ROWS, w.dtype)
    numbers = w.reshape(w.size)
    for group in range(groups):
        for panel in range(panels):
            first, target = group * F + panel * ROWS, (group * panels + panel) * taps * ROWS
            copy_transposed(numbers, first * taps, taps, min(ROWS, F - panel * ROWS), taps, packed, target, ROWS)
    return packed
