"""Open Images' CSV files: those that Datumaro wrote, others of the official form, and wrong ones."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minivision.data import BrokenFileError, open_dataset
from minivision.data.formats.open_images import OpenImages, recognize

EXPORT = Path(__file__).parent / "exports" / "open_images"
HEADER = "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,IsTruncated,IsGroupOf,IsDepiction,IsInside"


def write(root, *lines, header=HEADER, split="train"):
    """Write a set with the images a and b of 20 x 10 pixels."""
    (root / "data").mkdir(parents=True, exist_ok=True)
    for name in "ab":
        Image.new("RGB", (20, 10)).save(root / "data" / f"{name}.jpg")
    (root / "class-descriptions-boxable.csv").write_text("/m/2,Zebra\n/m/1,Ant\n/m/3,Bee\n")
    (root / f"oidv6-{split}-annotations-bbox.csv").write_text("\n".join([header, *lines]) + "\n")
    return root


def line(image="a", label="/m/1", box="0.1,0.5,0.2,0.8", group=0):
    return f"{image},xclick,{label},1,{box},0,0,{group},0,0"


def test_files_of_datumaro(tmp_path):
    assert recognize(EXPORT).splits == ("train",)
    dataset = open_dataset(EXPORT, split="train")
    assert type(dataset) is OpenImages and dataset.classes == ("background", "zebra", "apple", "traffic light")
    one, two = (sample.instances for sample in dataset)
    np.testing.assert_allclose(one.boxes, [[4, 6, 14, 18], [0, 0, 40, 12]], rtol=1e-6)
    assert one.labels.tolist() == [1, 2] and one.crowd.tolist() == [False, True]
    np.testing.assert_allclose(two.boxes, [[10, 6, 30, 18]])
    assert not dataset.has_masks and dataset.image_sizes() == [(24, 40)] * 2


def test_columns_are_found_by_their_names(tmp_path):
    # XMin and XMax come before YMin and YMax.
    write(tmp_path, line(), line("gone"), line("b", "/m/2", "0,1,0,1", 1))
    dataset = OpenImages(tmp_path, "train")
    assert dataset.classes == ("background", "Zebra", "Ant")  # in the order of the descriptions, and no bee
    np.testing.assert_allclose(dataset[0].instances.boxes, [[2, 2, 10, 8]], rtol=1e-6)
    assert dataset[1].instances.crowd.tolist() == [True]
    write(tmp_path, "0.8,0.2,0.5,0.1,/m/1,a", header="YMax,YMin,XMax,XMin,LabelName,ImageID")
    with pytest.warns(UserWarning, match="left out images without a box: 1"):
        np.testing.assert_allclose(OpenImages(tmp_path, "train")[0].instances.boxes, [[2, 2, 10, 8]], rtol=1e-6)


def test_splits_and_their_classes(tmp_path):
    write(tmp_path, line(label="/m/3"))
    write(tmp_path, line("b", "/m/2"), split="validation")
    with pytest.warns(UserWarning, match="without a box"):
        train, val = OpenImages(tmp_path, "train"), OpenImages(tmp_path, "val")
    assert train.classes == val.classes == ("background", "Zebra", "Bee")
    assert [len(train), len(val)] == [1, 1] and recognize(tmp_path).splits == ("train", "val")
    with pytest.raises(FileNotFoundError, match="splits that are there: train, val"):
        OpenImages(tmp_path, "test")


WRONG = {
    "a class that is not described": (line(label="/m/9"), "line 2: its LabelName '/m/9' is not in the descriptions"),
    "no number": (line(box="x,0.5,0.2,0.8"), "line 2: its XMin should be a share"),
    "NaN": (line(box="0.1,0.5,nan,0.8"), "line 2: its YMin should be a share"),
    "infinity": (line(box="0.1,inf,0.2,0.8"), "line 2: its XMax should be a share"),
    "pixels": (line(box="10,50,20,80"), "line 2: its XMin .*is it in pixels"),
    "a short line": ("a,xclick,/m/1,1,0.1", "line 2: its YMin should be a share"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_line_is_named(tmp_path, what):
    text, message = WRONG[what]
    write(tmp_path, text, line("b"))
    with pytest.raises(BrokenFileError, match=message):
        OpenImages(tmp_path, "train")
    with pytest.warns(UserWarning, match="skipped 1 broken file"):
        assert len(OpenImages(tmp_path, "train", skip_broken=True)) == 1


def test_files_that_are_wrong_or_missing(tmp_path):
    write(tmp_path, line(), header="ImageID,LabelName")
    with pytest.raises(BrokenFileError, match="lacks the columns XMin, YMin, XMax, YMax"):
        OpenImages(tmp_path, "train")
    write(tmp_path, '"' + "a" * 200_000)
    with pytest.raises(BrokenFileError, match="not a CSV file"):
        OpenImages(tmp_path, "train")
    write(tmp_path, line())
    (tmp_path / "class-descriptions-boxable.csv").write_text("/m/1\n")
    with pytest.raises(BrokenFileError, match="line 1 should be LabelName,DisplayName"):
        OpenImages(tmp_path, "train")
    (tmp_path / "class-descriptions-boxable.csv").unlink()
    with pytest.raises(FileNotFoundError, match="no class-descriptions.csv"):
        OpenImages(tmp_path, "train")
    write(tmp_path, line())
    for name in "ab":
        (tmp_path / "data" / f"{name}.jpg").unlink()
    with pytest.raises(FileNotFoundError, match="no images of split 'train'"):
        OpenImages(tmp_path, "train")
    (tmp_path / "oidv6-train-annotations-bbox.csv").unlink()
    assert recognize(tmp_path) is None
