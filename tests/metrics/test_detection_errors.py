"""Kinds of errors and what they cost: by hand, and equal to TIDE's own program and to hotcoco."""

import sys
import types

import numpy as np
import pytest
from test_average_precision import draw_boxes, draw_masks, names

from minivision.bench.average_precision import coco_ground_truth, coco_results
from minivision.data import Instances
from minivision.metrics import average_precision, detection_errors
from minivision.metrics.errors import KINDS, repair

A, B, FAR = (0, 0, 20, 20), (50, 50, 70, 70), (150, 150, 170, 170)
LOW = (0, 0, 20, 9)  # IoU with A: 0.45
THEIRS = {
    "classification": "Cls", "localization": "Loc", "both": "Both", "duplicate": "Dupe", "background": "Bkg",
    "missed": "Miss", "false positives": "FP", "false negatives": "FN",
}  # fmt: skip


def errors_of(objects, detections, classes=2, **options):
    """Errors in one image: objects are (label, box), detections (label, box, score)."""
    truth = Instances(np.reshape([box for _, box in objects], (-1, 4)), [label for label, _ in objects])
    labels, scores = [label for label, _, _ in detections], [score for *_, score in detections]
    prediction = Instances(np.reshape([box for _, box, _ in detections], (-1, 4)), labels, scores=scores)
    return detection_errors([truth], [prediction], names(classes), **options)


def counted(**counts):
    return {**dict.fromkeys(KINDS, 0), **counts}


BY_HAND = {  # objects, detections, counts, AP, the costs that are not 0
    "all right": ([(1, A)], [(1, A, 0.9)], {}, 1, {}),
    "a wrong class": (
        [(1, A)], [(2, A, 0.9)], {"classification": 1}, 0, {"classification": 1, "false negatives": np.nan},
    ),
    "a wrong place": (
        [(1, A)], [(1, LOW, 0.9)], {"localization": 1}, 0, {"localization": 1, "false negatives": np.nan},
    ),
    "both": (
        [(1, A)], [(2, LOW, 0.9)], {"both": 1, "missed": 1}, 0, {"missed": np.nan, "false negatives": np.nan},
    ),
    "a duplicate before a find": (
        [(1, A), (1, B)], [(1, A, 0.9), (1, A, 0.8), (1, B, 0.7)], {"duplicate": 1},
        (51 + 50 * 2 / 3) / 101, {"duplicate": 50 / 303, "false positives": 50 / 303},
    ),
    "background before a find": (
        [(1, A)], [(1, FAR, 0.9), (1, A, 0.8)], {"background": 1}, 0.5, {"background": 0.5, "false positives": 0.5},
    ),
    "one of two missed": (
        [(1, A), (1, B)], [(1, A, 0.9)], {"missed": 1}, 51 / 101, {"missed": 50 / 101, "false negatives": 50 / 101},
    ),
    "a class is never found": (
        [(1, A), (2, B)], [(1, A, 0.9)], {"missed": 1}, 0.5, {"missed": 0.5, "false negatives": 0.5},
    ),
    "the best of two errors repairs": (
        [(1, A)], [(1, LOW, 0.9), (2, A, 0.8)], {"classification": 1, "localization": 1}, 0,
        {"localization": 1, "false negatives": np.nan},
    ),
    "an error at an object that is found": (
        [(1, A), (2, B)], [(1, A, 0.9), (2, A, 0.8), (2, B, 0.7)], {"classification": 1}, 0.75,
        {"classification": 0.25, "false positives": 0.25},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BY_HAND)
def test_by_hand(case):
    objects, detections, counts, ap, cost = BY_HAND[case]
    errors = errors_of(objects, detections)
    assert errors.counts == counted(**counts)
    assert errors.ap == pytest.approx(ap)
    expected = {**dict.fromkeys(errors.cost, 0), **cost}
    assert errors.cost == pytest.approx(expected, nan_ok=True)


def test_by_class():
    errors = errors_of([(1, A), (2, B), (2, FAR)], [(2, A, 0.9), (2, B, 0.8)])
    first, second = errors.by_class["class 0"], errors.by_class["class 1"]
    assert (first["objects"], first["unfound"], second["objects"], second["unfound"]) == (1, 1, 2, 1)
    assert first["counts"] == counted()  # the error counts for the class that was detected
    assert second["counts"] == counted(classification=1, missed=1)
    assert errors.unfound == 2
    assert first["cost"]["classification"] == pytest.approx(1)  # and its repair finds the object of the other
    assert second["cost"]["classification"] == pytest.approx(51 / 101 - 51 / 101 / 2)


def test_thresholds_belong_to_localization():
    tenth, half = (0, 0, 20, 2), (0, 0, 20, 10)
    assert errors_of([(1, A)], [(1, tenth, 0.9)]).counts["localization"] == 1
    assert errors_of([(1, A)], [(2, tenth, 0.9)]).counts["background"] == 1
    assert errors_of([(1, A)], [(1, A, 0.9), (1, half, 0.8)]).counts["localization"] == 1
    assert errors_of([(1, A)], [(1, half, 0.9)], iou=0.51).counts["localization"] == 1
    assert errors_of([(1, A)], [(1, half, 0.9)], iou=0.51, background_iou=0.505).counts["background"] == 1


def test_nothing_to_compare():
    errors = detection_errors([], [], names(1))
    assert np.isnan(errors.ap)
    assert errors.counts == counted()
    assert errors_of([], []).counts == counted()
    assert errors_of([], [(1, A, 0.5)]).counts == counted(background=1)
    nothing_found = errors_of([(1, A)], [])
    assert nothing_found.counts == counted(missed=1)
    assert (nothing_found.ap, nothing_found.unfound) == (0, 1)


def test_a_detection_inside_a_crowd_is_no_error():
    truth = Instances([(0, 0, 100, 100), A], [1, 1], crowd=[True, False])
    prediction = Instances([LOW, FAR], [1, 1], scores=[0.9, 0.8])
    errors = detection_errors([truth], [prediction], names(1))
    assert errors.counts == counted(background=1, missed=1)


def test_only_the_best_detections_of_a_class_take_part():
    errors = errors_of([(1, A)], [(1, FAR, 0.9), (2, FAR, 0.8), (1, A, 0.7)], max_detections=1)
    assert errors.counts == counted(background=2, missed=1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "keypoints"}, "expected 'box' or 'mask'"),
        ({"iou": 0.1}, "background_iou < iou"),
        ({"iou": float("nan")}, "background_iou < iou"),
        ({"max_detections": 0}, "expected 1 or more"),
        ({"kind": "mask"}, "has no masks"),
    ],
)
def test_wrong_settings(options, message):
    with pytest.raises(ValueError, match=message):
        errors_of([(1, A)], [(1, A, 0.9)], **options)


def test_numbers_of_images_differ():
    empty = Instances.empty()
    with pytest.raises(ValueError, match="fewer predictions than truths"):
        detection_errors([empty, empty], [empty], names(1))


def random_images(seed, *, step=1, levels=10**6, crowd=0.0, kind="box"):
    rng = np.random.default_rng(seed)
    classes = int(rng.integers(1, 5))
    if kind == "mask":
        return *draw_masks(rng, images=4, objects=6, detections=12, classes=classes, crowd=crowd), classes
    options = {"images": 6, "objects": 8, "detections": 20, "step": step, "levels": levels, "crowd": crowd}
    return *draw_boxes(rng, classes=classes, with_areas=False, **options), classes


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("kind", ["box", "mask"])
def test_average_precision_is_that_of_coco(kind, seed):
    truths, predictions, classes = random_images(seed, step=8, levels=3, crowd=0.3, kind=kind)
    errors = detection_errors(truths, predictions, names(classes), kind=kind)
    expected = average_precision(truths, predictions, names(classes), kind=kind, iou=0.5).metrics["AP50"]
    assert errors.ap == pytest.approx(expected, abs=1e-12, nan_ok=True)


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("kind", ["box", "mask"])
def test_agrees_with_hotcoco(kind, seed):
    """Also with ties of scores and IoUs. Without crowds: hotcoco takes them for objects that errors are near to."""
    hotcoco = pytest.importorskip("hotcoco", reason="hotcoco is the oracle")
    truths, predictions, classes = random_images(
        seed, step=[1, 8, 32][seed % 3], levels=[1, 3, 10**7][seed % 3], kind=kind
    )
    ours = detection_errors(truths, predictions, names(classes), kind=kind)
    truth = coco_ground_truth(truths, classes + 1, "hotcoco")
    evaluation = hotcoco.COCOeval(truth, coco_results(truth, predictions, kind), {"box": "bbox", "mask": "segm"}[kind])
    evaluation.evaluate()
    theirs = evaluation.tide_errors()
    assert ours.counts == {name: theirs["counts"][THEIRS[name]] for name in KINDS}
    assert ours.ap == pytest.approx(theirs["ap_base"], abs=1e-9)
    # Theirs counts 0 for a class that loses all its objects. And of detections of equal score it ranks those last that
    # get another class; we keep the order of the images.
    names_compared = {"localization", "both", "duplicate", "background", "false positives"}
    scores = np.concatenate([each.scores for each in predictions])
    if len(np.unique(scores)) == len(scores):
        names_compared.add("classification")
    if not some_class_is_emptied(ours):
        names_compared |= {"missed", "false negatives"}
    for name in names_compared:
        assert ours.cost[name] == pytest.approx(theirs["delta_ap"][THEIRS[name]], abs=1e-9), name
    assert ours.calibration().error == pytest.approx(evaluation.calibration()["ece"], abs=1e-9)


def some_class_is_emptied(errors):
    return any(
        each["objects"] == max(each["unfound"], each["counts"]["missed"]) > 0 for each in errors.by_class.values()
    )


@pytest.mark.parametrize("crowd", [0, 0.3])
@pytest.mark.parametrize("seed", range(15))
@pytest.mark.parametrize("kind", ["box", "mask"])
def test_agrees_with_tide(monkeypatch, kind, seed, crowd):
    monkeypatch.setattr(repair, "COCO_RECALLS", np.arange(101) / 100)  # TIDE's
    truths, predictions, classes = random_images(seed, crowd=crowd, kind=kind)
    rng = np.random.default_rng(seed)
    present = np.unique(np.concatenate([truth.labels[~truth.crowd] for truth in truths]))
    predictions = [each[np.isin(each.labels, present)] for each in predictions]
    predictions = [  # no ties, and no IoU of exactly 0.5
        each.replace(scores=rng.random(len(each)), boxes=each.boxes + rng.uniform(0, 0.01, (len(each), 1)))
        for each in predictions
    ]
    run = tide_run(monkeypatch, truths, predictions, kind)
    ours = detection_errors(truths, predictions, names(classes), kind=kind)
    counts = {type_.short_name: count_errors(errors) for type_, errors in run.error_dict.items()}
    for name in KINDS if crowd == 0 else KINDS[:-1]:  # their detections inside crowds make objects repairable
        assert ours.counts[name] == counts[THEIRS[name]], name
    assert ours.ap == pytest.approx(run.ap / 100, abs=1e-9)
    if crowd == 0:  # else their repairs also move detections inside crowds
        theirs = {type_.short_name: cost / 100 for type_, cost in run.fix_main_errors().items()}
        for name in KINDS[:-1]:
            assert ours.cost[name] == pytest.approx(theirs[THEIRS[name]], abs=1e-9), name
        special = {type_.short_name: cost / 100 for type_, cost in run.fix_special_errors().items()}
        assert ours.cost["false positives"] == pytest.approx(special["FalsePos"], abs=1e-9)
        if not some_class_is_emptied(ours):
            assert ours.cost["missed"] == pytest.approx(theirs["Miss"], abs=1e-9)
            assert ours.cost["false negatives"] == pytest.approx(special["FalseNeg"], abs=1e-9)


def count_errors(errors):
    """Count errors but those of detections inside crowds, whose ``used`` is None."""
    return sum(not hasattr(error, "pred") or error.pred["used"] is not None for error in errors)


def tide_run(monkeypatch, truths, predictions, kind):
    """Run TIDE's own program, without what it needs for pictures and downloads alone."""
    mask = pytest.importorskip("pycocotools.mask", reason="TIDE uses it")
    if "tidecv" not in sys.modules:
        stand_ins = {
            "cv2": {"FONT_HERSHEY_SIMPLEX": 0}, "tidecv.datasets": {}, "tidecv.plotting": {"Plotter": lambda: None},
        }  # fmt: skip
        for name, content in stand_ins.items():
            module = types.ModuleType(name)
            vars(module).update(content)
            monkeypatch.setitem(sys.modules, name, module)
    tidecv = pytest.importorskip("tidecv", reason="TIDE's own program is the oracle")
    data = tidecv.Data("truth", max_dets=10**6), tidecv.Data("predictions", max_dets=10**6)
    for image, pair in enumerate(zip(truths, predictions, strict=True)):
        data[0].add_image(image, str(image))
        for side, instances in zip(data, pair, strict=True):
            masks = instances.masks
            for k, (x1, y1, x2, y2) in enumerate(instances.boxes.astype(float).tolist()):
                encoded = None if masks is None else mask.encode(np.asfortranarray(masks[k].astype(np.uint8)))
                what = image, int(instances.labels[k])
                place = [x1, y1, x2 - x1, y2 - y1], encoded
                if side is data[1]:
                    side.add_detection(*what, float(instances.scores[k]), *place)
                elif instances.crowd[k]:
                    side.add_ignore_region(*what, *place)
                else:
                    side.add_ground_truth(*what, *place)
    return tidecv.TIDE().evaluate(*data, mode={"box": tidecv.TIDE.BOX, "mask": tidecv.TIDE.MASK}[kind])
