"""Cityscapes: images that its own scripts drew, held against their training labels, and files that are wrong."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minivision.data import BrokenFileError, open_dataset
from minivision.data.formats.cityscapes import NAMES, WITH_INSTANCES, Cityscapes, recognize

EXPORT = Path(__file__).parent / "exports" / "cityscapes"
TRAIN = "gtFine/train/aachen/aachen_000000_000019_gtFine"


@pytest.fixture
def copy(tmp_path):
    return shutil.copytree(EXPORT, tmp_path / "cityscapes")


def test_label_maps_are_the_training_labels_of_cityscapes():
    dataset = open_dataset(EXPORT, split="train")
    assert type(dataset) is Cityscapes and recognize(EXPORT).splits == ("train", "val")
    expected = np.array(Image.open(EXPORT / f"{TRAIN}_labelTrainIds.png"))
    sample = dataset[0]
    assert set(np.unique(expected)) == {0, 10, 11, 13, 255}
    assert (sample.label_map == np.where(expected == 255, 255, expected + 1)).all()
    assert [dataset.classes[label] for label in (1, 11, 12, 14)] == ["road", "sky", "person", "car"]
    assert sample.image.shape == (24, 40, 3) and dataset.image_sizes() == [(24, 40)]


def test_the_objects_of_an_instance_image():
    instances = Cityscapes(EXPORT, "train")[0].instances
    # A group of people, a person, and two cars, of which the second covers a corner of the first; no caravan.
    assert instances.labels.tolist() == [12, 12, 14, 14]
    assert instances.crowd.tolist() == [True, False, False, False]
    assert instances.boxes.tolist() == [[26, 8, 34, 12], [20, 8, 24, 20], [2, 8, 12, 16], [8, 12, 18, 20]]
    assert instances.masks.sum(axis=(1, 2)).tolist() == [32, 48, 10 * 8 - 4 * 4, 80]


def test_the_table_is_the_one_of_its_scripts():
    labels = pytest.importorskip("cityscapesscripts.helpers.labels").labels
    learned = sorted((label.trainId, label.id, label.name) for label in labels if 0 <= label.trainId < 255)
    assert [(number, name) for _, number, name in learned] == list(NAMES.items())
    assert [label.id for label in labels if label.hasInstances and 0 <= label.trainId < 255] == list(WITH_INSTANCES)


def test_without_instance_images_there_are_no_boxes(copy):
    (copy / f"{TRAIN}_instanceIds.png").unlink()
    dataset = Cityscapes(copy, "train")
    assert not dataset.has_boxes and not dataset.has_masks and dataset.has_label_maps
    assert len(dataset[0].instances) == 0
    for kind in ("labelIds", "instanceIds"):
        shutil.copy(copy / f"{TRAIN}_labelIds.png", copy / f"{TRAIN.replace('000019', '000020')}_{kind}.png")
    image = copy / "leftImg8bit/train/aachen/aachen_000000_000019_leftImg8bit.png"
    shutil.copy(image, image.with_name(image.name.replace("000019", "000020")))
    with pytest.raises(
        BrokenFileError, match="000019_gtFine_instanceIds.png.*is not there, and other images have an instance"
    ):
        Cityscapes(copy, "train")


def test_files_that_are_wrong_or_missing(copy):
    with pytest.raises(FileNotFoundError, match="splits that are there: train, val"):
        Cityscapes(copy, "test")
    Image.fromarray(np.full((24, 40), 34, np.uint8)).save(copy / f"{TRAIN}_labelIds.png")
    with pytest.raises(BrokenFileError, match="labelIds.png.*identifier 34, but those of Cityscapes are 0 to 33"):
        Cityscapes(copy, "train")[0]
    Image.fromarray(np.zeros((24, 41), np.uint8)).save(copy / f"{TRAIN}_labelIds.png")
    with pytest.raises(BrokenFileError, match="24x40.*24x41"):
        Cityscapes(copy, "train")[0]
    (copy / f"{TRAIN}_labelIds.png").unlink()
    with pytest.raises(BrokenFileError, match="label image .*labelIds.png is not there"):
        Cityscapes(copy, "train")
    with pytest.warns(UserWarning, match="skipped 1 broken file"):
        assert len(Cityscapes(copy, "train", skip_broken=True)) == 0
    (copy / "leftImg8bit/train/aachen/aachen_000000_000019_leftImg8bit.png").unlink()
    with pytest.raises(FileNotFoundError, match="has no files NAME_leftImg8bit.png"):
        Cityscapes(copy, "train")


def test_other_classes_in_the_same_folders(copy):
    (copy / "label_colors.txt").write_text("0 0 0 background\n128 0 0 apple\n")
    with pytest.raises(BrokenFileError, match="label_colors.txt.*not those of Cityscapes.*color-maps:"):
        Cityscapes(copy, "train")
    names = [NAMES.get(number, "other").replace(" ", "") for number in range(34)]
    (copy / "label_colors.txt").write_text("\n".join(f"{number} 0 0 {name}" for number, name in enumerate(names)))
    assert len(Cityscapes(copy, "train")) == 1


def test_folders_of_other_names(tmp_path):
    (tmp_path / "leftImg8bit").mkdir()
    assert recognize(tmp_path) is None
