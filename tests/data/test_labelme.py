"""labelme's files: those that labelme wrote, held against its own reading, and files that are wrong."""

import base64
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minivision.data import BrokenFileError
from minivision.data.formats.labelme import Labelme, recognize

EXPORTS = Path(__file__).parent / "exports" / "labelme"


def write(folder, shapes, name="a", **fields):
    """Write a file with an image of 20 x 10 pixels beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (20, 10)).save(folder / f"{name}.png")
    content = {"imagePath": f"{name}.png", "imageData": None, "imageHeight": 10, "imageWidth": 20, "shapes": shapes}
    (folder / f"{name}.json").write_text(json.dumps({**content, **fields}), encoding="utf-8")


def png(array):
    file = io.BytesIO()
    Image.fromarray(array).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


def polygon(label="cat", **fields):
    return {"label": label, "shape_type": "polygon", "points": [[1, 2], [6, 2], [6, 8], [1, 8]], **fields}


def test_labelme_reads_its_own_shapes_alike():
    dataset = Labelme(EXPORTS / "shapes", "all")
    assert dataset.classes == ("background", "cat", "dog", "tree")
    for sample, record in zip(dataset, dataset._entries, strict=True):
        expected = np.array(Image.open(EXPORTS / "expected" / f"{record.path.stem}.png"))
        for label in np.unique(expected[expected > 0]):
            ours, theirs = sample.label_map == label, expected == label
            # labelme draws the pixels of the outline as well, so its shapes are up to a pixel larger.
            assert (ours & ~theirs).sum() <= 0.03 * theirs.sum(), (record.path, label)
            assert (ours & theirs).sum() >= 0.7 * theirs.sum(), (record.path, label)
        assert set(np.unique(sample.label_map)) == set(np.unique(expected))


def test_shapes_that_labelme_wrote():
    dataset = Labelme(EXPORTS / "shapes", "all")
    empty, one, two = (dataset[k].instances for k in range(3))
    assert len(empty) == 0
    assert one.labels.tolist() == [1, 2, 3, 1]
    # The two dogs are one object; the circle has the radius of (4, 3), 5, around (20, 16); the last box is turned.
    assert one.boxes.tolist() == [[2, 2, 12, 10.5], [20, 2, 36, 8], [15, 11, 25, 21], [28, 12, 36, 20]]
    assert one.masks[1].sum() == 72  # 6 x 6 pixels twice
    assert two.boxes[0].tolist() == [5, 4, 14, 10]
    rows = two.masks[0].sum(axis=1)
    assert rows[3:11].tolist() == [0, 3, 3, 6, 6, 9, 9, 0] and two.masks[0][:, 5].sum() == 6


def test_an_image_within_its_file():
    dataset = Labelme(EXPORTS / "shapes", "all")
    sample = dataset[2]
    assert not (EXPORTS / "shapes" / "two words.png").exists()
    assert sample.image.shape == (24, 40, 3)
    assert sample.image[0, 0].tolist() == [70, 60, 90] and sample.image[10, 20].tolist() == [200, 180, 40]


def test_rectangles_are_boxes_without_masks():
    with pytest.warns(UserWarning, match="1 line, 1 linestrip, 1 point"):
        dataset = Labelme(EXPORTS / "boxes", "all")
    assert not dataset.has_masks
    assert sorted(sample.instances.boxes.tolist() for sample in dataset) == [[[1, 2, 5, 8]], [[10.25, 5.5, 30, 20]]]


def test_recognized_by_its_lists(tmp_path):
    assert recognize(EXPORTS / "shapes").kind == "labelme"
    (tmp_path / "package.json").write_text("{}")
    assert recognize(tmp_path) is None
    (tmp_path / "coco.json").write_text('{"images": [], "annotations": [], "categories": []}')
    assert recognize(tmp_path) is None
    write(tmp_path / "train", [polygon()])
    write(tmp_path / "validation", [polygon()], "b")
    assert recognize(tmp_path).splits == ("train", "val")
    assert len(Labelme(tmp_path, "val")) == 1
    with pytest.raises(FileNotFoundError, match="splits that are there: train, val"):
        Labelme(tmp_path, "test")


def test_classes_are_listed_in_the_order_of_a_file(tmp_path):
    write(tmp_path, [polygon("zebra"), polygon("ant"), polygon("_background_"), polygon("__ignore__")])
    with pytest.warns(UserWarning, match="1 called __ignore__, 1 called _background_"):
        assert Labelme(tmp_path, "val").classes == ("background", "ant", "zebra")
    (tmp_path / "labels.txt").write_text("__ignore__\n_background_\nzebra\nant\n")
    with pytest.warns(UserWarning):
        assert Labelme(tmp_path, "val").classes == ("background", "zebra", "ant")
    (tmp_path / "labels.txt").write_text("zebra\n")
    with pytest.warns(UserWarning), pytest.raises(BrokenFileError, match=r"labels.txt.*lacks names.*ant"):
        Labelme(tmp_path, "val")


def test_groups_of_different_shapes(tmp_path):
    mask = np.ones((2, 3), np.uint8)
    shapes = [
        polygon(group_id=1),
        {"label": "cat", "shape_type": "mask", "points": [[10, 1], [12, 2]], "group_id": 1, "mask": png(mask)},
        {"label": "cat", "shape_type": "rectangle", "points": [[14, 4], [16, 6]], "group_id": 1},
        {"label": "dog", "shape_type": "circle", "points": [[5, 5], [5, 7]], "group_id": 1},  # another label
    ]
    write(tmp_path, shapes)
    instances = Labelme(tmp_path, "val")[0].instances
    assert instances.labels.tolist() == [1, 2]
    assert instances.boxes.tolist() == [[1, 1, 16, 8], [3, 3, 7, 7]]
    assert instances.masks[0].sum() == 5 * 6 + 2 * 3 + 2 * 2


def test_flags_of_crowds_and_shapes_of_x_anylabeling(tmp_path):
    turned = {"label": "cat", "shape_type": "rotation", "points": [[5, 1], [9, 5], [5, 9], [1, 5]], "direction": 0.78}
    four = {"label": "cat", "shape_type": "rectangle", "points": [[1, 1], [4, 1], [4, 3], [1, 3]]}
    write(tmp_path, [{**turned, "flags": {"crowd": True}}, {**four, "flags": {"seen": True}, "difficult": False}])
    with pytest.warns(UserWarning, match="1 of 2 annotations have no segmentation"):
        instances = Labelme(tmp_path, "val")[0].instances
    assert instances.boxes.tolist() == [[1, 1, 9, 9], [1, 1, 4, 3]]
    assert instances.crowd.tolist() == [True, False]


def test_paths_of_windows_and_paths_that_lead_out(tmp_path):
    write(tmp_path / "data", [polygon()], imagePath="..\\..\\secret\\a.png")
    assert Labelme(tmp_path / "data", "val")._entries[0].path == tmp_path / "data" / "a.png"
    Image.new("RGB", (20, 10)).save(tmp_path / "b.png")
    write(tmp_path / "data", [polygon()], imagePath="../b.png")
    with pytest.raises(FileNotFoundError):
        Labelme(tmp_path / "data", "val")


HUGE = base64.b64encode(base64.b64decode(png(np.ones((1, 1), np.uint8)))[:16] + b"\x7f\xff\xff\xff" * 2).decode()
WRONG = {
    "a label that is no text": ([{"label": 3, "points": [[1, 2]]}], "shape 0 .*no label, got 3"),
    "a point of three numbers": ([polygon(points=[[1, 2, 3]])], r"points of shape 0 .*pairs \[x, y\]"),
    "two corners": ([polygon(points=[[1, 2], [3, 4]])], "polygon of 2 points, fewer than 3"),
    "a circle of one point": ([{"label": "a", "shape_type": "circle", "points": [[1, 2]]}], "should have 2"),
    "infinity": ([polygon(points=[[1, 2], [3, 4], [float("inf"), 5]])], "pairs"),
    "no number": ([polygon(points=[[1, 2], [3, 4], [float("nan"), 5]])], "pairs"),
    "a number of 400 digits": ([polygon(points=[[1, 2], [3, 4], [10**400, 5]])], "pairs"),
    "far away": ([polygon(points=[[1, 2], [3, 4], [1e12, 5]])], "not finite, or far too large"),
    "no shape": (["shape"], "shape 0 .*should be an object"),
    "a group that is a list": ([polygon(group_id=[1])], "group_id"),
    "a mask without text": (
        [{"label": "a", "shape_type": "mask", "points": [[1, 1], [2, 2]], "mask": None}],
        "mask of shape 0 .*should be a base64 text",
    ),
    "a mask of another size": (
        [{"label": "a", "shape_type": "mask", "points": [[1, 1], [2, 2]], "mask": png(np.ones((3, 2), np.uint8))}],
        "mask of shape 0 .*is 3x2 .*points say 2x2",
    ),
    "a mask that reaches out": (
        [{"label": "a", "shape_type": "mask", "points": [[19, 1], [20, 1]], "mask": png(np.ones((1, 2), np.uint8))}],
        "shape 0 .*reaches out of the image of 10x20",
    ),
    "a mask with a gigantic header": (
        [{"label": "a", "shape_type": "mask", "points": [[1, 1], [2, 2]], "mask": HUGE}],
        "cannot use",
    ),
    "a mask that is no image": (
        [{"label": "a", "shape_type": "mask", "points": [[1, 1], [2, 2]], "mask": "AAAA"}],
        "not an image",
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_shape_is_named(tmp_path, what):
    shapes, message = WRONG[what]
    write(tmp_path, shapes)
    with pytest.raises(BrokenFileError, match=message) as caught:
        Labelme(tmp_path, "val")
    assert caught.value.path == tmp_path / "a.json"
    write(tmp_path, [polygon()], "b")
    with pytest.warns(UserWarning, match="skipped 1 broken file"):
        assert len(Labelme(tmp_path, "all", skip_broken=True)) == 1


def test_deep_json_and_other_wrong_files(tmp_path):
    write(tmp_path, [polygon()])
    (tmp_path / "b.json").write_text("[" * 100_000)
    with pytest.raises(BrokenFileError, match="not JSON"):
        Labelme(tmp_path, "all")
    (tmp_path / "b.json").unlink()
    write(tmp_path, [polygon()], imageHeight=-3)
    with pytest.raises(BrokenFileError, match="imageHeight should be a number of pixels, got -3"):
        Labelme(tmp_path, "all")
    write(tmp_path, [polygon()], imagePath="gone.png", imageData="@@@")
    with pytest.raises(BrokenFileError, match="imageData|not an image"):
        Labelme(tmp_path, "all")[0]


def test_a_size_that_is_not_that_of_the_image(tmp_path):
    write(tmp_path, [polygon()], imageHeight=12)
    with pytest.raises(BrokenFileError, match="it is 10x20 .*annotations say 12x20"):
        Labelme(tmp_path, "all")[0]
