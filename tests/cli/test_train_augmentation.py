"""``minivision train --augment``: what is asked for is what is trained with, also when a run is resumed."""

import numpy as np
import pytest
from PIL import Image

from minivision.cli import main
from minivision.data import AUGMENTATIONS
from minivision.training import Checkpoint

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


def test_a_list_of_names_is_taken_for_label_maps_too(tmp_path, folder):
    words = ("tiny", "--data", f"folder:{folder}", "--augment", "colors,zoom-out")
    assert augment_of(tmp_path / "a", *words) == ("colors", "zoom-out")


def test_an_unknown_augmentation_is_named(tmp_path, capsys):
    assert main(["train", "tiny", "--augment", "colors,mosaic", "--out", str(tmp_path / "a")]) == 2
    assert "--augment: expected none, all, or some of colors,zoom-out,iou-crop, got 'mosaic'" in capsys.readouterr().err
