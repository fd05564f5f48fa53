"""Training by PyTorch: the same numbers as our own training, step after step, and checkpoints that continue."""

import copy
import csv

import numpy as np
import pytest

from minivision.bench.torch_training import SYSTEMS, trained_by_torch
from minivision.data import Scenes
from minivision.models import make_model, system_class
from minivision.tasks import get_task
from minivision.training import Batches, Checkpoint, Settings, read_log, train
from minivision.training.step import make_optimizer, take_step

pytest.importorskip("torch")
STEPS = 3


@pytest.fixture(scope="module")
def scenes():
    return Scenes("mid", "train", captions=True).draw(8)


def prepared(name, scenes, seed=3):
    model = make_model(name, scenes.classes, rng=np.random.default_rng(seed))
    model.prepare(scenes)
    return model.astype(np.float64)


def steps(model, scenes, optimizer=None, first=0):
    """Take some steps; return the losses of each, and the optimizer."""
    settings = Settings(seed=5, batch_size=4).complete({}, model.recipe)
    uses_instances = get_task(model.task).uses_instances
    batches = Batches(scenes, 4, seed=5, flips=settings.flips, instances=uses_instances)
    optimizer = optimizer or make_optimizer(model, settings)
    losses = [take_step(model, optimizer, batches, first + k, 1e-3, settings) for k in range(STEPS)]
    return losses, optimizer


@pytest.mark.parametrize("name", SYSTEMS)
def test_pytorch_takes_the_same_steps_as_we_do(name, scenes):
    ours = prepared(name, scenes)
    before = {key: value.copy() for key, value in ours.state().items()}
    theirs = trained_by_torch(ours)
    (our_losses, our_optimizer), (their_losses, their_optimizer) = steps(ours, scenes), steps(theirs, scenes)
    for (mine, norm), (their, their_norm) in zip(our_losses, their_losses, strict=True):
        assert their == {key: pytest.approx(value, rel=1e-7, abs=1e-9) for key, value in mine.items()}
        assert their_norm == pytest.approx(norm, rel=1e-6)
    for key, value in ours.state().items():
        np.testing.assert_allclose(theirs.state()[key], value, atol=2e-5, err_msg=key)
        if "anchors" not in key and "sizes" not in key:
            assert not np.array_equal(theirs.state()[key], before[key]), f"{key} is not trained"
    for key, value in our_optimizer.state().items():
        np.testing.assert_allclose(their_optimizer.state()[key], value, atol=1e-8, err_msg=key)


def test_weights_biases_and_normalization_decay_alike(scenes):
    model = prepared("yolo", scenes)
    twin = trained_by_torch(model)
    decays = {}
    for group in make_optimizer(twin, Settings().complete({}, twin.recipe)).optimizer.param_groups:
        decays |= {id(parameter): group["weight_decay"] for parameter in group["params"]}
    for parameter in twin.parameters():
        expected = twin.recipe["weight_decay"] if parameter.decay else 0
        assert decays[id(twin.torch_parameters[id(parameter)])] == expected


def test_a_copy_trains_without_the_original(scenes):
    for name in ("yolo", "faster-rcnn", "densecap"):
        twin = trained_by_torch(prepared(name, scenes))
        before = {key: value.copy() for key, value in twin.state().items()}
        steps(copy.deepcopy(twin), scenes)
        for key, value in twin.state().items():
            np.testing.assert_array_equal(value, before[key], err_msg=key)
        steps(twin, scenes)
        assert all(not np.array_equal(parameter.value, before[parameter.name]) for parameter in twin.parameters())


@pytest.mark.parametrize("name", ["ssd", "faster-rcnn"])
def test_a_checkpoint_continues_and_is_one_of_the_system_itself(name, scenes, tmp_path):
    def twin():
        return trained_by_torch(make_model(name, scenes.classes, rng=np.random.default_rng(0)))

    whole = twin()
    train(whole, scenes, Settings(seed=1), steps=6, out=tmp_path / "whole", progress=False)

    def stop(step, total):
        if step == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(twin(), scenes, Settings(seed=1), steps=6, out=tmp_path / "parts", progress=False, on_step=stop,
              save_every=0)  # fmt: skip
    assert 0 < Checkpoint.load(tmp_path / "parts").step < 6
    resumed = twin()
    train(resumed, scenes, out=tmp_path / "parts", resume=True, progress=False)
    for key, value in whole.state().items():
        np.testing.assert_array_equal(resumed.state()[key], value, err_msg=key)
    loaded = Checkpoint.load(tmp_path / "parts").make_model()
    assert type(loaded) is system_class(name)
    images = [scenes[k].image for k in range(4)]
    for mine, own in zip(loaded.predict(images), resumed.predict(images), strict=True):
        np.testing.assert_array_equal(mine.boxes, own.boxes)


def test_other_systems_are_refused():
    with pytest.raises(ValueError, match="rcnn: it is not trained by PyTorch; encoder-decoder"):
        trained_by_torch(make_model("rcnn", ("background", "disc")))


def test_both_sides_of_the_comparison_start_alike_and_take_turns(tmp_path, monkeypatch):
    from minivision.bench.torch_comparison import COMPARISON, ROWS
    from minivision.comparison import ComparisonSettings, run_comparison

    monkeypatch.setattr("minivision.training.turns.TURN_SECONDS", 0)
    assert {row.system for row in ROWS} == set(SYSTEMS)
    settings = ComparisonSettings("easy", None, 0, 8, 3, steps=2)
    assert run_comparison(COMPARISON, tmp_path / "out", settings, only=["yolo"], progress=False)
    ours, theirs = (Checkpoint.load(tmp_path / "out" / run) for run in ("yolo", "yolo-pytorch"))
    assert (ours.step, theirs.step) == (2, 2) and ours.settings == theirs.settings
    for name, array in ours.model.items():  # after two steps of the same batches, in float32
        assert np.abs(theirs.model[name] - array).mean() < 2e-3 * max(1, np.abs(array).mean()), name
    losses = [read_log(tmp_path / "out" / run / "log.jsonl")[0]["loss"] for run in ("yolo", "yolo-pytorch")]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)  # of the first batch, with the same weights
    text = (tmp_path / "out" / "comparison.md").read_text()
    assert "| AP50 | YOLO, minivision | YOLO, PyTorch |" in text and "| YOLO | minivision |" in text


def test_a_captioner_is_compared_by_its_sentences(tmp_path, monkeypatch):
    from minivision.bench.torch_comparison import COMPARISON
    from minivision.comparison import ComparisonSettings, run_comparison
    from minivision.metrics.captions.evaluation import evaluate_captioning

    monkeypatch.setattr("minivision.training.turns.TURN_SECONDS", 0)
    settings = ComparisonSettings("easy", None, 0, 8, 3, steps=2)
    assert run_comparison(COMPARISON, tmp_path / "out", settings, only=["densecap"], progress=False)
    with open(tmp_path / "out" / "comparison.csv", encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["group"] == "DenseCap"]
    scenes = Scenes("easy", "val", captions=True).draw(3)
    for run, row in zip(("densecap", "densecap-pytorch"), rows, strict=True):
        checkpoint = Checkpoint.load(tmp_path / "out" / run)
        assert checkpoint.data["captions"]  # so that `evaluate` finds the same scenes
        figures = evaluate_captioning(checkpoint.make_model(), scenes)
        assert float(row["true_sentences"]) == pytest.approx(figures["true_boxes"]["true"])
        assert float(row["AP50"]) == pytest.approx(figures["boxes"]["AP50"])
