"""Every cause of a miss is made on purpose, and found: in traces, and in networks whose outputs are planted."""

import numpy as np
import pytest

from minivision import ops
from minivision.data import Instances
from minivision.detection import select_detections
from minivision.metrics.errors import ErrorAnalysis
from minivision.models import make_model
from minivision.models.base.detection_trace import DetectionTrace
from minivision.models.parts import roi_head
from minivision.models.parts.rpn import RPNOutputs
from minivision.tasks.misses import CAUSES, explain_misses

CLASSES = ("background", "cat", "dog")
SIDE = 128
OBJECT = (32.0, 32, 64, 64)
FAR = (90.0, 90, 122, 122)
NEAR = (32.0, 32, 64, 46)  # IoU with the object: 14 / 32
SELECTION = {"score_threshold": 0.05, "iou_threshold": 0.5, "max_detections": 100}
DETECTORS = ("rcnn", "fast-rcnn", "faster-rcnn", "mask-rcnn", "densecap", "yolo", "ssd", "yolov2")


def truth_of(*objects):
    return Instances([box for _, box in objects], [label for label, _ in objects])


def causes_in(trace, *objects):
    """Return the causes of all objects that the trace's detections do not find."""
    truth = truth_of(*objects)
    found = select_detections(trace.boxes, trace.scores, trace.size, **trace.selection)
    outcome = ErrorAnalysis(CLASSES).add(truth, found)
    return explain_misses(trace, truth, outcome.unfound)


def trace_of(*rows, stages=(), **selection):
    """Return a trace of boxes: (source, box, scores of cat and dog)."""
    sources, boxes, scores = ([row[k] for row in rows] for k in range(3))
    scores = np.array(scores, float)
    sources = np.array(sources, float)
    stages = (*stages, ("no proposal", sources))
    return DetectionTrace(
        np.array(boxes, float),
        scores,
        1 - scores.sum(axis=1),
        stages,
        sources,
        (SIDE, SIDE),
        {**SELECTION, **selection},
    )


def test_a_found_object_has_no_cause():
    assert causes_in(trace_of((OBJECT, OBJECT, (0.9, 0))), (1, OBJECT)) == []


IN_TRACES = {
    "no proposal": trace_of((FAR, FAR, (0.9, 0))),
    "proposal ranked low": trace_of(
        (FAR, FAR, (0.9, 0)), stages=[("no proposal", [OBJECT]), ("proposal ranked low", [FAR])]
    ),
    "taken for background": trace_of((OBJECT, OBJECT, (0.04, 0)), (FAR, FAR, (0.9, 0))),
    "taken for another class": trace_of((OBJECT, OBJECT, (0.04, 0.9))),
    "score too low": trace_of((OBJECT, OBJECT, (0.4, 0.3)), score_threshold=0.5),
    "moved away": trace_of((OBJECT, FAR, (0.9, 0))),
    "suppressed": trace_of((OBJECT, OBJECT, (0.6, 0)), (OBJECT, (32, 32, 64, 47), (0.9, 0)), iou_threshold=0.4),
    "beyond the limit": trace_of((FAR, FAR, (0.9, 0)), (OBJECT, OBJECT, (0.8, 0)), max_detections=1),
}


@pytest.mark.parametrize("cause", IN_TRACES)
def test_causes_in_traces(cause):
    assert causes_in(IN_TRACES[cause], (1, OBJECT)) == [cause]


def test_left_out_by_the_number_of_candidates():
    rows = (FAR, FAR, (0.9, 0)), (OBJECT, OBJECT, (0.8, 0))
    assert causes_in(trace_of(*rows, max_candidates=1), (1, OBJECT)) == ["beyond the limit"]
    held_for_background = (FAR, FAR, (0.9, 0)), (OBJECT, OBJECT, (0.3, 0))
    assert causes_in(trace_of(*held_for_background, max_candidates=1), (1, OBJECT)) == ["taken for background"]


def test_two_objects_share_a_detection():
    beside = (32.0, 32, 64, 60)
    trace = trace_of((OBJECT, OBJECT, (0.9, 0)))
    assert causes_in(trace, (1, OBJECT), (1, beside)) == ["shared detection"]


def test_every_cause_is_explained_in_order():
    stages = ["no proposal", "proposal ranked low", "proposal suppressed", "no default box", "cell taken"]
    assert list(CAUSES)[:5] == stages
    assert set(IN_TRACES) < set(CAUSES)


def model_of(name):
    return make_model(name, CLASSES, rng=np.random.default_rng(0))


@pytest.mark.parametrize("name", DETECTORS)
def test_a_trace_ends_in_the_predictions(name):
    rng = np.random.default_rng(1)
    images = list(rng.integers(0, 256, (3, 72, 90, 3), np.uint8))
    model = model_of(name)
    for found, trace in zip(model.predict(images), model.trace(images), strict=True):
        ours = select_detections(trace.boxes, trace.scores, trace.size, **trace.selection)
        np.testing.assert_array_equal(ours.boxes, found.boxes)
        np.testing.assert_array_equal(ours.scores, found.scores)
        assert len(trace.background) == len(trace.scores)


@pytest.mark.parametrize("name", DETECTORS)
def test_causes_sum_to_the_misses(name):
    rng = np.random.default_rng(2)
    images = list(rng.integers(0, 256, (3, 72, 90, 3), np.uint8))
    model = model_of(name)
    for found, trace in zip(model.predict(images), model.trace(images), strict=True):
        corner = rng.uniform(-10, 70, (20, 2))
        boxes = np.concatenate([corner, corner + rng.uniform(0, 40, (20, 2))], axis=1)
        truth = model.as_detected(Instances(boxes, rng.integers(1, 3, 20), crowd=rng.random(20) < 0.1))
        outcome = ErrorAnalysis(model.detected_classes).add(truth, model.as_detected(found))
        causes = explain_misses(trace, truth, outcome.unfound)
        assert len(causes) == outcome.unfound.sum() > 0
        assert set(causes) <= set(CAUSES)


def missed_by(model, *objects):
    """Return the causes of what a stubbed detector misses in an image."""
    image, truth = np.zeros((SIDE, SIDE, 3), np.uint8), model.as_detected(truth_of(*objects))
    (found,), (trace,) = model.predict([image]), model.trace([image])
    outcome = ErrorAnalysis(model.detected_classes).add(truth, model.as_detected(found))
    return explain_misses(trace, truth, outcome.unfound)


# ---- SSD ----------------------------------------------------------------------------------------------------------


def stub_ssd(monkeypatch, *planted):
    """Let an SSD predict boxes: (box, label, logit), each by the default box nearest to `start` or to itself."""
    model = model_of("ssd")
    defaults = model.default_boxes((SIDE, SIDE)).astype(np.float32)
    outputs = np.zeros((1, len(defaults), 4 + len(CLASSES)), np.float32)
    outputs[..., 4] = 20
    free = np.ones(len(defaults), bool)
    for box, label, logit, *start in planted:
        iou = np.where(free, ops.box_iou(defaults, np.array(start or [box], np.float32))[:, 0], -1)
        k = iou.argmax()
        free[k] = False
        deltas = ops.encode_boxes(np.array([box], np.float32), defaults[k : k + 1], weights=(10, 10, 5, 5))
        outputs[0, k, :4] = deltas[0]
        outputs[0, k, 4 + label] = logit
    monkeypatch.setattr(model, "forward", lambda images, training=False: outputs)
    return model


def test_ssd(monkeypatch):
    assert missed_by(stub_ssd(monkeypatch, (OBJECT, 1, 22)), (1, OBJECT)) == []
    assert missed_by(stub_ssd(monkeypatch), (1, OBJECT)) == ["taken for background"]
    assert missed_by(stub_ssd(monkeypatch, (OBJECT, 2, 30)), (1, OBJECT)) == ["taken for another class"]
    assert missed_by(stub_ssd(monkeypatch, (FAR, 1, 30, OBJECT)), (1, OBJECT)) == ["moved away"]
    assert missed_by(stub_ssd(monkeypatch), (1, (40, 40, 42, 42))) == ["no default box"]
    wide = (32.0, 16, 64, 64)  # IoU 2 / 3 with the object below, 1 / 2 and less with what it suppresses
    beside = (32.0, 2, 64, 58)
    planted = (wide, 1, 22), (beside, 1, 24)
    assert missed_by(stub_ssd(monkeypatch, *planted), (1, OBJECT)) == ["suppressed"]


# ---- YOLOv2 -------------------------------------------------------------------------------------------------------


def stub_yolov2(monkeypatch, *planted):
    """Let a YOLOv2 with anchors of 32 x 32 predict (box, label, confidence), in the cell of `start` or of itself."""
    model = model_of("yolov2")
    model.anchors[...] = 32
    cells = SIDE // model.stride
    outputs = np.zeros((1, cells, cells, len(model.anchors), 5 + len(CLASSES) - 1), np.float32)
    outputs[..., 4] = -20
    for anchor, (box, label, confidence, *start) in enumerate(planted):
        x1, y1, x2, y2 = start[0] if start else box
        row, column = int((y1 + y2) / 2 / model.stride), int((x1 + x2) / 2 / model.stride)
        cell = outputs[0, row, column, anchor]
        center = np.array([(box[0] + box[2]) / 2, (box[1] + box[3]) / 2]) / model.stride - (column, row)
        cell[:2] = logit(center.clip(0.01, 0.99))
        cell[2:4] = np.log([(box[2] - box[0]) / 32, (box[3] - box[1]) / 32])
        cell[4] = logit(confidence)
        cell[4 + label] = 30
    monkeypatch.setattr(model, "forward", lambda images, training=False: outputs)
    return model


def logit(p):
    return np.log(p / (1 - p))


def test_yolov2(monkeypatch):
    assert missed_by(stub_yolov2(monkeypatch, (OBJECT, 1, 0.9)), (1, OBJECT)) == []
    assert missed_by(stub_yolov2(monkeypatch), (1, OBJECT)) == ["taken for background"]
    assert missed_by(stub_yolov2(monkeypatch, (OBJECT, 2, 0.9)), (1, OBJECT)) == ["taken for another class"]
    small = (46.0, 46, 50, 50)
    assert missed_by(stub_yolov2(monkeypatch, (small, 1, 0.9)), (1, OBJECT)) == ["moved away"]
    assert missed_by(stub_yolov2(monkeypatch), (1, (40, 40, 44, 44))) == ["no default box"]
    planted = ((32.0, 16, 64, 64), 1, 0.6), ((32.0, 2, 64, 58), 1, 0.9)
    assert missed_by(stub_yolov2(monkeypatch, *planted), (1, OBJECT)) == ["suppressed"]


# ---- YOLO ---------------------------------------------------------------------------------------------------------


def stub_yolo(monkeypatch, *planted):
    """Let a YOLO predict (box, label, confidence), each in the cell of its center, there in the next free box."""
    model = model_of("yolo")
    cells = SIDE // model.stride
    outputs = np.zeros((1, cells, cells, 5 * model.B + model.C), np.float32)
    used = {}
    for box, label, confidence in planted:
        x, y = (box[0] + box[2]) / 2 / model.stride, (box[1] + box[3]) / 2 / model.stride
        cell, b = outputs[0, int(y), int(x)], used.get((int(y), int(x)), 0)
        used[int(y), int(x)] = b + 1
        size = np.sqrt([(box[2] - box[0]) / SIDE, (box[3] - box[1]) / SIDE])
        cell[5 * b : 5 * b + 5] = x % 1, y % 1, *size, confidence
        cell[5 * model.B + label - 1] = 1
    monkeypatch.setattr(model, "forward", lambda images, training=False: outputs)
    return model


def test_yolo(monkeypatch):
    assert missed_by(stub_yolo(monkeypatch, (OBJECT, 1, 0.9)), (1, OBJECT)) == []
    assert missed_by(stub_yolo(monkeypatch), (1, OBJECT)) == ["taken for background"]
    assert missed_by(stub_yolo(monkeypatch, (OBJECT, 2, 0.9)), (1, OBJECT)) == ["taken for another class"]
    small = (46.0, 46, 50, 50)
    assert missed_by(stub_yolo(monkeypatch, (small, 1, 0.9)), (1, OBJECT)) == ["moved away"]
    planted = ((32.0, 16, 64, 64), 1, 0.6), ((32.0, 2, 64, 58), 1, 0.9)
    assert missed_by(stub_yolo(monkeypatch, *planted), (1, OBJECT)) == ["suppressed"]


def test_yolo_cell_taken(monkeypatch):
    inner, innermost = (40.0, 40, 56, 56), (44.0, 44, 52, 52)
    model = stub_yolo(monkeypatch, (OBJECT, 1, 0.9))
    assert missed_by(model, (1, OBJECT), (2, inner)) == ["cell taken"]  # by an object of another class
    assert missed_by(model, (2, inner), (1, OBJECT)) == ["cell taken"]
    assert missed_by(model, (1, OBJECT), (1, inner)) == ["moved away"]  # a cell has two boxes
    assert missed_by(model, (1, OBJECT), (1, inner), (1, innermost)) == ["moved away", "cell taken"]


# ---- Faster R-CNN and DenseCap -------------------------------------------------------------------------------------


def stub_faster_rcnn(monkeypatch, proposals, answers, max_proposals=100, name="faster-rcnn"):
    """Let a Faster R-CNN propose boxes with logits, and its head answer (box, label) for proposals, else background.

    Parameters
    ----------
    proposals : list of (box, logit)
    answers : dict of box to (box, label, logit)
    """
    model = make_model(name, CLASSES, max_proposals=max_proposals, rng=np.random.default_rng(0))
    classes = len(model.detected_classes)
    boxes = np.array([box for box, _ in proposals], np.float32)
    logits = np.array([[logit for _, logit in proposals]], np.float32)
    rpn = RPNOutputs(logits, np.zeros((1, len(boxes), 4), np.float32), boxes)

    def head(features, rois, training=False):
        scores = np.zeros((len(rois), classes), np.float32)
        deltas = np.zeros((len(rois), classes - 1, 4), np.float32)
        scores[:, 0] = 10
        for k, roi in enumerate(rois[:, 1:]):
            for proposed, (box, label, score) in answers.items():
                if np.allclose(roi, proposed):
                    encoded = ops.encode_boxes(np.array([box], np.float32), roi[None], weights=roi_head.BOX_WEIGHTS)
                    deltas[k, label - 1], scores[k, label] = encoded[0], score
        return scores, deltas

    monkeypatch.setattr(model.rpn, "forward", lambda features, training=False: rpn)
    monkeypatch.setattr(model.head, "forward", head)
    return model


def test_faster_rcnn(monkeypatch):
    def missed(proposals, answers, *objects, **options):
        return missed_by(stub_faster_rcnn(monkeypatch, proposals, answers, **options), *(objects or [(1, OBJECT)]))

    both = [(OBJECT, 3), (FAR, 2)]
    assert missed(both, {OBJECT: (OBJECT, 1, 15)}) == []
    assert missed([(FAR, 3)], {}) == ["no proposal"]
    assert missed(both, {}) == ["taken for background"]
    assert missed(both, {OBJECT: (OBJECT, 2, 25)}) == ["taken for another class"]
    assert missed(both, {OBJECT: (FAR, 1, 15)}) == ["moved away"]
    close = (32.0, 2, 64, 58)
    wide = (32.0, 16, 64, 64)
    killed = {OBJECT: (wide, 1, 11), close: (close, 1, 15)}
    assert missed([(OBJECT, 3), (close, 2)], killed) == ["suppressed"]


def test_densecap_whose_boxes_have_no_classes(monkeypatch):
    def missed(proposals, answers, *objects):
        return missed_by(stub_faster_rcnn(monkeypatch, proposals, answers, name="densecap"), *objects)

    both = [(OBJECT, 3), (FAR, 2)]
    assert missed(both, {OBJECT: (OBJECT, 1, 15)}, (1, OBJECT)) == []
    assert missed(both, {OBJECT: (OBJECT, 1, 15)}, (2, OBJECT)) == []  # what it is the sentence says
    assert missed([(FAR, 3)], {}, (2, OBJECT)) == ["no proposal"]
    assert missed(both, {}, (2, OBJECT)) == ["taken for background"]
    assert missed(both, {OBJECT: (FAR, 1, 15)}, (2, OBJECT)) == ["moved away"]


def test_faster_rcnn_loses_proposals(monkeypatch):
    far = [((x, 90.0, x + 20, 110), 5) for x in (0.0, 21, 42, 63, 84)]
    ranked_low = stub_faster_rcnn(monkeypatch, [*far, (OBJECT, 1)], {}, max_proposals=1)  # 4 before suppression
    assert missed_by(ranked_low, (1, OBJECT)) == ["proposal ranked low"]
    cut_at_the_end = stub_faster_rcnn(monkeypatch, [*far[:1], (OBJECT, 1)], {}, max_proposals=1)
    assert missed_by(cut_at_the_end, (1, OBJECT)) == ["proposal ranked low"]
    small, thin, wide = ((32.0, 32, 32 + width, 64) for width in (10, 16, 22))  # IoUs 10 / 16, 16 / 22, 10 / 22
    suppressing = stub_faster_rcnn(monkeypatch, [(wide, 5), (thin, 1)], {})
    assert missed_by(suppressing, (1, small)) == ["proposal suppressed"]


# ---- R-CNN and Fast R-CNN ------------------------------------------------------------------------------------------


def test_fast_rcnn(monkeypatch):
    model = model_of("fast-rcnn")
    proposals = [np.array([FAR, OBJECT], np.float32)]
    monkeypatch.setattr(model, "selective_search", lambda images: proposals)
    planted = {"scores": (10.0, 0, 0)}

    def head(features, rois, training=False):
        scores = np.tile(np.array(planted["scores"], np.float32), (len(rois), 1))
        return scores, np.zeros((len(rois), len(CLASSES) - 1, 4), np.float32)

    monkeypatch.setattr(model.head, "forward", head)
    assert missed_by(model, (1, OBJECT)) == ["taken for background"]
    assert missed_by(model, (1, (0, 0, 20, 20))) == ["no proposal"]
    planted["scores"] = 0, 0, 10
    assert missed_by(model, (1, OBJECT)) == ["taken for another class"]
    planted["scores"] = 0, 10, 0
    assert missed_by(model, (1, OBJECT)) == []
    model.max_proposals = 1
    assert missed_by(model, (1, OBJECT)) == ["proposal ranked low"]


def test_rcnn(monkeypatch):
    model = model_of("rcnn")
    proposals = [np.array([FAR, OBJECT], np.float32)]
    monkeypatch.setattr(model, "selective_search", lambda images: proposals)
    margins = np.array([-9.0, -9], np.float32)

    def extract(images, rois):
        return np.ones((len(rois), model.options["hidden"]), np.float32), np.zeros((len(rois), 3), np.float32)

    monkeypatch.setattr(model, "extract_features", extract)
    model.svm_weights[:, 0] = 1e-9  # fitted: the margins are the biases
    model.svm_biases = margins
    assert missed_by(model, (1, OBJECT)) == ["taken for background"]
    margins[:] = -9, 9
    assert missed_by(model, (1, OBJECT)) == ["taken for another class"]
    margins[:] = 9, -9
    assert missed_by(model, (1, OBJECT)) == []
    model.box_biases[0] = 1, 0, 0, 0  # a box moves to the right by its width
    assert missed_by(model, (1, OBJECT)) == ["moved away"]
    assert missed_by(model, (1, (0, 0, 20, 20))) == ["no proposal"]
