"""Mask R-CNN on the command line: trained, evaluated by boxes, masks and joints, and its predictions as files."""

import json

import numpy as np
import pytest
from PIL import Image

from minivision.cli import main
from minivision.data import Scenes, rle
from minivision.training import Checkpoint


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of one step, two pictures, and annotations that list them."""
    root = tmp_path_factory.mktemp("mask-rcnn")
    scenes = Scenes("easy", "val")
    for index in range(2):
        Image.fromarray(scenes[index].image).save(root / f"{index}.png")
    content = {
        "images": [{"id": 70 + index, "file_name": f"{index}.png"} for index in range(2)],
        "categories": [{"id": 10 * k, "name": name} for k, name in enumerate(scenes.classes[1:], start=1)],
    }
    (root / "copy").mkdir()
    (root / "copy" / "0.png").write_bytes((root / "0.png").read_bytes())
    (root / "instances.json").write_text(json.dumps(content))
    words = ["--level", "easy", "--steps", "1", "--batch-size", "2", "--mask-size", "14", "--max-proposals", "9"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("minivision.data.scenes.SPLITS", {"train": 6, "val": 5, "test": 5})
        patch.setenv("MINIVISION_CACHE", str(root / "cache"))
        assert main(["train", "mask-rcnn", "--out", str(root / "run"), *words]) == 0
    checkpoint = Checkpoint.load(root / "run" / "checkpoint.npz")
    checkpoint.model["head.scores.w"][:] = 0  # it sees objects of all classes everywhere
    checkpoint.save(root / "run" / "checkpoint.npz")
    return root


def test_evaluate_prints_boxes_masks_and_joints(run, capsys, monkeypatch):
    monkeypatch.setattr("minivision.data.scenes.SPLITS", {"train": 6, "val": 5, "test": 5})
    assert main(["evaluate", str(run / "run")]) == 0
    out = capsys.readouterr().out
    for words in ("101 points, boxes", "101 points, masks", "101 points, joints"):
        assert words in out


def test_evaluate_at_a_small_size_counts_objects_that_are_not_seen_any_more(run, monkeypatch):
    import minivision.tasks

    counted, evaluate = [], minivision.tasks.evaluate

    def counting(model, dataset, **options):
        counted.append([len(sample.instances) for sample in dataset])
        return evaluate(model, dataset, **options)

    monkeypatch.setattr("minivision.tasks.evaluate", counting)
    monkeypatch.setattr("minivision.data.scenes.SPLITS", {"train": 6, "val": 5, "test": 5})
    for size in ([], ["--size", "2x2"]):
        assert main(["evaluate", str(run / "run"), *size]) == 0
    assert counted[0] == counted[1]


def test_predictions_are_written_with_run_lengths_joints_and_an_overlay_and_as_cocos_results(run, tmp_path):
    pictures = [str(run / f"{index}.png") for index in range(2)]
    options = ["--out", str(tmp_path), "--coco", str(run / "instances.json")]
    assert main(["predict", str(run / "run"), *pictures, *options]) == 0
    model = Checkpoint.load(run / "run" / "checkpoint.npz").make_model()
    expected = model.predict([np.asarray(Image.open(picture)) for picture in pictures])
    kinds = {"boxes": "coco-results.json", "masks": "coco-results-masks.json", "joints": "coco-results-joints.json"}
    results, masks, joints = (json.loads((tmp_path / name).read_text()) for name in kinds.values())
    assert [result["image_id"] for result in results] == [70] * len(expected[0]) + [71] * len(expected[1])
    assert {"person"} < {model.classes[label] for found in expected for label in found.labels}  # and others
    for index, found in enumerate(expected):
        assert len(found) and (tmp_path / f"{index}-overlay.png").stat().st_size > 1000
        written = json.loads((tmp_path / f"{index}-objects.json").read_text())["objects"]
        own = [result for result in results if result["image_id"] == 70 + index]
        for k, (plain, result) in enumerate(zip(written, own, strict=True)):
            np.testing.assert_array_equal(rle.decode(plain["mask"]), found.masks[k])
            assert result["category_id"] == 10 * found.labels[k]
            assert len(plain["joints"]) == 14 * (model.classes[found.labels[k]] == "person")
    labels = [label for found in expected for label in found.labels]
    assert [each["segmentation"] for each in masks] == [rle.encode(mask) for found in expected for mask in found.masks]
    assert len(joints) == sum(model.classes[label] == "person" for label in labels)


@pytest.mark.parametrize(("images", "annotations", "message"), [
    (["0.png", "cache"], "instances.json", "lists no image cache"),
    (["0.png"], "0.png", "it is not UTF-8 text"),
    (["0.png"], "none.json", "none.json"),
    (["0.png", "copy/0.png"], "instances.json", "0.png would both be 0.png of"),
])  # fmt: skip
def test_annotations_that_do_not_fit_the_images_are_refused_before_anything_is_written(
    images, annotations, message, run, tmp_path, capsys
):
    out = tmp_path / "out"
    words = [*(str(run / image) for image in images), "--coco", str(run / annotations), "--out", str(out)]
    assert main(["predict", str(run / "run"), *words]) != 0
    assert message in capsys.readouterr().err and not out.exists()


def test_predictions_are_written_in_the_formats_of_other_tools_instead_of_pictures(run, tmp_path, capsys):
    words = ["predict", str(run / "run"), str(run / "0.png"), "--out", str(tmp_path)]
    formats = [word for name in ("coco", "yolo", "labelme", "csv") for word in ("--format", name)]
    assert main([*words, *formats, "--scores", "--min-score", "0"]) == 0
    assert "Wrote the objects (coco, yolo, labelme, csv) of 1 image into" in capsys.readouterr().out
    files = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert files == {
        "0.json", "coco-images.json", "coco-results-joints.json", "coco-results-masks.json", "coco-results.json",
        "data.yaml", "labels-pose/0.txt", "labels-segment/0.txt", "labels/0.txt", "predictions.csv",
    }  # fmt: skip
    model = Checkpoint.load(run / "run" / "checkpoint.npz").make_model()
    (expected,) = model.predict([np.asarray(Image.open(run / "0.png"))])
    lines = [line.split() for line in (tmp_path / "labels" / "0.txt").read_text().splitlines()]
    assert [int(line[0]) + 1 for line in lines] == expected.labels.tolist()
    np.testing.assert_allclose([float(line[5]) for line in lines], expected.scores, rtol=1e-6)
    capsys.readouterr()
    assert main([*words, "--format", "labelme"]) == 2
    assert "0.json is there already, and may have been corrected by hand" in capsys.readouterr().err
    assert main([*words, "--scores"]) == 2 and "--scores is for --format yolo" in capsys.readouterr().err


def test_uncertain_objects_are_in_rankings_only(run, tmp_path, monkeypatch):
    checkpoint = Checkpoint.load(run / "run" / "checkpoint.npz")
    weights = checkpoint.model["head.scores.w"]
    weights[:] = np.random.default_rng(0).normal(0, 0.01, weights.shape)  # scores that differ
    checkpoint.save(tmp_path / "checkpoint.npz")
    words = ["predict", str(tmp_path / "checkpoint.npz"), str(run / "0.png"), "--format", "yolo", "--format", "csv"]
    model = checkpoint.make_model()
    (expected,) = model.predict([np.asarray(Image.open(run / "0.png"))])
    low, high = (float(score) for score in np.quantile(expected.scores, [0.3, 0.6]))
    monkeypatch.setattr(type(model), "picture_score", high)

    def counts(out, *options):
        assert main([*words, "--out", str(out), *options]) == 0
        tables = (out / "labels" / "0.txt", out / "predictions.csv")
        return [len(table.read_text().splitlines()) for table in tables]

    certain, chosen = (int((expected.scores >= limit).sum()) for limit in (high, low))
    assert 0 < certain < chosen < len(expected)
    assert counts(tmp_path / "a") == [certain, 1 + len(expected)]
    assert counts(tmp_path / "b", "--min-score", repr(low)) == [chosen, 1 + chosen]
