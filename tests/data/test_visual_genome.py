"""Visual Genome's regions: boxes with phrases, of images that are there."""

import json

import numpy as np
import pytest
from PIL import Image

from minivision.data import BrokenFileError, in_memory, open_dataset
from minivision.data.formats.visual_genome import VisualGenome, recognize

# Entries as in version 1.2, whose images have an "id", and 1.0, where it is "image_id".
ENTRIES = [
    {"id": 2, "regions": [
        {"region_id": 4091, "width": 30, "height": 20, "image_id": 2, "phrase": "cars are parked\n on the street",
         "y": 10, "x": 5},
        {"region_id": 4092, "width": 200, "height": 12, "image_id": 2, "phrase": "a wall ", "y": 0, "x": 40,
         "synsets": []},
    ]},
    {"image_id": 7, "regions": [{"region_id": 1, "width": 8, "height": 9, "phrase": "It's red.", "y": 3, "x": 4}]},
    {"id": 99, "regions": [{"region_id": 2, "width": 8, "height": 9, "phrase": "not there", "y": 3, "x": 4}]},
]  # fmt: skip


@pytest.fixture
def root(tmp_path):
    (tmp_path / "VG_100K").mkdir()
    for name in ("2", "7"):
        Image.new("RGB", (64, 48)).save(tmp_path / "VG_100K" / f"{name}.png")
    write(tmp_path, ENTRIES)
    return tmp_path


def write(root, entries):
    (root / "region_descriptions.json").write_text(json.dumps(entries))


def test_regions_and_phrases_are_read(root):
    dataset = open_dataset(root, split="all")
    assert dataset.classes == ("background", "region") and dataset.has_captions and not dataset.has_masks
    first, second = sorted(dataset, key=lambda sample: -len(sample.instances))
    np.testing.assert_array_equal(first.instances.boxes, [[5, 10, 35, 30], [40, 0, 64, 12]])  # clipped to the image
    assert list(first.instances.captions) == [("cars are parked on the street",), ("a wall",)]
    assert list(second.instances.captions) == [("It's red.",)] and second.instances.labels.tolist() == [1]
    assert {len(VisualGenome(root, split)) for split in ("train", "val")} == {1}


def test_it_is_recognized_and_kept_in_memory(root):
    assert recognize(root).kind == "visual-genome" and recognize(root / "region_descriptions.json") is not None
    held = in_memory(open_dataset(f"visual-genome:{root}", split="all"))
    assert held.has_captions and {len(sample.instances.captions) for sample in held} == {1, 2}
    (root / "region_descriptions.json").write_text('[{"id": 1, "objects": []}]')
    assert recognize(root) is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"regions": [{"x": 1, "y": 1, "width": 2, "height": 2}]}, "region 1 of image 2 has no phrase"),
        (
            {"regions": [{"x": 1, "y": None, "width": 2, "height": 2, "phrase": "a"}]},
            "x, y, width and height should be",
        ),
        ({"regions": [{"x": 1, "y": 1, "width": float("nan"), "height": 2, "phrase": "a"}]}, "should be numbers"),
        ({"regions": None}, "entry 1: expected an image with id and regions"),
        ({"id": [1]}, "entry 1: expected an image"),
    ],
)
def test_a_broken_entry_is_named_or_left_out(root, change, message):
    write(root, [{**ENTRIES[0], **change}, ENTRIES[1]])
    with pytest.raises(BrokenFileError, match=message):
        VisualGenome(root, "all")
    with pytest.warns(UserWarning, match="1"):
        assert len(VisualGenome(root, "all", skip_broken=True)) == 1


def test_without_images_it_says_how_they_are_called(tmp_path):
    write(tmp_path, ENTRIES)
    with pytest.raises(FileNotFoundError, match="called by their ids"):
        VisualGenome(tmp_path, "train")
    with pytest.raises(FileNotFoundError, match="has no region_descriptions.json"):
        VisualGenome(tmp_path / "VG_100K", "train")


def test_densecap_trains_on_it(root):
    from minivision.models import make_model
    from minivision.training import Settings, train

    dataset = open_dataset(root, split="all")
    model = make_model("densecap", dataset.classes, widths=(4, 5), depths=(0, 1), hidden=8, anchor_sizes=(10, 20))
    train(model, dataset, Settings(batch_size=1), steps=2, progress=False)
    assert "it's" in model.options["vocabulary"] and "street" in model.options["vocabulary"]


@pytest.mark.parametrize("text", ['[{"id": 2, ', "[]", "[1]"])
def test_a_broken_file_is_not_called_missing(root, text):
    (root / "region_descriptions.json").write_text(text)
    with pytest.raises(BrokenFileError, match=r"region_descriptions\.json: "):
        open_dataset(f"visual-genome:{root}", split="all")
