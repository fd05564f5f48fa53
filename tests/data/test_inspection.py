"""Every kind of fault, planted alone in a clean dataset, is found, and nothing else is."""

import copy
import json
import warnings

import numpy as np
import pytest
from PIL import Image

from minivision.data import open_dataset
from minivision.data.inspection import Look, inspect_dataset, list_splits
from minivision.data.problems import KINDS, SEVERITIES, collect_problems, report
from minivision.data.rle import encode
from minivision.detection.anchors.anchor_shapes import best_ratio_iou

SIZE = (48, 64)  # height and width of all images
LOOK = Look(shape_iou=lambda sizes: best_ratio_iou(sizes, (0.5, 1.0, 2.0)))


def mask_of(box):
    x, y, width, height = box
    mask = np.zeros(SIZE, bool)
    mask[y : y + height, x : x + width] = True
    return encode(mask)


def entry(number, image, category, box, mask=None):
    return {
        "id": number, "image_id": image, "category_id": category, "bbox": box, "area": box[2] * box[3], "iscrowd": 0,
        "segmentation": mask_of(box) if mask is None else mask,
    }  # fmt: skip


class CocoSet:
    """A clean dataset: three images in train, two in val, each with a cat and a dog."""

    def __init__(self, root):
        self.root, self.content = root, {}
        rng = np.random.default_rng(0)
        categories = [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}]
        for split, names in (("train", "abc"), ("val", "de")):
            (root / split).mkdir(parents=True)
            images = [
                {"id": k, "file_name": f"{name}.png", "height": SIZE[0], "width": SIZE[1]}
                for k, name in enumerate(names)
            ]
            objects = [
                entry(10 * k + category, k, category, box)
                for k in range(len(names))
                for category, box in ((1, [2, 3, 20, 24]), (2, [30, 10, 25, 20]))
            ]
            parts = {"images": images, "annotations": objects, "categories": categories}
            self.content[split] = copy.deepcopy(parts)
            for image in images:
                Image.fromarray(rng.integers(0, 255, (*SIZE, 3), np.uint8)).save(root / split / image["file_name"])
        self.train, self.val = self.content["train"], self.content["val"]
        self.picture = root / "train" / "a.png"

    def write(self):
        (self.root / "annotations").mkdir(exist_ok=True)
        for split, content in self.content.items():
            (self.root / "annotations" / f"instances_{split}.json").write_text(json.dumps(content), encoding="utf-8")
        return f"coco:{self.root}"

    def add(self, category, box, mask=None, image=0):
        self.train["annotations"].append(entry(len(self.train["annotations"]) + 100, image, category, box, mask))

    def pixels(self):
        return Image.open(self.picture)


def missing(data):
    data.picture.unlink()


def cut_short(data):
    data.picture.write_bytes(data.picture.read_bytes()[:900])


def no_image(data):
    data.picture.write_text("a page that says 404", encoding="utf-8")


def other_size(data):
    data.pixels().resize((30, 20)).save(data.picture)


def box_of_three_numbers(data):
    data.train["annotations"][0]["bbox"] = [1, 2, 3]


def mask_of_another_size(data):
    data.train["annotations"][0]["segmentation"] = encode(np.ones((5, 6), bool))


def same_pixels_in_val(data):
    data.pixels().save(data.root / "val" / "d.png", compress_level=0)  # other bytes, the same pixels
    assert (data.root / "val" / "d.png").read_bytes() != data.picture.read_bytes()


def same_pixels_in_train(data):
    data.pixels().save(data.root / "train" / "b.png", compress_level=0)


def other_classes(data):
    data.val["categories"] = [{"id": 1, "name": "dog"}, {"id": 2, "name": "cat"}]


def box_elsewhere(data):
    data.add(1, [100, 10, 20, 20], [[100, 10, 120, 10, 120, 30]])


def box_without_width(data):
    data.add(1, [10, 10, 0, 20], [[10, 10, 12, 10, 12, 30]])


def box_with_corners_swapped(data):
    data.add(1, [30, 10, -10, 20], [[20, 10, 30, 10, 30, 30]])


def box_reaching_out(data):
    data.add(1, [40, 10, 29, 30], mask_of([40, 10, 24, 30]))


def mask_without_a_pixel(data):
    data.add(1, [5, 5, 30, 30], encode(np.zeros(SIZE, bool)))


def mask_of_half_the_box(data):
    data.add(1, [5, 5, 40, 30], mask_of([5, 5, 20, 30]))


def box_of_a_click(data):
    data.add(1, [50, 40, 1, 1])


def file_in_two_entries(data):
    data.train["images"].append({**data.train["images"][0], "id": 9})
    data.add(1, [30, 20, 20, 20], image=9)


def object_twice(data):
    data.add(1, [2, 3, 20, 24])


def annotated_lying(data):
    exif = Image.Exif()
    exif[0x0112] = 6  # shown turned by 90 degrees
    data.pixels().save(data.root / "train" / "a.jpg", exif=exif)
    data.train["images"][0]["file_name"] = "a.jpg"


def class_without_objects(data):
    for content in data.content.values():
        content["categories"].append({"id": 3, "name": "zebra"})


def class_of_train_alone(data):
    class_without_objects(data)
    data.add(3, [10, 10, 20, 20])


def one_mask_missing(data):
    del data.train["annotations"][0]["segmentation"]


def no_objects(data):
    data.train["annotations"] = [each for each in data.train["annotations"] if each["image_id"] != 0]


def small(data):
    data.add(1, [40, 30, 15, 15])


def long(data):
    data.add(1, [2, 30, 60, 8])


def converted(mode):
    def plant(data):
        data.pixels().convert(mode).save(data.picture)

    plant.__name__ = f"mode_{mode}"
    return plant


def gray_of_16_bits(data):
    Image.fromarray(np.random.default_rng(1).integers(0, 65535, SIZE).astype(np.uint16)).save(data.picture)


def four_inks(data):
    data.pixels().convert("CMYK").save(data.root / "train" / "a.jpg")
    data.train["images"][0]["file_name"] = "a.jpg"


FAULTS = [
    ("missing-file", missing), ("unreadable", cut_short), ("unreadable", no_image), ("wrong-size", other_size),
    ("wrong-annotation", box_of_three_numbers), ("wrong-annotation", mask_of_another_size),
    ("shared-image", same_pixels_in_val), ("different-classes", other_classes), ("lost-box", box_elsewhere),
    ("empty-box", box_without_width), ("empty-box", box_with_corners_swapped), ("cut-box", box_reaching_out),
    ("empty-mask", mask_without_a_pixel), ("mask-box", mask_of_half_the_box), ("thin-box", box_of_a_click),
    ("listed-twice", file_in_two_entries), ("same-picture", same_pixels_in_train), ("same-object", object_twice),
    ("stored-turned", annotated_lying), ("unused-class", class_without_objects),
    ("one-split-class", class_of_train_alone), ("reader", one_mask_missing), ("empty-image", no_objects),
    ("small-object", small), ("long-object", long), ("gray", converted("L")), ("palette", converted("P")),
    ("transparent", converted("RGBA")), ("16-bit", gray_of_16_bits), ("other-colors", four_inks),
]  # fmt: skip


@pytest.fixture
def data(tmp_path):
    return CocoSet(tmp_path / "set")


def inspect(spec, **options):
    return inspect_dataset(spec, look=LOOK, **options)


def test_a_clean_dataset_has_no_problem(data):
    inspection = inspect(data.write())
    assert inspection.problems == [] and not any(inspection.counts.values())
    assert {split: each.images for split, each in inspection.splits.items()} == {"train": 3, "val": 2}
    assert inspection.splits["train"].objects == {"cat": 3, "dog": 3}


@pytest.mark.parametrize(("kind", "plant"), FAULTS, ids=[plant.__name__ for _, plant in FAULTS])
def test_a_fault_is_found_and_nothing_else(data, kind, plant):
    plant(data)
    found = inspect(data.write()).by_kind
    also = {"gray"} if kind == "16-bit" else set()
    assert set(found) - also == {kind}
    problem = found[kind][0]
    assert len(found[kind]) == 1 and problem.detail
    if kind in ("different-classes", "unused-class"):
        return
    assert problem.split == ("val" if kind == "shared-image" else "train")
    if kind not in ("wrong-annotation", "one-split-class", "reader"):
        where = {"same-picture": "b.png", "shared-image": "d.png"}.get(kind, "a.")
        assert problem.file.rpartition("/")[2].startswith(where)
        assert problem.index == {"same-picture": 1}.get(kind, problem.index)
    boxes = ("lost-box", "empty-box", "cut-box", "empty-mask", "thin-box", "small-object", "long-object", "mask-box")
    assert bool(problem.boxes) == (kind in (*boxes, "same-object"))


def test_every_kind_is_planted_here_or_below():
    below = {"split", "empty-split", "no-box", "not-annotated"}
    assert {kind for kind, _ in FAULTS} | below == set(KINDS)
    order = [SEVERITIES.index(kind.severity) for kind in KINDS.values()]
    assert order == sorted(order)  # the worst first


def test_boxes_are_told_as_they_are_written_not_as_they_are_cut(data):
    box_reaching_out(data)
    (problem,) = inspect(data.write()).problems
    assert problem.boxes == ((40, 10, 69, 40),) and "reaches 5 pixels out of 64 x 48" in problem.detail


def test_a_pixel_of_rounding_is_no_problem(data):
    data.train["annotations"][1]["bbox"] = [30, 10, 35, 39]  # to 65, 49
    data.train["annotations"][1]["segmentation"] = mask_of([30, 10, 34, 38])
    assert inspect(data.write()).problems == []


def test_a_split_without_images_is_a_problem(data):
    spec = data.write()
    path = data.root / "annotations" / "instances_val.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**content, "images": [], "annotations": []}), encoding="utf-8")
    problems = inspect(spec).by_kind
    assert [(each.split, each.severity) for each in problems["empty-split"]] == [("val", "error")]


def test_a_split_that_cannot_be_opened_is_a_problem_unless_there_is_no_other(data):
    spec = data.write()
    (data.root / "annotations" / "instances_val.json").write_text("{", encoding="utf-8")
    inspection = inspect(spec)
    assert [(each.kind, each.split) for each in inspection.problems] == [("split", "val")]
    (data.root / "annotations" / "instances_train.json").write_text("[]", encoding="utf-8")
    with pytest.raises(ValueError, match="no list 'images'"):
        inspect(spec)
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        inspect(f"coco:{data.root / 'nothing'}")
    with pytest.raises(FileNotFoundError, match="no folder 'annotations'"):
        inspect(f"coco:{data.root / 'train'}")


def test_small_depends_on_the_size_of_training_and_the_stride(data):
    small(data)
    spec = data.write()
    assert inspect_dataset(spec, look=Look(train_size=(96, 128))).problems == []
    assert inspect_dataset(spec, look=Look(stride=15)).problems == []
    small_ones = inspect_dataset(spec, look=Look(train_size=(24, 32))).by_kind["small-object"]
    assert len(small_ones) == 11 and "10 x 12 pixels, a cell has 16" in small_ones[0].detail


def test_only_the_first_images_are_decoded_on_request(data):
    (data.root / "train" / "c.png").write_text("no image", encoding="utf-8")
    class_without_objects(data)
    inspection = inspect(data.write(), number=2)
    assert inspection.problems == []  # classes are not counted then
    assert {split: each.images for split, each in inspection.splits.items()} == {"train": 2, "val": 2}
    assert [each.kind for each in inspect(f"coco:{data.root}", splits=["val"]).problems] == ["unused-class"]


def test_many_faults_at_once_come_in_order_and_end_nothing(data):
    for plant in (no_image, box_without_width, small, class_without_objects):
        plant(data)
    inspection = inspect(data.write())
    kinds = [problem.kind for problem in inspection.problems]
    assert kinds == sorted(kinds, key=list(KINDS).index) and {"unreadable", "empty-box", "unused-class"} <= set(kinds)
    assert inspection.counts["error"] == 2 and inspection.splits["train"].images == 2


# ---- other formats -------------------------------------------------------------------------------------------------

OBJECT = "<object><name>{}</name><bndbox><xmin>{}</xmin><ymin>{}</ymin><xmax>{}</xmax><ymax>{}</ymax></bndbox></object>"


def write_voc(root, objects="", extra_line="", without=None, size=(48, 64)):
    """Write a clean dataset, `objects` added to image a, and the annotation of image `without` left out."""
    rng = np.random.default_rng(0)
    for folder in ("ImageSets/Main", "Annotations", "JPEGImages"):
        (root / folder).mkdir(parents=True)
    for split, names in (("train", "abc"), ("val", "de")):
        lines = [*names, *([extra_line] if extra_line and split == "train" else [])]
        (root / "ImageSets" / "Main" / f"{split}.txt").write_text("\n".join(lines), encoding="utf-8")
        for name in names:
            pixels = rng.integers(0, 255, (48, 64, 3), np.uint8)
            Image.fromarray(pixels).save(root / "JPEGImages" / f"{name}.jpg")
            shown = size if name == "a" else (48, 64)
            text = f"<size><height>{shown[0]}</height><width>{shown[1]}</width></size>"
            text += OBJECT.format("cat", 3, 4, 22, 27) + (objects if name == "a" else "")
            if name != without:
                (root / "Annotations" / f"{name}.xml").write_text(f"<annotation>{text}</annotation>", encoding="utf-8")
    return f"voc:{root}"


@pytest.mark.parametrize(
    ("kind", "fault"),
    [
        (None, {}),
        ("not-annotated", {"without": "a"}),
        ("no-box", {"objects": "<object><name>cat</name></object>"}),
        ("wrong-annotation", {"objects": "<object></object>"}),
        ("listed-twice", {"extra_line": "a"}),
        ("missing-file", {"extra_line": "nothing"}),
        ("wrong-size", {"size": (100, 64)}),
        ("lost-box", {"objects": OBJECT.format("cat", 70, 5, 90, 25)}),
        ("empty-box", {"objects": OBJECT.format("cat", 30, 5, 20, 25)}),
        ("wrong-annotation", {"objects": OBJECT.format("cat", "nan", 5, 20, 25)}),
        ("wrong-annotation", {"objects": OBJECT.format("cat", 5, 5, "inf", 25)}),
        ("cut-box", {"objects": OBJECT.format("cat", 40, 5, 70, 25)}),
        ("one-split-class", {"objects": OBJECT.format("dog", 30, 5, 50, 25)}),
        ("reader", {"objects": OBJECT.format("cat", 0, 5, 30, 25)}),
    ],
)
def test_faults_of_voc(tmp_path, kind, fault):
    found = inspect(write_voc(tmp_path, **fault)).by_kind
    assert {kind: len(problems) for kind, problems in found.items()} == ({kind: 1} if kind else {})


def write_folder(root):
    rng = np.random.default_rng(0)
    for split, names in (("train", "abc"), ("val", "de")):
        for folder in ("images", "labels"):
            (root / split / folder).mkdir(parents=True)
        for name in names:
            label_map = np.zeros(SIZE, np.uint8)
            label_map[5:20], label_map[25:40], label_map[45:] = 1, 2, 255
            Image.fromarray(rng.integers(0, 255, (*SIZE, 3), np.uint8)).save(root / split / "images" / f"{name}.png")
            Image.fromarray(label_map).save(root / split / "labels" / f"{name}.png")
    (root / "classes.txt").write_text("road\nsky\n", encoding="utf-8")
    return f"folder:{root}"


def test_faults_of_label_maps(tmp_path):
    spec = write_folder(tmp_path)
    inspection = inspect(spec)
    assert inspection.problems == [] and inspection.splits["val"].objects == {"road": 2, "sky": 2}
    labels = tmp_path / "train" / "labels"
    (labels / "a.png").rename(labels / "z.png")
    assert [each.kind for each in inspect(spec).problems] == ["wrong-annotation"]
    (labels / "z.png").rename(labels / "a.png")
    Image.fromarray(np.full(SIZE, 3, np.uint8)).save(labels / "b.png")
    assert [(each.kind, each.file) for each in inspect(spec).problems] == [("wrong-annotation", str(labels / "b.png"))]
    Image.fromarray(np.full((9, 9), 1, np.uint8)).save(labels / "b.png")
    assert [each.kind for each in inspect(spec).problems] == ["wrong-size"]
    Image.fromarray(np.full((*SIZE, 3), 1, np.uint8)).save(labels / "b.png")
    assert [each.kind for each in inspect(spec).problems] == ["wrong-annotation"]
    Image.fromarray(np.zeros(SIZE, np.uint8)).save(labels / "b.png")
    assert [each.kind for each in inspect(spec).problems] == ["empty-image"]


def test_scenes_can_be_looked_through_too():
    inspection = inspect("scenes", number=3, level="easy")
    assert list(inspection.splits) == ["train", "val", "test"] and inspection.counts["error"] == 0


# ---- splits --------------------------------------------------------------------------------------------------------


def test_splits_are_listed_without_those_made_of_others(tmp_path, data):
    assert list_splits("scenes") == ["train", "val", "test"]
    assert list_splits(data.write()) == ["train", "val"]
    one_file = data.root / "train" / "all.json"
    one_file.write_text(json.dumps(data.train), encoding="utf-8")
    write_folder(tmp_path / "folder")
    for in_one_place in (f"coco:{one_file}", f"folder:{tmp_path / 'folder' / 'train'}"):  # divided by the reader
        assert sum(len(open_dataset(in_one_place, split=name)) for name in list_splits(in_one_place)) == 3
    spec = write_voc(tmp_path / "voc")
    for name in ("trainval", "cat_train", "cat_trainval", "test"):
        (tmp_path / "voc" / "ImageSets" / "Main" / f"{name}.txt").write_text("a\n", encoding="utf-8")
    assert list_splits(spec) == ["train", "val", "test"]
    assert list_splits(f"folder:{tmp_path / 'folder'}") == ["train", "val"]
    for name in list_splits(spec):
        open_dataset(spec, split=name)


# ---- reports -------------------------------------------------------------------------------------------------------


def test_reports_reach_who_collects_them_and_nobody_else():
    report("gray", "a.png", "not collected")
    with collect_problems() as outer:
        report("gray", "b.png", "one")
        with collect_problems() as inner:
            report("gray", "c.png", "two", (1, 2, 3, 4))
    assert [each.file for each in outer] == ["b.png"] and [each.boxes for each in inner] == [((1, 2, 3, 4),)]


def test_shapes_far_from_all_ratios_have_a_small_iou():
    ratios = (0.5, 1.0, 2.0)
    sizes = np.array([[10, 10], [20, 10], [10, 20], [44, 10], [10, 46]], float)
    iou = best_ratio_iou(sizes, ratios)
    np.testing.assert_allclose(iou[:3], 1)
    q = np.sqrt(np.array([4.4, 4.6]) / 2)  # IoU of two boxes of one area whose ratios differ by q ** 2: 1 / (2 q - 1)
    np.testing.assert_allclose(iou[3:], 1 / (2 * q - 1))
    assert iou[3] >= 0.5 > iou[4]


def test_reports_made_while_samples_are_read_count_too(data, monkeypatch):
    from minivision.data.coco import Coco

    read = Coco._sample

    def reporting(self, index):
        report("no-box", self.image_path(index), "told late")
        warnings.warn("of no interest here", DeprecationWarning, stacklevel=1)
        return read(self, index)

    monkeypatch.setattr(Coco, "_sample", reporting)
    problems = inspect(data.write()).problems
    found = [(each.kind, each.split, each.index) for each in problems]
    assert found == [("no-box", "train", index) for index in range(3)] + [
        ("no-box", "val", index) for index in range(2)
    ]
