"""Commands with ``--jobs`` or ``--scheduler``: the same files and figures as without; errors are reported."""

import contextlib
import json

import numpy as np
import pytest
from dask_cluster import Machines
from pieces import FewScenes
from PIL import Image

import minivision
from minivision.cli import main
from minivision.core.atomic import atomic_write
from minivision.metrics.prediction import predict_dataset
from minivision.models import make_model
from minivision.training import Checkpoint


@pytest.fixture(params=["--jobs", "--scheduler"])
def elsewhere(request):
    """The options that let two other processes do the work, or a cluster."""
    if request.param == "--jobs":
        return "--jobs", "2"
    return "--scheduler", request.getfixturevalue("machines").address


on_a_cluster = pytest.mark.parametrize("elsewhere", ["--scheduler"], indirect=True)


@pytest.fixture
def one_thread():
    """Call it, and Numba computes with one thread, until the end of the test."""
    numba = pytest.importorskip("numba")
    before = numba.get_num_threads()
    yield lambda: numba.set_num_threads(1)
    numba.set_num_threads(before)


@pytest.fixture
def photos(tmp_path, rng):
    """A folder of four pictures, one of them broken."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in "abcd":
        Image.fromarray(rng.integers(0, 256, (24, 32, 3), dtype=np.uint8)).save(folder / f"{name}.png")
    (folder / "b.png").write_bytes((folder / "b.png").read_bytes()[:300])
    return folder


def save(model, path, **data):
    parts = {"model": model.state(), "optimizer": {"count": np.array(1)}}
    about = {"system": model.name, "classes": list(model.classes), "options": model.options}
    Checkpoint(**about, **parts, step=1, total=1, settings={}, data=data).save(path)
    return str(path)


def contents(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.fixture
def everywhere(elsewhere, tmp_path, capsys, monkeypatch):
    """Run a command in this process and elsewhere: for each what it printed, and the folder that it wrote."""

    def run(*words, code=0):
        found = []
        for name, options in (("here", ()), ("there", elsewhere)):
            if options and words[0] == "evaluate":
                monkeypatch.setattr("minivision.metrics.prediction._here", None)
            assert main([*map(str, words), "--out", str(tmp_path / name), *options]) == code
            shown = capsys.readouterr()
            found.append((shown.out.replace(str(tmp_path / name), "OUT"), shown.err, tmp_path / name))
        return found

    return run


@on_a_cluster
def test_propose_writes_the_same_boxes_and_reports_the_broken_image(everywhere, photos):
    (out, _, here), (out_there, err, there) = everywhere("propose", photos, "--mode", "single", code=1)
    assert contents(here).keys() == contents(there).keys() == {"a.png.npz", "c.png.npz", "d.png.npz"}
    for name in contents(here):
        with np.load(here / name) as one, np.load(there / name) as other:
            assert one.files == other.files
            for part in one.files:
                np.testing.assert_array_equal(one[part], other[part], strict=True)
    assert out == out_there and f"cannot use {photos / 'b.png'}" in err and "1 of 4 images could not" in err


def test_predict_writes_the_same_files_and_reports_the_broken_image(everywhere, photos, tmp_path):
    run = save(make_model("full-resolution", ("background", "cell")), tmp_path / "run.npz")
    (out, _, here), (out_there, err, there) = everywhere("predict", run, *sorted(photos.iterdir()), code=1)
    assert contents(here) == contents(there)
    assert contents(here).keys() == {f"{name}-{kind}.png" for name in "acd" for kind in ("labels", "overlay")}
    assert out == out_there and f"cannot use {photos / 'b.png'}" in err and "1 of 4 images could not" in err


@on_a_cluster
def test_predictions_for_other_tools_are_in_the_order_of_the_images(everywhere, photos, tmp_path):
    run = save(make_model("yolo", ("background", "cell")), tmp_path / "run.npz")
    images = [photos / f"{name}.png" for name in "dac"]
    (_, _, here), (_, _, there) = everywhere("predict", run, *images, "--format", "csv", "--min-score", "0")
    assert contents(here) == contents(there)
    named = [line.split(",")[0] for line in (there / "predictions.csv").read_text().splitlines()[1:]]
    assert list(dict.fromkeys(named)) == [str(path) for path in images]


def test_evaluate_gives_the_same_figures_and_leaves_a_broken_image_out(elsewhere, tmp_path, rng, capsys, monkeypatch):
    for kind, size in (("images", (20, 24, 3)), ("labels", (20, 24))):
        (tmp_path / "cells" / kind).mkdir(parents=True)
        for k in range(21):
            Image.fromarray(rng.integers(0, 2, size, dtype=np.uint8)).save(tmp_path / "cells" / kind / f"{k:02}.png")
    (tmp_path / "cells" / "classes.txt").write_text("cell\n")
    (tmp_path / "cells" / "images" / "07.png").write_bytes(b"no picture")
    data = {"data": f"folder:{tmp_path / 'cells'}", "split": "train", "level": None, "size": None, "skip_broken": False}
    run = save(make_model("full-resolution", ("background", "cell")), tmp_path / "run.npz", **data)
    assert main(["evaluate", run, "--split", "all", *elsewhere]) == 2
    assert "07.png" in capsys.readouterr().err
    found = []
    for options in ((), elsewhere):
        if options:
            monkeypatch.setattr("minivision.metrics.prediction._here", None)
        assert main(["evaluate", run, "--split", "all", "--skip-broken", "--json", *options]) == 0
        shown = capsys.readouterr()
        found.append(json.loads(shown.out))
        assert "07.png" in shown.err
    assert found[0] == found[1] and found[0]["images"] == 20 and 0 < found[0]["miou"] < 1


def test_errors_of_several_runs_are_the_same(everywhere, tmp_path, rng):
    """Of networks that were not trained, which find what is not there and miss what is."""
    images, annotations = [], []
    (tmp_path / "coco" / "annotations").mkdir(parents=True)
    (tmp_path / "coco" / "val").mkdir()
    for k in range(3):
        Image.fromarray(rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)).save(tmp_path / "coco" / "val" / f"{k}.png")
        images.append({"id": k, "file_name": f"{k}.png", "height": 64, "width": 64})
        annotations.append({"id": k, "image_id": k, "category_id": 1, "bbox": [8 * k, 5, 30, 40], "iscrowd": 0})
    content = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "cell"}]}
    (tmp_path / "coco" / "annotations" / "instances_val.json").write_text(json.dumps(content))
    data = {"data": f"coco:{tmp_path / 'coco'}", "split": "val", "level": None, "size": None, "skip_broken": False}
    runs = [
        save(make_model(name, ("background", "cell")), tmp_path / f"{name}.npz", **data) for name in ("yolo", "yolov2")
    ]
    (out, _, here), (out_there, _, there) = everywhere("evaluate", *runs, "--errors")
    assert out == out_there and "3 images" in out and "yolov2" in out
    assert contents(here) == contents(there) and contents(here).keys() == {"errors.csv", "errors.md", "errors.png"}


def test_a_scheduler_that_dies_is_a_sentence_and_the_same_command_continues(
    machines, tmp_path, rng, capsys, monkeypatch
):
    folder, out = tmp_path / "photos", tmp_path / "out"
    folder.mkdir()
    for k in range(20):
        Image.fromarray(rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)).save(folder / f"{k:02}.png")
    doomed = Machines(tmp_path)
    written = []

    def atomic(path):
        written.append(path)
        if len(written) == 3:
            doomed.scheduler.kill()
            doomed.scheduler.wait()
        return atomic_write(path)

    monkeypatch.setattr("minivision.detection.proposals.proposal_files.atomic_write", atomic)
    words = ["propose", str(folder), "--mode", "single", "--out", str(out), "--scheduler"]
    try:
        doomed.wait_for_workers(2)
        assert main([*words, doomed.address]) == 1
    finally:
        doomed.close()
    said = capsys.readouterr().err
    sentence = f"minivision: the scheduler at {doomed.address} is gone; run the same again to continue"
    assert said.splitlines()[-1] == sentence and "Traceback" not in said
    before = contents(out)
    assert 3 <= len(before) < 20 and {path.name for path in written} == before.keys()
    assert main([*words, machines.address]) == 0
    assert f"Wrote the boxes for {20 - len(before)} images" in capsys.readouterr().out
    after = contents(out)
    assert len(after) == 20 and before.items() <= after.items()
    assert main(["propose", str(folder), "--mode", "single", "--out", str(tmp_path / "here")]) == 0
    for name in after:
        with np.load(out / name) as one, np.load(tmp_path / "here" / name) as other:
            np.testing.assert_array_equal(one["boxes"], other["boxes"], strict=True)


def test_scenes_are_drawn_where_they_are_predicted(cluster):
    scenes = FewScenes("easy", "val", size=64)
    model = make_model("encoder-decoder", scenes.classes)
    found = list(predict_dataset(model, scenes, batch_size=2, executor=cluster))
    assert len(found) == 5
    for (sample, one), (_, other) in zip(found, predict_dataset(model, scenes, batch_size=2), strict=True):
        np.testing.assert_array_equal(one, other, strict=True)
        assert sample.label_map.shape == one.shape


def test_a_batch_that_cannot_be_predicted_ends_an_evaluation_with_its_images(cluster):
    scenes = FewScenes("easy", "val", size=64)
    model = make_model("encoder-decoder", scenes.classes)
    model.predict = None  # an object of the model's own, which is sent along
    with pytest.raises(ValueError, match=r"images \d to \d of the dataset: 'NoneType' object is not callable"):
        list(predict_dataset(model, scenes, batch_size=2, executor=cluster))


@on_a_cluster
def test_compare_trains_the_same_networks(everywhere, tmp_path, monkeypatch, one_thread):
    monkeypatch.setenv("MINIVISION_CACHE", str(tmp_path / "cache"))
    comparison = minivision.comparison.get_comparison("segmentation")
    monkeypatch.setitem(vars(comparison), "costs", lambda model, scenes: dict.fromkeys(COSTS, 1.0))  # seconds, and here
    one_thread()  # as the workers have: the gradients of other numbers of threads differ in the last digits
    words = ["compare", "segmentation", "--only", "full-resolution", "--level", "easy", "--steps", "2", "--seeds", "2"]
    (_, _, here), (out, _, there) = everywhere(*words, "--train", "4", "--val", "2")
    assert "Rows were trained on the machines of a cluster" in out
    (row,) = [row for row in comparison.rows if row.system == "full-resolution"]
    for run in (row.run, f"{row.run}-seed1"):
        one, other = (Checkpoint.load(folder / run) for folder in (here, there))
        assert one.step == other.step == 2 and one.model.keys() == other.model.keys()
        for name in one.model:
            np.testing.assert_array_equal(one.model[name], other.model[name], strict=True)
    figures = [json.loads((folder / "comparison.json").read_text()) for folder in (here, there)]
    for each, other in zip(*([state["figures"], state["more_seeds"]["1"]] for state in figures), strict=True):
        assert each[row.title]["miou"] == other[row.title]["miou"]


COSTS = ("parameters", "multiply_adds", "prediction_memory", "training_memory", "prediction_seconds")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["compare", "segmentation", "--minutes", "1"], "equal minutes on machines that differ"),
        (["compare", "segmentation"], "give --steps on a cluster"),
        (["propose", "scenes"], "--scheduler is for a folder, and scenes is not"),
        (["predict", "run", "a.png", "--jobs", "2"], "not allowed with argument --jobs"),
    ],
)
def test_what_a_cluster_is_not_for_is_a_sentence_of_its_own(words, message, tmp_path, capsys):
    assert main([*words, "--scheduler", "tcp://127.0.0.1:9", "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1 and not (tmp_path / "out").exists()


def test_pytorch_takes_turns_on_one_machine_and_is_refused(tmp_path, capsys):
    words = ["compare", "pytorch", "--steps", "5", "--scheduler", "tcp://127.0.0.1:9", "--out", str(tmp_path / "out")]
    with contextlib.suppress(ImportError):
        assert main(words) == 2
        assert "take turns on one machine" in capsys.readouterr().err and not (tmp_path / "out").exists()
