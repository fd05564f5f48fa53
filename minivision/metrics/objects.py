"""How much the detections in an image overlap its objects: as boxes, as masks, or by their joints.

A crowd is one entry for many objects at once, and a detection of one of them covers only a little of the whole. COCO
then asks how much of the *detection* lies in the crowd, instead of intersection over union.
"""

from typing import NamedTuple

import numpy as np

from minivision.metrics.keypoints import default_sigmas, object_keypoint_similarity
from minivision.ops import box_iou


class Comparison(NamedTuple):
    """D detections beside the T objects of an image.

    Attributes
    ----------
    overlap : (D, T) float64 array
        From 0 to 1.
    detection_areas, object_areas : (D,), (T,) arrays
        In pixels; by them small, medium and large are told apart.
    comparable : (T,) bool array
        False for objects that have nothing to compare: people without a labelled joint.
    """

    overlap: np.ndarray
    detection_areas: np.ndarray
    object_areas: np.ndarray
    comparable: np.ndarray


def compare_boxes(truth, prediction, crowd):
    """Compare boxes by intersection over union."""
    detections, objects = prediction.boxes.astype(np.float64), truth.boxes.astype(np.float64)
    overlap = box_iou(detections, objects)
    if crowd.any():
        overlap[:, crowd] = _part_inside(detections, objects[crowd])
    return Comparison(overlap, _box_areas(detections), _areas(truth), np.ones(len(truth), bool))


def _part_inside(boxes, regions):
    """Return how much of each of ``(D, 4)`` boxes lies in each of ``(C, 4)`` regions: ``(D, C)``, 0 to 1."""
    upper_left = np.maximum(boxes[:, None, :2], regions[:, :2])  # (D, 1, 2), (C, 2) -> (D, C, 2)
    lower_right = np.minimum(boxes[:, None, 2:], regions[:, 2:])
    shared = (lower_right - upper_left).clip(min=0).prod(axis=2)
    return _divide(shared, np.broadcast_to(_box_areas(boxes)[:, None], shared.shape))


def compare_masks(truth, prediction, crowd):
    """Compare masks by intersection over union, counted in words of 64 pixels."""
    from minivision.metrics.detection_matching import count_pixels, shared_pixels

    detections, objects = (
        _pack(each.masks) if len(each) else np.zeros((0, 0), np.uint64) for each in (prediction, truth)
    )
    areas, pixels = count_pixels(detections), count_pixels(objects)
    shared = shared_pixels(detections, objects)
    union = areas[:, None] + pixels[None, :] - shared
    overlap = _divide(shared, np.where(crowd, areas[:, None], union))
    return Comparison(overlap, areas, pixels if truth.area is None else truth.area, np.ones(len(truth), bool))


def compare_keypoints(truth, prediction, sigmas=None):
    """Compare joints by object keypoint similarity. A detection's area is that of the box around its joints."""
    counts = [each.keypoints.shape[1] for each in (truth, prediction) if len(each)]
    if not counts:
        return Comparison(np.zeros((0, 0)), np.zeros(0), np.zeros(0), np.zeros(0, bool))
    joints = counts[0]
    sigmas = default_sigmas(joints) if sigmas is None else np.asarray(sigmas, np.float64)
    if sigmas.shape != (joints,):
        raise ValueError(f"sigmas: expected one for each of {joints} joints, got shape {sigmas.shape}")
    detections, objects = (
        each.keypoints if len(each) else np.zeros((0, joints, 3), np.float32) for each in (prediction, truth)
    )
    areas = _areas(truth)
    similarity = object_keypoint_similarity(detections, objects, areas, sigmas, truth.boxes)
    points = detections[..., :2].astype(np.float64)
    around = (points.max(axis=1) - points.min(axis=1)).prod(axis=1)  # (D, J, 2) -> (D, 2) -> (D,)
    return Comparison(similarity, around, areas, (objects[..., 2] > 0).any(axis=1))


def _divide(part, whole):
    """Divide two arrays of one shape; 0/0 is 0."""
    return np.divide(part, whole, out=np.zeros(part.shape), where=part > 0)


def _areas(truth):
    """Return the areas of objects: as told, else of their masks, else of their boxes."""
    if truth.area is not None:
        return truth.area
    if truth.has_masks and len(truth):
        from minivision.metrics.detection_matching import count_pixels

        return count_pixels(_pack(truth.masks))
    return _box_areas(truth.boxes.astype(np.float64))


def _box_areas(boxes):
    """Return the areas of boxes; one turned inside out has none, so that it stays a false detection of some size."""
    return (boxes[:, 2:] - boxes[:, :2]).clip(min=0).prod(axis=1)


def _pack(masks):
    """Put 64 pixels of ``(K, H, W)`` bool masks into a word: ``(K, words)`` uint64, what is over filled with 0."""
    bits = np.packbits(masks.reshape(len(masks), masks.shape[1] * masks.shape[2]), axis=1)
    return np.pad(bits, ((0, 0), (0, -bits.shape[1] % 8))).view(np.uint64)
