"""Pictures of what goes in and what comes out. Matplotlib is imported when something is drawn, not before.

Figures are made without pyplot, so nothing needs a display: ``figure.savefig(path)`` writes one, and a
notebook shows it.
"""

from minivision.viz.arrays import draw_arrays
from minivision.viz.colors import class_colors, palette
from minivision.viz.curves import draw_loss_curve, save_loss_curve
from minivision.viz.instances import draw_instance_comparison, draw_instances
from minivision.viz.pictures import draw_pictures
from minivision.viz.player import Player, trace
from minivision.viz.precision_recall import draw_precision_recall
from minivision.viz.segmentation import draw_comparison, draw_segmentation, overlay, save_label_map

__all__ = [
    "Player",
    "class_colors",
    "draw_arrays",
    "draw_comparison",
    "draw_instance_comparison",
    "draw_instances",
    "draw_loss_curve",
    "draw_pictures",
    "draw_precision_recall",
    "draw_segmentation",
    "overlay",
    "palette",
    "save_label_map",
    "save_loss_curve",
    "trace",
]
