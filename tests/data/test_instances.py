"""Instances: checks of the arguments, and indexing of all fields together."""

import numpy as np
import pytest

from minivision.data.instances import Instances, layer_masks


def three(**changes):
    masks = np.zeros((3, 4, 6), bool)
    masks[0, :2, :2] = masks[1, 2:, 2:4] = masks[2, 0, 5] = True
    fields = {
        "boxes": [[0, 0, 2, 2], [2, 2, 4, 4], [5, 0, 6, 1]],
        "labels": [3, 1, 2],
        "scores": [0.9, 0.5, 0.1],
        "masks": masks,
        "keypoints": np.arange(18).reshape(3, 2, 3),
        "crowd": [False, True, False],
        "area": [4, 3.5, 1],
    }
    return Instances(**{**fields, **changes})


def test_fields_have_the_documented_types():
    instances = three()
    assert instances.boxes.dtype == instances.scores.dtype == instances.keypoints.dtype == np.float32
    assert instances.labels.dtype == np.int64 and instances.area.dtype == np.float64
    assert instances.masks.dtype == instances.crowd.dtype == bool
    assert len(instances) == 3


@pytest.mark.parametrize("index", [np.array([False, True, True]), [1, 2], slice(1, None), slice(1, 3)])
@pytest.mark.parametrize("as_map", [False, True])
def test_indexing_selects_all_fields_of_the_same_objects(index, as_map):
    instances = three()
    if as_map:
        instances = three(masks=None, instance_map=layer_masks(instances.masks))
    chosen = instances[index]
    assert chosen.labels.tolist() == [1, 2]
    assert chosen.scores.tolist() == [np.float32(0.5), np.float32(0.1)]
    assert chosen.crowd.tolist() == [True, False] and chosen.area.tolist() == [3.5, 1]
    np.testing.assert_array_equal(chosen.boxes, three().boxes[1:])
    np.testing.assert_array_equal(chosen.masks, three().masks[1:])
    np.testing.assert_array_equal(chosen.keypoints, three().keypoints[1:])


def test_one_index_gives_one_object_and_repeats_are_allowed():
    instances = three(masks=None, instance_map=layer_masks(three().masks))
    assert instances[-1].labels.tolist() == [2]
    np.testing.assert_array_equal(instances[[2, 0, 2]].masks, three().masks[[2, 0, 2]])
    with pytest.raises(IndexError):
        instances[3]


def test_an_instance_map_gives_the_same_masks_also_where_objects_overlap():
    rng = np.random.default_rng(0)
    masks = rng.random((9, 7, 5)) < 0.4
    layers = layer_masks(masks)
    assert len(layers) > 1
    np.testing.assert_array_equal(Instances(np.zeros((9, 4)), np.ones(9, int), instance_map=layers).masks, masks)
    assert len(layer_masks(three().masks)) == 1
    assert layer_masks(np.zeros((300, 1, 2), bool)).dtype == np.uint16


def test_empty_keeps_the_shapes_of_its_fields():
    empty = Instances.empty(scores=True, mask_size=(4, 6), keypoints=14)
    assert (empty.boxes.shape, empty.masks.shape, empty.keypoints.shape) == ((0, 4), (0, 4, 6), (0, 14, 3))
    assert len(empty) == len(empty.scores) == 0
    assert len(Instances([], [])) == 0


def test_replace_changes_only_what_is_named():
    changed = three().replace(labels=[1, 1, 1])
    assert changed.labels.tolist() == [1, 1, 1]
    np.testing.assert_array_equal(changed.masks, three().masks)
    np.testing.assert_array_equal(changed.area, three().area)
    assert three().replace(masks=None).masks is None


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"boxes": np.zeros((2, 4))}, ValueError, r"boxes must have shape \(3, 4\)"),
        ({"labels": [1.0, 2.0, 3.0]}, TypeError, "labels must be integers"),
        ({"labels": [0, 1, 2]}, ValueError, "0 is the background"),
        ({"labels": [[1, 2, 3]]}, ValueError, "one class for each object"),
        ({"area": [1, 2]}, ValueError, r"area must have shape \(3,\)"),
        ({"scores": [1, 2]}, ValueError, r"scores must have shape \(3,\)"),
        ({"masks": np.zeros((3, 4, 6))}, TypeError, "masks > 0.5"),
        ({"masks": np.zeros((2, 4, 6), bool)}, ValueError, r"masks must have shape \(3, H, W\)"),
        ({"keypoints": np.zeros((3, 2))}, ValueError, r"keypoints must have shape \(3, J, 3\)"),
        ({"crowd": [0, 1, 0]}, TypeError, "crowd must be bool"),
        ({"instance_map": np.zeros((4, 6), int)}, ValueError, "not both"),
        ({"masks": None, "instance_map": np.zeros((4, 6))}, TypeError, "must hold integers"),
    ],
)
def test_a_wrong_field_is_named(changes, error, message):
    with pytest.raises(error, match=message):
        three(**changes)


def test_the_size_of_masks_is_known_for_masks_and_instance_maps():
    assert three().mask_size == (4, 6) and three(masks=None).mask_size is None
    assert three(masks=None, instance_map=layer_masks(three().masks)).mask_size == (4, 6)


def test_repr_lists_the_fields():
    text = repr(three())
    assert "3 objects" in text and "[3, 1, 2]" in text and "masks 4x6" in text and "1 crowd" in text
    assert repr(Instances.empty()) == "Instances(0 objects)"
