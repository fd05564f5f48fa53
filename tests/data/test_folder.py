"""Reading folders of images and label maps: small datasets are written and read again."""

import numpy as np
import pytest
from PIL import Image

from minivision.data import IGNORE, BrokenFileError, in_memory, open_dataset


def write(folder, labels):
    """One image for each label map, by name."""
    for kind in ("images", "labels"):
        (folder / kind).mkdir(parents=True, exist_ok=True)
    for name, values in labels.items():
        values = np.asarray(values, np.uint8)
        Image.fromarray(values).save(folder / "labels" / f"{name}.png")
        Image.new("RGB", values.shape[::-1], (1, 2, 3)).save(folder / "images" / f"{name}.jpg")


def test_label_maps_are_read_and_there_are_no_boxes(tmp_path):
    write(tmp_path / "train", {"a": [[0, 1, 255], [2, 2, 0]]})
    write(tmp_path / "val", {"b": [[0, 3]]})
    dataset = open_dataset(f"folder:{tmp_path}", split="train")
    assert dataset.classes == ("background", "class_1", "class_2", "class_3")  # of all splits
    assert (dataset.has_boxes, dataset.has_masks, dataset.has_label_maps) == (False, False, True)
    image, instances, label_map, _ = dataset[0]
    assert image.shape == (2, 3, 3) and len(instances) == 0
    assert label_map.tolist() == [[0, 1, IGNORE], [2, 2, 0]]
    assert dataset.image_sizes() == [(2, 3)]
    kept = in_memory(dataset)
    assert not kept.has_boxes and kept[0].label_map.tolist() == label_map.tolist()


def test_names_of_classes_are_read_and_unknown_labels_named(tmp_path):
    write(tmp_path / "train", {"a": [[0, 2]]})
    (tmp_path / "classes.txt").write_text("background\nroad\ntree\n")
    spec = f"folder:{tmp_path}"
    assert open_dataset(spec, split="train").classes == ("background", "road", "tree")
    (tmp_path / "classes.txt").write_text("road\n")
    with pytest.raises(BrokenFileError, match="a.png: it has label 2"):
        open_dataset(spec, split="train")[0]


def test_a_label_map_with_a_palette_is_read_as_indices(tmp_path):
    write(tmp_path / "train", {"a": [[0, 2]]})
    image = Image.new("P", (2, 1))
    image.putdata([0, 2])
    image.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0])
    image.save(tmp_path / "train" / "labels" / "a.png")
    assert open_dataset(f"folder:{tmp_path}", split="train")[0].label_map.tolist() == [[0, 2]]


def test_without_folders_for_splits_every_fifth_image_is_for_validation(tmp_path):
    write(tmp_path, {f"{i:02}": [[i % 3]] for i in range(11)})
    spec = f"folder:{tmp_path}"
    train, val, whole = (open_dataset(spec, split=split) for split in ("train", "val", "all"))
    assert (len(train), len(val), len(whole)) == (8, 3, 11)
    assert [int(sample.label_map[0, 0]) for sample in val] == [0 % 3, 5 % 3, 10 % 3]
    with pytest.raises(FileNotFoundError, match="'train', 'val' or 'all'"):
        open_dataset(spec, split="test")


def test_missing_parts_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="no folders train/images and train/labels"):
        open_dataset(f"folder:{tmp_path}", split="train")
    write(tmp_path / "val", {"a": [[0]]})
    with pytest.raises(FileNotFoundError, match="splits that are there: val"):
        open_dataset(f"folder:{tmp_path}", split="train")
    (tmp_path / "val" / "images" / "a.jpg").unlink()
    with pytest.raises(FileNotFoundError, match="has no images"):
        open_dataset(f"folder:{tmp_path}", split="val")


def test_broken_pairs_are_an_error_or_left_out(tmp_path):
    write(tmp_path / "train", {name: [[0, 1]] for name in "abcd"})
    labels = tmp_path / "train" / "labels"
    (labels / "a.png").unlink()
    Image.new("L", (5, 5)).save(labels / "b.png")
    Image.new("RGB", (2, 1)).save(labels / "c.png")
    spec = f"folder:{tmp_path}"
    with pytest.raises(BrokenFileError, match="a.jpg: its label map a.png is not in"):
        open_dataset(spec, split="train")
    with pytest.warns(UserWarning, match="skipped 3 broken files, 1 images are left: a.jpg .*b.jpg .*c.png"):
        assert len(open_dataset(spec, split="train", skip_broken=True)) == 1
