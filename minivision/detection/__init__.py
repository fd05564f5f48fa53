"""What detectors share: the boxes they begin from, which of them are right, and what is kept in the end."""

from minivision.detection.detections import detections

__all__ = ["detections"]
