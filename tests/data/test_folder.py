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


def test_without_folders_for_splits_about_every_fifth_image_is_for_validation(tmp_path):
    write(tmp_path, {f"{i:02}": [[i % 3]] for i in range(11)})
    spec = f"folder:{tmp_path}"
    train, val, whole = (open_dataset(spec, split=split) for split in ("train", "val", "all"))
    assert (len(train), len(val), len(whole)) == (8, 3, 11)
    assert [int(sample.label_map[0, 0]) for sample in val] == [3 % 3, 7 % 3, 8 % 3]  # by the hash of their names
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


BINARY = {
    (0, 255): "the only values of its 2 label maps are 0 and 255, and 255 means .* write 1 instead of 255",
    (0, 0): "all pixels of its 2 label maps are 0, the background",
    (0, 254): "are these shades of gray for classes",
}


@pytest.mark.parametrize("values", BINARY)
def test_label_maps_that_teach_nothing_are_refused(tmp_path, values):
    write(tmp_path / "train", {name: [values] for name in "ab"})
    with pytest.raises(BrokenFileError, match=BINARY[values]):
        open_dataset(f"folder:{tmp_path}", split="train")


def test_pixels_to_ignore_beside_a_class_are_fine(tmp_path):
    write(tmp_path / "train", {"a": [[0, 255]], "b": [[0, 0]], "c": [[0, 1]]})
    assert len(open_dataset(f"folder:{tmp_path}", split="train")) == 3


def test_hidden_files_and_other_suffixes(tmp_path):
    write(tmp_path, {f"{i}": [[1]] for i in range(3)})
    for path in ("images/._0.png", "labels/._0.png", "images/.DS_Store"):
        (tmp_path / path).write_bytes(b"no image")
    (tmp_path / "labels" / "1.png").rename(tmp_path / "labels" / "1.PNG")
    dataset = open_dataset(f"folder:{tmp_path}", split="all")
    assert len(dataset) == 3 and all((sample.label_map == 1).all() for sample in dataset)
    Image.new("RGB", (1, 1)).save(tmp_path / "images" / "1.png")
    with pytest.raises(BrokenFileError, match="1.jpg has the same label map|1.png has the same label map"):
        open_dataset(f"folder:{tmp_path}", split="all")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
@pytest.mark.parametrize("first", ["background", "_background_", "__ignore__\n_background_", ""])
def test_names_of_classes_in_the_spellings_of_tools(tmp_path, encoding, first):
    write(tmp_path / "train", {"a": [[0, 2]]})
    (tmp_path / "classes.txt").write_text(f"{first}\nStraße\ntree\n", encoding=encoding)
    assert open_dataset(f"folder:{tmp_path}", split="train").classes == ("background", "Straße", "tree")


def test_names_of_classes_that_cannot_be_used_are_refused(tmp_path):
    write(tmp_path / "train", {"a": [[0, 2]]})
    for names, message in {
        "road\nroad": "classes 1 and 2 have the same name",
        "road\nbackground": "class 2 is called 'background'",
        "road\ntr\x1bee": "cannot be printed",
    }.items():
        (tmp_path / "classes.txt").write_text(names)
        with pytest.raises(BrokenFileError, match=f"classes.txt: .*{message}"):
            open_dataset(f"folder:{tmp_path}", split="train")


def test_a_folder_called_valid_is_for_validation(tmp_path):
    for split in ("train", "valid"):
        write(tmp_path / split, {"a": [[1, 2]]})
    assert len(open_dataset(f"folder:{tmp_path}", split="val")) == len(open_dataset(tmp_path, split="valid")) == 1
