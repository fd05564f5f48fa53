"""CVAT's XML: files that Datumaro wrote, files with what only CVAT writes, and files that are wrong."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minivision.data import BrokenFileError
from minivision.data.formats.cvat import Cvat, recognize
from minivision.data.rle import decode

EXPORT = Path(__file__).parent / "exports" / "cvat"
LABELS = (
    "<label><name>zebra</name></label><label><name>ant</name></label><label><name>good</name><type>tag</type></label>"
)
SKELETON = """<label><name>person</name><type>skeleton</type></label>
<label><name>head</name><type>points</type><parent>person</parent></label>
<label><name>left hand</name><type>points</type><parent>person</parent></label>
<label><name>right hand</name><type>points</type><parent>person</parent></label>"""


def write(folder, shapes, *, labels=LABELS, name="annotations", meta="", image='name="a.png" width="20" height="10"'):
    """Write a file with one image of 20 x 10 pixels."""
    (folder / "images").mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (20, 10)).save(folder / "images" / "a.png")
    text = f'<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n  <version>1.1</version>\n  <meta><task>{meta}'
    text += f'<labels>{labels}</labels></task></meta>\n<image id="0" {image}>{shapes}</image></annotations>'
    (folder / f"{name}.xml").write_text(text, encoding="utf-8")
    return folder


def test_files_of_datumaro():
    with pytest.warns(UserWarning, match="1 of 5 annotations have no segmentation"):
        dataset = Cvat(EXPORT, "train")
    assert recognize(EXPORT).splits == ("train", "val")
    assert dataset.classes == ("background", "zebra", "apple", "traffic light")
    assert [len(sample.instances) for sample in dataset] == [3, 2]
    first, second = (sample.instances for sample in dataset)
    assert first.labels.tolist() == [1, 3, 2] and second.labels.tolist() == [3, 1]
    assert first.boxes[0].tolist() == [3.25, 4.5, 13, 16]
    # A box of 12 x 4 around (20, 16), turned by 30 degrees: 6 cos 30 + 2 sin 30 to the sides, 6 sin 30 + 2 cos 30 up.
    across, down = 3 * np.sqrt(3) + 1, 3 + np.sqrt(3)
    np.testing.assert_allclose(first.boxes[1], [20 - across, 16 - down, 20 + across, 16 + down], rtol=1e-6)
    assert first.boxes[2].tolist() == [20, 2, 36, 8 + 4]  # two polygons of one group
    assert second.boxes.tolist() == [[5, 4, 14, 10], [20, 4, 30, 20]]
    assert len(Cvat(EXPORT, "val")[0].instances) == 0


def test_the_mask_of_datumaro_is_the_one_that_was_drawn():
    with pytest.warns(UserWarning, match="1 points, 1 polyline"):
        dataset = Cvat(EXPORT, "train")
    mask = decode(dataset._entries[1].objects[0].mask)
    assert mask.sum(axis=1).tolist() == [0] * 4 + [3, 3, 6, 6, 9, 9] + [0] * 14
    assert mask.sum(axis=0).tolist() == [0] * 5 + [6] * 3 + [4] * 3 + [2] * 3 + [0] * 26


def test_a_turned_box_and_its_mask(tmp_path):
    box = '<box label="ant" xtl="6" ytl="4" xbr="14" ybr="6" rotation="90.00" occluded="0"/>'
    instances = Cvat(write(tmp_path, box), "all")[0].instances
    # 8 wide and 2 high around (10, 5): standing, 2 wide and 8 high.
    np.testing.assert_allclose(instances.boxes, [[9, 1, 11, 9]], atol=1e-6)
    expected = np.zeros((10, 20), bool)
    expected[1:9, 9:11] = True
    assert (instances.masks[0] == expected).all()
    assert instances.labels.tolist() == [2]


def test_turned_clockwise(tmp_path):
    box = '<box label="ant" xtl="5" ytl="4" xbr="15" ybr="6" rotation="30"/>'
    mask = Cvat(write(tmp_path, box), "all")[0].instances.masks[0]
    left, right = np.nonzero(mask[:, :10])[0].mean(), np.nonzero(mask[:, 10:])[0].mean()
    assert left < 4 and right > 5  # the right end goes down


def test_masks_ellipses_and_groups(tmp_path):
    # Row by row in a rectangle of 3 x 2: two zeros, three ones, a zero.
    shapes = """<mask label="ant" rle="2, 3, 1" left="4" top="1" width="3" height="2" group_id="7" source="manual"/>
        <polygon label="ant" points="10,1;12,1;12,3;10,3" group_id="7"/>
        <polygon label="zebra" points="14,1;16,1;16,3;14,3" group_id="7"/>
        <ellipse label="zebra" cx="10.00" cy="7.00" rx="4.00" ry="2.00" rotation="0"/>
        <tag label="good" source="manual"/>"""
    instances = Cvat(write(tmp_path, shapes), "all")[0].instances
    assert instances.labels.tolist() == [1, 2, 1]
    assert instances.boxes[0].tolist() == [6, 5, 14, 9]
    assert np.argwhere(instances.masks[1]).tolist() == [[1, 6], [1, 10], [1, 11], [2, 4], [2, 5], [2, 10], [2, 11]]


def test_skeletons(tmp_path):
    shapes = """<skeleton label="person" source="manual" z_order="0">
        <points label="right hand" outside="0" occluded="1" points="3.00,8.00"/>
        <points label="head" outside="0" occluded="0" points="10.50,2.25"/>
        <points label="left hand" outside="1" occluded="0" points="19.00,9.00"/></skeleton>"""
    dataset = Cvat(write(tmp_path, shapes, labels=SKELETON), "all")
    assert dataset.classes == ("background", "person")
    assert dataset.keypoint_names == ("head", "left hand", "right hand")
    instances = dataset[0].instances
    assert instances.keypoints.tolist() == [[[10.5, 2.25, 2], [0, 0, 0], [3, 8, 1]]]
    assert instances.boxes.tolist() == [[3, 2.25, 10.5, 8]]
    other = "<label><name>dog</name></label><label><name>tail</name><parent>dog</parent></label>"
    with pytest.warns(UserWarning, match="person, dog have different joints"):
        dataset = Cvat(write(tmp_path, shapes, labels=SKELETON + other), "all")
    assert dataset.keypoint_names == () and dataset[0].instances.boxes.tolist() == [[3, 2.25, 10.5, 8]]


def test_subsets_of_a_project(tmp_path):
    box = '<box label="ant" xtl="6" ytl="4" xbr="14" ybr="6"/>'
    image = 'name="one/a.png" subset="Train" task_id="3" width="20" height="10"'
    write(tmp_path, box, image=image, meta="<subsets>Train\nvalidation</subsets>")
    (tmp_path / "images" / "Train" / "one").mkdir(parents=True)
    (tmp_path / "images" / "a.png").rename(tmp_path / "images" / "Train" / "one" / "a.png")
    assert recognize(tmp_path).splits == ("train", "val")
    assert len(Cvat(tmp_path, "train")[0].instances) == 1
    with pytest.raises(FileNotFoundError, match="no subset 'val'; those that are there: train"):
        Cvat(tmp_path, "val")


def test_recognized_by_its_first_element(tmp_path):
    (tmp_path / "a.xml").write_text("<annotation><object/></annotation>")
    assert recognize(tmp_path) is None and recognize(tmp_path / "a.xml") is None
    with pytest.raises(FileNotFoundError, match="no annotations.xml"):
        Cvat(tmp_path, "train")
    assert recognize(write(tmp_path, "") / "annotations.xml").kind == "cvat"


MASK = '<mask label="ant" rle="{}" left="4" top="1" width="3" height="2"/>'
WRONG = {
    "a corner that is no number": ('<box label="ant" xtl="x" ytl="4" xbr="14" ybr="6"/>', "xtl of a <box> .*'a.png'"),
    "a corner that is missing": ('<box label="ant" xtl="1" ytl="4" xbr="14"/>', "ybr of a <box>"),
    "no number": ('<box label="ant" xtl="nan" ytl="4" xbr="14" ybr="6"/>', "not finite"),
    "infinity": ('<polygon label="ant" points="1,1;inf,2;3,3"/>', "not finite"),
    "an infinite rotation": ('<box label="ant" xtl="1" ytl="4" xbr="9" ybr="6" rotation="inf"/>', "rotation"),
    "a point without y": ('<polygon label="ant" points="1,1;2;3,3"/>', "points of a <polygon>"),
    "no points": ('<polygon label="ant"/>', "points of a <polygon>"),
    "no label": ('<box xtl="1" ytl="4" xbr="9" ybr="6"/>', "has no label"),
    "a label that is not listed": ('<box label="bee" xtl="1" ytl="4" xbr="9" ybr="6"/>', "'bee', not listed"),
    "runs that are too short": (MASK.format("2, 3"), "run lengths .*a <mask>.*add up to 6"),
    "runs that wrap around": (MASK.format(f"{2**63}, {2**63}, 6"), "run lengths"),
    "runs below 0": (MASK.format("-2, 8"), "run lengths"),
    "no runs": (MASK.format(""), "run lengths"),
    "a mask outside": (MASK.format("6").replace('left="4"', 'left="18"'), "reaches out of the image of 10x20"),
    "a gigantic mask": (
        MASK.format(2**62).replace("3", str(2**30)).replace('"2"', f'"{2**30}"'),
        "run lengths|size of",
    ),
    "a joint of no skeleton": ('<skeleton label="ant"><points label="x" points=""/></skeleton>', "points of"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_shape_is_named(tmp_path, what):
    shapes, message = WRONG[what]
    with pytest.raises(BrokenFileError, match=message) as caught:
        Cvat(write(tmp_path, shapes), "all")
    assert caught.value.path == tmp_path / "annotations.xml"


def test_attacks_and_videos(tmp_path):
    write(tmp_path, "")
    path = tmp_path / "annotations.xml"
    text = path.read_text()
    path.write_text(text.replace("<annotations>", '<!DOCTYPE a [<!ENTITY b "b">]>\n<annotations>'))
    with pytest.raises(BrokenFileError, match="declares XML entities"):
        Cvat(tmp_path, "all")
    path.write_text("<annotations>" * 200_000)
    with pytest.raises(BrokenFileError, match="not XML"):
        Cvat(tmp_path, "all")
    path.write_text("<annotations>" + "<a>" * 200_000 + "</a>" * 200_000 + "</annotations>")
    with pytest.raises(FileNotFoundError, match="has no images"):
        Cvat(tmp_path, "all")
    path.write_text(text.replace("<image", '<track id="0"/><image'))
    with pytest.raises(BrokenFileError, match="tracks of a video.*'CVAT for images 1.1'"):
        Cvat(tmp_path, "all")


@pytest.mark.parametrize("name", ["../../secret.png", "/secret.png", "C:\\secret.png"])
def test_names_lead_out_of_no_folder(tmp_path, name):
    Image.new("RGB", (20, 10)).save(tmp_path / "secret.png")
    write(tmp_path / "x" / "y", "", image=f'name="{name}" width="20" height="10"')
    with pytest.raises(FileNotFoundError):
        Cvat(tmp_path / "x" / "y", "all")
