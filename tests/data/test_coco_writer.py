"""Datasets written in COCO's format and read again: the same samples, bit for bit."""

import errno
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minivision.core.folder import MARK, new_folder
from minivision.data import IGNORE, BrokenFileError, Dataset, Instances, Sample, open_dataset
from minivision.data.coco_writer import write_coco

EXPORTS = Path(__file__).parent / "exports"
FIELDS = ("boxes", "labels", "crowd", "keypoints", "masks")


class Made(Dataset):
    """Samples that a test made."""

    classes = ("background", "cat", "dog")

    def __init__(self, samples, **facts):
        self.samples = samples
        vars(self).update(facts)

    def __len__(self):
        return len(self.samples)

    def _sample(self, index):
        return self.samples[index]

    def image_sizes(self):
        return [sample.image.shape[:2] for sample in self.samples]


def assert_same(first, second, *, fields=FIELDS, label_maps=True):
    assert len(first) == len(second) and first.classes == second.classes
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one.image, other.image)
        for name in fields:
            a, b = getattr(one.instances, name), getattr(other.instances, name)
            assert (a is None) == (b is None), name
            if a is not None:
                assert a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes(), name
        if label_maps:
            np.testing.assert_array_equal(one.label_map, other.label_map)


def some_samples(rng, count=4, *, masks=True, joints=0):
    """Samples with boxes at any float32, masks that are speckles, crowds, and joints in and out of the image."""
    samples = []
    for size in rng.integers(20, 50, (count, 2)).tolist():
        number = int(rng.integers(1, 6))
        corners = np.sort(rng.uniform(0, 1, (number, 2, 2)), axis=1) * size[::-1]
        fields = {"crowd": rng.random(number) < 0.3, "area": rng.uniform(1, 300, number)}
        fields["masks"] = rng.random((number, *size)) < 0.3 if masks else None
        if joints:
            points = rng.uniform(-0.2, 1.2, (number, joints, 2)) * size[::-1]
            seen = rng.integers(0, 3, (number, joints, 1))
            fields["keypoints"] = np.concatenate([np.where(seen > 0, points, 0), seen], axis=2)
            fields["keypoints"][0, 0, :2] *= 1e-4  # near 0, where half a pixel more could cost digits
        instances = Instances(corners.reshape(number, 4), rng.integers(1, 3, number), **fields)
        image = rng.integers(0, 255, (*size, 3), np.uint8)
        samples.append(Sample(image, instances, np.full(size, IGNORE, np.uint8)))
    return samples


@pytest.mark.parametrize("masks", [True, False])
@pytest.mark.parametrize("joints", [0, 3])
def test_any_boxes_masks_and_joints_come_back_bit_for_bit(tmp_path, rng, masks, joints):
    names = ("nose", "left_eye", "right_eye")[:joints]
    made = Made(some_samples(rng, 8, masks=masks, joints=joints), keypoint_names=names, has_masks=masks)
    written = write_coco({"train": made, "val": made}, tmp_path / "new")
    assert written["train"].images == 8 and written["val"].objects == sum(len(each.instances) for each in made)
    for split in ("train", "val"):
        again = open_dataset(f"coco:{tmp_path / 'new'}", split=split)
        assert again.keypoint_names == names and again.has_masks == masks
        assert_same(made, again, fields=(*FIELDS, "area"), label_maps=False)


def test_scenes_come_back_bit_for_bit(tmp_path):
    scenes = open_dataset("scenes", split="val", level="easy").draw(12)
    write_coco({"val": scenes}, tmp_path / "new")
    again = open_dataset(f"coco:{tmp_path / 'new'}", split="val")
    assert_same(scenes, again)
    assert again.keypoint_names == scenes.keypoint_names
    content = json.loads((tmp_path / "new" / "annotations" / "instances_val.json").read_text())
    assert [each["name"] for each in content["categories"] if "keypoints" in each] == ["person"]


def test_pycocotools_reads_the_same(tmp_path, rng):
    coco = pytest.importorskip("pycocotools.coco")
    made = Made(some_samples(rng))
    write_coco({"train": made}, tmp_path / "new")
    theirs = coco.COCO(str(tmp_path / "new" / "annotations" / "instances_train.json"))
    for number, sample in enumerate(made, start=1):
        objects = theirs.loadAnns(theirs.getAnnIds(imgIds=number))
        np.testing.assert_array_equal([theirs.annToMask(each) for each in objects], sample.instances.masks)
        assert [theirs.cats[each["category_id"]]["name"] for each in objects] == [
            made.classes[label] for label in sample.instances.labels
        ]
        np.testing.assert_allclose([each["area"] for each in objects], sample.instances.area)


def coco_set(root):
    """Write a dataset with two files of one name in two folders, a crowd, and an image that EXIF turns."""
    exif = Image.Exif()
    exif[0x0112] = 6
    rng = np.random.default_rng(0)
    for folder, options in (("left", {}), ("right", {"exif": exif, "quality": 97})):
        (root / "train" / folder).mkdir(parents=True)
        pixels = Image.fromarray(rng.integers(0, 255, (20, 30, 3), np.uint8))
        pixels.save(root / "train" / folder / "a.jpg", **options)
    polygon = [[2.5, 3, 14, 3, 14, 12.5, 2.5, 12]]
    entry = {"category_id": 7, "bbox": [2.5, 3, 11.5, 9.5], "segmentation": polygon, "iscrowd": 0, "area": 100}
    content = {
        "images": [
            {"id": 5, "file_name": "left/a.jpg", "height": 20, "width": 30},
            {"id": 4, "file_name": "right/a.jpg", "height": 20, "width": 30},
        ],
        "annotations": [
            {**entry, "id": 1, "image_id": 5},
            {**entry, "id": 2, "image_id": 4, "iscrowd": 1, "category_id": 3},
            {**entry, "id": 3, "image_id": 4, "category_id": 3, "bbox": [0.1, 0.2, 29.9, 19.8]},
        ],
        "categories": [{"id": 7, "name": "cat"}, {"id": 3, "name": "dog"}],
    }
    (root / "annotations").mkdir()
    (root / "annotations" / "instances_train.json").write_text(json.dumps(content), encoding="utf-8")
    return open_dataset(f"coco:{root}", split="train")


def test_files_are_copied_byte_for_byte_also_those_of_one_name(tmp_path):
    old = coco_set(tmp_path / "old")
    write_coco({"train": old}, tmp_path / "new")
    assert_same(old, open_dataset(f"coco:{tmp_path / 'new'}", split="train"), fields=(*FIELDS, "area"))
    for name in ("left/a.jpg", "right/a.jpg"):
        assert (tmp_path / "new" / "train" / name).read_bytes() == (tmp_path / "old" / "train" / name).read_bytes()


def voc_set(root, *, maps):
    """Write a dataset in VOC's format; `maps`: the folders of label maps that it has."""
    for folder in ("ImageSets/Main", "Annotations", "JPEGImages", *maps):
        (root / folder).mkdir(parents=True)
    (root / "ImageSets" / "Main" / "train.txt").write_text("a\n", encoding="utf-8")
    box = "<bndbox><xmin>{}</xmin><ymin>{}</ymin><xmax>{}</xmax><ymax>{}</ymax></bndbox>"
    one = "<object><name>dog</name><difficult>1</difficult>" + box.format(11, 6, 20, 15) + "</object>"
    two = "<object><name>cat</name>" + box.format(21, 2, 30, 9.5) + "</object>"
    (root / "Annotations" / "a.xml").write_text(f"<annotation>{one}{two}</annotation>", encoding="utf-8")
    Image.new("RGB", (30, 20), (9, 90, 9)).save(root / "JPEGImages" / "a.jpg")
    for folder, values in (("SegmentationClass", (2, 1)), ("SegmentationObject", (1, 2))):
        if folder in maps:
            numbers = np.zeros((20, 30), np.uint8)
            numbers[6:15, 10:20], numbers[2:9, 21:29], numbers[5] = *values, 255
            Image.fromarray(numbers).save(root / folder / "a.png")
    return open_dataset(f"voc:{root}", split="train")


@pytest.mark.parametrize("maps", [(), ("SegmentationClass",), ("SegmentationClass", "SegmentationObject")])
def test_objects_of_voc_come_back_and_label_maps_are_told_to_change(tmp_path, maps):
    old = voc_set(tmp_path / "old", maps=maps)
    written = write_coco({"train": old}, tmp_path / "new")["train"]
    assert_same(old, open_dataset(f"coco:{tmp_path / 'new'}", split="train"), label_maps=not maps)
    assert written == (1, 2, len(maps) > 0)


def test_label_maps_become_regions_that_paint_the_same_label_maps(tmp_path, rng):
    for folder in ("images", "labels"):
        (tmp_path / "old" / "train" / folder).mkdir(parents=True)
    for name, values in (("a", [0, 1, 3, 255]), ("b", [0]), ("c", [255, 2])):
        label_map = rng.choice(np.array(values, np.uint8), (20, 30))
        Image.fromarray(label_map).save(tmp_path / "old" / "train" / "labels" / f"{name}.png")
        Image.fromarray(rng.integers(0, 255, (20, 30, 3), np.uint8)).save(
            tmp_path / "old" / "train" / "images" / f"{name}.png"
        )
    old = open_dataset(f"folder:{tmp_path / 'old'}", split="train")
    written = write_coco({"train": old}, tmp_path / "new")["train"]
    assert written == (3, 5, 0)
    again = open_dataset(f"coco:{tmp_path / 'new'}", split="train")
    assert_same(old, again, fields=())
    assert [each.instances.labels.tolist() for each in again] == [[1, 3, 1], [], [2, 1]]
    assert [each.instances.crowd.tolist() for each in again] == [[False, False, True], [], [False, True]]


def test_only_the_first_images_on_request(tmp_path, rng):
    made = Made(some_samples(rng))
    assert write_coco({"train": made}, tmp_path / "new", number=2)["train"].images == 2
    assert len(open_dataset(f"coco:{tmp_path / 'new'}", split="train")) == 2
    assert len(list((tmp_path / "new" / "train").iterdir())) == 2


def test_splits_with_different_classes_are_refused(tmp_path, rng):
    one, other = Made(some_samples(rng)), Made(some_samples(rng), classes=("background", "dog", "cat"))
    with pytest.raises(ValueError, match="splits train and val have different classes"):
        write_coco({"train": one, "val": other}, tmp_path / "new")
    assert list(tmp_path.iterdir()) == []


# ---- the folder appears when it is complete -------------------------------------------------------------------------


class Breaking(Made):
    def _sample(self, index):
        if index == 2:
            raise BrokenFileError("c.png", "broken")
        return super()._sample(index)


def test_an_error_leaves_nothing_and_a_folder_with_files_is_refused(tmp_path, rng):
    made = Made(some_samples(rng))
    with pytest.raises(BrokenFileError):
        write_coco({"train": Breaking(made.samples)}, tmp_path / "new")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "new").mkdir()
    write_coco({"train": made}, tmp_path / "new")  # an empty folder will do
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(FileExistsError, match="not an empty folder"):
        write_coco({"train": made}, tmp_path / "new")
    assert sorted(tmp_path.rglob("*")) == before and not list(tmp_path.rglob(MARK))


def test_what_a_killed_process_left_is_replaced_and_what_others_wrote_is_not(tmp_path):
    partial = tmp_path / "new.partial"
    partial.mkdir()
    (partial / "notes.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="new.partial exists"), new_folder(tmp_path / "new"):
        pass
    assert (partial / "notes.txt").read_text() == "mine"
    (partial / MARK).touch()
    with new_folder(tmp_path / "new") as folder:
        assert folder == partial and not (folder / "notes.txt").exists() and not (tmp_path / "new").exists()
        (folder / "done").touch()
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["done"] and not partial.exists()


def test_a_full_disk_is_told_with_the_file_that_was_written_and_nothing_is_left(tmp_path, monkeypatch):
    def full(source, target):
        raise OSError(errno.ENOSPC, "No space left on device", str(source), None, str(target))

    dataset = open_dataset(str(EXPORTS / "supervision" / "voc"), split="train")
    monkeypatch.setattr("minivision.data.coco_writer.shutil.copyfile", full)
    with pytest.raises(OSError, match="No space left") as caught:
        write_coco({"train": dataset}, tmp_path / "new")
    assert str(tmp_path) in caught.value.filename and list(tmp_path.iterdir()) == []
