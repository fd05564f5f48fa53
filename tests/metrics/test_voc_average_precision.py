"""Average precision by VOC's protocols equals a computation with fractions."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minivision.data.instances import Instances
from minivision.metrics import average_precision

CLASSES = ("background", "cat", "dog")
ELEVEN = [Fraction(k, 10) for k in range(11)]


def iou_by_hand(a, b):
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return Fraction(0)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)]
    return Fraction(width * height, sum(areas) - width * height)


def voc_by_hand(truths, predictions, label, threshold):
    """Return average precision at 11 points and over all points, or None where no object counts."""
    ranking, objects = [], []
    for image, (truth, prediction) in enumerate(zip(truths, predictions, strict=True)):
        here = [k for k in range(len(truth)) if truth.labels[k] == label]
        objects.append([{"box": truth.boxes[k].astype(int).tolist(), "difficult": truth.crowd[k]} for k in here])
        for k in range(len(prediction)):
            if prediction.labels[k] == label:
                ranking.append((-prediction.scores[k], image, k, prediction.boxes[k].astype(int).tolist()))
    positives = sum(not each["difficult"] for of_image in objects for each in of_image)
    if positives == 0:
        return None
    right = wrong = 0
    curve = [(Fraction(0), Fraction(0))]
    for _, image, _, box in sorted(ranking):
        best = max(objects[image], key=lambda each: iou_by_hand(box, each["box"]), default=None)
        if best is None or iou_by_hand(box, best["box"]) < threshold:
            wrong += 1
        elif best["difficult"]:
            continue
        elif best.get("taken"):
            wrong += 1
        else:
            best["taken"] = True
            right += 1
        curve.append((Fraction(right, positives), Fraction(right, right + wrong)))

    def best_from(recall):
        return max((precision for reached, precision in curve if reached >= recall), default=Fraction(0))

    recalls = sorted({recall for recall, _ in curve})
    steps = zip(recalls[:-1], recalls[1:], strict=True)
    return sum(map(best_from, ELEVEN)) / 11, sum((high - low) * best_from(high) for low, high in steps)


def draw(rng, images, step):
    truths, predictions = [], []
    for _ in range(images):
        t, d = rng.integers(0, 7), rng.integers(0, 12)
        corner = rng.integers(0, 10, (t, 2)) * step
        boxes = np.concatenate([corner, corner + rng.integers(1, 8, (t, 2)) * step], axis=1)
        predicted = np.repeat([[0, 0, step, step]], d, axis=0)
        if t:
            predicted = boxes[rng.integers(0, t, d)] + step * rng.integers(0, 2, (d, 4)) * [-1, 0, 0, 1]
        truths.append(Instances(boxes, rng.integers(1, 3, t), crowd=rng.random(t) < 0.3))
        scores = rng.integers(0, 5, d) / 4
        predictions.append(Instances(predicted, rng.integers(1, 3, d), scores=scores))
    return truths, predictions


@settings(max_examples=60)
@given(
    seed=st.integers(0, 10**6), images=st.integers(0, 6), threshold=st.sampled_from([(1, 2), (1, 3), (2, 3), (1, 1)])
)
def test_both_protocols_agree_with_a_count_by_hand(seed, images, threshold):
    truths, predictions = draw(np.random.default_rng(seed), images, step=4)
    threshold = Fraction(*threshold)
    for name, which in (("voc11", 0), ("voc", 1)):
        result = average_precision(truths, predictions, CLASSES, protocol=name, iou=float(threshold))
        expected = [voc_by_hand(truths, predictions, label, threshold) for label in (1, 2)]
        for each, by_hand in zip(CLASSES[1:], expected, strict=True):
            (ours,) = result.by_class[each].values()
            assert ours == pytest.approx(float("nan") if by_hand is None else float(by_hand[which]), nan_ok=True)
        occurring = [float(by_hand[which]) for by_hand in expected if by_hand is not None]
        mean = np.mean(occurring) if occurring else float("nan")
        assert list(result.metrics.values()) == pytest.approx([mean], nan_ok=True)


def cats(*boxes, **fields):
    return Instances(np.array(boxes, float), [1] * len(boxes), **fields)


A, B, FAR = (0, 0, 10, 10), (20, 0, 30, 10), (50, 50, 60, 60)


def rate(truth, prediction, protocol="voc"):
    return average_precision([truth], [prediction], CLASSES, protocol=protocol).metrics["AP50"]


def test_half_of_the_objects_matched_at_full_precision():
    truth, prediction = cats(A, B), cats(A, FAR, scores=[0.9, 0.8])
    assert rate(truth, prediction) == pytest.approx(1 / 2)
    assert rate(truth, prediction, "voc11") == pytest.approx(6 / 11)  # recalls 0, .1, ... .5


def test_a_false_positive_before_the_true_positives_lowers_all():
    truth, prediction = cats(A, B), cats(FAR, A, B, scores=[0.9, 0.8, 0.7])  # precision 0, 1/2, 2/3
    assert [rate(truth, prediction, name) for name in ("voc", "voc11")] == pytest.approx([2 / 3, 2 / 3])


def test_recall_of_three_tenths_counts_at_point_three():
    truth = cats(*[(20 * k, 0, 20 * k + 10, 10) for k in range(10)])
    prediction = cats(*truth.boxes[:3], scores=[0.9, 0.8, 0.7])
    assert rate(truth, prediction, "voc11") == pytest.approx(4 / 11)


def test_a_second_detection_of_an_object_is_a_false_positive():
    assert rate(cats(A, B), cats(A, A, B, scores=[0.9, 0.8, 0.7])) == pytest.approx((1 + 2 / 3) / 2)


def test_a_detection_whose_best_object_is_taken_does_not_get_another_one_unlike_in_coco():
    truth, prediction = cats((0, 0, 10, 10), (0, 0, 10, 6)), cats(A, (0, 0, 10, 9), scores=[0.9, 0.8])
    assert rate(truth, prediction) == pytest.approx(0.5)  # the second has .9 with the first object, .67 with the other
    assert average_precision([truth], [prediction], CLASSES).metrics["AP50"] == pytest.approx(1)


def test_of_two_objects_with_equal_iou_a_detection_gets_the_first():
    assert rate(cats(A, A, crowd=[False, True]), cats(A, scores=[1])) == pytest.approx(1)
    assert rate(cats(A, A, crowd=[True, False]), cats(A, scores=[1])) == 0


def test_difficult_objects_do_not_count_matched_or_not():
    truth = cats(A, B, crowd=[False, True])
    assert rate(truth, cats(A, scores=[0.5])) == pytest.approx(1)  # not a missed object
    assert rate(truth, cats(B, B, A, scores=[0.9, 0.8, 0.7])) == pytest.approx(1)  # nor a false positive
    assert rate(truth, cats(FAR, A, scores=[0.9, 0.7])) == pytest.approx(1 / 2)


def test_a_difficult_object_is_compared_by_iou_not_like_a_crowd():
    truth = cats(A, (20, 0, 60, 40), crowd=[False, True])
    prediction = cats((20, 0, 30, 10), A, scores=[0.9, 0.8])  # a sixteenth of the difficult object
    assert rate(truth, prediction) == pytest.approx(1 / 2)
    assert average_precision([truth], [prediction], CLASSES).metrics["AP50"] == pytest.approx(1)


def test_an_iou_of_exactly_one_half_is_a_match():
    assert rate(cats((0, 0, 10, 10)), cats((0, 0, 10, 5), scores=[1])) == pytest.approx(1)
    assert rate(cats((0, 0, 10, 10)), cats((0, 0, 10, 4.9), scores=[1])) == 0


def test_all_detections_of_an_image_count_also_beyond_a_hundred():
    prediction = cats(*[FAR] * 150, A, scores=[*np.linspace(0.9, 0.5, 150), 0.1])
    assert rate(cats(A), prediction) == pytest.approx(1 / 151)
    assert average_precision([cats(A)], [prediction], CLASSES).metrics["AP50"] == 0
