"""The summary of a system counts what a training step really does, and leaves the system as it was."""

import numpy as np
import pytest

from minivision.comparison.costs import count_multiply_adds, count_parameters
from minivision.models import make_model, system_class, systems

CLASSES = {"pose": ("background", "person")}


@pytest.mark.parametrize("name", systems())
def test_every_system_has_a_summary_and_does_not_change(name):
    model = make_model(name, CLASSES.get(name, ("background", "disc", "person")))
    before = {key: array.copy() for key, array in model.state().items()}
    summary = model.summary((64, 96))
    assert summary.parameters == count_parameters(model)
    assert summary.multiply_adds > 0 and summary.activation_bytes > 0
    assert all(row.calls for row in summary.rows if row.parameters), "a layer with parameters did not run"
    assert type(model).__name__ in repr(model).splitlines()[0] and f"{summary.parameters:,}" in repr(model)
    for key, array in model.state().items():
        np.testing.assert_array_equal(array, before[key])
    assert model.leftovers() == []


def test_multiply_adds_are_those_of_a_prediction():
    model = make_model("encoder-decoder", ("background", "disc"))
    images = [np.zeros((128, 128, 3), np.uint8)]
    assert model.summary((128, 128)).multiply_adds == count_multiply_adds(lambda: model.predict(images))


def test_a_mask_rcnn_with_joints_runs_all_of_its_branches():
    options = {"keypoint_names": ("head", "neck"), "keypoint_classes": ("person",)}
    model = system_class("mask-rcnn")(("background", "person"), **options)
    kinds = {row.kind for row in model.summary((64, 64)).rows if row.calls}
    assert {"RegionProposalNetwork", "RoIHead", "MaskBranch", "KeypointBranch"} <= kinds
