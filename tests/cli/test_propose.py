"""``minivision propose``: pictures of images, boxes for folders, figures for datasets."""

import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from minivision.cli import main
from minivision.data import Scenes
from minivision.detection import selective_search


@pytest.fixture
def scenes():
    return Scenes("easy", "val", size=64).draw(3)


@pytest.fixture
def photos(tmp_path, scenes):
    folder = tmp_path / "photos"
    folder.mkdir()
    for name, sample in zip(("a.png", "b.png", "c.bmp"), scenes, strict=True):
        Image.fromarray(sample.image).save(folder / name)
    (folder / "notes.txt").write_text("no image")
    return folder


def test_images_are_drawn_and_a_broken_one_is_reported(photos, tmp_path, capsys):
    (photos / "b.png").write_bytes(b"no picture")
    out = tmp_path / "out"
    names = [str(photos / name) for name in ("a.png", "b.png", "c.bmp")]
    assert main(["propose", *names, "--mode", "single", "--hierarchy", "--out", str(out)]) == 1
    shown = capsys.readouterr()
    assert "Wrote pictures of 2 images" in shown.out
    assert "b.png" in shown.err and "1 of 3 images could not be read" in shown.err
    assert sorted(path.name for path in out.iterdir()) == [
        "a-hierarchy.png", "a-proposals.png", "c-hierarchy.png", "c-proposals.png",
    ]  # fmt: skip
    assert np.ptp(np.array(Image.open(out / "a-proposals.png"))) > 100


def test_a_folder_gets_a_file_of_boxes_for_each_image_and_the_same_command_continues(photos, scenes, tmp_path):
    """In a process of its own, as people run it: the workers import the program anew."""
    arguments = ["propose", str(photos), "--jobs", "2", "--out", str(tmp_path / "out")]
    command = [sys.executable, "-m", "minivision", *arguments]
    (photos / "b.png").write_bytes(b"no picture")
    first = subprocess.run(command, capture_output=True, text=True)
    assert first.returncode == 1 and "Wrote the boxes for 2 images" in first.stdout, first.stderr
    assert "b.png" in first.stderr and "Traceback" not in first.stderr
    Image.fromarray(scenes[1].image).save(photos / "b.png")
    second = subprocess.run(command, capture_output=True, text=True)
    assert second.returncode == 0 and "Wrote the boxes for 1 images" in second.stdout, second.stderr
    assert "2 files existed already" in second.stdout
    files = sorted((tmp_path / "out").iterdir())
    assert [file.name for file in files] == ["a.png.npz", "b.png.npz", "c.bmp.npz"]
    for file, sample in zip(files, scenes, strict=True):
        np.testing.assert_array_equal(np.load(file)["boxes"], selective_search(sample.image))


@pytest.fixture
def dataset(tmp_path, scenes, monkeypatch):
    """The scenes in COCO's format."""
    monkeypatch.setenv("MINIVISION_CACHE", str(tmp_path / "cache"))
    root = tmp_path / "coco"
    (root / "annotations").mkdir(parents=True)
    (root / "val").mkdir()
    images, annotations = [], []
    for k, sample in enumerate(scenes):
        Image.fromarray(sample.image).save(root / "val" / f"{k}.png")
        images.append({"id": k, "file_name": f"{k}.png", "height": 64, "width": 64})
        for box in sample.instances.boxes.tolist():
            bbox = [*box[:2], box[2] - box[0], box[3] - box[1]]
            annotations.append({"id": len(annotations), "image_id": k, "category_id": 1, "bbox": bbox, "iscrowd": 0})
    content = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "thing"}]}
    (root / "annotations" / "instances_val.json").write_text(json.dumps(content))
    return f"coco:{root}"


def test_a_dataset_gets_a_table_and_a_curve(dataset, scenes, tmp_path, capsys):
    assert main(["propose", dataset, "--out", str(tmp_path / "out")]) == 0
    shown = capsys.readouterr().out
    objects = sum(len(sample.instances) for sample in scenes)
    assert f"3 images, {objects} objects" in shown and "MABO" in shown
    row = next(line for line in shown.splitlines() if line.startswith("  thing"))
    assert int(row.split()[-1]) == objects and float(row.split()[1]) > 0.5
    assert (tmp_path / "out" / "recall-fast.png").stat().st_size > 10_000
    assert len(list((tmp_path / "cache").glob("proposals-fast-3-*.npz"))) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["scenes", "--jobs", "2"], "--jobs is for a folder, and scenes is not"),
        (["{photos}", "--hierarchy"], "--hierarchy is for images"),
        (["{photos}/a.png", "--level", "easy"], "--level is for a dataset"),
        (["{photos}", "{photos}"], "give one folder or one dataset, or image files"),
        (["coco:{photos}", "--level", "hard"], "--level is for scenes only"),
        (["coco:{photos}/nothing"], "there is no folder"),
        (["{photos}/empty"], "holds no images"),
        (["{photos}/a.png", "--mode", "best"], "--mode: invalid choice: 'best'"),
    ],
)
def test_wrong_usage_is_an_error_of_one_sentence(photos, tmp_path, capsys, arguments, message):
    (photos / "empty").mkdir()
    arguments = [argument.replace("{photos}", str(photos)) for argument in arguments]
    assert main(["propose", *arguments, "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert not pathlib.Path(tmp_path / "out").exists()
