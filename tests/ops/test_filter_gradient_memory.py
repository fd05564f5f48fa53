"""The gradient of the filters reads no uninitialized memory."""

import numpy as np
import pytest

from minivision import ops


@pytest.mark.parametrize("images", [9, 13, 17])
@pytest.mark.parametrize(
    ("channels", "filters", "size", "kernel", "padding"), [(5, 6, 7, 3, 1), (64, 64, 7, 3, 1), (8, 8, 4, 3, 1)]
)
def test_results_do_not_depend_on_what_is_in_memory(images, channels, filters, size, kernel, padding, rng):
    """Small maps are stacked; if the last stack is not full, NaN in the gap must not matter (0 * NaN is NaN)."""
    w = rng.standard_normal((filters, channels, kernel, kernel)).astype(np.float32)
    x = rng.standard_normal((images, channels, size, size)).astype(np.float32)
    dy = np.ones_like(ops.conv2d(x, w, padding=padding))
    expected = ops.conv2d_backward(dy, x, w, padding=padding)[1]
    for _ in range(20):
        for count in (images, images + 1):  # of whole stacks
            bad = np.full((count, *x.shape[1:]), np.nan, np.float32)
            ops.conv2d_backward(np.ones((count, *dy.shape[1:]), np.float32), bad, w, padding=padding)
        dw = ops.conv2d_backward(dy, x, w, padding=padding)[1]
        np.testing.assert_array_equal(dw, expected)
