"""``minivision evaluate --predictions``: results of any program, without a run."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from minivision.cli import main

sys.path.insert(0, str(Path(__file__).parents[1] / "data"))
from results_of_others import make_results, make_truth  # noqa: E402


@pytest.fixture
def files(tmp_path):
    """A folder with annotations, without images, and results with masks."""
    rng = np.random.default_rng(1)
    truth = make_truth(rng)
    (tmp_path / "annotations").mkdir()
    (tmp_path / "annotations" / "instances_val.json").write_text(json.dumps(truth))
    (tmp_path / "results.json").write_text(json.dumps(make_results(truth, rng, ["segmentation"])))
    return tmp_path


def test_the_table_and_the_json_have_what_the_file_has(files, capsys):
    words = ["evaluate", "--data", f"coco:{files}", "--predictions", str(files / "results.json")]
    assert main(words) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"{files / 'results.json'}, on 12 images (coco:{files}, val)")
    assert "101 points, masks" in out and "boxes" not in out and "joints" not in out
    assert main([*words, "--json"]) == 0
    metrics = json.loads(capsys.readouterr().out)
    assert 0 < metrics["masks"]["AP"] < 1 and metrics["images"] == 12 and "AP" not in metrics
    assert f"{metrics['masks']['classes']['person']['AP']:.3f}" in out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--predictions", "{files}/results.json"], "--predictions needs --data DATA, the ground truth"),
        ([], "what to evaluate? Give the folder of a run, or --predictions FILE"),
        (["run", "--data", "scenes", "--predictions", "{files}/results.json"], "DIR does not go with --predictions"),
        (
            ["--data", "coco:{files}", "--predictions", "{files}/results.json", "--size", "64"],
            "--size does not go with",
        ),
        (["--data", "coco:{files}", "--predictions", "{files}/none.json"], "none.json: there is no such file"),
        (["--data", "coco:{files}/none", "--predictions", "{files}/results.json"], "there is no folder"),
        (["--data", "coco:{files}", "--split", "test", "--predictions", "{files}/results.json"], "that are there: val"),
        (["--data", "coco:{files}", "--level", "hard", "--predictions", "{files}/results.json"], "for scenes only"),
    ],
)
def test_what_does_not_fit_together_is_refused(files, words, message, capsys):
    assert main(["evaluate", *(word.format(files=files) for word in words)]) == 2
    assert message in capsys.readouterr().err


def test_data_without_objects_cannot_be_compared(folder, tmp_path, capsys):
    (tmp_path / "results.json").write_text("[]")
    assert main(["evaluate", "--data", f"folder:{folder}", "--predictions", str(tmp_path / "results.json")]) == 2
    assert "label maps only, and no objects" in capsys.readouterr().err
