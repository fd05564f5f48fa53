"""The command ``data``: its exit codes, table, JSON and page; the contact sheet; the conversion."""

import json
import os
import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from PIL import Image

from minivision.cli import main
from minivision.data import open_dataset

EVIL = '<b onclick="x">&$name'  # a class
NAME = "a<i>&'$summary.png" if os.name != "nt" else "a&'$summary.png"


@pytest.fixture
def photos(tmp_path):
    """A clean dataset ``coco:...`` with odd names."""
    root, rng = tmp_path / "photos", np.random.default_rng(0)
    for split, names in (("train", [NAME, "b.png"]), ("val", ["c.png"])):
        (root / split).mkdir(parents=True)
        (root / "annotations").mkdir(exist_ok=True)
        for name in names:
            Image.fromarray(rng.integers(0, 255, (48, 64, 3), np.uint8)).save(root / split / name)
        content = {
            "images": [{"id": k, "file_name": name, "height": 48, "width": 64} for k, name in enumerate(names)],
            "annotations": [
                {"id": k, "image_id": k, "category_id": 1, "bbox": [4, 6, 30, 20], "area": 600, "iscrowd": 0}
                for k in range(len(names))
            ],
            "categories": [{"id": 1, "name": EVIL}],
        }
        (root / "annotations" / f"instances_{split}.json").write_text(json.dumps(content), encoding="utf-8")
    return root


def plant(photos):
    """Make a box reach far out of its image, another one a click, and a file that is no image."""
    path = photos / "annotations" / "instances_train.json"
    content = json.loads(path.read_text())
    for number, box in enumerate(([40, 30, 500, 4], [9, 9, 1, 1]), start=10):
        content["annotations"].append({**content["annotations"][0], "id": number, "bbox": box})
    path.write_text(json.dumps(content), encoding="utf-8")
    (photos / "train" / "b.png").write_text("no image", encoding="utf-8")


def test_a_clean_dataset_is_0_a_fault_1_and_no_dataset_2(photos, tmp_path, capsys):
    assert main(["data", "check", f"coco:{photos}"]) == 0
    out = capsys.readouterr().out
    assert "Nothing is wrong." in out and f"train: 2 images; objects: 2 {EVIL}" in out
    plant(photos)
    assert main(["data", "check", f"coco:{photos}"]) == 1
    out = capsys.readouterr().out
    lines = [line.split(maxsplit=2)[:2] for line in out.splitlines() if re.match(r"(error|warning|note) ", line)]
    assert lines == [["error", "1"], ["warning", "1"], ["warning", "1"], ["note", "1"]]  # the worst first
    assert "train/b.png: it is not an image" in out and out.rstrip().endswith("1 error, 2 warnings, 1 note.")
    for wrong in (f"coco:{tmp_path}", f"coco:{tmp_path / 'none'}", "photos", "scenes:x"):
        assert main(["data", "check", wrong]) == 2
    assert main(["data", "check", f"coco:{photos}", "--split", "test"]) == 2
    assert "splits that are there: train, val" in capsys.readouterr().err


def test_notes_alone_are_no_failure(photos, capsys):
    assert main(["data", "check", f"coco:{photos}", "--stride", "64"]) == 0
    out = capsys.readouterr().out
    assert "note         3  objects smaller than a cell" in out and out.rstrip().endswith("3 notes.")
    assert main(["data", "check", f"coco:{photos}", "--stride", "64", "--size", "192x256"]) == 0
    assert "Nothing is wrong." in capsys.readouterr().out


def test_json_has_every_problem_and_nothing_else_is_printed(photos, capsys):
    plant(photos)
    assert main(["data", "check", f"coco:{photos}", "--json"]) == 1
    content = json.loads(capsys.readouterr().out)
    assert content["counts"] == {"error": 1, "warning": 2, "note": 1}
    assert content["kinds"] == {"unreadable": 1, "cut-box": 1, "thin-box": 1, "long-object": 1}
    assert content["splits"]["train"] == {"images": 1, "classes": [EVIL], "objects": {EVIL: 3}}
    cut = next(each for each in content["problems"] if each["kind"] == "cut-box")
    assert cut["boxes"] == [[40, 30, 540, 34]] and cut["split"] == "train" and cut["index"] == 0
    assert cut["file"] == str(photos / "train" / NAME) and cut["severity"] == "warning"


def test_the_page_contains_its_pictures_and_escapes_all_text(photos, tmp_path):
    plant(photos)
    page = tmp_path / "check.html"
    assert main(["data", "check", f"coco:{photos}", "--html", str(page)]) == 1
    text = page.read_text(encoding="utf-8")
    assert EVIL not in text and "&lt;b onclick=&quot;x&quot;&gt;&amp;$name" in text
    assert NAME not in text and "<script" not in text
    assert re.findall(r'(?:src|href)="(?!data:image/jpeg;base64,|#)[^"]*"', text) == []  # needs no other file
    assert text.count("<svg") == 3 and text.count("no picture") == 1  # the file that is no image has a card too
    order = [text.index(f'<h2 id="{kind}"') for kind in ("unreadable", "cut-box", "thin-box", "long-object")]
    assert order == sorted(order)
    card = re.search(r'<h2 id="cut-box".*?(<svg.*?</svg>)', text, re.DOTALL)[1]
    svg = ElementTree.fromstring(card)
    view = [float(number) for number in svg.get("viewBox").split()]
    assert view == [0, 0, 96, 48]  # half an image beyond its right border
    boxes = {tuple(float(each.get(key)) for key in ("x", "y", "width", "height")) for each in svg.iter("rect")}
    assert (40, 30, 500, 4) in boxes and (4, 6, 30, 20) in boxes


def test_a_box_without_width_is_drawn_on_the_page(photos, tmp_path):
    path = photos / "annotations" / "instances_train.json"
    content = json.loads(path.read_text())
    content["annotations"].append({**content["annotations"][0], "id": 9, "bbox": [20, 5, 0, 30]})
    path.write_text(json.dumps(content), encoding="utf-8")
    page = tmp_path / "check.html"
    assert main(["data", "check", f"coco:{photos}", "--html", str(page)]) == 1
    svg = ElementTree.fromstring(re.search("<svg.*?</svg>", page.read_text(encoding="utf-8"), re.DOTALL)[0])
    rectangles = [{key: float(each.get(key)) for key in ("x", "width", "height")} for each in svg.iter("rect")]
    assert all(each["width"] > 0 for each in rectangles) and {20, 4} == {each["x"] for each in rectangles}


def test_many_images_of_a_kind_are_counted_on_the_page(photos, tmp_path, monkeypatch):
    monkeypatch.setattr("minivision.cli.data_page.MAX_CARDS", 1)
    page = tmp_path / "check.html"
    assert main(["data", "check", f"coco:{photos}", "--stride", "64", "--html", str(page)]) == 0
    text = page.read_text(encoding="utf-8")
    assert text.count("<svg") == 1 and "and 2 more images" in text


# ---- show ----------------------------------------------------------------------------------------------------------


def test_a_contact_sheet_of_any_split(photos, tmp_path, capsys):
    out = tmp_path / "sheet.png"
    assert main(["data", "show", f"coco:{photos}", "--out", str(out)]) == 0
    assert "2 of 2 images of train" in capsys.readouterr().out
    wide = Image.open(out).size
    assert main(["data", "show", f"coco:{photos}", "--split", "val", "--out", str(out)]) == 0
    assert Image.open(out).size[0] < wide[0]
    assert main(["data", "show", f"coco:{photos}", "--split", "test", "--out", str(out)]) == 2
    assert main(["data", "show", f"coco:{photos}", "--out", str(tmp_path / "sheet.txt")]) == 2
    picture = photos / "train" / "b.png"
    before = picture.read_bytes()
    assert main(["data", "show", f"coco:{photos}", "--out", str(picture)]) == 2
    assert picture.read_bytes() == before and "is an image of the dataset" in capsys.readouterr().err


def test_a_broken_image_is_told_and_the_others_are_drawn(photos, tmp_path, capsys):
    plant(photos)
    out = tmp_path / "sheet.png"
    assert main(["data", "show", f"coco:{photos}", "--out", str(out)]) == 1
    text = capsys.readouterr()
    assert "b.png" in text.err and "1 of 2 images" in text.out and Image.open(out).size[0] > 400


# ---- convert -------------------------------------------------------------------------------------------------------


def test_a_dataset_is_converted_once(photos, tmp_path, capsys):
    new = tmp_path / "new"
    assert main(["data", "convert", f"coco:{photos}", "--out", str(new)]) == 0
    assert "train: 2 images, 2 objects" in capsys.readouterr().out
    for split in ("train", "val"):
        old, again = (open_dataset(f"coco:{root}", split=split) for root in (photos, new))
        assert old.classes == again.classes
        for one, other in zip(old, again, strict=True):
            np.testing.assert_array_equal(one.image, other.image)
            np.testing.assert_array_equal(one.instances.boxes, other.instances.boxes)
    assert main(["data", "convert", f"coco:{photos}", "--out", str(new)]) == 2
    assert "not an empty folder" in capsys.readouterr().err


def test_a_broken_image_ends_the_conversion_or_is_left_out(photos, tmp_path, capsys):
    plant(photos)
    new = tmp_path / "new"
    assert main(["data", "convert", f"coco:{photos}", "--out", str(new)]) == 2
    assert not new.exists() and "b.png" in capsys.readouterr().err
    assert main(["data", "convert", f"coco:{photos}", "--out", str(new), "--skip-broken"]) == 0
    assert "train: 1 image, 3 objects" in capsys.readouterr().out


def test_what_becomes_of_label_maps_is_told(folder, tmp_path, capsys):
    assert main(["data", "convert", f"folder:{folder}", "--out", str(tmp_path / "new")]) == 0
    assert "Each class of a label map became one object" in capsys.readouterr().out
    old, again = open_dataset(f"folder:{folder}", split="val"), open_dataset(f"coco:{tmp_path / 'new'}", split="val")
    for one, other in zip(old, again, strict=True):
        np.testing.assert_array_equal(one.label_map, other.label_map)


def test_other_formats_that_fit_as_well_are_named_once(photos, tmp_path, capsys):
    (photos / "data.yaml").write_text("train: train\nval: val\nnames: [cat]", encoding="utf-8")
    for words in (["check"], ["convert", "--out", str(tmp_path / "new")]):
        assert main(["data", words[0], str(photos), *words[1:]]) == 0
        assert capsys.readouterr().out.count(f"if it is not, write yolo:{photos}") == 1


def test_an_interrupt_before_the_command_runs_is_one_word(monkeypatch, capsys):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("minivision.cli.data.add_fetch", interrupted)
    assert main(["data", "fetch"]) == 1 and capsys.readouterr().err == "minivision: stopped\n"
