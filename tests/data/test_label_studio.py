"""Label Studio's exports: those that its server wrote, its own reading of a brush, and files that are wrong."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minivision.data import BrokenFileError
from minivision.data.formats.label_studio import LabelStudio, recognize
from minivision.data.formats.label_studio_regions import read_region
from minivision.data.formats.label_studio_rle import decode_brush

EXPORT = Path(__file__).parent / "exports" / "label_studio"


def region(kind="rectanglelabels", label="cat", size=(20, 10), **value):
    """Return a region of an image of 20 x 10 pixels."""
    sides = {"original_width": size[0], "original_height": size[1]}
    result = {"id": "r", "type": kind, "image_rotation": 0, **sides, "value": {**value, kind: [label]}}
    return {key: value for key, value in result.items() if value is not None}


def box(x=10, y=20, width=50, height=40, **more):
    return region(x=x, y=y, width=width, height=height, **more)


def write(folder, *tasks, image="a.png"):
    """Write an export: each task is a list of regions, or the task itself."""
    (folder / "images").mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (20, 10)).save(folder / "images" / "a.png")
    content = []
    for number, task in enumerate(tasks):
        if isinstance(task, list):
            task = {"id": number, "annotations": [{"result": task}], "data": {"image": image}}
        content.append(task)
    (folder / "export.json").write_text(json.dumps(content), encoding="utf-8")
    return folder


def test_an_export_of_the_server():
    with pytest.warns(UserWarning, match="left out 1 skipped tasks, 1 tasks without an annotation"):
        dataset = LabelStudio(EXPORT / "export.json", "all")
    assert dataset.classes == ("background", "apple", "traffic light", "zebra")
    assert dataset.keypoint_names == ("nose", "tail")
    one, two, empty = (sample.instances for sample in dataset)
    assert len(empty) == 0
    assert one.labels.tolist() == [3, 1]
    # The second one is 10 x 6 pixels with its corner at (30, 4); a quarter turn about this corner takes the corner
    # (40, 4) to (30, 14), and (30, 10) to (24, 4).
    np.testing.assert_allclose(one.boxes, [[4, 3, 16, 9], [24, 4, 30, 14]], atol=1e-5)
    np.testing.assert_allclose(one.keypoints[0], [[5, 4, 2], [15, 8.5, 2]])
    assert not one.keypoints[1].any()
    assert two.labels.tolist() == [2, 1, 3]
    np.testing.assert_allclose(two.boxes, [[5, 4, 14, 10], [20, 4, 30, 20], [30, 6, 38, 18]], atol=1e-5)


def test_the_short_export_has_the_same_objects():
    with pytest.warns(UserWarning, match="2 key points that belong to no object.*1 tasks without an annotation"):
        short = LabelStudio(EXPORT / "min.json", "all")
    with pytest.warns(UserWarning):
        whole = LabelStudio(EXPORT / "export.json", "all")
    assert short.classes == whole.classes and len(short) == len(whole) == 3
    for one, other in zip(short, whole, strict=True):
        assert (one.image == other.image).all()
        order = np.argsort(one.instances.labels), np.argsort(other.instances.labels)
        assert (one.instances.boxes[order[0]] == other.instances.boxes[order[1]]).all()


def test_the_brush_of_the_export():
    tasks = json.loads((EXPORT / "export.json").read_text(encoding="utf-8"))
    mask = decode_brush(tasks[1]["annotations"][0]["result"][0]["value"]["rle"], (24, 40))
    assert mask.sum(axis=1).tolist() == [0] * 4 + [3, 3, 6, 6, 9, 9] + [0] * 14
    assert mask.sum(axis=0).tolist() == [0] * 5 + [6] * 3 + [4] * 3 + [2] * 3 + [0] * 26


def bits(*numbers):
    """Return bytes of pairs of a number and how many bits it has."""
    text = "".join(f"{number:0{count}b}" for number, count in numbers)
    text += "0" * (-len(text) % 8)
    return [int(text[k : k + 8], 2) for k in range(0, len(text), 8)]


HEADER = [(24, 32), (8 - 1, 5), (3 - 1, 4), (4 - 1, 4), (8 - 1, 4), (16 - 1, 4)]  # 3 x 2 pixels


def test_runs_and_single_values_of_a_brush():
    # 7 zeros, then 5 single values, of which that at 7 is the opacity of the second pixel and that at 8 the red of the
    # third, then 12 times 9: the last three pixels.
    single = [(value, 8) for value in (200, 1, 0, 0, 0)]
    numbers = bits(
        *HEADER, (1, 1), (0, 2), (6, 3), (0, 8), (0, 1), (1, 2), (4, 4), *single, (1, 1), (2, 2), (11, 8), (9, 8)
    )
    assert decode_brush(numbers, (2, 3)).tolist() == [[False, True, False], [True, True, True]]


BROKEN_BRUSHES = {
    "not for this image": (bits((28, 32), *HEADER[1:]), "28 values, but an image of 2x3 has 24"),
    "cut short": (bits(*HEADER, (1, 1), (0, 2), (6, 3), (0, 8)), "end too early"),
    "too long": (bits(*HEADER, (1, 1), (3, 2), (65535, 16), (1, 8)), "more values than 24"),
    "empty": ([], "end too early"),
    "no bytes": ([1, 256], "numbers from 0 to 255"),
    "text": ("abc", "numbers from 0 to 255"),
    "lists": ([[1]], "numbers from 0 to 255"),
}


@pytest.mark.parametrize("what", BROKEN_BRUSHES)
def test_a_broken_brush(what):
    numbers, message = BROKEN_BRUSHES[what]
    with pytest.raises(ValueError, match=message):
        decode_brush(numbers, (2, 3))


def test_brushes_as_label_studio_encodes_them():
    brush = pytest.importorskip("label_studio_sdk.converter.brush")
    rng = np.random.default_rng(0)
    for height, width in [(1, 1), (3, 5), (40, 1), (300, 300)]:
        for share in (0, 0.02, 0.5, 1):
            mask = rng.random((height, width)) < share
            numbers = brush.mask2rle(np.uint8(mask) * 255)
            theirs = brush.decode_rle(numbers).reshape(height, width, 4)[..., 3] > 0
            assert (decode_brush(numbers, (height, width)) == theirs).all()


def test_a_turned_rectangle_and_its_mask(tmp_path):
    # 4 x 2 pixels at (10, 2), turned by 90 degrees clockwise: from 8 to 10, and from 2 to 6. In percents of an image
    # that is no square, turning would give something else.
    instances = LabelStudio(write(tmp_path, [box(50, 20, 20, 20, rotation=90)]), "all")[0].instances
    np.testing.assert_allclose(instances.boxes, [[8, 2, 10, 6]], atol=1e-5)
    expected = np.zeros((10, 20), bool)
    expected[2:6, 8:10] = True
    assert (instances.masks[0] == expected).all()


def test_rectangles_are_turned_as_by_label_studio():
    utils = pytest.importorskip("label_studio_sdk.converter.utils")
    rng = np.random.default_rng(1)
    for degrees in (10, 30, 90, 135, -75, 300):
        x, y, width, height = rng.uniform(10, 40, 4).tolist()
        result = box(x, y, width, height, rotation=degrees)
        theirs = utils.convert_annotation_to_yolo_obb({**result, **result["value"]}, normalize=False)
        np.testing.assert_allclose(read_region(result, "cat", (10, 20)).polygon, theirs)


def test_an_ellipse_is_turned_about_its_center(tmp_path):
    ellipse = region("ellipselabels", x=50, y=50, radiusX=20, radiusY=10, rotation=90)
    np.testing.assert_allclose(LabelStudio(write(tmp_path, [ellipse]), "all")[0].instances.boxes, [[9, 1, 11, 9]])


def test_which_annotation_counts(tmp_path):
    def annotation(x, **more):
        return {"result": [box(x)], **more}

    task = {"id": 1, "data": {"image": "a.png"}}
    skipped = annotation(0, was_cancelled=True, updated_at="2030")
    old, new = annotation(10, updated_at="2020-01-01T00:00:00Z"), annotation(20, updated_at="2021-01-01T00:00:00Z")
    with pytest.warns(UserWarning, match="left out 1 annotations of tasks that have several"):
        dataset = LabelStudio(write(tmp_path, {**task, "annotations": [new, skipped, old]}), "all")
    assert dataset[0].instances.boxes[0, 0] == 4
    true = {**old, "ground_truth": True}
    with pytest.warns(UserWarning):
        dataset = LabelStudio(write(tmp_path, {**task, "completions": [new, true]}), "all")
    assert dataset[0].instances.boxes[0, 0] == 2


def test_labels_apart_from_their_shapes(tmp_path):
    """A tool "Labels" writes a region twice, with and without labels; choices are no regions."""
    shape = box()
    bare = {**shape, "type": "rectangle", "value": {**shape["value"]}}
    del bare["value"]["rectanglelabels"]
    labeled = {**bare, "type": "labels", "value": {**bare["value"], "labels": ["dog"]}}
    choice = {"id": "c", "type": "choices", "value": {"choices": ["good"]}, "from_name": "q"}
    dataset = LabelStudio(write(tmp_path, [bare, labeled, choice]), "all")
    assert dataset.classes == ("background", "dog") and len(dataset[0].instances) == 1
    with pytest.warns(UserWarning, match="1 regions without a label"):
        assert len(LabelStudio(write(tmp_path, [bare]), "all")[0].instances) == 0


@pytest.mark.parametrize(
    "place",
    [
        "/data/upload/1/0123abcd-a.png",
        "/data/local-files/?d=home%5Csomeone/a.png",
        "/data/local-files/?d=home/someone/images/a.png",
        "C:\\photos\\a.png",
        "https://example.org/photos/a.png?size=large",
        "s3://bucket/folder/a.png",
        "../../a.png",
    ],
)
def test_where_images_are_found(tmp_path, place):
    dataset = LabelStudio(write(tmp_path, [box()], image=place), "all")
    assert dataset._entries[0].path == tmp_path / "images" / "a.png"
    assert len(dataset[0].instances) == 1


def test_an_image_that_is_at_an_address_alone(tmp_path):
    write(tmp_path, [box()], image="https://example.org/photos/b.png")
    with pytest.raises(BrokenFileError, match="task 0 is at https://example.org.*nothing is downloaded.*b.png into"):
        LabelStudio(tmp_path, "all")


@pytest.mark.parametrize("place", ["/etc/passwd", "data:image/png;base64,AAAA", "", "a\0.png", "//[x/a.png"])
def test_places_that_are_none(tmp_path, place):
    write(tmp_path, [box()], image=place)
    with pytest.raises(BrokenFileError, match="data of task 0 names no image file"):
        LabelStudio(tmp_path, "all")


WRONG = {
    "no number": (box(x=float("nan")), "region r of task 0: its x should be a number, got nan"),
    "infinity": (box(width=float("inf")), "its width should be a number"),
    "text": (box(y="3"), "its y should be a number, got '3'"),
    "an endless rotation": (box(rotation=float("inf")), "its rotation"),
    "far away": (box(x=1e15), "not finite, or far too large"),
    "two corners": (region("polygonlabels", points=[[1, 1], [2, 2]]), "three pairs"),
    "a corner of text": (region("polygonlabels", points=[[1, 1], [2, 2], ["a", 3]]), "three pairs"),
    "a size below 0": (box(size=(20, -10)), "original_height"),
    "a gigantic size": (box(size=(1 << 30, 1 << 30)), "original_height"),
    "a size that is not that of the image": (box(size=(30, 10)), "it is 10x20 .*annotations say 10x30"),
    "a brush of another image": (region("brushlabels", rle=bits(*HEADER)), "24 values, but an image of 10x20 has 800"),
    "a turned image": ({**box(), "image_rotation": 90}, "turned by 90 degrees"),
    "a value that is a list": ({**box(), "value": [1]}, None),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_region_is_named(tmp_path, what):
    result, message = WRONG[what]
    write(tmp_path, [result])
    if message is None:
        assert len(LabelStudio(tmp_path, "all")[0].instances) == 0
        return
    with pytest.raises(BrokenFileError, match=message):
        LabelStudio(tmp_path, "all")[0]


def test_files_that_are_no_export(tmp_path):
    for text in ("{}", '[{"image": 1}]', "[1, 2]", '{"images": [], "annotations": [], "categories": []}', ""):
        (tmp_path / "a.json").write_text(text)
        assert recognize(tmp_path) is None and recognize(tmp_path / "a.json") is None
    with pytest.raises(FileNotFoundError, match="there are: none"):
        LabelStudio(tmp_path, "all")
    assert recognize(EXPORT / "export.json").kind == recognize(EXPORT / "min.json").kind == "label-studio"
    for content, message in (
        ("{}", "a list of tasks"),
        ("[3]", "task number 0 should be an object"),
        ("[" * 9999, "JSON"),
    ):
        (tmp_path / "a.json").write_text(content)
        with pytest.raises(BrokenFileError, match=message):
            LabelStudio(tmp_path / "a.json", "all")
    for annotations in (3, [3], [{"result": 3}], [{"result": [3]}]):
        write(tmp_path, {"id": 7, "data": {"image": "a.png"}, "annotations": annotations})
        with pytest.raises(BrokenFileError, match="of task 7 should be a list"):
            LabelStudio(tmp_path / "export.json", "all")
