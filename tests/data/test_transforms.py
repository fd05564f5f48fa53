"""Crops, mirrors and sizes: image, label map, masks, boxes and joints move together."""

import numpy as np
import pytest

from minivision.data import IGNORE, Sample
from minivision.data.dataset import keypoint_flip
from minivision.data.instances import Instances, layer_masks
from minivision.data.transforms import (
    collate,
    crop,
    flip_horizontal,
    flip_vertical,
    random_crop,
    resize,
    transpose,
)

NAMES = ("left_hand", "right_hand", "head")
FLIP = keypoint_flip(NAMES)


def make(seed=0, size=(20, 30), as_map=True, count=4):
    """Random rectangles, with a joint in the middle of each object's first pixel."""
    rng = np.random.default_rng(seed)
    height, width = size
    masks = np.zeros((count, height, width), bool)
    for mask in masks:
        (y1, y2), (x1, x2) = np.sort(rng.choice(height, 2, False)), np.sort(rng.choice(width, 2, False))
        mask[y1 : y2 + 1, x1 : x2 + 1] = True
    labels = rng.integers(1, 5, count)
    label_map = np.zeros(size, np.uint8)
    for mask, label in zip(masks, labels, strict=True):
        label_map[mask] = label
    keypoints = np.zeros((count, 3, 3), np.float32)
    for k, mask in enumerate(masks):
        row, column = np.argwhere(mask)[0]
        keypoints[k, 0] = column + 0.5, row + 0.5, 2
    fields = {"instance_map": layer_masks(masks)} if as_map else {"masks": masks}
    instances = Instances(tight(masks), labels, keypoints=keypoints, **fields)
    return Sample(rng.integers(0, 256, (*size, 3), np.uint8), instances, label_map)


def tight(masks):
    boxes = []
    for mask in masks:
        rows, columns = np.nonzero(mask)
        boxes.append([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])
    return np.array(boxes, np.float32).reshape(-1, 4)


def same(a, b):
    np.testing.assert_array_equal(a.image, b.image)
    np.testing.assert_array_equal(a.label_map, b.label_map)
    for name in ("boxes", "labels", "masks", "keypoints", "crowd"):
        np.testing.assert_array_equal(getattr(a.instances, name), getattr(b.instances, name), err_msg=name)


@pytest.mark.parametrize("as_map", [False, True])
@pytest.mark.parametrize("window", [(3, 2, 10, 8), (-4, -3, 50, 40), (-5, 6, 12, 30), (25, 15, 3, 3), (0, 0, 30, 20)])
def test_a_crop_contains_the_same_pixels_and_drops_objects_outside(window, as_map):
    x, y, width, height = window
    for seed in range(8):
        sample = make(seed, as_map=as_map)
        result = crop(sample, *window)
        padded = np.full((100, 110), IGNORE, np.uint8)  # the image with a wide border
        padded[40:60, 40:70] = sample.label_map
        np.testing.assert_array_equal(result.label_map, padded[40 + y :, 40 + x :][:height, :width])
        padded_image = np.zeros((100, 110, 3), np.uint8)
        padded_image[40:60, 40:70] = sample.image
        np.testing.assert_array_equal(result.image, padded_image[40 + y :, 40 + x :][:height, :width])

        padded_masks = np.zeros((4, 100, 110), bool)
        padded_masks[:, 40:60, 40:70] = sample.instances.masks
        masks = padded_masks[:, 40 + y :, 40 + x :][:, :height, :width]
        left = masks.any(axis=(1, 2))
        np.testing.assert_array_equal(result.instances.labels, sample.instances.labels[left])
        np.testing.assert_array_equal(result.instances.masks, masks[left])
        np.testing.assert_array_equal(result.instances.boxes, tight(masks[left]))


def test_the_box_of_a_cut_object_is_tight_around_the_rest_of_its_mask():
    mask = np.zeros((1, 10, 10), bool)
    mask[0, 0, :] = mask[0, :, 0] = True  # an L: only its box is the whole image
    sample = Sample(np.zeros((10, 10, 3), np.uint8), Instances(tight(mask), [1], masks=mask), mask[0].astype(np.uint8))
    assert crop(sample, 0, 5, 10, 5).instances.boxes.tolist() == [[0, 0, 1, 5]]
    assert len(crop(sample, 5, 5, 5, 5).instances) == 0
    without = sample._replace(instances=sample.instances.replace(masks=None))
    assert crop(without, 5, 5, 5, 5).instances.boxes.tolist() == [[0, 0, 5, 5]]


def test_joints_outside_a_crop_are_hidden_and_absent_ones_stay_absent():
    instances = Instances([[0, 0, 9, 9]], [1], keypoints=[[[1, 1, 2], [8, 8, 2], [0, 0, 0]]])
    sample = Sample(np.zeros((10, 10, 3), np.uint8), instances, np.zeros((10, 10), np.uint8))
    joints = crop(sample, 4, 3, 6, 7).instances.keypoints[0]
    assert joints.tolist() == [[-3, -2, 1], [4, 5, 2], [0, 0, 0]]


@pytest.mark.parametrize("as_map", [False, True])
@pytest.mark.parametrize("mirror", [flip_horizontal, flip_vertical, transpose])
def test_a_mirror_keeps_masks_boxes_and_joints_on_the_same_pixels(mirror, as_map):
    sample = make(3, as_map=as_map)
    result = mirror(sample, FLIP)
    np.testing.assert_array_equal(result.instances.boxes, tight(result.instances.masks))
    assert result.instances.keypoints[0, 1, 2] == 2  # the left hand is now a right hand
    for k in range(4):
        x, y, _ = result.instances.keypoints[k, 1]
        x_before, y_before, _ = sample.instances.keypoints[k, 0]
        before = sample.image[int(y_before), int(x_before)]
        np.testing.assert_array_equal(result.image[int(y), int(x)], before)
        assert result.instances.masks[k, int(y), int(x)]
    np.testing.assert_array_equal(result.label_map == 0, ~result.instances.masks.any(axis=0))
    assert (result.instances.keypoints[:, 2] == 0).all()  # an absent joint is not moved
    same(mirror(result, FLIP), sample)


def test_a_mirror_of_joints_without_keypoint_flip_is_an_error():
    with pytest.raises(ValueError, match="keypoint_flip"):
        flip_horizontal(make())
    assert FLIP.tolist() == [1, 0, 2]


@pytest.mark.parametrize(
    "pair",
    [
        "Left_Eye Right_Eye", "L_eye R_eye", "l_eye r_eye", "eye_l eye_r", "left-eye right-eye", "LEFT_EYE RIGHT_EYE",
        "LeftEye RightEye", "eyeLeft eyeRight", "left.eye right.eye", "lShldr rShldr", "LShldr RShldr",
        "front_left_paw front_right_paw", "finger2.L finger2.R", "linker_Arm_left linker_Arm_right",
    ],
)  # fmt: skip
def test_sides_of_any_usual_spelling_are_mirrored(pair):
    assert keypoint_flip(("nose", *pair.split())).tolist() == [0, 2, 1]
    assert keypoint_flip(tuple(name.replace("_", " ") for name in pair.split())).tolist() == [1, 0]


def test_a_joint_with_a_side_but_without_a_mirror_image_is_told():
    with pytest.warns(UserWarning, match="without a mirror image: left_eye, right_ear; in a mirrored image"):
        assert keypoint_flip(("left_eye", "right_ear", "relleno", "nose")).tolist() == [0, 1, 2, 3]


def test_a_horizontal_flip_mirrors_columns():
    sample = make(1)
    np.testing.assert_array_equal(flip_horizontal(sample, FLIP).image, sample.image[:, ::-1])
    np.testing.assert_array_equal(flip_vertical(sample, FLIP).label_map, sample.label_map[::-1])
    np.testing.assert_array_equal(transpose(sample, FLIP).label_map, sample.label_map.T)


@pytest.mark.parametrize("as_map", [False, True])
def test_enlarging_twice_repeats_pixels_and_doubles_coordinates(as_map):
    sample = make(2, as_map=as_map)
    result = resize(sample, (40, 60))
    np.testing.assert_array_equal(result.label_map, sample.label_map.repeat(2, axis=0).repeat(2, axis=1))
    np.testing.assert_array_equal(result.instances.boxes, tight(result.instances.masks))
    np.testing.assert_array_equal(result.instances.boxes, 2 * sample.instances.boxes)
    np.testing.assert_array_equal(result.instances.keypoints[..., :2], 2 * sample.instances.keypoints[..., :2])
    np.testing.assert_array_equal(result.instances.keypoints[..., 2], sample.instances.keypoints[..., 2])


def test_shrinking_takes_the_label_in_the_middle():
    sample = make(2, size=(21, 30))
    np.testing.assert_array_equal(resize(sample, (7, 10)).label_map, sample.label_map[1::3, 1::3])


def test_shrinking_averages_instead_of_picking_pixels():
    board = np.indices((64, 64)).sum(axis=0) % 2 * 200
    image = np.repeat(board[..., None], 3, axis=2).astype(np.uint8)
    result = resize(Sample(image, Instances.empty(), np.zeros((64, 64), np.uint8)), (8, 8))
    assert np.abs(result.image.astype(int) - 100).max() <= 5


@pytest.mark.parametrize("as_map", [False, True])
def test_objects_without_pixels_after_resizing_are_dropped(as_map):
    masks = np.zeros((2, 40, 40), bool)
    masks[0, :1, :1], masks[1, 20:, 20:] = True, True
    fields = {"instance_map": layer_masks(masks)} if as_map else {"masks": masks}
    instances = Instances(tight(masks), [1, 2], **fields)
    sample = Sample(np.zeros((40, 40, 3), np.uint8), instances, np.zeros((40, 40), np.uint8))
    assert resize(sample, (4, 4)).instances.labels.tolist() == [2]
    assert resize(sample, (4, 4)).instances.masks[0].sum() == 4


def test_random_crops_reach_every_position_and_contain_all_of_a_small_image():
    rng = np.random.default_rng(0)
    positions = {tuple(random_crop(make(), (18, 28), rng).image[0, 0]) for _ in range(200)}
    assert positions == {tuple(pixel) for pixel in make().image[:3, :3].reshape(-1, 3)}
    padded = random_crop(make(), (25, 35), rng)
    assert padded.image.shape == (25, 35, 3)
    assert (padded.label_map != IGNORE).sum() == 20 * 30
    assert len(padded.instances) == 4


def test_nothing_is_changed_in_place():
    sample, again = make(5), make(5)
    random_crop(sample, (10, 10), np.random.default_rng(0))
    for mirror in (flip_horizontal, flip_vertical, transpose):
        crop(mirror(sample, FLIP), 1, 1, 5, 5)
    resize(sample, (7, 9))
    same(sample, again)


def test_a_batch_copies_samples_of_equal_sizes():
    samples = [make(0), flip_horizontal(make(1), FLIP), crop(make(2, size=(25, 35)), 2, 3, 30, 20)]
    batch = collate(samples)
    assert batch.images.shape == (3, 20, 30, 3) and batch.label_maps.shape == (3, 20, 30)
    for i, sample in enumerate(samples):
        np.testing.assert_array_equal(batch.images[i], sample.image)
        np.testing.assert_array_equal(batch.label_maps[i], sample.label_map)
        assert batch.instances[i] is sample.instances
    with pytest.raises(ValueError, match="20x30, 25x35"):
        collate([make(), make(size=(25, 35))])
    with pytest.raises(ValueError, match="no samples"):
        collate([])


def test_an_empty_crop_is_an_error():
    with pytest.raises(ValueError, match="1 pixel or more"):
        crop(make(), 0, 0, 0, 5)


def test_areas_are_scaled_by_resizing_and_dropped_when_objects_are_cut():
    sample = make()
    annotated = sample._replace(instances=sample.instances.replace(area=np.arange(4) + 0.5))
    assert flip_horizontal(annotated, FLIP).instances.area.tolist() == [0.5, 1.5, 2.5, 3.5]
    assert crop(annotated, -5, -5, 90, 90).instances.area.tolist() == [0.5, 1.5, 2.5, 3.5]
    assert crop(annotated, 8, 8, 10, 8).instances.area is None
    resized = resize(annotated, (40, 90))
    np.testing.assert_allclose(resized.instances.area, 6 * (np.arange(4) + 0.5))
    assert len(resized.instances) == 4
