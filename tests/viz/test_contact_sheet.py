"""The contact sheet of a dataset: what is drawn of each image, and what of images that cannot be read."""

import numpy as np
import pytest
from matplotlib.patches import Rectangle

from minivision.data import IGNORE, BrokenFileError, Dataset, Instances, Sample
from minivision.data.files import paint_label_map
from minivision.viz import draw_contact_sheet, overlay

CLASSES = ("background", "cat", "_dog $x$")


class Made(Dataset):
    """Images of a random pattern with a cat and a dog each; number 1 is broken on request."""

    classes = CLASSES

    def __init__(self, count, *, broken=False, border=False, **facts):
        self.count, self.broken, self.border = count, broken, border
        vars(self).update(facts)

    def __len__(self):
        return self.count

    def _sample(self, index):
        if self.broken and index == 1:
            raise BrokenFileError("b.png", "it is cut short")
        image = np.random.default_rng(index).integers(0, 255, (20, 40, 3), np.uint8)
        masks = np.zeros((2, 20, 40), bool)
        masks[0, 2:12, 3:13] = masks[1, 8:18, 20:35] = True
        labels, crowd = np.array([1, 2]), np.zeros(2, bool)
        label_map = paint_label_map(masks, labels, crowd)
        if self.border:
            label_map[0] = IGNORE
        objects = Instances([[3, 2, 13, 12], [20, 8, 35, 18]], labels, masks=masks)
        return Sample(image, objects if self.has_boxes else Instances.empty(), label_map)


def drawn(figure):
    """Return the axes that show something."""
    return [axis for axis in figure.axes if axis.images or axis.lines]


def test_objects_are_drawn_once_where_the_label_map_only_repeats_their_masks():
    figure, count, failed = draw_contact_sheet(Made(3))
    axes = drawn(figure)
    assert count == 3 and failed == [] and [axis.get_title() for axis in axes] == ["0", "1", "2"]
    boxes = {patch.get_bbox().bounds for patch in axes[0].patches if isinstance(patch, Rectangle)}
    assert boxes == {(3, 2, 10, 10), (20, 8, 15, 10)}
    assert [text.get_text() for text in axes[0].texts] == ["cat", "_dog $x$"]
    figure.canvas.draw()


def test_a_label_map_that_shows_more_stands_beside_the_objects():
    figure, count, _ = draw_contact_sheet(Made(3, border=True))
    axes = drawn(figure)
    assert count == 3 and [axis.get_title() for axis in axes] == ["0", "0", "1", "1", "2", "2"]
    sample = Made(3, border=True)[1]
    np.testing.assert_array_equal(axes[3].images[0].get_array(), overlay(sample.image, sample.label_map))
    (legend,) = figure.legends
    assert [text.get_text().strip() for text in legend.get_texts()] == ["cat", "_dog $x$", "not known"]


def test_label_maps_alone_and_images_alone():
    maps = Made(2, has_boxes=False, has_masks=False)
    (first, _), sample = drawn(draw_contact_sheet(maps)[0]), maps[0]
    np.testing.assert_array_equal(first.images[0].get_array(), overlay(sample.image, sample.label_map))
    bare = Made(2, has_boxes=False, has_masks=False, has_label_maps=False)
    np.testing.assert_array_equal(drawn(draw_contact_sheet(bare)[0])[0].images[0].get_array(), sample.image)


def test_a_broken_image_has_a_cross_and_images_are_spread_over_the_dataset():
    figure, count, failed = draw_contact_sheet(Made(3, broken=True))
    assert count == 2 and [error.reason for error in failed] == ["it is cut short"]
    assert [bool(axis.images) for axis in drawn(figure)] == [True, False, True]
    titles = [axis.get_title() for axis in drawn(draw_contact_sheet(Made(101), 5)[0])]
    assert titles == ["0", "25", "50", "75", "100"]
    with pytest.raises(ValueError, match="no image to draw"):
        draw_contact_sheet(Made(0))
