"""Images of extreme shapes in every picture of images."""

import io

import numpy as np
import pytest

from minivision import viz
from minivision.data.instances import Instances
from minivision.detection import encode_yolo, region_hierarchy

CLASSES = ("background", "disc")


def label_map(image):
    return np.ones(image.shape[:2], np.uint8)


def all_of(image):
    height, width = image.shape[:2]
    return Instances([[0, 0, width, height]], [1], scores=[0.5])


def tensor(image):
    return encode_yolo([[0, 0, image.shape[1], image.shape[0]]], [1], (2, 3), 1, 1, size=image.shape[:2])


DRAW = {
    "instances": lambda image: viz.draw_instances(image, all_of(image), CLASSES, title="thin.png"),
    "instance comparison": lambda image: viz.draw_instance_comparison(
        [image], [all_of(image)], [all_of(image)], CLASSES
    ),
    "segmentation": lambda image: viz.draw_segmentation(image, label_map(image), CLASSES, title="thin.png"),
    "comparison": lambda image: viz.draw_comparison([image], [label_map(image)], [label_map(image)], CLASSES),
    "pictures": lambda image: viz.draw_pictures({"one": image, "other": image[..., 0]}),
    "hierarchy": lambda image: viz.draw_hierarchy(image, region_hierarchy(image)),
    "best proposals": lambda image: viz.draw_best_proposals(image, all_of(image).boxes, all_of(image)),
    "proposals": lambda image: viz.draw_proposals(image, all_of(image).boxes, np.ones(1, np.float32), all_of(image)),
    "anchors": lambda image: viz.draw_anchors(image, all_of(image).boxes, (0, 0), map_size=(1, 1)),
    "anchor matches": lambda image: viz.draw_anchor_matches(image, all_of(image).boxes, all_of(image)),
    "YOLO's tensor": lambda image: viz.draw_yolo_tensor(image, tensor(image), CLASSES, 1),
    "YOLO's cell": lambda image: viz.draw_yolo_cell(image, tensor(image), CLASSES, 1, (0, 0)),
    "iou": lambda image: viz.draw_iou([(all_of(image).boxes[0], [0, 0, 1, 1])]),
}


@pytest.mark.filterwarnings("error")  # matplotlib's, where there is no room for an axis
@pytest.mark.parametrize("shape", [(2, 1500), (1500, 2), (1, 1)])
@pytest.mark.parametrize("picture", DRAW)
def test_it_is_drawn_in_a_figure_of_ordinary_size(picture, shape, rng):
    figure = DRAW[picture](rng.integers(0, 256, (*shape, 3), dtype=np.uint8))
    figure.savefig(io.BytesIO(), format="png", dpi=20)
    assert max(figure.get_size_inches()) < 16
