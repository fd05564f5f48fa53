"""Average precision by COCO's protocol equals that of pycocotools, also in special cases."""

import contextlib
import io
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minivision.bench.average_precision import RIVALS, coco_evaluation, coco_ground_truth, coco_results
from minivision.data import Instances, RunLengths, layer_masks
from minivision.metrics import average_precision, joint_sigmas
from minivision.metrics.average_precision import COCO_AREAS, COCO_RECALLS, Evaluation
from minivision.metrics.precision_recall import average_at, average_precision_of_class
from minivision.metrics.sorting import best_first

SIDE = 128


def names(count):
    return ["background", *(f"class {k}" for k in range(count))]


def their_metrics(truths, predictions, count, kind, sigmas, library):
    """Return the metrics of pycocotools or hotcoco over all classes, and by class; NaN where they are -1."""
    pytest.importorskip(library, reason=f"{library} is the oracle")
    with contextlib.redirect_stdout(io.StringIO()):
        truth = coco_ground_truth(truths, count, library)
        evaluation = coco_evaluation(truth, coco_results(truth, predictions, kind), kind, sigmas, library)
    precision, recall = evaluation.eval["precision"], evaluation.eval["recall"]  # (T, R, K, A, M), (T, K, A, M)
    letters = [name[0] for name in list(COCO_AREAS)[1:]][precision.shape[3] == 3 :]  # none is small for joints
    by_class = []
    for k in range(count - 1):
        metrics = {"AP": precision[:, :, k, 0, -1], "AP50": precision[0, :, k, 0, -1]}
        metrics["AP75"] = precision[5, :, k, 0, -1]
        metrics |= {f"AP{letter}": precision[:, :, k, a, -1] for a, letter in enumerate(letters, start=1)}
        metrics |= {f"AR{most}": recall[:, k, 0, m] for m, most in enumerate(evaluation.params.maxDets)}
        metrics |= {f"AR{letter}": recall[:, k, a, -1] for a, letter in enumerate(letters, start=1)}
        by_class.append({name: math.nan if (value == -1).all() else value.mean() for name, value in metrics.items()})
    return np.where(evaluation.stats == -1, np.nan, evaluation.stats), by_class


def assert_agrees(truths, predictions, count, kind="box", sigmas=None, library="pycocotools"):
    """Compare all metrics, of each class and over all classes, with those of pycocotools or hotcoco."""
    ours = average_precision(truths, predictions, names(count - 1), kind=kind, sigmas=sigmas)
    stats, by_class = their_metrics(truths, predictions, count, kind, sigmas, library)
    for name, expected in zip(names(count - 1)[1:], by_class, strict=True):
        assert ours.by_class[name] == pytest.approx(expected, abs=1e-9, nan_ok=True), name
    metrics = ours.metrics
    if kind == "keypoints":  # pycocotools also has the recall at .50 and .75
        stats = np.delete(stats, [6, 7])
    np.testing.assert_allclose(list(metrics.values()), stats, rtol=0, atol=1e-9)
    return ours


def boxes_on_a_grid(rng, count, step):
    """Corners on a grid of `step` pixels, so that there are ties and areas of exactly 32^2 and 96^2 pixels."""
    corner = rng.integers(0, SIDE // step, (count, 2)) * step
    return np.concatenate([corner, corner + rng.integers(0 if step > 1 else 1, 97 // step + 1, (count, 2)) * step], 1)


def draw_boxes(rng, *, images, objects, detections, classes, step, levels, crowd, with_areas):
    """Return truths and predictions with about so many boxes per image, most of them near an object."""
    truths, predictions = [], []
    for _ in range(images):
        t, d = rng.integers(0, objects + 1), rng.integers(0, detections + 1)
        boxes, labels = boxes_on_a_grid(rng, t, step), rng.integers(1, classes + 1, t)
        predicted, guessed = boxes_on_a_grid(rng, d, step), rng.integers(1, classes + 1, d)
        if t and d:
            of, near = rng.integers(0, t, d), rng.random(d) < 0.8
            moved = boxes[of] + step * rng.integers(-1, 2, (d, 4)) * (rng.random((d, 1)) < 0.7)
            moved[:, 2:] = np.maximum(moved[:, 2:], moved[:, :2])
            predicted, guessed = np.where(near[:, None], moved, predicted), np.where(near, labels[of], guessed)
        area = rng.choice([0, 100, 32**2, 32**2 + 1e-9, 5000.5, 96**2, 2e4], t) if with_areas else None
        truths.append(Instances(boxes, labels, crowd=rng.random(t) < crowd, area=area))
        predictions.append(Instances(predicted, guessed, scores=rng.integers(0, levels, d) / levels))
    return truths, predictions


@settings(max_examples=60)
@given(
    seed=st.integers(0, 10**6), images=st.integers(0, 6), objects=st.integers(0, 8), detections=st.integers(0, 20),
    classes=st.integers(1, 4), step=st.sampled_from([1, 8, 32]), levels=st.sampled_from([1, 3, 1000]),
    crowd=st.sampled_from([0, 0.3, 1]), with_areas=st.booleans(),
)  # fmt: skip
def test_boxes_agree_with_pycocotools(seed, classes, **options):
    truths, predictions = draw_boxes(np.random.default_rng(seed), classes=classes, **options)
    assert_agrees(truths, predictions, classes + 1)


@pytest.mark.parametrize("library", RIVALS)
def test_many_classes_and_more_detections_than_count_agree(rng, library):
    options = {"images": 5, "objects": 20, "step": 8, "levels": 50, "crowd": 0.1, "with_areas": False}
    many = draw_boxes(rng, **options, detections=300, classes=1)  # at most 100 of a class count in an image
    assert_agrees(*many, 2, library=library)
    assert_agrees(*draw_boxes(rng, **options, detections=100, classes=40), 41, library=library)


def ellipse(rng, size):
    y, x = np.indices(size) + 0.5
    (cy, cx), (ry, rx) = rng.uniform(0, size), rng.uniform(0.5, 0.7 * np.array(size))
    return ((y - cy) / ry) ** 2 + ((x - cx) / rx) ** 2 <= 1


def draw_masks(rng, *, images, objects, detections, classes, crowd, with_areas=False):
    truths, predictions = [], []
    for _ in range(images):
        size = tuple(rng.integers(1, 140, 2))  # any size, not only multiples of 8
        t, d = rng.integers(0, objects + 1), rng.integers(0, detections + 1)
        masks = np.array([ellipse(rng, size) for _ in range(t)], bool).reshape(t, *size)
        predicted = [masks[rng.integers(t)] if t and rng.random() < 0.6 else ellipse(rng, size) for _ in range(d)]
        predicted = np.array(predicted, bool).reshape(d, *size)
        predicted ^= (rng.random((d, 1, 1)) < 0.5) & (rng.random(predicted.shape) < 0.1)
        nowhere = np.zeros((max(t, d), 4))  # the boxes are not used
        labels, guessed = rng.integers(1, classes + 1, t), rng.integers(1, classes + 1, d)
        area = rng.choice([100, 32**2, 5000.5, 96**2], t) if with_areas else None
        truths.append(Instances(nowhere[:t], labels, masks=masks, crowd=rng.random(t) < crowd, area=area))
        predictions.append(Instances(nowhere[:d], guessed, scores=rng.integers(0, 9, d) / 9, masks=predicted))
    return truths, predictions


@settings(max_examples=25)
@given(
    seed=st.integers(0, 10**6), images=st.integers(1, 4), objects=st.integers(0, 5), detections=st.integers(0, 8),
    classes=st.integers(1, 2), crowd=st.sampled_from([0, 0.4]), with_areas=st.booleans(),
)  # fmt: skip
def test_masks_agree_with_pycocotools(seed, classes, **options):
    truths, predictions = draw_masks(np.random.default_rng(seed), classes=classes, **options)
    assert_agrees(truths, predictions, classes + 1, "mask")


def as_map(instances):
    return instances.replace(instance_map=layer_masks(instances.masks))


def as_runs(instances):
    return instances.replace(run_lengths=RunLengths.from_masks(instances.masks))


@pytest.mark.parametrize("library", RIVALS)
def test_masks_as_run_lengths_agree(rng, library):
    truths, predictions = draw_masks(rng, images=20, objects=6, detections=12, classes=2, crowd=0.2, with_areas=False)
    result = assert_agrees(list(map(as_runs, truths)), list(map(as_runs, predictions)), 3, "mask", library=library)
    assert 0 < result.metrics["AP"] < 1 and result.metrics["APs"] > 0


@pytest.mark.parametrize(("true", "predicted"), [(as_map, as_map), (as_runs, as_runs), (as_runs, as_map)])
def test_masks_in_any_form_give_the_same_bits(rng, true, predicted):
    truths, predictions = draw_masks(rng, images=9, objects=4, detections=8, classes=2, crowd=0.2)
    expected = average_precision(truths, predictions, names(2), kind="mask")
    result = average_precision(map(true, truths), map(predicted, predictions), names(2), kind="mask")
    assert 0 < expected.metrics["AP"] < 1
    np.testing.assert_equal(result.as_dict(), expected.as_dict())
    by_mask = average_precision(truths, predictions, names(2)).metrics  # areas of boxes are those of their masks
    np.testing.assert_equal(average_precision(map(true, truths), predictions, names(2)).metrics, by_mask)


def test_more_thresholds_than_a_word_has_bits_are_each_evaluated_as_if_alone(rng):
    options = {"images": 6, "objects": 8, "detections": 20, "classes": 2, "step": 8, "levels": 20, "crowd": 0.2}
    truths, predictions = draw_boxes(rng, **options, with_areas=False)
    thresholds = np.linspace(0.02, 1, 130)[::-1]  # and not in increasing order
    for protocol in ("coco", "voc"):
        together = average_precision(truths, predictions, names(2), protocol=protocol, iou=thresholds)
        for i in (0, 63, 64, 100, 129):
            alone = average_precision(truths, predictions, names(2), protocol=protocol, iou=thresholds[i])
            for name, (curve,) in ((name, each.values()) for name, each in alone.curves.items()):
                other = together.curves[name][round(thresholds[i], 6)]
                assert len(curve.recall) > 9
                for mine, theirs in zip(other, curve, strict=True):
                    np.testing.assert_array_equal(mine, theirs)


def test_interpolated_precision_is_that_of_the_curves(rng):
    options = {"images": 9, "objects": 8, "detections": 30, "classes": 3, "step": 8, "levels": 20, "crowd": 0.3}
    result = average_precision(*draw_boxes(rng, **options, with_areas=True), names(3))
    for name, curves in result.curves.items():
        for curve in curves.values():
            assert curve.average == average_at(COCO_RECALLS, curve.recall, curve.precision)
            assert np.all(np.diff(curve.recall) >= 0) and np.all(curve.precision <= 1)
        assert result.by_class[name]["AP"] == np.mean([curve.average for curve in curves.values()])


def test_scores_are_sorted_as_numpy_sorts_them(rng):
    scores = rng.normal(0, 10.0 ** rng.integers(-44, 38, 3000)).astype(np.float32)
    scores[::7], scores[::11], scores[::13] = 0.0, -0.0, scores[5]
    np.testing.assert_array_equal(best_first(scores), np.argsort(-scores, kind="stable"))
    assert best_first(scores[:0]).tolist() == []


def test_images_can_be_added_after_a_result_and_their_arrays_reused(rng):
    options = {"images": 6, "objects": 8, "detections": 9, "classes": 2, "step": 8, "levels": 20, "crowd": 0}
    truths, predictions = draw_boxes(rng, **options, with_areas=True)
    expected = average_precision(truths, predictions, names(2)).as_dict()
    evaluation = Evaluation(names(2))
    for truth, prediction in zip(truths, predictions, strict=True):
        evaluation.add(truth, prediction)
        evaluation.result()
        for array in (truth.area, truth.boxes, truth.labels, truth.crowd, prediction.boxes, prediction.scores):
            array[:] = 1
    assert 0 < expected["AP"] < 1
    np.testing.assert_equal(evaluation.result().as_dict(), expected)


def draw_people(rng, *, images, objects, detections, joints, with_areas):
    truths, predictions = [], []
    for _ in range(images):
        t, d = rng.integers(0, objects + 1), rng.integers(0, detections + 1)
        boxes = boxes_on_a_grid(rng, t, 8).astype(float)
        points = boxes[:, None, :2] + rng.random((t, joints, 2)) * (boxes[:, None, 2:] - boxes[:, None, :2])
        visibility = rng.integers(0, 3, (t, joints)) * (rng.random((t, 1)) < 0.7)  # some people have none
        keypoints = np.concatenate([points, visibility[..., None]], axis=2)
        keypoints[visibility == 0] = 0
        predicted = rng.uniform(0, SIDE, (d, joints, 3))
        if t and d:
            near = points[rng.integers(0, t, d)] + rng.normal(0, 1, (d, joints, 2)) * rng.choice([0, 2, 6], (d, 1, 1))
            predicted[..., :2] = np.where(rng.random((d, 1, 1)) < 0.8, near, predicted[..., :2])
        area = rng.choice([0, 500, 32**2, 5000.5, 96**2, 2e4], t) if with_areas else None
        crowd = rng.random(t) < 0.1
        truths.append(Instances(boxes, np.ones(t, int), keypoints=keypoints, crowd=crowd, area=area))
        nowhere, scores = np.zeros((d, 4)), rng.integers(0, 9, d) / 9
        predictions.append(Instances(nowhere, np.ones(d, int), scores=scores, keypoints=predicted))
    return truths, predictions


@settings(max_examples=30)
@given(
    seed=st.integers(0, 10**6), images=st.integers(1, 4), objects=st.integers(0, 5), detections=st.integers(0, 40),
    joints=st.sampled_from([17, 14]), with_areas=st.booleans(),
)  # fmt: skip
def test_joints_agree_with_pycocotools(seed, joints, **options):
    truths, predictions = draw_people(np.random.default_rng(seed), joints=joints, **options)
    # written out, in the order of COCO's 17 joints and of the scenes' 14
    coco = [26, 25, 25, 35, 35, 79, 79, 72, 72, 62, 62, 107, 107, 87, 87, 89, 89]
    ours = [89, 87, 107, 107, 87, 89, 62, 72, 79, 79, 72, 62, 79, 79]
    sigmas = np.array(coco if joints == 17 else ours) / 1000
    default = average_precision(truths, predictions, names(1), kind="keypoints")
    given = assert_agrees(truths, predictions, 2, "keypoints", sigmas)
    assert default.by_class["class 0"] == pytest.approx(given.by_class["class 0"], nan_ok=True)


def one(*boxes, label=1, **fields):
    return Instances(np.array(boxes, float).reshape(-1, 4), [label] * len(boxes), **fields)


BOX, FAR = (10, 10, 50, 50), (60, 60, 90, 90)


def test_without_objects_it_is_nan_and_without_detections_zero():
    nothing = Instances.empty()  # without scores
    assert all(map(math.isnan, average_precision([], [], names(2)).metrics.values()))
    assert all(map(math.isnan, average_precision([nothing], [one(BOX, scores=[1])], names(2)).metrics.values()))
    result = average_precision([one(BOX)], [nothing], names(2))
    assert result.metrics["AP"] == result.metrics["AR100"] == result.metrics["APm"] == 0
    assert math.isnan(result.metrics["APs"]) and math.isnan(result.by_class["class 1"]["AP"])
    assert list(result.curves) == ["class 0"] and len(result.curves["class 0"][0.5].recall) == 0


def test_perfect_detections_have_average_precision_one_by_every_protocol():
    truths = [one(BOX, FAR), one(BOX, label=2)]
    predictions = [one(FAR, BOX, scores=[0.2, 0.9]), one(BOX, label=2, scores=[0.1])]
    for protocol in ("coco", "voc", "voc11"):
        metrics = average_precision(truths, predictions, names(2), protocol=protocol).metrics
        assert metrics["AP50"] == pytest.approx(1)


def test_curves_are_sorted_by_score_and_give_the_average_precision():
    predictions = [one(BOX, scores=[0.3]), one(FAR, BOX, scores=[0.9, 0.5])]
    curve = average_precision([one(BOX), one(BOX)], predictions, names(1)).curves["class 0"][0.5]
    np.testing.assert_array_equal(curve.scores, np.float32([0.9, 0.5, 0.3]))
    np.testing.assert_array_equal(curve.recall, [0, 0.5, 1])
    np.testing.assert_allclose(curve.precision, [0, 1 / 2, 2 / 3])
    assert curve.average == pytest.approx(2 / 3)


def test_metrics_are_named_with_their_protocol():
    result = average_precision([one(BOX)], [one(BOX, scores=[1])], names(1))
    assert result.named["AP50 (COCO, 101 points, boxes)"] == result.metrics["AP50"] == pytest.approx(1)
    assert str(result).startswith("COCO, 101 points, boxes\n") and "class 0" in str(result)
    assert result.as_dict()["classes"]["class 0"]["AP75"] == pytest.approx(1)
    result = average_precision([one(BOX)], [one(BOX, scores=[1])], names(1), protocol="voc11", iou=[0.5, 0.7])
    assert list(result.named) == ["AP50 (VOC, 11 points, boxes)", "AP70 (VOC, 11 points, boxes)"]


def test_thresholds_can_be_given():
    shifted = one((10, 10, 50, 34), scores=[1])  # 24 of 40 rows: IoU .6
    result = average_precision([one(BOX)], [shifted], names(1), iou=0.6)
    assert result.metrics["AP"] == pytest.approx(1) and "AP50" not in result.metrics
    assert average_precision([one(BOX)], [shifted], names(1), iou=[0.5, 0.75]).metrics["AP"] == pytest.approx(0.5)


def test_the_area_is_that_of_the_annotation_else_of_the_mask_else_of_the_box():
    masks = np.zeros((1, 64, 64), bool)
    masks[0, 10:20, 10:20] = True
    prediction = one(BOX, scores=[1])
    with_areas = one(BOX, masks=masks, area=[96**2 + 1])
    for truth, size in ((one(BOX), "APm"), (one(BOX, masks=masks), "APs"), (with_areas, "APl")):
        metrics = average_precision([truth], [prediction], names(1)).metrics
        assert [name for name in ("APs", "APm", "APl") if not math.isnan(metrics[name])] == [size]


def people(joints=17, **fields):
    return one(BOX, keypoints=np.ones((1, joints, 3)), **fields)


@pytest.mark.parametrize(
    ("truth", "prediction", "options", "message"),
    [
        (one(BOX), one(BOX), {}, "prediction for image 1 has no scores"),
        (one(BOX, label=3), one(BOX, scores=[1]), {}, "truth for image 1 has label 3, but there are only 2 classes"),
        (one(BOX), one(BOX, scores=[np.nan]), {}, "prediction for image 1 has scores that are not finite"),
        (one(BOX), one((0, 0, np.inf, 1), scores=[1]), {}, "prediction for image 1 has boxes that are not finite"),
        (one(BOX), one(BOX, scores=[1]), {"kind": "mask"}, "truth for image 1 has no masks"),
        (people(), one(BOX, scores=[1]), {"kind": "keypoints"}, "prediction for image 1 has no keypoints"),
        (
            people(),
            people(14, scores=[1]),
            {"kind": "keypoints"},
            "17 joints in the ground truth and 14 in the prediction",
        ),
        (people(5), people(5, scores=[1]), {"kind": "keypoints"}, "none for 5 joints"),
        (people(), people(scores=[1]), {"kind": "keypoints", "sigmas": [1, 2]}, "one for each of 17 joints"),
        (
            one(BOX, masks=np.ones((1, 2, 3), bool)),
            one(BOX, masks=np.ones((1, 3, 2), bool), scores=[1]),
            {"kind": "mask"},
            r"size \(2, 3\).* in the ground truth and \(3, 2\)",
        ),
        (one(BOX), one(BOX, scores=[1]), {"kind": "boxes"}, "kind: expected one of 'box'"),
        (one(BOX), one(BOX, scores=[1]), {"protocol": "pascal"}, "protocol: expected"),
        (one(BOX), one(BOX, scores=[1]), {"iou": 50}, "iou: expected numbers above 0 and up to 1"),
        (one(BOX), one(BOX, scores=[1]), {"iou": float("nan")}, "iou: expected"),
        (one(BOX), one(BOX, scores=[1]), {"iou": []}, "iou: expected"),
        (one(BOX), one(BOX, scores=[1]), {"classes": ["background"]}, "classes: expected the background and other"),
        (one(BOX), one(BOX, scores=[1]), {"classes": ["b", "cat", "cat"]}, "names that all differ"),
    ],
)
def test_instances_that_cannot_be_compared_are_an_error(truth, prediction, options, message):
    empty = Instances.empty()
    with pytest.raises(ValueError, match=message):
        average_precision([empty, truth], [empty, prediction], **{"classes": names(1), **options})


def test_different_numbers_of_predictions_and_truths_are_an_error():
    for truths, predictions, message in ((2, 1, "fewer predictions"), (1, 2, "fewer truths")):
        with pytest.raises(ValueError, match=message):
            average_precision([one(BOX)] * truths, [one(BOX, scores=[1])] * predictions, names(1))


def test_inputs_are_not_written_to_and_may_be_read_only(rng):
    truths, predictions = draw_masks(rng, images=3, objects=4, detections=8, classes=2, crowd=0.2)
    for instances in (*truths, *predictions):
        for array in (instances.boxes, instances.labels, instances.scores, instances.crowd, instances.masks):
            if array is not None:
                array.flags.writeable = False
    for kind in ("box", "mask"):
        average_precision(truths, predictions, names(2), kind=kind)


def test_constants_of_joints_are_found_by_name():
    assert joint_sigmas(["left_knee", "head"]).tolist() == [0.087, 0.079]
    with pytest.raises(ValueError, match="no OKS constant for 'tail'"):
        joint_sigmas(["nose", "tail"])


def test_boxes_compared_by_the_operation_are_compared_alike(monkeypatch, rng):
    """As in the handout of a course, whose students write ``box_iou``."""
    from minivision.metrics import objects, ranking
    from minivision.metrics.box_similarity import compare_all

    boxes, others = (np.sort(rng.integers(0, 12, (n, 2, 2)), axis=1).reshape(n, 4).astype(float) for n in (30, 20))
    boxes, others = boxes[(boxes[:, 2:] > boxes[:, :2]).all(1)], others[(others[:, 2:] > others[:, :2]).all(1)]
    crowd = rng.random(len(others)) < 0.5
    for module in (objects, ranking):
        monkeypatch.setattr(module, "compiled_boxes", lambda: None)
    found = objects.compare_boxes(boxes, others, crowd)
    np.testing.assert_allclose(found, compare_all(boxes, others, crowd), atol=1e-12)
    assert found[:, crowd].max() == pytest.approx(1) and 0 < found[:, ~crowd].max() < 1

    images = draw_boxes(
        rng, images=8, objects=8, detections=20, classes=2, step=8, levels=50, crowd=0.3, with_areas=True
    )
    by_operation = average_precision(*images, names(2))
    monkeypatch.undo()
    assert average_precision(*images, names(2)).metrics == pytest.approx(by_operation.metrics, nan_ok=True)


@pytest.mark.parametrize("seed", range(20))
def test_one_class_by_hand_has_the_value_of_the_evaluator(seed):
    """The evaluator equals pycocotools above."""
    rng = np.random.default_rng(seed)
    corner = rng.uniform(0, 60, (12, 2))
    objects, where = np.concatenate([corner, corner + rng.uniform(15, 30, (12, 2))], axis=1), rng.integers(0, 3, 12)
    chosen = rng.integers(0, 12, 40)
    boxes = (objects[chosen] + rng.normal(0, 3, (40, 4))).astype(np.float32)
    scores, images = rng.permutation(40).astype(np.float32) / 64, rng.integers(0, 3, 40)
    images[:30] = where[chosen[:30]]
    truths = [Instances(objects[where == n], np.ones((where == n).sum(), int)) for n in range(3)]
    found = [(boxes[images == n], scores[images == n]) for n in range(3)]
    predictions = [Instances(each, np.ones(len(each), int), scores=score) for each, score in found]
    metrics = average_precision(truths, predictions, names(1)).metrics
    float32 = truths[0].boxes.dtype.type
    for threshold, name in [(0.5, "AP50"), (0.75, "AP75")]:
        ours = average_precision_of_class(
            boxes, scores, images, objects.astype(float32), where, iou_threshold=threshold
        )
        assert ours == pytest.approx(metrics[name], abs=1e-9)
