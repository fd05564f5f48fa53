"""Pictures of images, predictions, operations and training runs. Matplotlib is imported when something is drawn.

Figures are made without pyplot, so nothing needs a display: ``figure.savefig(path)`` writes one, and a
notebook shows it.
"""

from minivision.viz.arrays import draw_arrays
from minivision.viz.captions import draw_caption_comparison, draw_captions
from minivision.viz.colors import class_colors, palette
from minivision.viz.contact_sheet import draw_contact_sheet
from minivision.viz.curves import draw_loss_curve, save_loss_curve
from minivision.viz.detection import (
    draw_anchor_matches,
    draw_anchor_recall,
    draw_anchors,
    draw_positives_per_object,
    draw_proposals,
)
from minivision.viz.instances import draw_instance_comparison, draw_instances
from minivision.viz.iou import draw_iou
from minivision.viz.pictures import draw_pictures
from minivision.viz.player import Player, trace
from minivision.viz.precision_recall import draw_precision_recall
from minivision.viz.proposals import draw_best_proposals, draw_hierarchy, draw_proposal_recall
from minivision.viz.segmentation import draw_comparison, draw_segmentation, overlay, save_label_map
from minivision.viz.yolo import draw_box_sizes, draw_yolo_cell, draw_yolo_planes, draw_yolo_tensor

__all__ = [
    "Player",
    "class_colors",
    "draw_anchor_matches",
    "draw_anchor_recall",
    "draw_anchors",
    "draw_arrays",
    "draw_best_proposals",
    "draw_box_sizes",
    "draw_caption_comparison",
    "draw_captions",
    "draw_comparison",
    "draw_contact_sheet",
    "draw_hierarchy",
    "draw_instance_comparison",
    "draw_instances",
    "draw_loss_curve",
    "draw_iou",
    "draw_pictures",
    "draw_positives_per_object",
    "draw_precision_recall",
    "draw_proposal_recall",
    "draw_proposals",
    "draw_segmentation",
    "draw_yolo_cell",
    "draw_yolo_planes",
    "draw_yolo_tensor",
    "overlay",
    "palette",
    "save_label_map",
    "save_loss_curve",
    "trace",
]
