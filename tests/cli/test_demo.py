"""The demo writes a page with all results that needs no other file."""

import os
import pathlib
import re

import numpy as np
import pytest
from PIL import Image
from tiny_system import TinySystem

import minivision
from minivision import viz
from minivision.checks.cases import cases_of
from minivision.cli import demo, demo_page, main, quick_kernels
from minivision.core.dispatch import call
from minivision.core.registry import operations
from minivision.data import InMemory, Sample, Scenes
from minivision.data.instances import Instances
from minivision.data.shapes import JOINTS
from minivision.metrics import average_precision
from minivision.tasks import get_task
from minivision.training import Checkpoint


@pytest.fixture(autouse=True)
def small(monkeypatch, tmp_path):
    monkeypatch.setattr(demo, "SYSTEM", "tiny")
    monkeypatch.setattr(demo, "TRAIN_SCENES", 20)
    monkeypatch.setattr(demo, "VAL_SCENES", 12)
    monkeypatch.setattr(demo, "COMPILATION_SCENES", 4)
    monkeypatch.setattr(demo, "MIN_STEPS", 2)
    monkeypatch.setenv("MINIVISION_CACHE", str(tmp_path / "cache"))


def test_demo_writes_pictures_and_a_page_that_needs_no_other_file(tmp_path, capsys):
    out = tmp_path / "demo"
    assert main(["demo", "--seconds", "1", "--out", str(out)]) == 0
    names = set(os.listdir(out))
    assert {"index.html", "loss.png", "comparison.png", "scene-1-input.png", "scene-1-truth.png"} <= names
    assert "scene-1-prediction.png" in names
    page = (out / "index.html").read_text()
    assert not re.search(r"\$\w", page)  # every placeholder is filled in
    sources = re.findall(r'(?:src|srcset|href)="([^"]*)"', page)
    assert len(sources) == 3 * demo.SHOWN_SCENES + 2 and all(
        source.startswith("data:image/png;base64,") for source in sources
    )
    assert "prefers-color-scheme: dark" in page and "star" in page and "mean IoU" in page
    assert (out / "index.html").resolve().as_uri() in capsys.readouterr().out


def test_demo_can_be_run_again_but_does_not_overwrite_a_run(tmp_path, capsys):
    out = tmp_path / "demo"
    assert main(["demo", "--seconds", "1", "--out", str(out)]) == 0
    assert main(["demo", "--seconds", "1", "--out", str(out)]) == 0
    (out / "index.html").unlink()
    assert main(["demo", "--seconds", "1", "--out", str(out)]) == 2
    assert "choose another folder" in capsys.readouterr().err and (out / "checkpoint.npz").exists()


def test_the_run_of_the_demo_can_be_evaluated(tmp_path, capsys):
    out = tmp_path / "demo"
    main(["demo", "--seconds", "1", "--out", str(out)])
    assert TinySystem.task == "segmentation"
    assert main(["evaluate", str(out), "--split", "val"]) == 0


@pytest.mark.parametrize(
    ("system", "texts", "legend"),
    [
        ("mask-rcnn", ["AP50 of boxes", "AP50 of masks", "AP50 of joints", "and the joints of people"], "right leg"),
        ("yolo", ["AP50 of boxes", "AP50 of the boxes"], "disc"),
        ("densecap", ["mean AP", "Sentences about the true boxes", "DenseCap, written by hand"], "disc"),
        ("rcnn", ["AP50 of boxes", "R-CNN, written by hand"], "disc"),
        ("localizer", ["accuracy of the classes", "the one object in each"], "star"),
        ("pose", ["OKS (mean)", "left ankle"], "right leg"),
    ],
)
def test_demo_shows_every_kind_of_system(tmp_path, monkeypatch, capsys, system, texts, legend):
    monkeypatch.setattr(demo, "SHOWN_SCENES", 2)
    monkeypatch.setattr(demo, "VAL_SCENES", 8)
    monkeypatch.setattr(demo, "OPTIONS", {"rcnn": {"svm_images": 4}})
    out = tmp_path / "demo"
    assert main(["demo", "--system", system, "--seconds", "1", "--out", str(out)]) == 0
    page = (out / "index.html").read_text()
    assert not re.search(r"\$\w", page) and ">nan<" not in page
    assert all(each in page for each in texts) and f"</span>{legend}</li>" in page
    assert ("right leg" in page) == (system in ("mask-rcnn", "pose"))
    assert page.count('class="pixels"') == 2  # of the inputs alone
    assert Image.open(out / "scene-2-truth.png").size == Image.open(out / "scene-2-prediction.png").size == (576, 576)
    assert texts[0] in capsys.readouterr().out and f"minivision train {system} " in page
    data = Checkpoint.load(out / "checkpoint.npz").data  # scenes for this system; evaluate uses them too
    one = system in ("localizer", "pose")
    assert data.get("objects", 6) == (1 if one else 6) and data["level"] == "easy"
    assert tuple(data["classes"]) == (("person",) if system == "pose" else demo.CLASSES)


class Fixed:
    """Predicts the same for every image."""

    picture_score = 0.5

    def __init__(self, task, prediction, classes=("background", "disc", "person"), keypoint_names=()):
        self.task, self.prediction, self.classes = task, prediction, classes
        self.keypoint_names = keypoint_names

    def predict(self, images):
        return [self.prediction] * len(images)


def drawn_by(monkeypatch, out, model, truth):
    """Return the objects that `save_pictures` draws as ground truth and as prediction."""
    seen = []
    real = viz.draw_instances
    monkeypatch.setattr(
        viz, "draw_instances", lambda image, each, *a, **k: seen.append(each) or real(image, each, *a, **k)
    )
    image = np.zeros((32, 32, 3), np.uint8)
    demo_page.save_pictures(out, model, [Sample(image, truth, None)])
    return seen


BOXES = [[2, 2, 12, 12], [5, 5, 30, 30]]
MASKS = np.ones((2, 32, 32), bool)


def test_pictures_leave_out_detections_with_a_low_score(monkeypatch, tmp_path):
    truth = Instances(BOXES, [1, 2], masks=MASKS, keypoints=np.ones((2, 14, 3)))
    model = Fixed("detection", Instances(BOXES, [1, 2], scores=[0.3, 0.7]))
    true, predicted = drawn_by(monkeypatch, tmp_path, model, truth)
    assert predicted.labels.tolist() == [2]
    model.picture_score = 0.2
    assert len(drawn_by(monkeypatch, tmp_path, model, truth)[1]) == 2
    assert not true.has_masks and true.keypoints is None  # the model does not predict them


def test_pictures_show_the_one_object_whatever_its_score(monkeypatch, tmp_path):
    model = Fixed("localization", Instances(BOXES[:1], [1], scores=[0.2]))
    true, predicted = drawn_by(monkeypatch, tmp_path, model, Instances(BOXES[:1], [1]))
    assert len(predicted) == len(true) == 1


def test_pictures_without_detections_are_drawn(monkeypatch, tmp_path):
    nothing = Instances.empty(scores=True, mask_size=(32, 32), keypoints=14)
    truth = Instances(BOXES, [1, 2], masks=MASKS, keypoints=np.ones((2, 14, 3)))
    model = Fixed("detection", nothing, keypoint_names=JOINTS)
    true, predicted = drawn_by(monkeypatch, tmp_path, model, truth)
    assert len(predicted) == 0 and true.has_masks and (tmp_path / "scene-1-prediction.png").exists()


def test_unknown_metrics_are_shown_as_none_and_the_bars_are_of_masks_if_there_are_any():
    part = {"AP50": 0.5, "classes": {"disc": {"AP50": 0.25}, "person": {"AP50": float("nan")}}}
    boxes = {"AP50": 0.75, "classes": {"disc": {"AP50": 0.75}, "person": {"AP50": 0.75}}}
    metrics = {**boxes, "masks": part, "keypoints": {"AP50": float("nan")}, "images": 3}
    summary = {"AP50 of boxes": "0.75", "AP50 of masks": "0.50", "AP50 of joints": "none"}
    assert get_task("detection").summary(metrics) == summary
    assert get_task("detection").bars(metrics).values["disc"] == 0.25
    assert get_task("detection").bars(boxes).values["disc"] == 0.75


def kernels_agree(name, *arguments, **keywords):
    operation = operations()[name]
    values = operation.normalize(*arguments, **keywords)
    expected = call(operation, values, operation.reference)
    found = call(operation, values, getattr(quick_kernels, name))
    for one, other in zip(*(each if isinstance(each, tuple) else (each,) for each in (expected, found)), strict=True):
        np.testing.assert_allclose(other, one, atol=1e-12)


@pytest.mark.parametrize("name", ["conv2d", "conv_transpose2d", "max_pool2d"])
def test_kernels_without_compiling_give_the_results_of_the_references(name):
    for arguments, keywords in cases_of(operations()[name], np.random.default_rng(0)):
        if np.isfinite(arguments[0]).all() and 0 not in arguments[0].shape:
            kernels_agree(name, *arguments, **keywords)


def test_the_network_of_the_package_finds_objects_in_scenes_that_it_was_not_trained_on():
    folder = pathlib.Path(minivision.__file__).parent / "pretrained"
    assert (folder / "mask-rcnn.npz").stat().st_size < 2_000_000
    model, scenes = minivision.load(folder / "mask-rcnn.npz"), InMemory.load(folder / "scenes.npz")
    drawn = Scenes("easy", "val", classes=model.classes[1:], **model.scene_options).draw(len(scenes))
    for one, other in zip(scenes, drawn, strict=True):
        np.testing.assert_array_equal(one.image, other.image)
        np.testing.assert_array_equal(one.instances.masks, other.instances.masks)
    truths = [sample.instances for sample in scenes]
    compiled = model.predict([sample.image for sample in scenes])
    assert average_precision(truths, compiled, model.classes).metrics["AP50"] > 0.6
    minivision.register_backend("quick", quick_kernels)
    try:
        with minivision.backend("quick"):
            quick = model.predict([sample.image for sample in scenes])
    finally:
        minivision.unregister_backend("quick")
    for one, other in zip(compiled, quick, strict=True):
        keep = one.scores > 0.5
        np.testing.assert_allclose(other[other.scores > 0.5].boxes, one[keep].boxes, atol=0.05)
