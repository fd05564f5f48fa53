"""Similarity of the detections in an image with its objects: IoU of boxes or masks, or OKS of joints.

A crowd is one entry for many objects, and a detection of one of them covers only a small part of it. Instead of IoU,
COCO then takes the fraction of the *detection* that is inside the crowd.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from minivision.core.types import Array
from minivision.data.instances import Instances
from minivision.metrics.keypoints import default_sigmas, object_keypoint_similarity
from minivision.ops import box_iou


class Comparison(NamedTuple):
    """D detections compared with the T objects of an image.

    Attributes
    ----------
    similarity : float64 ndarray of shape (D, T)
        IoU or OKS, from 0 to 1.
    detection_areas : ndarray of shape (D,)
    object_areas : ndarray of shape (T,)
        In pixels; they decide which are small, medium and large.
    comparable : bool ndarray of shape (T,)
        False for objects without anything to compare: people without a labeled joint.
    """

    similarity: Array
    detection_areas: Array
    object_areas: Array
    comparable: Array


def compare_boxes(truth: Instances, prediction: Instances, crowd: Array) -> Comparison:
    """Compare boxes by IoU."""
    detections, objects = prediction.boxes.astype(np.float64), truth.boxes.astype(np.float64)
    similarity = box_iou(detections, objects)
    if crowd.any():
        similarity[:, crowd] = _part_inside(detections, objects[crowd])
    return Comparison(similarity, _box_areas(detections), _areas(truth), np.ones(len(truth), bool))


def _part_inside(boxes, regions):
    """Return the fraction of each of ``(D, 4)`` boxes that is inside each of ``(C, 4)`` regions: ``(D, C)``."""
    upper_left = np.maximum(boxes[:, None, :2], regions[:, :2])  # (D, 1, 2), (C, 2) -> (D, C, 2)
    lower_right = np.minimum(boxes[:, None, 2:], regions[:, 2:])
    shared = (lower_right - upper_left).clip(min=0).prod(axis=2)
    return _divide(shared, np.broadcast_to(_box_areas(boxes)[:, None], shared.shape))


def compare_masks(truth: Instances, prediction: Instances, crowd: Array) -> Comparison:
    """Compare masks by IoU, counted in words of 64 pixels."""
    from minivision.metrics.detection_matching import count_pixels, shared_pixels

    detections, objects = (
        np.zeros((0, 0), np.uint64) if len(each) == 0 else _pack(each.masks) for each in (prediction, truth)
    )
    areas, pixels = count_pixels(detections), count_pixels(objects)
    shared = shared_pixels(detections, objects)
    union = areas[:, None] + pixels[None, :] - shared
    similarity = _divide(shared, np.where(crowd, areas[:, None], union))
    return Comparison(similarity, areas, pixels if truth.area is None else truth.area, np.ones(len(truth), bool))


def compare_keypoints(truth: Instances, prediction: Instances, sigmas: Array | None = None) -> Comparison:
    """Compare joints by OKS. The area of a detection is that of the box around its joints."""
    counts = [each.keypoints.shape[1] for each in (truth, prediction) if len(each) and each.keypoints is not None]
    if not counts:
        return Comparison(np.zeros((0, 0)), np.zeros(0), np.zeros(0), np.zeros(0, bool))
    joints = counts[0]
    sigmas = default_sigmas(joints) if sigmas is None else np.asarray(sigmas, np.float64)
    if sigmas.shape != (joints,):
        raise ValueError(f"sigmas: expected one for each of {joints} joints, got shape {sigmas.shape}")
    detections, objects = (
        each.keypoints if len(each) and each.keypoints is not None else np.zeros((0, joints, 3), np.float32)
        for each in (prediction, truth)
    )
    areas = _areas(truth)
    similarity = object_keypoint_similarity(detections, objects, areas, sigmas, truth.boxes)
    points = detections[..., :2].astype(np.float64)
    around = (points.max(axis=1) - points.min(axis=1)).prod(axis=1)  # (D, J, 2) -> (D, 2) -> (D,)
    return Comparison(similarity, around, areas, np.any(objects[..., 2] > 0, axis=1))


def _divide(part, whole):
    """Divide two arrays of one shape; 0/0 is 0."""
    return np.divide(part, whole, out=np.zeros(part.shape), where=part > 0)


def _areas(truth):
    """Return the areas of objects: those that are given, else those of their masks, else of their boxes."""
    if truth.area is not None:
        return truth.area
    if truth.has_masks and len(truth):
        from minivision.metrics.detection_matching import count_pixels

        return count_pixels(_pack(truth.masks))
    return _box_areas(truth.boxes.astype(np.float64))


def _box_areas(boxes):
    """Return the areas of boxes; 0 for one with ``x2 < x1`` or ``y2 < y1``, so that it counts as a false detection."""
    return (boxes[:, 2:] - boxes[:, :2]).clip(min=0).prod(axis=1)


def _pack(masks):
    """Pack bool masks ``(K, H, W)`` into words of 64 pixels: uint64 ``(K, words)``, padded with 0."""
    bits = np.packbits(masks.reshape(len(masks), masks.shape[1] * masks.shape[2]), axis=1)
    return np.pad(bits, ((0, 0), (0, -bits.shape[1] % 8))).view(np.uint64)
