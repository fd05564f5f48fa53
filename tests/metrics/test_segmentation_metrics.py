"""Metrics of label maps equal a count by hand, pixel by pixel."""

import math

import numpy as np
import pytest

from minivision.data import Dataset, Sample
from minivision.data.instances import Instances
from minivision.metrics import (
    class_iou,
    confusion_matrix,
    evaluate_segmentation,
    mean_iou,
    pixel_accuracy,
)
from minivision.tasks import evaluate


def by_hand(truths, predictions, num_classes):
    """Return IoU of each class and pixel accuracy, from sets of pixels."""
    pixels = [
        (int(t), int(p))
        for truth, prediction in zip(truths, predictions, strict=True)
        for t, p in zip(truth.flat, prediction.flat, strict=True)
        if t != 255
    ]
    iou = []
    for k in range(num_classes):
        union = sum(t == k or p == k for t, p in pixels)
        iou.append(sum(t == k and p == k for t, p in pixels) / union if union else math.nan)
    return iou, sum(t == p for t, p in pixels) / len(pixels)


def random_maps(rng, count, num_classes, ignored=True):
    shapes = [(int(rng.integers(1, 9)), int(rng.integers(1, 9))) for _ in range(count)]
    truths = [rng.integers(0, num_classes, shape).astype(np.uint8) for shape in shapes]
    if ignored:
        for truth in truths:
            truth[rng.random(truth.shape) < 0.2] = 255
    return truths, [rng.integers(0, num_classes, shape) for shape in shapes]


@pytest.mark.parametrize("seed", range(10))
def test_metrics_equal_a_count_by_hand(seed):
    rng = np.random.default_rng(seed)
    truths, predictions = random_maps(rng, 6, 5)
    confusion = sum(confusion_matrix(t, p, 6) for t, p in zip(truths, predictions, strict=True))
    iou, accuracy = by_hand(truths, predictions, 6)
    np.testing.assert_allclose(class_iou(confusion), iou, rtol=1e-15)
    assert math.isnan(class_iou(confusion)[5])  # neither in the truth nor predicted
    assert pixel_accuracy(confusion) == pytest.approx(accuracy, rel=1e-15)
    assert mean_iou(confusion) == pytest.approx(np.mean(iou[:5]), rel=1e-15)


def test_rows_are_true_classes():
    confusion = confusion_matrix(np.array([0, 0, 1]), np.array([1, 0, 1]), 2)
    assert confusion.tolist() == [[1, 1], [0, 1]]


def test_a_class_that_is_predicted_but_absent_has_an_iou_of_zero():
    confusion = confusion_matrix(np.array([0, 0]), np.array([0, 2]), 4)
    iou = class_iou(confusion)
    assert iou[2] == 0 and np.isnan(iou[[1, 3]]).all()
    assert mean_iou(confusion) == pytest.approx((0.5 + 0) / 2)


def test_pixels_of_unknown_class_do_not_count():
    confusion = confusion_matrix(np.array([255, 255, 1]), np.array([7, 255, 1]), 2)
    assert confusion.tolist() == [[0, 0], [0, 1]]


def test_metrics_without_known_pixels_are_nan_without_a_warning():
    confusion = confusion_matrix(np.full(4, 255), np.zeros(4, int), 2)
    assert math.isnan(pixel_accuracy(confusion)) and math.isnan(mean_iou(confusion))


@pytest.mark.parametrize(
    ("truth", "prediction", "message"),
    [
        (np.zeros((2, 2), int), np.zeros((2, 3), int), "prediction: expected the shape"),
        (np.array([0, 3]), np.array([0, 0]), "truth: expected classes 0 to 2"),
        (np.array([0, 0]), np.array([0, -1]), "prediction: expected classes 0 to 2"),
    ],
)
def test_wrong_label_maps_are_an_error(truth, prediction, message):
    with pytest.raises(ValueError, match=message):
        confusion_matrix(truth, prediction, 3)


class Fixed(Dataset):
    """Images whose first channel holds the prediction."""

    classes = ("background", "cat", "dog")

    def __init__(self, truths, predictions):
        self.maps = list(zip(truths, predictions, strict=True))

    def __len__(self):
        return len(self.maps)

    def image_sizes(self):
        return [truth.shape for truth, _ in self.maps]

    def _sample(self, index):
        truth, prediction = self.maps[index]
        return Sample(np.repeat(prediction[..., None], 3, 2).astype(np.uint8), Instances.empty(), truth)


class Reader:
    """A model that reads its prediction from the image."""

    name, task, classes = "reader", "segmentation", ("background", "cat", "dog")

    def predict(self, images):
        return [image[..., 0] for image in images]


@pytest.mark.parametrize("batch_size", [1, 4, 100])
def test_evaluation_adds_images_of_all_sizes_before_it_divides(batch_size):
    truths, predictions = random_maps(np.random.default_rng(3), 9, 3)
    metrics = evaluate_segmentation(Reader(), Fixed(truths, predictions), batch_size=batch_size)
    iou, accuracy = by_hand(truths, predictions, 3)
    assert metrics["iou"] == pytest.approx(dict(zip(Reader.classes, iou, strict=True)))
    assert metrics["miou"] == pytest.approx(np.mean(iou))
    assert metrics["pixel_accuracy"] == pytest.approx(accuracy) and metrics["images"] == 9
    assert evaluate(Reader(), Fixed(truths, predictions)) == metrics


def test_other_classes_no_images_and_unknown_tasks_are_an_error():
    truths, predictions = random_maps(np.random.default_rng(3), 2, 3)
    other = Fixed(truths, predictions)
    other.classes = ("background", "dog", "cat")
    with pytest.raises(ValueError, match="same order"):
        evaluate(Reader(), other)
    with pytest.raises(ValueError, match="no images"):
        evaluate(Reader(), Fixed([], []))
    poet = Reader()
    poet.task = "poetry"
    with pytest.raises(ValueError, match="there is no task 'poetry'"):
        evaluate(poet, Fixed(truths, predictions))
