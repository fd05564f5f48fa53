"""The overview of the four tasks."""

import numpy as np
import pytest

from minivision import viz
from minivision.data import Scenes


def test_each_panel_shows_what_its_task_asks_for():
    scenes = Scenes("easy", "val", objects=(4, 5))
    sample = scenes[0]
    figure = viz.draw_tasks(sample, scenes.classes)
    panels = figure.axes
    assert [axis.get_title() for axis in panels] == list(viz.four_tasks.TITLES)
    named = [sorted(text.get_text() for text in axis.texts if "\n" not in text.get_text()) for axis in panels]
    areas = np.diff(sample.instances.boxes.reshape(-1, 2, 2), axis=1)[:, 0].prod(axis=1)
    every = sorted(scenes.classes[label] for label in sample.instances.labels)
    assert named == [[], [scenes.classes[sample.instances.labels[areas.argmax()]]], every, every]
    pictures = [np.asarray(axis.images[0].get_array(), float) for axis in panels]
    colored = [np.ptp(picture / picture.max(), axis=2).max() > 0.1 for picture in pictures]
    assert colored == [True, False, False, True]  # pixels are colored where the task is about pixels
    assert "2 x person" in figure.alt


def test_an_image_without_objects_is_refused():
    scenes = Scenes("easy", "val", objects=0)
    with pytest.raises(ValueError, match="sample: expected objects with masks, got 0"):
        viz.draw_tasks(scenes[0], scenes.classes)
