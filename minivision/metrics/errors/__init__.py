"""What is wrong with detections: kinds of errors and what they cost, confusions, the best score, calibration."""

from minivision.metrics.errors.analysis import DetectionErrors, ErrorAnalysis, detection_errors
from minivision.metrics.errors.by_score import best_score
from minivision.metrics.errors.matching import KINDS, ImageErrors

__all__ = ["KINDS", "DetectionErrors", "ErrorAnalysis", "ImageErrors", "best_score", "detection_errors"]
