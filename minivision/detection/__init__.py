"""What detectors share: the boxes they begin from, which of them are right, and what is kept in the end."""

from minivision.core.labels import BACKGROUND, IGNORED
from minivision.detection.anchors.anchor_grid import anchor_grid, choose_anchor_sizes
from minivision.detection.anchors.default_boxes import (
    SSD300,
    SSD512,
    DefaultBoxLayout,
    boxes_per_location,
    default_boxes,
)
from minivision.detection.anchors.kmeans_anchors import kmeans_anchors, mean_best_iou, spread_anchors
from minivision.detection.anchors.matching import (
    best_ious,
    ignore_in_crowds,
    index_all_instances,
    match,
    match_instances,
)
from minivision.detection.anchors.paired_iou import paired_iou, shape_iou
from minivision.detection.anchors.rpn_training import anchor_targets, instance_targets, rpn_loss
from minivision.detection.anchors.sampling import sample
from minivision.detection.masks_and_joints.joints import cells_to_joints, joints_to_cells
from minivision.detection.masks_and_joints.masks import crop_masks, mask_loss, paste_masks
from minivision.detection.postprocessing import select_detections
from minivision.detection.proposals.dataset_proposals import propose_dataset
from minivision.detection.selective_search.graph_segmentation import graph_segmentation
from minivision.detection.selective_search.region_grouping import group_regions
from minivision.detection.selective_search.search import region_hierarchy, selective_search
from minivision.detection.selective_search.similarity import fill_similarity
from minivision.detection.yolo.yolo_tensor import decode_yolo, encode_yolo
from minivision.detection.yolo.yolo_training import yolo_loss, yolo_targets

__all__ = [
    "BACKGROUND",
    "IGNORED",
    "SSD300",
    "SSD512",
    "DefaultBoxLayout",
    "anchor_grid",
    "anchor_targets",
    "best_ious",
    "boxes_per_location",
    "choose_anchor_sizes",
    "crop_masks",
    "decode_yolo",
    "default_boxes",
    "select_detections",
    "encode_yolo",
    "fill_similarity",
    "graph_segmentation",
    "group_regions",
    "ignore_in_crowds",
    "index_all_instances",
    "instance_targets",
    "joints_to_cells",
    "cells_to_joints",
    "kmeans_anchors",
    "mask_loss",
    "match",
    "match_instances",
    "mean_best_iou",
    "paired_iou",
    "paste_masks",
    "propose_dataset",
    "region_hierarchy",
    "rpn_loss",
    "sample",
    "selective_search",
    "shape_iou",
    "spread_anchors",
    "yolo_loss",
    "yolo_targets",
]
