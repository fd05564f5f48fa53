"""Space to depth: PyTorch's order of channels, and a backward pass that is its inverse."""

import numpy as np
import pytest

from minivision.layers import PixelUnshuffle


@pytest.mark.parametrize("r", [1, 2, 3])
def test_channels_stand_in_the_order_of_pytorch(r, rng):
    torch = pytest.importorskip("torch")
    x = rng.standard_normal((2, 3, 6, 12)).astype(np.float32)
    expected = torch.nn.functional.pixel_unshuffle(torch.from_numpy(x), r).numpy()
    np.testing.assert_array_equal(PixelUnshuffle(r).forward(x), expected)


def test_backward_puts_every_number_back(rng):
    layer, x = PixelUnshuffle(2), rng.standard_normal((2, 3, 4, 6))
    y = layer.forward(x, training=True)
    np.testing.assert_array_equal(layer.backward(y), x)
    assert y.shape == (2, 12, 2, 3) and layer.leftovers() == []


def test_a_map_that_does_not_divide_is_refused(rng):
    with pytest.raises(ValueError, match="divide by 2, got 5 x 4"):
        PixelUnshuffle(2).forward(np.zeros((1, 1, 5, 4)))
