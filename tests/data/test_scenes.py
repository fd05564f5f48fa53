"""Scenes: they depend only on the seed, annotations fit the image, and the levels differ in difficulty."""

import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest

import minivision
from minivision.data import IGNORE, InMemory, Scenes, in_memory, open_dataset
from minivision.data.dataset import keypoint_flip
from minivision.data.photographs import PHOTOGRAPHS, photographs
from minivision.data.scenes import LEVELS, _visibility, _visible_objects
from minivision.data.shapes import JOINTS, KINDS, draw_shape


@pytest.fixture(scope="module")
def drawn():
    return Scenes("hard", "train").draw(200)


def equal(a, b):
    return (
        np.array_equal(a.image, b.image)
        and np.array_equal(a.label_map, b.label_map)
        and np.array_equal(a.instances.boxes, b.instances.boxes)
        and np.array_equal(a.instances.masks, b.instances.masks)
        and np.array_equal(a.instances.keypoints, b.instances.keypoints)
    )


def test_a_scene_depends_on_its_arguments_only(drawn):
    for index in (0, 7, 199):
        assert equal(Scenes()[index], drawn[index])
    one, many = Scenes(level="mid").draw([5, 3, 9], threads=1), Scenes(level="mid").draw(10, threads=4)
    assert all(equal(one[i], many[index]) for i, index in enumerate([5, 3, 9]))


@pytest.mark.parametrize(
    "other",
    [{"split": "val"}, {"split": "test"}, {"seed": 1}, {"seed": 2**32}, {"level": "mid"}, {"objects": 3}],
)
def test_other_arguments_give_other_scenes(other):
    assert not np.array_equal(Scenes(**other)[3].image, Scenes()[3].image)


def test_splits_never_share_a_scene():
    images = [Scenes(split=split)[i].image.tobytes() for split in ("train", "val", "test") for i in range(30)]
    assert len(set(images)) == 90
    assert [len(Scenes(split=split)) for split in ("train", "val", "test")] == [8000, 300, 300]


def test_boxes_masks_and_label_maps_agree(drawn):
    for sample in drawn:
        instances = sample.instances
        assert sample.image.dtype == sample.label_map.dtype == np.uint8
        expected = np.zeros((128, 128), np.uint8)
        for mask, label, box in zip(instances.masks, instances.labels, instances.boxes, strict=True):
            assert mask.sum() >= 20
            assert not expected[mask].any()  # masks do not overlap: they are the visible pixels
            expected[mask] = label
            rows, columns = np.nonzero(mask)
            assert box.tolist() == [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        np.testing.assert_array_equal(sample.label_map, expected)
        assert IGNORE not in sample.label_map


def test_people_have_joints_and_others_none(drawn):
    hidden = visible = 0
    for sample in drawn:
        person = sample.instances.labels == drawn.classes.index("person")
        keypoints = sample.instances.keypoints
        assert not keypoints[~person].any()
        assert (keypoints[person, :, 2] > 0).all()
        inside = ((keypoints[..., :2] >= 0) & (keypoints[..., :2] < 128)).all(axis=-1)
        assert (keypoints[~inside & person[:, None], 2] == 1).all()
        hidden += (keypoints[person, :, 2] == 1).sum()
        visible += (keypoints[person, :, 2] == 2).sum()
    assert 0 < hidden < visible / 3


def test_the_pixel_of_a_visible_joint_belongs_to_its_person_and_that_of_a_hidden_joint_to_another_object(drawn):
    shoulders = [JOINTS.index("left_shoulder"), JOINTS.index("right_hip")]  # well inside the body
    seen = 0
    for sample in drawn:
        for k in np.flatnonzero(sample.instances.labels == drawn.classes.index("person")):
            for x, y, visibility in sample.instances.keypoints[k, shoulders]:
                if 0 <= x < 128 and 0 <= y < 128:
                    assert sample.instances.masks[k, int(y), int(x)] == (visibility == 2)
                    seen += 1
    assert seen > 50


def test_a_joint_is_hidden_by_later_objects_only():
    owners = np.zeros((4, 4), np.uint8)
    owners[0], owners[1], owners[2] = 1, 2, 3
    joints = np.array([[0.5, 0.5], [0.5, 1.5], [0.5, 2.5], [0.5, 3.5], [-0.5, 0.5], [0.5, 4.5]])
    assert _visibility(joints, 2, owners)[:, 2].tolist() == [2, 2, 1, 2, 1, 1]


def test_an_object_that_is_almost_hidden_is_dropped_and_the_others_are_renumbered():
    owners = np.zeros((20, 20), np.uint8)
    owners[:5, :4], owners[5:10, :4], owners[9, 0], owners[10:15, :8] = 1, 2, 0, 3
    kept, renumbered, boxes = _visible_objects(owners, 3)
    assert kept == [0, 2]
    assert boxes.tolist() == [[0, 0, 4, 5], [0, 10, 8, 15]]
    assert np.bincount(renumbered.ravel()).tolist() == [400 - 60, 20, 40]


def test_enough_of_every_object_stays_visible(monkeypatch):
    from minivision.data import drawing

    areas = []
    original = drawing.own

    def own(owners, coverage, extent, number):
        areas.append((coverage > 0.5).sum())
        original(owners, coverage, extent, number)

    monkeypatch.setattr(drawing, "own", own)
    fewest = 1.0
    for index in range(40):
        areas.clear()
        masks = Scenes("mid", objects=12)[index].instances.masks
        if len(masks) == len(areas):  # none dropped
            fewest = min([fewest, *masks.sum(axis=(1, 2)) / areas])
    assert 0.4 <= fewest < 0.5


def test_the_border_of_the_image_cuts_off_little():
    for sample in Scenes("easy", objects=1, classes=["ring"]).draw(60):
        for x1, y1, x2, y2 in sample.instances.boxes:
            assert 0.85 < (x2 - x1) / (y2 - y1) < 1 / 0.85


def test_joints_have_the_lectures_fourteen_names_and_mirror():
    assert len(JOINTS) == 14
    assert JOINTS[keypoint_flip(JOINTS)[0]] == "left_ankle"
    assert JOINTS[keypoint_flip(JOINTS)[13]] == "head"


def test_numbers_and_sizes_of_objects_are_those_for_which_the_thresholds_were_measured():
    # The scenes for which they were measured had 3.56 +- .05 objects per image, .126 +- .002 of the pixels in objects,
    # boxes with a median of 1056 pixels, and brightness 95 +- 1.1 with a standard deviation of 46.7 +- .4.
    samples = list(Scenes("hard").draw(600))
    boxes = np.concatenate([sample.instances.boxes for sample in samples])
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    labels = np.concatenate([sample.instances.labels for sample in samples])
    assert 3.3 < len(labels) / 600 < 3.8
    assert 0.115 < np.mean([(sample.label_map > 0).mean() for sample in samples]) < 0.137
    assert 950 < np.median(areas) < 1170
    assert 91 < np.mean([sample.image.mean() for sample in samples]) < 99
    assert 44.5 < np.mean([sample.image.std() for sample in samples]) < 48.5
    assert (np.bincount(labels, minlength=7)[1:] > 0.13 * len(labels)).all()


def test_levels_are_in_order_of_difficulty():
    def noise(level):
        return np.mean([np.abs(np.diff(s.image.astype(int), axis=0)).mean() for s in Scenes(level).draw(60)])

    assert noise("easy") < noise("mid") < noise("hard")
    assert LEVELS["hard"].visible < LEVELS["mid"].visible < LEVELS["easy"].visible


def test_objects_classes_and_size_are_as_given():
    scenes = Scenes("mid", "val", objects=2, classes=("person", "disc"), size=96)
    assert scenes.classes == ("background", "person", "disc")
    for sample in scenes.draw(20):
        assert sample.image.shape == (96, 96, 3)
        assert len(sample.instances) <= 2 and sample.instances.labels.max() <= 2
    assert scenes.image_sizes()[:2] == [(96, 96)] * 2
    assert len(Scenes(objects=0)[0].instances) == 0
    with pytest.raises(IndexError, match="sample 300 of a dataset of 300"):
        scenes[300]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"level": "hardest"}, "'easy', 'mid', 'hard'"),
        ({"split": "dev"}, "'train', 'val', 'test'"),
        ({"seed": -1}, "seed"),
        ({"objects": (3, 2)}, "fewest <= most"),
        ({"classes": ("cat",)}, "'disc'"),
        ({"classes": "disc"}, "list of different names"),
        ({"classes": ()}, "list of different names"),
        ({"size": 32}, "64 pixels or more"),
    ],
)
def test_a_wrong_argument_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        Scenes(**arguments)


def test_photographs_come_from_the_wheel_and_are_never_downloaded(monkeypatch):
    import skimage.data

    def download(*args, **kwargs):
        raise AssertionError("a photograph would be downloaded")

    monkeypatch.setitem(sys.modules, "pooch", types.SimpleNamespace(create=download, retrieve=download))
    photographs.cache_clear()
    assert len(photographs()) == len(PHOTOGRAPHS) == 11
    monkeypatch.setattr(skimage.data, "coins", download)
    photographs.cache_clear()
    with pytest.raises(FileNotFoundError, match=f"its version {skimage.__version__} here has no 'coins'"):
        photographs()


@pytest.mark.parametrize(
    ("kind", "area"),  # of the circle around the shape
    [
        ("disc", (0.8, 1)),
        ("square", (0.62, 0.68)),
        ("triangle", (0.44, 0.49)),
        ("star", (0.43, 0.48)),
        ("ring", (0.55, 0.82)),
    ],
)
def test_shapes_have_the_area_of_the_geometric_formula(kind, area):
    rng = np.random.default_rng(0)
    for _ in range(10):
        coverage, joints = draw_shape(kind, 64.0, 64.0, 60.0, 128, rng)
        assert area[0] < coverage.sum() / (np.pi * 30**2) < area[1] + 0.02
        assert joints is None
        assert coverage.min() == 0 and coverage.max() == 1


def test_a_persons_joints_lie_on_the_person():
    rng = np.random.default_rng(0)
    for _ in range(20):
        coverage, joints = draw_shape("person", 64.0, 64.0, 60.0, 128, rng)
        inner = [JOINTS.index(name) for name in JOINTS if name != "head"]  # the joint "head" is the top of the head
        assert (coverage[tuple(np.floor(joints[inner, ::-1]).astype(int).T)] > 0.5).all()
        assert set(KINDS) >= {"person"}


def test_the_cache_is_used_for_equal_parameters_and_scenes_are_drawn_again_when_it_is_damaged(tmp_path, monkeypatch):
    monkeypatch.setenv("MINIVISION_CACHE", str(tmp_path / "cache"))
    first = Scenes("easy").cached(5)
    (file,) = (tmp_path / "cache").iterdir()
    with monkeypatch.context() as patch:
        patch.setattr(Scenes, "draw", lambda *args, **kwargs: pytest.fail("drawn though it is in the cache"))
        again = Scenes("easy").cached(5)
    assert len(again) == 5 and all(equal(a, b) for a, b in zip(first, again, strict=True))
    assert again.keypoint_names == JOINTS and again.classes == Scenes().classes
    Scenes("easy", seed=1).cached(5)
    Scenes("easy", objects=1).cached(5)
    Scenes("easy").cached(4)
    assert len(list((tmp_path / "cache").iterdir())) == 4

    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 255  # one bit pattern somewhere in the pixels
    for damaged in (bytes(data), bytes(data[: len(data) // 2]), b""):
        file.write_bytes(damaged)
        with pytest.warns(UserWarning, match="making it again"):
            mended = Scenes("easy").cached(5)
        assert equal(mended[4], first[4])
        assert len(InMemory.load(file)) == 5


def test_without_a_writable_cache_scenes_are_drawn_with_one_warning(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.warns(UserWarning, match="MINIVISION_CACHE") as warned:
        scenes = Scenes("easy").cached(3, folder=tmp_path / "file" / "cache")
    assert len(scenes) == 3 and len(warned) == 1


def test_in_memory_keeps_scenes_of_another_size(tmp_path, monkeypatch):
    monkeypatch.setenv("MINIVISION_CACHE", str(tmp_path))
    scenes = open_dataset("scenes", split="val", level="easy", objects=(1, 2), classes=["ring"])
    monkeypatch.setattr(Scenes, "__len__", lambda self: 3)
    kept = in_memory(scenes, size=(64, 64))
    assert kept[2].image.shape == (64, 64, 3) and kept.classes == ("background", "ring")


def test_importing_the_data_package_does_not_import_numba_or_skimage():
    code = "import sys, minivision.data; sys.exit(', '.join({'numba', 'skimage'} & set(sys.modules)))"
    root = Path(minivision.__file__).parents[1]
    result = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True)
    assert result.stderr.strip() == ""
