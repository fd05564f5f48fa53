"""Evaluators of models that predict objects: fixed predictions, metrics computed by hand."""

import math

import numpy as np
import pytest

from minivision.data import Dataset, Sample, Scenes
from minivision.data.instances import Instances
from minivision.data.shapes import JOINTS
from minivision.metrics import average_precision, detection_results
from minivision.metrics.prediction import predict_dataset
from minivision.tasks import evaluate, get_task

CLASSES = ("background", "cat", "dog")
BLANK = np.zeros((64, 64, 3), np.uint8)


class Fixed(Dataset):
    """Images whose first pixel is their number."""

    classes = CLASSES
    has_label_maps = False

    def __init__(self, truths, keypoint_names=()):
        self.truths, self.keypoint_names = truths, keypoint_names
        self.has_masks = all(truth.has_masks for truth in truths)

    def __len__(self):
        return len(self.truths)

    def image_sizes(self):
        return [(64, 64)] * len(self)

    def _sample(self, index):
        image = BLANK.copy()
        image[0, 0, 0] = index
        return Sample(image, self.truths[index], BLANK[..., 0])


class Reader:
    """A model with a fixed prediction for each image number."""

    name, classes = "reader", CLASSES

    def __init__(self, task, predictions):
        self.task, self.predictions = task, predictions

    def predict(self, images):
        return [self.predictions[image[0, 0, 0]] for image in images]


def objects(*boxes, labels=None, **fields):
    return Instances(np.array(boxes, float).reshape(-1, 4), labels or [1] * len(boxes), **fields)


A, B = (0, 0, 20, 20), (30, 30, 50, 60)


def test_few_large_images_are_held_at_once():
    class Large(Fixed):
        def image_sizes(self):
            return [(64, 64), (3000, 2000), (3000, 2000), (64, 64), (64, 64)]

    asked = []
    reader = Reader("detection", [objects(scores=[])] * 5)
    predict = reader.predict
    reader.predict = lambda images: asked.append(len(images)) or predict(images)
    assert len(list(predict_dataset(reader, Large([objects()] * 5)))) == 5
    assert asked == [1, 1, 1, 2]


@pytest.mark.parametrize("batch_size", [1, 2, 16])
def test_detection_gives_the_metrics_of_average_precision_and_names_the_protocol(batch_size):
    truths = [objects(A, B, labels=[1, 2]), objects(), objects(B)]
    predictions = [objects(A, A, labels=[1, 2], scores=[0.9, 0.8]), Instances.empty(), objects(A, B, scores=[0.5, 0.4])]
    metrics = evaluate(Reader("detection", predictions), Fixed(truths), batch_size=batch_size)
    expected = average_precision(truths, predictions, CLASSES)
    assert metrics.pop("images") == 3 and metrics["protocol"] == "COCO, 101 points, boxes"
    assert metrics.pop("classes")["dog"]["AP50"] == 0
    del metrics["protocol"]
    assert metrics == pytest.approx(expected.metrics, nan_ok=True) and 0 < metrics["AP50"] < 1
    by_voc = evaluate(Reader("detection", predictions), Fixed(truths), protocol="voc")
    assert by_voc["AP50"] == average_precision(truths, predictions, CLASSES, protocol="voc").metrics["AP50"]


def test_masks_and_joints_are_evaluated_if_truth_and_predictions_have_them():
    scenes = Scenes("easy", "val").draw(6)
    truths = [sample.instances for sample in scenes]
    perfect = [truth.replace(scores=np.ones(len(truth))) for truth in truths]
    dataset, model = Fixed(truths, JOINTS), Reader("detection", perfect)
    dataset.classes = model.classes = scenes.classes
    metrics = evaluate(model, dataset)
    assert metrics["AP"] == metrics["masks"]["AP"] == metrics["keypoints"]["AP"] == pytest.approx(1)
    assert metrics["keypoints"]["protocol"] == "COCO, 101 points, joints"
    assert math.isnan(metrics["keypoints"]["classes"]["disc"]["AP"])  # discs have no joints
    model.predictions = [Instances.empty(), *perfect[1:]]  # an image without detections has no masks and joints
    assert list(detection_results(model, dataset)) == ["box", "mask", "keypoints"]

    model.predictions = [each.replace(masks=None, keypoints=None) for each in perfect]
    assert evaluate(model, dataset).keys().isdisjoint({"masks", "keypoints"})
    model.predictions = perfect
    unmasked = Fixed([each.replace(masks=None) for each in truths], [f"joint {j}" for j in range(14)])
    unmasked.classes = scenes.classes
    assert list(detection_results(model, unmasked)) == ["box"]  # there are no constants for such joints


def test_localization_is_as_computed_by_hand():
    truths = [objects(A), objects(A), objects(B, labels=[2]), objects(A)]
    half, worse = (0, 0, 20, 10), (0, 0, 20, 5)
    predictions = [objects(A), objects(half, labels=[2]), objects(B, labels=[2]), objects(worse)]
    metrics = evaluate(Reader("localization", predictions), Fixed(truths))
    assert metrics["accuracy"] == 3 / 4 and metrics["images"] == 4
    assert metrics["mean_iou"] == pytest.approx((1 + 0.5 + 1 + 0.25) / 4)
    assert metrics["localized"] == 2 / 4  # the second has the wrong class, the fourth a too small IoU
    assert metrics["classes"]["cat"] == pytest.approx({"accuracy": 2 / 3, "mean_iou": 1.75 / 3, "localized": 1 / 3})
    metrics = evaluate(Reader("localization", predictions[:1]), Fixed(truths[:1]))
    assert math.isnan(metrics["classes"]["dog"]["accuracy"])


def person(**places):
    """Return a person whose joints are at (10, 10), except those that are given."""
    keypoints = np.full((1, len(JOINTS), 3), (10, 10, 2), float)
    for name, place in places.items():
        keypoints[0, JOINTS.index(name)] = place
    return objects((0, 0, 40, 60), keypoints=keypoints)


def test_pose_is_as_computed_by_hand(caplog):
    truth = person(left_shoulder=(20, 10, 2), head=(0, 0, 0))  # a torso of 10 pixels, and the head is not labeled
    prediction = person(left_shoulder=(20, 10, 0), neck=(10, 16, 2), left_knee=(10, 22, 2), right_knee=(10, 22.5, 2))
    metrics = evaluate(Reader("pose", [truth, prediction]), Fixed([truth, truth], JOINTS))
    assert metrics["PCK@0.2 (longer box side)"] == pytest.approx(25 / 26)  # within 12 pixels
    assert metrics["PCK@0.2 (torso)"] == pytest.approx(23 / 26)  # within 2
    area = 40 * 60
    similarity = [math.exp(-(d**2) / (2 * area * (2 * k) ** 2)) for d, k in ((6, 0.079), (12, 0.087), (12.5, 0.087))]
    assert metrics["OKS (mean)"] == pytest.approx((1 + (10 + sum(similarity)) / 13) / 2)
    assert metrics["joints"]["right_knee"] == 1 / 2 and math.isnan(metrics["joints"]["head"])
    nobody = person()
    nobody.keypoints[:] = 0
    with caplog.at_level("WARNING", logger="minivision"):
        metrics = evaluate(Reader("pose", [nobody]), Fixed([nobody], JOINTS))
    assert math.isnan(metrics["OKS (mean)"]) and math.isnan(metrics["PCK@0.2 (torso)"])
    assert "nothing to count: no joint is labeled in the 1 images" in caplog.text


def test_joints_may_be_spelled_otherwise_and_unknown_ones_are_told(caplog):
    truth = person(head=(0, 0, 0))
    prediction = person(left_knee=(10, 22, 2))
    expected = evaluate(Reader("pose", [prediction]), Fixed([truth], JOINTS))
    names = [name.title().replace("_", " ") for name in JOINTS]
    metrics = evaluate(Reader("pose", [prediction]), Fixed([truth], names))
    joints, expected_joints = (list(each.pop("joints").values()) for each in (metrics, expected))
    assert joints == pytest.approx(expected_joints, nan_ok=True) and metrics == expected and not caplog.text
    metrics = evaluate(Reader("pose", [prediction]), Fixed([truth], [f"paw {k}" for k in range(len(JOINTS))]))
    assert math.isnan(metrics["OKS (mean)"]) and math.isnan(metrics["PCK@0.2 (torso)"])
    assert metrics["PCK@0.2 (longer box side)"] == expected["PCK@0.2 (longer box side)"]
    assert "no constant for the joints paw 0" in caplog.text and "no joint left_shoulder" in caplog.text


def test_of_a_set_without_objects_that_count_the_score_is_nan_and_that_is_said(caplog):
    for truth, message in [(objects(A, B, crowd=[True, True]), "only 2 crowds"), (objects(), "no objects")]:
        metrics = evaluate(Reader("detection", [objects(A, scores=[1])]), Fixed([truth]))
        assert math.isnan(metrics["AP"]) and f"nothing to count: the 1 images have {message}" in caplog.text


@pytest.mark.parametrize(
    ("task", "truths", "message"),
    [
        ("detection", [objects(), objects(A, crowd=[True])], "the 2 images have only 1 crowds"),
        ("localization", [objects()], "the 1 images have no objects"),
        ("pose", [objects(A, keypoints=np.zeros((1, 3, 3)))], "the 1 images have 1 objects, none with keypoints"),
        ("segmentation", [objects(A)], "label maps of the 1 images have no class besides 0"),
    ],
)
def test_there_must_be_something_to_learn(task, truths, message):
    with pytest.raises(ValueError, match=f"nothing to learn: the .*{message.removeprefix('the ')}"):
        get_task(task).check_targets(Fixed(truths))
    if task != "segmentation":
        get_task(task).check_targets(Fixed([*truths, person()]))


@pytest.mark.parametrize("task", ["localization", "pose"])
def test_images_without_exactly_one_object_are_an_error(task):
    one, two = person(), person()[[0, 0]]
    with pytest.raises(ValueError, match="image 1 of the dataset has 2; take such a dataset"):
        evaluate(Reader(task, [one, one]), Fixed([one, two], JOINTS))
    with pytest.raises(ValueError, match="reader predicted 0 objects for image 1"):
        evaluate(Reader(task, [one, one[[]]]), Fixed([one, one], JOINTS))


def test_missing_annotations_are_an_error_that_names_them():
    plain = objects(A)
    with pytest.raises(ValueError, match="joints are, and this dataset has none"):
        evaluate(Reader("pose", [plain]), Fixed([plain]))
    with pytest.raises(ValueError, match="image 0: expected 14 joints"):
        evaluate(Reader("pose", [plain]), Fixed([person()], JOINTS))
    boxless = Fixed([plain])
    boxless.has_boxes = False
    for task in ("detection", "localization"):
        with pytest.raises(ValueError, match="needs boxes"):
            evaluate(Reader(task, [plain]), boxless)
        with pytest.raises(ValueError, match="no images"):
            evaluate(Reader(task, []), Fixed([]))


def test_a_model_with_too_few_predictions_is_an_error():
    model = Reader("detection", [objects(A, scores=[1])])
    model.predict = lambda images: model.predictions
    with pytest.raises(ValueError, match="predicted 1 times for 2 images"):
        evaluate(model, Fixed([objects(A)] * 2))
