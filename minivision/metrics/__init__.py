"""Metrics of predictions: average precision, IoU, PCK and OKS, and an evaluator for each task."""

from minivision.metrics.average_precision import AveragePrecision, average_precision
from minivision.metrics.captions import bleu, cider_d, dense_captioning_ap, evaluate_captioning, meteor_exact_stem
from minivision.metrics.detection import detection_results, evaluate_detection
from minivision.metrics.errors import DetectionErrors, detection_errors
from minivision.metrics.keypoints import (
    correct_keypoints,
    joint_sigmas,
    longer_box_side,
    object_keypoint_similarity,
    torso_length,
)
from minivision.metrics.localization import evaluate_localization
from minivision.metrics.pose import evaluate_pose
from minivision.metrics.proposal_recall import evaluate_proposals, proposal_recall
from minivision.metrics.segmentation import (
    class_iou,
    confusion_matrix,
    evaluate_segmentation,
    mean_iou,
    pixel_accuracy,
)

__all__ = [
    "AveragePrecision",
    "DetectionErrors",
    "average_precision",
    "bleu",
    "cider_d",
    "class_iou",
    "confusion_matrix",
    "correct_keypoints",
    "dense_captioning_ap",
    "detection_errors",
    "detection_results",
    "evaluate_captioning",
    "evaluate_detection",
    "evaluate_localization",
    "evaluate_pose",
    "evaluate_proposals",
    "evaluate_segmentation",
    "joint_sigmas",
    "longer_box_side",
    "mean_iou",
    "meteor_exact_stem",
    "object_keypoint_similarity",
    "pixel_accuracy",
    "proposal_recall",
    "torso_length",
]
