"""The sliding window: both scans give the same scores, and patches are drawn with the right probabilities."""

import numpy as np
import pytest

from minivision.data import Batch
from minivision.models.sliding_window import SlidingWindow, drawing_probabilities
from minivision.training.batches import reseed

CLASSES = ("background", "disc", "square", "star")
NETWORKS = {
    "as it is by default": {},
    "strides of 1, 3 and 2, even kernels": {"convolutions": ((4, 2, 1), (5, 3, 3), (6, 2, 2), (7, 3, 1))},
    "a patch of even size": {"convolutions": ((4, 2, 1), (5, 3, 2), (6, 2, 1))},
    "no stride at all": {"convolutions": ((4, 5, 1), (5, 3, 1))},
}


def trained(dtype=np.float64, **options):
    """Return a model whose running statistics and scales are not those of the beginning."""
    rng = np.random.default_rng(3)
    model = SlidingWindow(CLASSES, rng=rng, **options)
    for name, array in model.state().items():
        noise = 0.2 * rng.standard_normal(array.shape).astype(np.float32)
        array += np.abs(noise) if name.endswith("var") else noise
    return model.astype(dtype)


@pytest.mark.parametrize("network", NETWORKS)
def test_the_two_scans_give_the_same_scores_in_float64(network, rng):
    model = trained(**NETWORKS[network])
    images = model.normalize(rng.integers(0, 256, (2, 14, 19, 3), dtype=np.uint8))
    patches, convolutional = model.scores_patch_by_patch(images), model.scores_convolutional(images)
    assert patches.shape == (2, len(CLASSES), 14, 19) and patches.dtype == np.float64
    np.testing.assert_allclose(convolutional, patches, rtol=0, atol=1e-9)
    assert patches.std(axis=(2, 3)).min() > 1e-3  # every score differs from place to place


def test_the_center_of_a_patch_of_even_size_is_left_and_above_its_middle(rng):
    model = trained(**NETWORKS["a patch of even size"])
    image = model.normalize(rng.integers(0, 256, (1, 9, 9, 3), dtype=np.uint8))
    assert model.patch_size == 6
    y, x = np.divmod(np.arange(81), 9)
    patches = model.crop_patches(model.pad(image)[0], y, x)
    assert patches.shape == (81, 3, 6, 6)
    np.testing.assert_array_equal(patches[:, :, 2, 2].T.reshape(3, 9, 9), image[0])


def test_the_two_scans_predict_the_same_in_float32(rng):
    model = trained(np.float32)
    image = rng.integers(0, 256, (21, 17, 3), dtype=np.uint8)
    labels = model.predict([image])[0]
    model.scan = "patch-by-patch"
    assert (model.predict([image])[0] == labels).mean() > 0.99 and len(np.unique(labels)) > 1


def test_the_scores_of_a_pixel_are_those_of_the_patch_around_it(rng):
    model = trained()
    size, half = model.patch_size, model.patch_size // 2
    assert size == 39
    image = rng.integers(0, 256, (50, 60, 3), dtype=np.uint8)
    scores = model.score_maps(image[None])[0]
    for y, x in [(half, half), (half + 3, half + 20), (30, 40)]:  # inside, so that no padding is needed
        patch = image[y - half : y + half + 1, x - half : x + half + 1]
        np.testing.assert_allclose(model.net(model.normalize(patch[None]))[0, :, 0, 0], scores[:, y, x], atol=1e-9)


def test_a_score_depends_on_its_patch_and_on_nothing_else(rng):
    model = trained()
    image = rng.integers(0, 256, (1, 50, 50, 3), dtype=np.uint8)
    changed = image.copy()
    changed[0, 24, 24] = 255 - changed[0, 24, 24]
    rows, columns = np.nonzero((model.score_maps(changed) != model.score_maps(image)).any(axis=(0, 1)))
    half = model.patch_size // 2
    assert (rows.min(), rows.max()) == (columns.min(), columns.max()) == (24 - half, 24 + half)


def test_the_convolutional_scan_shares_work_and_the_other_does_not(rng):
    from minivision.comparison import count_multiply_adds

    model = trained(np.float32)
    image = model.normalize(rng.integers(0, 256, (1, 12, 10, 3), dtype=np.uint8))
    one_patch = 19**2 * 27 * 16 + 9**2 * 9 * 16 * 32 + 4**2 * 9 * 32 * 64 + 16 * 64 * 96 + 96 * len(CLASSES)
    assert count_multiply_adds(lambda: model.scores_patch_by_patch(image)) == 12 * 10 * one_patch
    sizes = [(48, 46), (44, 42), (36, 34), (12, 10), (12, 10)]  # of the maps: (12 + 38, 10 + 38) less their filters
    filters = [27 * 16, 9 * 16 * 32, 9 * 32 * 64, 16 * 64 * 96, 96 * len(CLASSES)]
    expected = sum(height * width * taps for (height, width), taps in zip(sizes, filters, strict=True))
    assert count_multiply_adds(lambda: model.scores_convolutional(image)) == expected


@pytest.fixture
def batch(rng):
    """Images whose red is the class of each pixel."""
    label_maps = np.zeros((3, 20, 30), np.uint8)
    label_maps[0, 4:9, 3:20], label_maps[0, 15, 25] = 1, 2
    label_maps[1, 10:, :] = 255
    label_maps[2] = 3
    images = rng.integers(0, 256, (3, 20, 30, 3), dtype=np.uint8)
    images[..., 0] = label_maps
    return Batch(images, [], label_maps)


def draw(model, batch):
    return model.draw_patches(model.normalize(batch.images), batch.label_maps)


def test_each_patch_has_the_class_of_its_center(batch):
    model = SlidingWindow(CLASSES, patches=40)
    patches, labels = draw(model, batch)
    assert patches.shape == (120, 3, 39, 39) and labels.shape == (120, 1, 1)
    np.testing.assert_array_equal(64 * patches[:, 0, 19, 19] + 127.5, labels[:, 0, 0])


def test_half_the_patches_are_background_and_large_and_small_classes_share_the_rest(batch):
    model = SlidingWindow(CLASSES, patches=4000)
    first, second, third = draw(model, batch)[1].reshape(3, -1)
    shares = np.bincount(first) / len(first)
    np.testing.assert_allclose(shares, [0.5, 0.25, 0.25], atol=0.03)  # of class 2 there is one pixel
    assert (second == 0).all()  # what has no label is not drawn
    assert (third == 3).all()  # nor is background where there is none


def test_probabilities_add_up_to_one():
    for labels in ([0], [255, 255], [1, 2, 2, 255], [0, 0, 0, 3]):
        chances = drawing_probabilities(np.array(labels, np.uint8))
        assert chances.sum() == pytest.approx(1) and (chances >= 0).all()


def test_patches_are_a_function_of_the_trainers_seed_and_step(batch):
    model = SlidingWindow(CLASSES)

    def drawn(step):
        reseed(model, 0, step)
        return draw(model, batch)[0]

    np.testing.assert_array_equal(drawn(5), drawn(5))
    assert (drawn(5) != drawn(6)).any()


def test_wrong_options_are_named():
    with pytest.raises(ValueError, match="scan: expected one of convolutional, patch-by-patch, got 'both'"):
        SlidingWindow(CLASSES, scan="both")
    with pytest.raises(ValueError, match="patches: expected at least 1 an image, got 0"):
        SlidingWindow(CLASSES, patches=0)
