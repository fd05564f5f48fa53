"""Commands with systems for one object: their scenes, printed metrics and files."""

import json

import numpy as np
import pytest
from PIL import Image

from minivision.cli import main
from minivision.data import Scenes
from minivision.tasks import get_task
from minivision.training import Checkpoint


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A run of one step of each system for one object, and a picture."""
    root = tmp_path_factory.mktemp("objects")
    Image.fromarray(Scenes("easy", "val", objects=1)[0].image).save(root / "scene.png")
    words = ["--level", "easy", "--steps", "1", "--batch-size", "2"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("minivision.data.scenes.SPLITS", {"train": 6, "val": 5, "test": 5})
        patch.setenv("MINIVISION_CACHE", str(root / "cache"))
        for system in ("localizer", "pose"):
            assert main(["train", system, "--out", str(root / system), *words]) == 0
    return root


@pytest.mark.parametrize(
    ("system", "objects", "classes"), [("localizer", 1, None), ("pose", 1, ("person",))]
)  # fmt: skip
def test_scenes_are_those_of_the_system_and_are_kept_in_the_run(runs, system, objects, classes):
    data = Checkpoint.load(runs / system / "checkpoint.npz").data
    assert data["objects"] == objects and (tuple(data["classes"]) if "classes" in data else None) == classes


def evaluate(runs, system, capsys, monkeypatch, *words):
    monkeypatch.setattr("minivision.data.scenes.SPLITS", {"train": 6, "val": 5, "test": 5})
    assert main(["evaluate", str(runs / system), *words]) == 0
    return capsys.readouterr().out


def test_evaluate_prints_the_metrics_of_the_task(runs, capsys, monkeypatch):
    out = evaluate(runs, "localizer", capsys, monkeypatch)
    assert out.startswith("localizer after step 1 of 1, on 5 images (scenes, easy, val)")
    for word in ("accuracy", "mean IoU", "localized", "all", "disc", "person"):
        assert word in out
    out = evaluate(runs, "pose", capsys, monkeypatch)
    for word in ("PCK@0.2 (longer box side)", "PCK@0.2 (torso)", "OKS (mean)", "left knee", "head"):
        assert word in out


def test_evaluate_as_json_has_the_same_metrics(runs, capsys, monkeypatch):
    figures = json.loads(evaluate(runs, "localizer", capsys, monkeypatch, "--json"))
    assert figures["system"] == "localizer" and 0 <= figures["mean_iou"] <= 1
    assert f"{figures['mean_iou']:.3f}" in evaluate(runs, "localizer", capsys, monkeypatch)
    assert None in [each["accuracy"] for each in figures["classes"].values()]  # a class that does not occur


@pytest.mark.parametrize("system", ["localizer", "pose"])
@pytest.mark.parametrize("size", [(), ("--size", "64x96")])
def test_predict_writes_objects_in_the_images_pixels_and_overlays(runs, system, size, tmp_path, capsys):
    assert main(["predict", str(runs / system), str(runs / "scene.png"), "--out", str(tmp_path), *size]) == 0
    assert "Wrote the objects and overlays of 1 image " in capsys.readouterr().out
    content = json.loads((tmp_path / "scene-objects.json").read_text())
    assert (content["height"], content["width"]) == (128, 128) and len(content["objects"]) == 1
    (found,) = content["objects"]
    model = Checkpoint.load(runs / system / "checkpoint.npz").make_model()
    image = np.asarray(Image.open(runs / "scene.png"))
    if not size:
        (expected,) = model.predict([image])
        np.testing.assert_allclose(found["box"], expected.boxes[0], atol=0.01)
        assert found["class"] == model.classes[expected.labels[0]]
    if system == "pose":
        assert list(found["joints"]) == list(model.keypoint_names)
    else:
        assert 0 < found["score"] <= 1 and "joints" not in found
    width, height = Image.open(tmp_path / "scene-overlay.png").size
    assert min(width, height) > 500


DETECTION = {
    "protocol": "COCO boxes",
    "AP": 0.5,
    "AP50": 0.75,
    "AP75": float("nan"),
    "classes": {"disc": {"AP": 0.5, "AP50": 0.75, "AP75": float("nan")}},
    "images": 3,
}


def test_a_table_of_average_precision_names_its_protocol_and_leaves_out_what_is_unknown():
    masks = {**DETECTION, "protocol": "COCO masks", "AP50": 0.25}
    lines = get_task("detection").table({**DETECTION, "masks": masks})
    assert lines[0] == "COCO boxes" and lines[1].split() == ["class", "AP", "AP50", "AP75"]
    assert lines[2].split() == ["mean", "0.500", "0.750", "-"] and lines[3].split() == ["disc", "0.500", "0.750", "-"]
    assert lines[5] == "COCO masks" and lines[7].split() == ["mean", "0.500", "0.250", "-"]


def test_a_system_for_one_object_refuses_scenes_of_many(tmp_path, capsys):
    from minivision.data import open_dataset  # as the command does

    many = open_dataset("scenes", split="val", level="easy")
    assert len(many[0].instances) != 1 or len(many[1].instances) != 1
    from minivision.models import make_model
    from minivision.training import train

    with pytest.raises(ValueError, match="localizer is for images of one object each"):
        train(make_model("localizer", many.classes), many.draw(4), steps=1, progress=False)
