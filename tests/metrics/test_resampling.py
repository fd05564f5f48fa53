"""The bootstrap: metrics of resampled sets are those of NumPy's brute force and of pycocotools on these sets."""

import contextlib
import io

import numpy as np
import pytest

from minivision.bench.average_precision import Work, random_detections
from minivision.data.instances import Instances
from minivision.metrics import average_precision, class_iou
from minivision.metrics.precision_recall import average_at, precision_recall
from minivision.metrics.resampling import (
    SegmentationOutcomes,
    paired_difference,
    resample_counts,
)

WORK = Work("box", 12, (128, 128), 6, 25, 3)
CLASSES = ("background", "one", "two", "three")


@pytest.fixture(scope="module")
def detections():
    """Ground truth with crowds and predictions, no two scores of which are equal."""
    rng = np.random.default_rng(4)
    truths, predictions = random_detections(WORK, rng)
    scores = rng.permutation(sum(map(len, predictions))).astype(np.float32) / 1000
    start = 0
    for k, prediction in enumerate(predictions):
        predictions[k] = Instances(prediction.boxes, prediction.labels, scores=scores[start : start + len(prediction)])
        start += len(prediction)
    truths[3] = Instances(truths[3].boxes, truths[3].labels, crowd=np.arange(len(truths[3])) % 2 == 0)
    truths[5] = truths[5][:0]
    return truths, predictions


def brute_force(outcomes, counts):
    """Repeat every detection as often as its image was drawn, and average with whole arrays."""
    classes, thresholds = outcomes.objects.shape[1], outcomes.matched.shape[1]
    average = np.full((classes, thresholds), np.nan)
    for c in range(classes):
        part = slice(outcomes.starts[c], outcomes.starts[c + 1])
        positives = int((counts @ outcomes.objects)[c])
        repeats = counts[outcomes.images[part]]
        for i in range(thresholds) if positives else ():
            matched, ignored = (np.repeat(each[part, i], repeats) for each in (outcomes.matched, outcomes.ignored))
            average[c, i] = average_at(outcomes.recalls, *precision_recall(matched, ignored, positives))
    return average


def coco_average_precision(truths, predictions, drawn):
    """AP and AP50 by pycocotools of the drawn images, each copy an image of its own."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    annotations, results = [], []
    for copy, image in enumerate(drawn, start=1):
        for box, label, crowd in zip(*(getattr(truths[image], name) for name in ("boxes", "labels", "crowd")),
                                     strict=True):  # fmt: skip
            x1, y1, x2, y2 = map(float, box)
            place = {"image_id": copy, "category_id": int(label), "bbox": [x1, y1, x2 - x1, y2 - y1]}
            area = (x2 - x1) * (y2 - y1)
            annotations.append({**place, "id": len(annotations) + 1, "iscrowd": int(crowd), "area": area})
        prediction = predictions[image]
        for box, label, score in zip(prediction.boxes, prediction.labels, prediction.scores, strict=True):
            x1, y1, x2, y2 = map(float, box)
            results.append({"image_id": copy, "category_id": int(label), "score": float(score),
                            "bbox": [x1, y1, x2 - x1, y2 - y1]})  # fmt: skip
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = {
            "images": [{"id": copy, "height": 128, "width": 128} for copy in range(1, len(drawn) + 1)],
            "annotations": annotations,
            "categories": [{"id": c, "name": str(c)} for c in (1, 2, 3)],
        }
        coco.createIndex()
        evaluation = COCOeval(coco, coco.loadRes(results), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation.stats[0], evaluation.stats[1]


def test_every_image_once_gives_the_metrics_of_the_set_itself(detections):
    result = average_precision(*detections, CLASSES)
    found = result.outcomes.metrics(np.ones((1, WORK.images), int))
    assert found["AP"][0] == pytest.approx(result.metrics["AP"], abs=1e-12)
    assert found["AP50"][0] == pytest.approx(result.metrics["AP50"], abs=1e-12)


def test_resampled_sets_have_the_values_of_brute_force(detections):
    outcomes = average_precision(*detections, CLASSES).outcomes
    for counts in [*resample_counts(WORK.images, 20), np.eye(1, WORK.images, 5, dtype=int)[0]]:
        np.testing.assert_allclose(outcomes.average_precision(counts), brute_force(outcomes, counts), atol=1e-12)


def test_resampled_sets_have_the_values_of_pycocotools(detections):
    pytest.importorskip("pycocotools")
    outcomes = average_precision(*detections, CLASSES).outcomes
    counts = resample_counts(WORK.images, 6, seed=2)
    found = outcomes.metrics(counts)
    for k, row in enumerate(counts):
        expected = coco_average_precision(*detections, np.repeat(np.arange(WORK.images), row))
        assert (found["AP"][k], found["AP50"][k]) == pytest.approx(expected, abs=1e-9)
    assert len(set(found["AP"].tolist())) > 3


def test_mean_iou_of_resampled_images_is_that_of_their_pixels(rng):
    confusion = rng.integers(0, 50, (7, 3, 3))
    confusion[:, 2] = confusion[:, :, 2] = 0
    confusion[4, 2, 1] = 9  # one image alone has the last class
    counts = np.concatenate([resample_counts(7, 5), [[1, 1, 1, 1, 0, 1, 2]]])
    for row, value in zip(counts, SegmentationOutcomes(confusion).metrics(counts)["miou"], strict=True):
        assert value == pytest.approx(
            np.nanmean(class_iou(sum(n * each for n, each in zip(row, confusion, strict=True))))
        )


def test_draws_are_of_as_many_images_with_replacement_and_the_same_each_time():
    counts = resample_counts(300, 400)
    assert counts.shape == (400, 300) and (counts.sum(axis=1) == 300).all()
    assert (counts == 0).mean() == pytest.approx(np.exp(-1), abs=0.01)  # of the images are not drawn
    np.testing.assert_array_equal(counts, resample_counts(300, 400))
    assert not np.array_equal(counts, resample_counts(300, 400, seed=1))


def test_the_interval_of_a_difference_of_means_is_the_one_of_the_normal_distribution(rng):
    images, resamples = 500, 2000
    hard = rng.normal(size=images)  # what both systems find hard
    first, second = hard + rng.normal(0.05, 0.3, images), hard + rng.normal(0, 0.3, images)
    counts = resample_counts(images, resamples)
    found = paired_difference([first.mean()], [second.mean()], (counts @ first)[None] / images,
                              (counts @ second)[None] / images)  # fmt: skip
    half = 1.96 * np.std(first - second) / np.sqrt(images)  # of pairs: not that of either alone, 0.09
    assert found.difference == pytest.approx((first - second).mean())
    assert (found.low, found.high) == pytest.approx((found.difference - half, found.difference + half), abs=0.1 * half)


def test_seeds_are_drawn_for_both_systems_alike():
    scatter = np.array([[0.5], [0.7]]) + np.zeros(1000)  # a seed matters much, and to both in the same way
    better = paired_difference([0.51, 0.71], [0.5, 0.7], scatter + 0.01, scatter)
    assert (better.low, better.high, better.share) == pytest.approx((0.01, 0.01, 1.0))
    unlike = paired_difference([0.6, 0.6], [0.5, 0.9], np.full((2, 1000), 0.6), scatter * [[1], [9 / 7]])
    assert unlike.low == pytest.approx(-0.3) and unlike.high == pytest.approx(0.1)
    assert unlike.share == pytest.approx(0.25, abs=0.05)  # both draws are the first seed


def test_equal_systems_share_the_resamples():
    same = np.random.default_rng(0).random((2, 50))
    assert paired_difference([1, 2], [1, 2], same, same) == (0, 0, 0, 0.5)


def test_a_protocol_without_fixed_recalls_is_refused(detections):
    with pytest.raises(ValueError, match="resampling needs a protocol with fixed recalls"):
        average_precision(*detections, CLASSES, protocol="voc").outcomes  # noqa: B018
