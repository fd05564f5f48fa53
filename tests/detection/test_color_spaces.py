"""Colour spaces and filters, beside scikit-image and SciPy."""

import numpy as np
import pytest
from scipy import ndimage
from skimage import color

from minivision.detection.selective_search.color_spaces import to_color_space
from minivision.detection.selective_search.gaussian_filters import correlate1d, gradients, smooth


@pytest.fixture
def image(rng):
    """All sorts of colors, grays and black among them."""
    image = rng.integers(0, 256, (12, 16, 3), dtype=np.uint8)
    image[0] = image[0, :, :1]
    image[1, :4] = 0
    image[1, 4:8] = 255
    return image


def test_hsv_is_that_of_scikit_image_on_255(image):
    np.testing.assert_allclose(to_color_space(image, "HSV"), 255 * color.rgb2hsv(image), atol=1e-3)


def test_lab_is_that_of_scikit_image_with_gray_at_128(image):
    expected = color.rgb2lab(image) * [2.55, 1, 1] + [0, 128, 128]
    np.testing.assert_allclose(to_color_space(image, "Lab"), expected, atol=2e-2)


def test_rgi_does_not_see_how_bright_a_color_is_but_for_its_intensity(image):
    converted = to_color_space(image, "rgI")
    np.testing.assert_allclose(converted[..., 2], 255 * color.rgb2yuv(image)[..., 0], atol=0.01)
    dark = to_color_space(np.full((1, 1, 3), (20, 60, 40), np.uint8), "rgI")[0, 0]
    bright = to_color_space(np.full((1, 1, 3), (60, 180, 120), np.uint8), "rgI")[0, 0]
    np.testing.assert_allclose(dark[:2], 255 * np.array([20, 60]) / 120, rtol=1e-6)
    np.testing.assert_allclose(bright, [*dark[:2], 3 * dark[2]], rtol=1e-6)


@pytest.mark.parametrize(("name", "channels"), [("HSV", 3), ("Lab", 3), ("rgI", 3), ("H", 1), ("I", 1)])
def test_all_channels_are_float32_from_0_to_255(image, name, channels):
    converted = to_color_space(image, name)
    assert converted.shape == (12, 16, channels) and converted.dtype == np.float32
    assert converted.min() >= -1e-3 and converted.max() <= 255.001 and converted.flags.c_contiguous


def test_an_unknown_color_space_is_named(image):
    with pytest.raises(ValueError, match="no color space 'CMYK'; there are HSV, Lab"):
        to_color_space(image, "CMYK")


@pytest.mark.parametrize("size", [(12, 16, 3), (1, 1, 1), (2, 30, 1), (30, 3, 3)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_kernel_is_the_textbook_bit_for_bit_also_where_the_filter_is_wider_than_the_image(rng, size, dtype):
    image, weights = rng.normal(size=size).astype(dtype), rng.normal(size=11).astype(dtype)
    for axis in (0, 1):
        found, expected = correlate1d(image, weights, axis=axis), correlate1d.reference(image, weights, axis=axis)
        np.testing.assert_array_equal(found, expected, strict=True)


@pytest.mark.parametrize("sigma", [0.5, 0.8, 2.0])
def test_smoothing_is_that_of_scipy(rng, sigma):
    image = rng.uniform(0, 255, (20, 25, 3))
    expected = ndimage.gaussian_filter(image, (sigma, sigma, 0))
    np.testing.assert_allclose(smooth(image, sigma), expected, rtol=1e-12)


def test_gradients_are_those_of_scipy_and_one_on_a_ramp(rng):
    image = rng.uniform(0, 255, (20, 25, 3))
    right, down = gradients(image, 1.0)
    for found, order in ((right, (0, 1, 0)), (down, (1, 0, 0))):
        expected = ndimage.gaussian_filter(image, (1, 1, 0), order=order)
        assert np.corrcoef(found.ravel(), expected.ravel())[0, 1] > 1 - 1e-9
        np.testing.assert_allclose(found, expected, atol=0.002 * np.abs(expected).max())  # theirs is 0.1 % weaker
    ramp = 3 * np.arange(30.0)[:, None, None] + np.arange(30.0)[None, :, None]
    right, down = gradients(ramp, 1.0)
    np.testing.assert_allclose(right[10:20, 10:20], 1, rtol=1e-12)
    np.testing.assert_allclose(down[10:20, 10:20], 3, rtol=1e-12)
