"""DenseCap on the command line: trained, evaluated, and its predictions as files and pictures."""

import json

import pytest
from PIL import Image

from minivision.cli import main
from minivision.data import Scenes
from minivision.training import Checkpoint


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of one step, and a picture."""
    root = tmp_path_factory.mktemp("densecap")
    Image.fromarray(Scenes("easy", "val")[0].image).save(root / "a.png")
    words = ["--level", "easy", "--steps", "1", "--batch-size", "2", "--max-proposals", "9"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("minivision.data.scenes.SPLITS", {"train": 6, "val": 5, "test": 5})
        patch.setenv("MINIVISION_CACHE", str(root / "cache"))
        assert main(["train", "densecap", "--out", str(root / "run"), *words]) == 0
    checkpoint = Checkpoint.load(root / "run" / "checkpoint.npz")
    checkpoint.model["head.scores.w"][:] = 0  # it sees objects everywhere
    checkpoint.save(root / "run" / "checkpoint.npz")
    return root


def test_evaluate_prints_boxes_and_sentences(run, capsys, monkeypatch):
    monkeypatch.setattr("minivision.data.scenes.SPLITS", {"train": 6, "val": 5, "test": 5})
    assert main(["evaluate", str(run / "run")]) == 0
    out = capsys.readouterr().out
    for words in ("METEOR (exact and stem)", "mean AP", "AP50", "sentences about the true boxes", "BLEU-4", "CIDEr-D"):
        assert words in out
    assert "\n  true " in out
    assert main(["evaluate", str(run / "run"), "--json"]) == 0
    metrics = json.loads(capsys.readouterr().out)
    assert 0 <= metrics["true_boxes"]["true"] <= 1 and metrics["images"] == 5


def test_errors_of_boxes_have_kinds_and_causes_that_sum_to_all_misses(run, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("minivision.data.scenes.SPLITS", {"train": 6, "val": 5, "test": 5})
    assert main(["evaluate", str(run / "run"), "--errors", "--json", "--out", str(tmp_path)]) == 0
    errors = json.loads(capsys.readouterr().out)["errors"]
    assert list(errors["classes"]) == ["object"] and len(errors["confusion"]["counts"]) == 2
    assert sum(errors["causes"].values()) == errors["missed"] > 0
    assert errors["kinds"]["classification"]["count"] == errors["kinds"]["both"]["count"] == 0
    assert "masks" not in errors and "object not found: " in (tmp_path / "errors.html").read_text("utf-8")
    assert main(["evaluate", str(run / "run"), str(run / "run"), "--errors"]) == 2
    assert "detectors that tell classes apart" in capsys.readouterr().err


def test_predict_writes_captions_and_a_picture_with_numbered_boxes(run, tmp_path):
    assert main(["predict", str(run / "run"), str(run / "a.png"), "--out", str(tmp_path)]) == 0
    objects = json.loads((tmp_path / "a-objects.json").read_text())["objects"]
    assert objects and all(isinstance(each["captions"][0], str) for each in objects)
    assert (tmp_path / "a-overlay.png").stat().st_size > 1000
    assert main(["predict", str(run / "run"), str(run / "a.png"), "--size", "64x64", "--out", str(tmp_path / "b")]) == 0
