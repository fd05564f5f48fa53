"""``minivision evaluate --predictions FILE --errors``: what can be said about results of any program."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minivision.cli import main
from minivision.metrics.errors import KINDS

sys.path.insert(0, str(Path(__file__).parents[1] / "data"))
from results_of_others import SIZE, make_results, make_truth  # noqa: E402


def files(folder, kinds, seed=1, change=lambda results: results):
    """Write annotations, without images, and results; return the words of the command."""
    rng = np.random.default_rng(seed)
    truth = make_truth(rng)
    (folder / "annotations").mkdir(exist_ok=True)
    (folder / "annotations" / "instances_val.json").write_text(json.dumps(truth))
    (folder / "results.json").write_text(json.dumps(change(make_results(truth, rng, kinds))))
    return ["evaluate", "--data", f"coco:{folder}", "--predictions", str(folder / "results.json"), "--errors"]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("kinds", [["bbox"], ["segmentation"], ["bbox", "segmentation"], ["bbox", "keypoints"]])
def test_average_precision_is_that_of_the_metrics(tmp_path, capsys, kinds, seed):
    """Some scores differ by 1e-12 only: as float32 they would be equal, and the ranking another one."""
    assert main([*files(tmp_path, kinds, seed), "--json"]) == 0
    metrics = json.loads(capsys.readouterr().out)
    parts = {
        "bbox": (metrics, metrics["errors"]),
        "segmentation": (metrics.get("masks"), metrics["errors"].get("masks")),
    }
    for kind in set(kinds) & set(parts):
        found, errors = parts[kind]
        assert errors["AP"] == found["AP50"]
        assert errors["causes"] is None and errors["missed"] > 0
        assert errors["missed"] == sum(each["unfound"] for each in errors["classes"].values())
        assert sum(each["count"] for each in errors["kinds"].values()) > 0 and set(errors["kinds"]) == set(KINDS)
        assert np.sum(errors["confusion"]["counts"]) > 0


def test_the_score_that_counts_is_the_best_one(tmp_path, capsys):
    """Detections of low scores are all on nothing, so those from the lowest right one on should count."""

    def change(results):
        for entry in results:
            entry["score"] = 0.31 if entry["category_id"] != 20 else 0.11
        return results

    assert main([*files(tmp_path, ["bbox"], change=change), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["errors"]["confusion"]["score"] == pytest.approx(0.31)


def test_the_table_says_that_steps_are_not_known(tmp_path, capsys):
    assert main(files(tmp_path, ["segmentation"])) == 0
    text = capsys.readouterr().out
    assert "errors of masks at IoU 0.5" in text and "errors of boxes" not in text
    assert "not found with any score; which step lost them is not known" in text
    assert "lost by" not in text and "D-ECE" in text


def test_the_page_without_images_and_with_some(tmp_path, capsys):
    words = files(tmp_path, ["bbox"])
    out = tmp_path / "out"
    assert main([*words, "--out", str(out)]) == 0
    assert f"Wrote {out / 'errors.html'}" in capsys.readouterr().out
    page = (out / "errors.html").read_text(encoding="utf-8")
    cards = page.count('class="card"')
    assert cards > 3 and page.count("the image cannot be opened") == cards
    assert "Not known: these detections are from a file" in page and '<option value="not-found">' in page
    assert '<option value="no-proposal">' not in page
    name = page.split('<b title="')[1].split(">")[1].split("<")[0]
    Image.fromarray(np.full((*SIZE, 3), 200, np.uint8)).save(tmp_path / name)
    assert main([*words, "--out", str(out)]) == 0
    page = (out / "errors.html").read_text(encoding="utf-8")
    assert page.count("the image cannot be opened") == cards - 1
    assert f'viewBox="0 0 {SIZE[1]} {SIZE[0]}"' in page


def test_scores_that_are_no_probabilities(tmp_path, capsys):
    def change(results):
        return [{**entry, "score": 20 * entry["score"] - 5} for entry in results]

    words = files(tmp_path, ["bbox"], change=change)
    assert main([*words, "--json"]) == 0
    errors = json.loads(capsys.readouterr().out)["errors"]
    assert errors["calibration_error"] is None and errors["confusion"]["score"] > -5
    assert main([*words, "--out", str(tmp_path / "out")]) == 0
    assert "they are no probabilities and have no calibration" in capsys.readouterr().out
    page = (tmp_path / "out" / "errors.html").read_text(encoding="utf-8")
    assert "Some scores are below 0 or above 1" in page and "score 1</text>" not in page


def test_an_empty_file(tmp_path, capsys):
    words = files(tmp_path, ["bbox"], change=lambda results: [])
    assert main([*words, "--out", str(tmp_path / "out"), "--json"]) == 0
    errors = json.loads(capsys.readouterr().out)["errors"]
    assert (
        errors["missed"] == errors["kinds"]["missed"]["count"] == sum(e["objects"] for e in errors["classes"].values())
    )


def test_data_that_are_no_files_of_coco(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("minivision.data.scenes.SPLITS", {"train": 6, "val": 3, "test": 5})
    entry = {"image_id": 1, "category_id": 1, "score": 0.5, "bbox": [1, 1, 5, 5]}
    (tmp_path / "results.json").write_text(json.dumps([entry]))
    words = ["evaluate", "--data", "scenes", "--level", "easy", "--predictions", str(tmp_path / "results.json")]
    assert main([*words, "--errors", "--out", str(tmp_path / "out")]) == 0
    page = (tmp_path / "out" / "errors.html").read_text(encoding="utf-8")
    assert page.count('class="card"') == 3 and "cannot be opened" not in page


def test_joints_alone_have_no_kinds_of_errors(tmp_path, capsys):
    assert main(files(tmp_path, ["keypoints"])) == 2
    assert "--errors compares boxes and masks, and these results have joints only" in capsys.readouterr().err
