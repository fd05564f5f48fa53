"""Random colors, zoom-out and crops: what they promise, and that annotations follow the image."""

import numpy as np
import pytest

from minivision.data import IGNORE, Sample, Scenes, WithProposals
from minivision.data import augmentation as augmentation_module
from minivision.data.augmentation import AUGMENTATIONS, augment, color_matrix, iou_crop, jitter_colors, zoom_out
from minivision.data.instances import Instances
from minivision.training.batches import Batches


def painted(seed, size=(90, 120), count=4):
    """A black image with rectangles that do not overlap; object k, and only it, has brightness 60 * (k + 1)."""
    rng = np.random.default_rng(seed)
    height, width = size
    instance_map = np.zeros((1, height, width), np.uint8)
    boxes, keypoints = [], np.zeros((count, 1, 3), np.float32)
    for k in range(count):
        left, right = np.sort(rng.choice(np.arange(k * width // count, (k + 1) * width // count - 2), 2, False))
        top, bottom = np.sort(rng.choice(height - 8, 2, False))
        box = left, top, right + 3, bottom + 8
        boxes.append(box)
        instance_map[0, box[1] : box[3], box[0] : box[2]] = k + 1
        keypoints[k, 0] = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2, 2
    image = np.repeat((60 * instance_map[0])[..., None], 3, axis=2)
    instances = Instances(
        np.array(boxes, np.float32), np.arange(1, count + 1), keypoints=keypoints, instance_map=instance_map
    )
    return Sample(image, instances, instance_map[0], proposals=np.array(boxes, np.float32))


@pytest.mark.parametrize("change", [zoom_out, iou_crop])
def test_boxes_masks_labels_joints_and_proposals_follow_the_image(change):
    changed = 0
    for seed in range(40):
        before = painted(seed)
        after = change(before, np.random.default_rng(seed))
        changed += after is not before
        assert after.image.shape == before.image.shape and after.label_map.shape == before.label_map.shape
        masks, image = after.instances.masks, after.image[..., 0].astype(int)
        for k, label in enumerate(after.instances.labels):
            rows, columns = np.nonzero(masks[k])
            tight = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
            enlarged = 120 / 36 / 2 + 1  # half a pixel of the smallest crop, and rounding
            np.testing.assert_allclose(after.instances.boxes[k], tight, atol=enlarged)
            inside = np.zeros_like(masks[k])
            inside[4:-4, 4:-4] = True  # away from edges, where colors mix
            for y, x in ((-4, 0), (4, 0), (0, -4), (0, 4)):
                inside &= np.roll(masks[k], (y, x), axis=(0, 1))
            assert (abs(image[inside & masks[k]] - 60 * label) <= 1).all()
            assert (after.label_map[masks[k]] == label).all()
            x, y, visible = after.instances.keypoints[k, 0]
            was_cut = min(tight) == 0 or tight[2] == 120 or tight[3] == 90
            if not was_cut:
                np.testing.assert_allclose([x, y], [(tight[0] + tight[2]) / 2, (tight[1] + tight[3]) / 2], atol=2.5)
            assert visible == 2
        for box in after.instances.boxes:  # the proposals were the boxes
            assert abs(after.proposals - box).max(axis=1).min() < 2.5
    assert changed > 10


def test_zoom_out_fills_the_canvas_with_the_mean_color_and_keeps_every_object_and_shape():
    factors = []
    for seed in range(60):
        before = painted(seed)
        after = zoom_out(before, np.random.default_rng(seed))
        if after is before:
            continue
        outside = after.label_map == IGNORE
        assert (after.image[outside] == before.image.mean(axis=(0, 1)).round()).all()
        rows, columns = np.nonzero(~outside)
        height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
        assert height * width == (~outside).sum() and width / height == pytest.approx(120 / 90, rel=0.05)
        assert len(after.instances) >= 3  # one of a pixel or two may vanish
        factors.append(120 / width)
    assert 15 < len(factors) < 45 and min(factors) < 1.6 and 3.4 < max(factors) <= 4.1


def test_a_crop_overlaps_an_object_as_much_as_was_drawn_and_keeps_the_objects_with_their_center_inside(monkeypatch):
    seen, windows, whole = set(), [], 0
    original = augmentation_module._window_with_overlap

    def recorded(*given):
        windows.append((given, original(*given)))
        return windows[-1][1]

    monkeypatch.setattr(augmentation_module, "_window_with_overlap", recorded)
    for seed in range(200):
        before = painted(seed)
        after = iou_crop(before, np.random.default_rng(seed))
        found = [(given, window) for given, window in windows if window is not None]
        seen |= {given[3] for given, _ in windows}
        windows.clear()
        whole += not found
        assert len(found) <= 1 and (after is before) == (not found)
        if not found:
            continue
        (((objects, height, width, minimum, _), window),) = found
        x1, y1, x2, y2 = window
        assert 0 <= x1 < x2 <= width and 0 <= y1 < y2 <= height and 0.49 < (x2 - x1) / (y2 - y1) < 2.04
        assert x2 - x1 >= 0.29 * width and y2 - y1 >= 0.29 * height
        canvas = np.zeros((height, width), bool)
        canvas[y1:y2, x1:x2] = True
        overlaps, labels = [], []
        for k in range(len(objects)):
            mask = before.instances.masks[k]  # a rectangle: its box
            x, y = before.instances.keypoints[k, 0, :2]  # its center
            if x1 < x < x2 and y1 < y < y2:
                labels.append(k + 1)
                overlaps.append((mask & canvas).sum() / (mask | canvas).sum())
        assert max(overlaps) >= minimum - 1e-6
        assert after.instances.labels.tolist() == labels
    assert seen == {0.0, 0.1, 0.3, 0.5, 0.7, 0.9} and 20 < whole < 100  # one choice in seven, at first


def test_crowd_regions_stay_wherever_their_center_is_and_are_no_reason_for_a_crop():
    before = painted(3)
    crowd = np.array([True, False, False, False])
    before = before._replace(instances=before.instances.replace(crowd=crowd))
    kept = 0
    for seed in range(60):
        after = iou_crop(before, np.random.default_rng(seed))
        assert (~after.instances.crowd).any()
        kept += bool(after.instances.crowd.any()) and after is not before
    assert kept > 5
    only = before._replace(instances=before.instances[:1])
    assert all(iou_crop(only, np.random.default_rng(seed)) is only for seed in range(20))


@pytest.mark.parametrize("saturation", [0.0, 0.5, 1.0, 1.5])
def test_saturation_is_that_of_pillow(saturation, rng):
    from PIL import Image, ImageEnhance

    image = rng.integers(60, 190, (8, 9, 3), dtype=np.uint8)
    expected = np.asarray(ImageEnhance.Color(Image.fromarray(image)).enhance(saturation)).astype(float)
    np.testing.assert_allclose(image @ color_matrix(1.0, saturation, 0.0).T, expected, atol=1.5)


def test_hue_turns_red_into_green_and_leaves_grays_and_contrast_scales():
    np.testing.assert_allclose(color_matrix(1.0, 1.0, 120.0) @ [255, 0, 0], [0, 255, 0], atol=1e-9)
    np.testing.assert_allclose(color_matrix(1.0, 1.0, 17.0) @ [90, 90, 90], [90, 90, 90], atol=1e-9)
    np.testing.assert_allclose(color_matrix(0.5, 1.0, 0.0) @ [100, 50, 20], [50, 25, 10], atol=1e-9)


def test_colors_stay_as_often_as_no_change_is_drawn_and_only_colors_change(rng):
    sample = Scenes("mid", "val")[0]
    results = [jitter_colors(sample, np.random.default_rng(seed)) for seed in range(200)]
    same = sum((result.image == sample.image).all() for result in results)
    assert 3 < same < 30  # one in sixteen
    for result in results:
        assert result.instances is sample.instances and result.label_map is sample.label_map
        assert result.image.dtype == np.uint8
    gray = sample._replace(image=np.full((6, 6, 3), 100, np.uint8))
    grays = [jitter_colors(gray, np.random.default_rng(seed)).image for seed in range(200)]
    assert all(np.ptp(image) <= 1 for image in grays)  # a gray stays one
    lightest, darkest = max(image.mean() for image in grays), min(image.mean() for image in grays)
    assert 138 < lightest <= 146 and 54 <= darkest < 66  # +- 32 and half of the distance from mid gray


@pytest.mark.parametrize("which", [*((name,) for name in AUGMENTATIONS), AUGMENTATIONS])
def test_batches_are_a_function_of_seed_and_step(which):
    scenes = Scenes("mid", "train").draw(6)
    proposals = WithProposals(scenes, [sample.instances.boxes for sample in scenes])
    one, other = (Batches(proposals, 4, seed=5, flips=("horizontal",), augment=which) for _ in range(2))
    later = other[3]
    for step in (0, 3):
        a, b = one[step], (other[0] if step == 0 else later)
        assert (a.images == b.images).all() and (a.label_maps == b.label_maps).all()
        for ours, theirs in zip(a.instances, b.instances, strict=True):
            assert (ours.boxes == theirs.boxes).all() and (ours.masks == theirs.masks).all()
    assert (Batches(proposals, 4, seed=6, flips=("horizontal",), augment=which)[0].images != one[0].images).any()
    plain = Batches(proposals, 4, seed=5, flips=("horizontal",))
    assert any((plain[step].images != one[step].images).any() for step in range(3))


def test_a_part_of_the_images_stays_as_it_is():
    scenes = Scenes("easy", "train").draw(50)
    plain, always, never, half = (
        Batches(scenes, 50, seed=2, augment=which, augment_probability=probability)[0].images
        for which, probability in [((), 1.0), (("colors",), 1.0), (("colors",), 0.0), (("colors",), 0.5)]
    )

    def changed(images):
        return int((images != plain).any(axis=(1, 2, 3)).sum())

    assert changed(never) == 0 and changed(always) > 40  # of the four changes of the colors none happens to 1 in 16
    assert 10 < changed(half) < 38  # nearly half of 50, within four standard deviations


def test_an_image_never_loses_all_of_its_objects_and_one_without_objects_is_no_error():
    one = painted(1, size=(64, 64), count=1)
    pixel = np.zeros((1, 64, 64), np.uint8)
    pixel[0, 5, 5] = 1
    instances = one.instances.replace(boxes=np.array([[5, 5, 6, 6]], np.float32), instance_map=pixel)
    tiny = one._replace(instances=instances)
    for seed in range(40):
        assert len(augment(tiny, AUGMENTATIONS, np.random.default_rng(seed)).instances) == 1
    empty = one._replace(instances=Instances.empty())
    for seed in range(10):
        assert augment(empty, AUGMENTATIONS, np.random.default_rng(seed)).image.shape == (64, 64, 3)


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match="augment: expected some of colors, zoom-out, iou-crop, got 'mosaic'"):
        Batches(Scenes("easy", "val"), 2, augment=("mosaic",))
