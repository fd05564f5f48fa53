"""Masks cut out of images and pasted back: beside PyTorch's grid_sample, and to a tenth of a pixel."""

import numpy as np
import pytest

from minivision.detection import crop_masks, paste_masks

BOXES = np.array([
    [3.2, 4.7, 19.6, 17.1],
    [-5.5, -3.0, 12.3, 9.9],  # partly outside
    [20.1, 10.0, 47.9, 35.5],
    [0.0, 0.0, 40.0, 30.0],  # the image
    [7.3, 8.1, 8.6, 9.9],  # about a pixel
    [-30.0, 2.0, -5.0, 9.0],  # wholly outside
], np.float32)  # fmt: skip
SIZE = (30, 40)


@pytest.mark.parametrize("cells", [4, 28])
@pytest.mark.parametrize("threshold", [0.2, 0.5])
def test_pasted_masks_are_those_of_grid_sample(cells, threshold, rng):
    torch = pytest.importorskip("torch")
    probabilities = rng.uniform(0, 1, (len(BOXES), cells, cells))
    height, width = SIZE
    x1, y1, x2, y2 = (torch.from_numpy(side.astype(float))[:, None] for side in BOXES.T)
    x = 2 * (torch.arange(width) + 0.5 - x1) / (x2 - x1) - 1  # (K, W), -1 and 1 at the sides of the box
    y = 2 * (torch.arange(height) + 0.5 - y1) / (y2 - y1) - 1
    grid = torch.stack([x[:, None].expand(-1, height, -1), y[:, :, None].expand(-1, -1, width)], dim=-1)
    sampled = torch.nn.functional.grid_sample(torch.from_numpy(probabilities)[:, None], grid, align_corners=False)
    expected = sampled[:, 0].numpy() >= threshold
    assert expected.any(axis=(1, 2)).sum() >= 4
    np.testing.assert_array_equal(paste_masks(probabilities, BOXES, SIZE, threshold=threshold), expected)


def test_a_mask_pasted_where_it_was_cut_is_the_same_mask():
    y, x = np.mgrid[:60, :80] + 0.5
    masks = np.stack([(x - 30.3) ** 2 + (y - 28.6) ** 2 < 17.4**2, abs(x - 40) + abs(y - 30) < 22])
    boxes = np.array([[12.9, 11.2, 47.7, 46.0], [18.0, 8.0, 62.0, 52.0]])
    pasted = paste_masks(crop_masks(masks, boxes, 28), boxes, masks.shape[1:])
    iou = (pasted & masks).sum(axis=(1, 2)) / (pasted | masks).sum(axis=(1, 2))
    assert (iou > 0.97).all(), iou  # moved by half a pixel it would be .95, and by a pixel .90
    centers = [np.argwhere(each).mean(axis=0) + 0.5 for each in pasted]
    np.testing.assert_allclose(centers, [[28.6, 30.3], [30, 40]], atol=0.15)


def test_boxes_moved_by_a_fraction_of_a_pixel_move_their_masks():
    cells = np.ones((1, 4, 4))
    covered = [
        paste_masks(cells, [[10 + shift, 5, 20 + shift, 15]], SIZE).any(axis=(0, 1)).nonzero()[0]
        for shift in (0, 0.4, 0.6)
    ]
    assert [(each[0], each[-1]) for each in covered] == [(10, 19), (10, 19), (11, 20)]


def test_a_cell_is_the_share_of_it_that_is_covered():
    mask = np.zeros((1, 8, 8), bool)
    mask[0, :, :3] = True
    np.testing.assert_allclose(crop_masks(mask, [[0, 0, 8, 8]], 4), np.tile([1, 0.5, 0, 0], (1, 4, 1)), atol=1e-6)
    np.testing.assert_allclose(crop_masks(mask, [[1, 2, 5, 4.0]], 1), [[[0.5]]], atol=1e-6)


def test_masks_of_boxes_without_area_and_no_masks_at_all_are_empty():
    pasted = paste_masks(np.ones((3, 4, 4)), [[5, 5, 5, 9], [9, 9, 4, 12], [np.nan, 1, 5, 6]], SIZE)
    assert pasted.shape == (3, *SIZE) and not pasted.any()
    assert paste_masks(np.zeros((0, 4, 4)), np.zeros((0, 4)), SIZE).shape == (0, *SIZE)
    assert crop_masks(np.zeros((0, 9, 9), bool), np.zeros((0, 4)), 4).shape == (0, 4, 4)
    assert crop_masks(np.ones((1, 9, 9), bool), [[3, 3, 3, 5]], 4).shape == (1, 4, 4)


def test_inputs_are_not_written_to(rng):
    masks, boxes, cells = rng.random((2, 9, 9)) > 0.5, BOXES[:2].copy(), rng.random((2, 4, 4))
    before = masks.copy(), boxes.copy(), cells.copy()
    crop_masks(masks, boxes, 4), paste_masks(cells, boxes, (9, 9))
    for array, old in zip((masks, boxes, cells), before, strict=True):
        np.testing.assert_array_equal(array, old)
