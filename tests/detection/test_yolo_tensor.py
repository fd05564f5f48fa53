"""YOLO's tensor: what is written is read, and what does not fit is left out or refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minivision.detection import decode_yolo, encode_yolo


def test_the_tensor_of_the_paper_is_7_by_7_by_30():
    tensor = encode_yolo([[100, 200, 300, 400]], [20], 7, 2, 20, size=(448, 448))
    assert tensor.shape == (7, 7, 30) and tensor.dtype == np.float32
    # center (200, 300): column 3.125, row 4.6875
    expected = np.zeros(30)
    expected[:5] = 0.125, 0.6875, 200 / 448, 200 / 448, 1
    expected[29] = 1
    np.testing.assert_allclose(tensor[4, 3], expected, rtol=1e-5)
    tensor[4, 3] = 0
    assert (tensor == 0).all()


def test_without_a_size_boxes_are_parts_of_the_image():
    boxes = np.array([[0.1, 0.2, 0.5, 0.4], [0.5, 0.5, 1, 1]])
    in_pixels = encode_yolo(boxes * (200, 100, 200, 100), [1, 2], (3, 5), 2, 4, size=(100, 200))
    np.testing.assert_allclose(encode_yolo(boxes, [1, 2], (3, 5), 2, 4), in_pixels, atol=1e-6)


@given(st.integers(0, 2**32 - 1), st.integers(1, 9), st.integers(1, 9), st.integers(1, 3))
def test_what_is_written_is_read(seed, rows, columns, B):
    rng = np.random.default_rng(seed)
    cells = rng.permutation(rows * columns)[: rng.integers(0, 6)]  # no two objects in a cell
    y, x = (cells // columns + rng.random(len(cells))) / rows, (cells % columns + rng.random(len(cells))) / columns
    w, h = rng.random((2, len(cells)))
    boxes = np.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], axis=1) * (200, 100, 200, 100)
    labels = rng.integers(1, 5, len(cells))
    tensor = encode_yolo(boxes, labels, (rows, columns), B, 4, size=(100, 200), dtype=np.float64)
    read, scores = decode_yolo(tensor, B, size=(100, 200))
    assert read.shape == (rows * columns * B, 4) and scores.shape == (rows * columns * B, 4)
    found, columns_of_scores = np.nonzero(scores)
    assert scores.sum() == len(cells)
    order = np.argsort(cells)
    np.testing.assert_array_equal(columns_of_scores + 1, labels[order])
    np.testing.assert_allclose(read[found], boxes[order], atol=1e-9)


def test_several_images_are_read_at_once(rng):
    tensors = rng.random((2, 3, 4, 5, 16))
    boxes, scores = decode_yolo(tensors, 2, size=(40, 50))
    for index in np.ndindex(2, 3):
        alone = decode_yolo(tensors[index], 2, size=(40, 50))
        np.testing.assert_array_equal(boxes[index], alone[0])
        np.testing.assert_array_equal(scores[index], alone[1])


def test_of_more_objects_than_boxes_in_a_cell_the_largest_stay_and_share_its_class_probabilities():
    boxes = np.array([[0.1, 0.1, 0.2, 0.2], [0, 0, 0.3, 0.3], [0, 0, 0.5, 0.4], [0.8, 0.8, 1, 1]])
    tensor = encode_yolo(boxes, [1, 2, 3, 1], 2, 2, 3, dtype=np.float64)
    np.testing.assert_allclose(tensor[0, 0, [2, 3, 4, 7, 8, 9]], [0.5, 0.4, 1, 0.3, 0.3, 1])
    np.testing.assert_allclose(tensor[0, 0, 10:], [0, 0.5, 0.5])
    np.testing.assert_allclose(tensor[1, 1, 4:], [1, 0, 0, 0, 0, 0, 1, 0, 0])
    assert np.count_nonzero(tensor[[0, 1], [1, 0]]) == 0


def test_an_image_without_objects_and_a_centre_on_the_border():
    assert (encode_yolo([], [], 3, 2, 4) == 0).all()
    tensor = encode_yolo([[1, 1, 1, 1]], [1], 3, 2, 4)  # the lower right corner, no area
    np.testing.assert_allclose(tensor[2, 2, :5], [1, 1, 0, 0, 1])


@pytest.mark.parametrize(
    ("boxes", "labels", "S", "B", "C", "message"),
    [
        ([[0, 0, 1, 1]], [0], 7, 2, 20, "labels: expected classes from 1 to C = 20, got 0; C does not count the back"),
        ([[0, 0, 1, 1]], [21], 7, 2, 20, "labels: .* got 21"),
        ([[0, 0, 1, 1]], [1, 2], 7, 2, 20, "labels: expected one for each of 1 boxes, got 2"),
        ([[0, 0, 60, 60]], [1], 7, 2, 20, "boxes: .* a center inside the image of 1 x 1"),
        ([[0.5, 0, 0.1, 1]], [1], 7, 2, 20, "boxes: expected x1 <= x2"),
        ([[0, 0, np.nan, 1]], [1], 7, 2, 20, "boxes: expected x1 <= x2"),
        ([[0, 0, 1, 1]], [1], 0, 2, 20, "S"),
        ([[0, 0, 1, 1]], [1], 7, 0, 20, "B = 0 and C = 20"),
    ],
)
def test_what_cannot_be_written_is_refused_with_the_reason(boxes, labels, S, B, C, message):
    with pytest.raises(ValueError, match=message):
        encode_yolo(boxes, labels, S, B, C)


def test_a_tensor_without_room_for_its_boxes_and_a_class_is_refused():
    with pytest.raises(ValueError, match="5 B . C. with B = 2 and at least one class, got .7, 7, 10."):
        decode_yolo(np.zeros((7, 7, 10)), 2)
