"""``minivision train --augment``: what is asked for is what is trained with, also when a run is resumed."""

import numpy as np
import pytest
from PIL import Image

from minivision.cli import main
from minivision.data import AUGMENTATIONS
from minivision.training import Checkpoint, Settings

VOC = """<annotation><size><width>64</width><height>64</height><depth>3</depth></size>
<object><name>cell</name><bndbox><xmin>11</xmin><ymin>9</ymin><xmax>40</xmax><ymax>42</ymax></bndbox></object>
</annotation>"""


@pytest.fixture
def photographs(tmp_path, rng):
    root = tmp_path / "cells"
    for name in ("Annotations", "JPEGImages", "ImageSets/Main"):
        (root / name).mkdir(parents=True)
    for i in range(4):
        Image.fromarray(rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)).save(root / "JPEGImages" / f"{i}.png")
        (root / "Annotations" / f"{i}.xml").write_text(VOC)
    (root / "ImageSets" / "Main" / "train.txt").write_text("0\n1\n2\n3\n")
    return f"voc:{root}"


def augment_of(out, *words):
    """Train a step or two; return the augmentations in the checkpoint."""
    assert main(["train", *words, "--steps", "1", "--batch-size", "2", "--out", str(out)]) == 0
    return tuple(Checkpoint.load(out / "checkpoint.npz").settings["augment"])


def test_what_is_asked_for_is_kept_in_the_run_and_a_resumed_run_goes_on_with_it(tmp_path, photographs):
    assert augment_of(tmp_path / "a", "yolo", "--data", photographs) == ()
    assert augment_of(tmp_path / "b", "yolo", "--data", photographs, "--augment", "all") == AUGMENTATIONS
    assert main(["train", "--resume", "--out", str(tmp_path / "b"), "--steps", "2"]) == 0
    assert tuple(Checkpoint.load(tmp_path / "b" / "checkpoint.npz").settings["augment"]) == AUGMENTATIONS
    assert augment_of(tmp_path / "c", "yolo", "--data", photographs, "--augment", "none") == ()


def test_the_probability_is_kept_in_the_run_and_one_that_is_none_is_refused(tmp_path, photographs, capsys):
    words = ("yolo", "--data", photographs, "--augment", "all", "--augment-probability")
    assert augment_of(tmp_path / "a", *words, "0.25") == AUGMENTATIONS
    assert Checkpoint.load(tmp_path / "a" / "checkpoint.npz").settings["augment_probability"] == 0.25
    assert main(["train", *words, "2", "--out", str(tmp_path / "b")]) == 2
    assert "--augment-probability: expected a number from 0 to 1, got '2'" in capsys.readouterr().err
    with pytest.raises(ValueError, match="augment_probability: expected a probability, 0 to 1, got 2"):
        Settings(augment_probability=2)


def test_with_probability_0_a_run_is_the_one_without_augmentation(tmp_path, photographs):
    words = ("yolo", "--data", photographs, "--flips", "none", "--augment")
    augment_of(tmp_path / "none", *words, "none")
    augment_of(tmp_path / "never", *words, "all", "--augment-probability", "0")
    augment_of(tmp_path / "always", *words, "all")
    none, never, always = (Checkpoint.load(tmp_path / name).model for name in ("none", "never", "always"))
    assert all((none[name] == never[name]).all() for name in none)
    assert any((none[name] != always[name]).any() for name in none)


def test_a_list_of_names_is_taken_for_label_maps_too(tmp_path, folder):
    words = ("tiny", "--data", f"folder:{folder}", "--augment", "colors,zoom-out")
    assert augment_of(tmp_path / "a", *words) == ("colors", "zoom-out")


def test_an_unknown_augmentation_is_named(tmp_path, capsys):
    assert main(["train", "tiny", "--augment", "colors,mosaic", "--out", str(tmp_path / "a")]) == 2
    assert "--augment: expected none, all, or some of colors,zoom-out,iou-crop, got 'mosaic'" in capsys.readouterr().err
