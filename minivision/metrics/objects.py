"""Similarity of the detections in an image with its objects: IoU of boxes or masks, or OKS of joints.

A crowd is one entry for many objects, and a detection of one of them covers only a small part of it. Instead of IoU,
COCO then takes the fraction of the *detection* that is inside the crowd.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
from types import ModuleType
from typing import NamedTuple

import numpy as np

from minivision import ops
from minivision.core.types import Array
from minivision.data.instances import Instances
from minivision.metrics.keypoints import default_sigmas, object_keypoint_similarity


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


@functools.cache
def compiled_boxes() -> ModuleType | None:
    """Return the module that compares boxes in compiled loops; None in the handout of a course."""
    name = "minivision.metrics.box_similarity"
    return importlib.import_module(name) if importlib.util.find_spec(name) else None


def compare_boxes(boxes: Array, objects: Array, crowd: Array) -> Array:
    """Return the IoU of D boxes with those of T objects; of crowds, the fraction of the box inside: ``(D, T)``.

    In the handout of a course the operation `box_iou`, which its students write, compares them.
    """
    boxes, objects, compiled = boxes.astype(np.float64), objects.astype(np.float64), compiled_boxes()
    if compiled:
        return compiled.compare_all(boxes, objects, crowd)
    iou = ops.box_iou(boxes, objects)
    areas, object_areas = box_areas(boxes)[:, None], box_areas(objects)
    shared = iou * (areas + object_areas) / (1 + iou)  # from the definition of the IoU
    inside = np.divide(shared, areas, out=np.zeros_like(iou), where=areas > 0)
    return np.where(crowd, inside, iou)


def compare_masks(truth: Instances, prediction: Instances, crowd: Array) -> Comparison:
    """Compare the masks of each class by IoU; it is 0 for those of different classes."""
    from minivision.metrics.shared_pixels import mask_similarity

    pixels, areas, shared = _count_pixels(truth, prediction)
    similarity = mask_similarity(shared, areas, pixels, crowd)
    object_areas = pixels if truth.area is None else truth.area.copy()
    detection_areas = areas if prediction.area is None else prediction.area
    return Comparison(similarity, detection_areas, object_areas, np.ones(len(truth), bool))


def _count_pixels(truth, prediction):
    """Return the pixels of true masks ``(T,)``, of detected ones ``(D,)``, and those that both have ``(D, T)``."""
    from minivision.metrics.shared_pixels import count_in_words, shared_in_runs, shared_in_words

    labels = prediction.labels, truth.labels
    if not len(truth) or not len(prediction):
        return mask_areas(truth), mask_areas(prediction), np.zeros((len(prediction), len(truth)), np.int64)
    runs = prediction.run_lengths, truth.run_lengths
    if runs[0] is not None and runs[1] is not None:
        shared = shared_in_runs(runs[0].runs, runs[0].starts, labels[0], runs[1].runs, runs[1].starts, labels[1])
        return runs[1].areas, runs[0].areas, shared
    detections, objects = _pack(prediction.masks), _pack(truth.masks)
    shared = shared_in_words(detections, labels[0], objects, labels[1])
    return count_in_words(objects), count_in_words(detections), shared


def mask_areas(instances: Instances) -> Array:
    """Return the number of pixels of each mask: int64 ``(K,)``."""
    from minivision.metrics.shared_pixels import count_in_words

    if len(instances) == 0:
        return np.zeros(0, np.int64)
    return count_in_words(_pack(instances.masks)) if instances.run_lengths is None else instances.run_lengths.areas


def compare_keypoints(truth: Instances, prediction: Instances, sigmas: Array | None = None) -> Comparison:
    """Compare joints by OKS. The area of a detection without ``area`` is that of the box around its joints."""
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
    areas = given_areas(truth)
    areas = box_areas(truth.boxes.astype(np.float64)) if areas is None else areas
    similarity = object_keypoint_similarity(detections, objects, areas, sigmas, truth.boxes)
    points = detections[..., :2].astype(np.float64)
    around = (points.max(axis=1) - points.min(axis=1)).prod(axis=1)  # (D, J, 2) -> (D, 2) -> (D,)
    detection_areas = around if prediction.area is None else prediction.area
    return Comparison(similarity, detection_areas, areas, np.any(objects[..., 2] > 0, axis=1))


def given_areas(truth: Instances) -> Array | None:
    """Return a copy of the areas of objects, or those of their masks; None if they have neither."""
    if truth.area is not None:
        return truth.area.copy()
    return mask_areas(truth) if truth.has_masks and len(truth) else None


def box_areas(boxes: Array) -> Array:
    """Return the areas of boxes; 0 for one with ``x2 < x1`` or ``y2 < y1``, so that it counts as a false detection."""
    width, height = (boxes[:, 2:] - boxes[:, :2]).clip(min=0).T
    return width * height


def _pack(masks):
    """Pack bool masks ``(K, H, W)`` into words of 64 pixels: uint64 ``(K, words)``, padded with 0."""
    bits = np.packbits(masks.reshape(len(masks), masks.shape[1] * masks.shape[2]), axis=1)
    rest = -bits.shape[1] % 8
    return (np.pad(bits, ((0, 0), (0, rest))) if rest else bits).view(np.uint64)
