"""Pictures of images, predictions, operations and training runs. Matplotlib is imported when something is drawn.

Figures are made without pyplot, so nothing needs a display: ``figure.savefig(path)`` writes one, and a
notebook shows it.
"""

from minivision.viz.architecture import draw_architecture
from minivision.viz.arrays import draw_arrays
from minivision.viz.box_sets import draw_box_sets
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
from minivision.viz.error_comparison import draw_error_comparison
from minivision.viz.four_tasks import draw_tasks
from minivision.viz.instances import draw_instance_comparison, draw_instances
from minivision.viz.iou import draw_iou
from minivision.viz.map_matches import draw_map_matches
from minivision.viz.pictures import draw_pictures
from minivision.viz.player.comparison import Comparison, compare_runs
from minivision.viz.player.display import save_players
from minivision.viz.player.failure import FailureError, show_failure
from minivision.viz.player.player import Player, trace
from minivision.viz.precision_recall import draw_precision_recall
from minivision.viz.proposals import draw_best_proposals, draw_hierarchy, draw_proposal_recall
from minivision.viz.ranking import draw_interpolation, draw_ranked_detections
from minivision.viz.rois import draw_roi_comparison, draw_roi_on_map
from minivision.viz.segmentation import draw_comparison, draw_segmentation, overlay, save_label_map
from minivision.viz.stories.nms import play_nms
from minivision.viz.stories.regions import play_regions
from minivision.viz.stories.sequence import play_sequence
from minivision.viz.unpooling import draw_unpooling
from minivision.viz.yolo import draw_box_sizes, draw_yolo_cell, draw_yolo_planes, draw_yolo_tensor

__all__ = [
    "Comparison",
    "FailureError",
    "Player",
    "class_colors",
    "compare_runs",
    "draw_anchor_matches",
    "draw_anchor_recall",
    "draw_anchors",
    "draw_architecture",
    "draw_arrays",
    "draw_best_proposals",
    "draw_box_sets",
    "draw_box_sizes",
    "draw_caption_comparison",
    "draw_captions",
    "draw_comparison",
    "draw_contact_sheet",
    "draw_error_comparison",
    "draw_hierarchy",
    "draw_instance_comparison",
    "draw_instances",
    "draw_interpolation",
    "draw_iou",
    "draw_loss_curve",
    "draw_map_matches",
    "draw_pictures",
    "draw_positives_per_object",
    "draw_precision_recall",
    "draw_proposal_recall",
    "draw_proposals",
    "draw_ranked_detections",
    "draw_roi_comparison",
    "draw_roi_on_map",
    "draw_segmentation",
    "draw_tasks",
    "draw_unpooling",
    "draw_yolo_cell",
    "draw_yolo_planes",
    "draw_yolo_tensor",
    "overlay",
    "palette",
    "play_nms",
    "play_regions",
    "play_sequence",
    "save_label_map",
    "save_loss_curve",
    "save_players",
    "show_failure",
    "trace",
]
