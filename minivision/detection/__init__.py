"""The parts that detectors share, in five subjects.

``anchors``
    Boxes of a few sizes and shapes all over an image, and the objects they are trained on: anchors of Faster R-CNN
    (`anchor_grid`), default boxes of SSD (`default_boxes`), k-means of YOLOv2 (`kmeans_anchors`); matching with objects
    (`match`, `match_instances`), sampling (`sample`), targets and loss of a region proposal network (`anchor_targets`,
    `rpn_loss`), and its proposals (`candidate_boxes`, `select_proposals`).
``yolo``
    The tensor of YOLO (`encode_yolo`, `decode_yolo`), its targets and its loss (`yolo_targets`, `yolo_loss`).
``masks_and_joints``
    Masks and joints inside of the box of an object, as Mask R-CNN predicts them (`crop_masks`, `mask_loss`,
    `paste_masks`, `joints_to_cells`, `cells_to_joints`).
``selective_search``
    Region proposals by grouping (`selective_search`): segmentation (`graph_segmentation`), similarities
    (`fill_similarity`), grouping (`group_regions`, `region_hierarchy`).
``proposals``
    Proposals of whole datasets and of many files, kept on disk (`propose_dataset`).

The last step of every detector is `select_detections`. All matches of boxes with objects have one convention: the index
of the object among all instances of the image, crowds included, or `BACKGROUND` or `IGNORED`.
"""

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
from minivision.detection.anchors.rpn_proposals import candidate_boxes, select_proposals
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
    "candidate_boxes",
    "choose_anchor_sizes",
    "crop_masks",
    "decode_yolo",
    "default_boxes",
    "select_detections",
    "select_proposals",
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
