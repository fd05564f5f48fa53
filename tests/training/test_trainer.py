"""The trainer learns, resumes with the same bits, stops cleanly, and reports the layer where NaN began."""

import functools
import json
import os
import signal
import sys
import types

import numpy as np
import pytest
from tiny_system import Blobs, TinySystem
from training_runs import StopAfter, bits, new_model, run

import minivision
from minivision.data import Scenes
from minivision.data.memory import hold_in_memory
from minivision.models import make_model
from minivision.training import Checkpoint, Settings, TrainingError, load, read_log, train
from minivision.training.batches import Batches


def test_loss_falls():
    _, result = run(steps=150)
    assert result.log[-1]["loss"] < 0.3 * result.log[0]["loss"]


@pytest.mark.parametrize("stop", [1, 5, 11])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)])
def test_interrupted_and_resumed_is_bit_for_bit_the_uninterrupted_run(tmp_path, stop, number):
    options = dict(optimizer="adamw", crop=(12, 12), clip=1.0, seed=3)
    whole, _ = run(out=tmp_path / "whole", **options)
    halved = new_model()
    StopAfter(halved, stop, number)
    _, result = run(halved, out=tmp_path / "halved", **options)
    assert result.interrupted and result.step == stop
    resumed, result = run(new_model(seed=99), out=tmp_path / "halved", resume=True, steps=None)
    assert not result.interrupted and result.step == result.total == 12
    assert bits(resumed) == bits(whole)
    a, b = (Checkpoint.load(tmp_path / name / "checkpoint.npz") for name in ("whole", "halved"))
    assert {k: v.tobytes() for k, v in a.optimizer.items()} == {k: v.tobytes() for k, v in b.optimizer.items()}
    a, b = (read_log(tmp_path / name / "log.jsonl") for name in ("whole", "halved"))
    for entry in a + b:
        entry.pop("seconds")
    assert a == b and [entry["step"] for entry in a] == list(range(1, 13))


@pytest.mark.parametrize(("stop", "steps"), [(5, 5), (12, 12), (None, 12)])
def test_a_stop_in_the_last_step_is_reported_too(stop, steps):
    model = new_model()
    if stop:
        StopAfter(model, stop)
    _, result = run(model)
    assert (result.step, result.interrupted, result.stopped) == (steps, steps < 12, stop is not None)


def test_on_step_is_called_after_each_step_of_new_and_resumed_runs(tmp_path):
    seen = []
    run(steps=3, out=tmp_path, on_step=lambda step, total: seen.append((step, total)))
    run(steps=5, out=tmp_path, resume=True, on_step=lambda step, total: seen.append((step, total)))
    assert seen == [(1, 3), (2, 3), (3, 3), (4, 5), (5, 5)]


def test_log_lines_after_the_last_checkpoint_are_not_kept_twice(tmp_path):
    run(out=tmp_path / "whole")
    half = new_model()
    StopAfter(half, 4)
    run(half, out=tmp_path / "run")
    with open(tmp_path / "run" / "log.jsonl", "a") as file:  # left by a killed run
        file.write(json.dumps({"step": 5, "loss": 77}) + "\n" + json.dumps({"step": 6, "loss": 77}) + '\n{"st')
    run(out=tmp_path / "run", resume=True, steps=None)
    entries = read_log(tmp_path / "run" / "log.jsonl")
    assert [entry["step"] for entry in entries] == list(range(1, 13))
    assert all(entry["loss"] != 77 for entry in entries)


def test_seed_changes_the_run_and_the_same_seed_does_not():
    assert bits(run(seed=1)[0]) == bits(run(seed=1)[0]) != bits(run(seed=2)[0])


def test_leaves_checkpoint_log_and_curve(tmp_path):
    model, _ = run(out=tmp_path / "deep" / "run", data={"data": "blobs"})
    assert sorted(os.listdir(tmp_path / "deep" / "run")) == ["checkpoint.npz", "log.jsonl", "loss.png"]
    checkpoint = Checkpoint.load(tmp_path / "deep" / "run" / "checkpoint.npz")
    assert checkpoint.step == checkpoint.total == 12 and checkpoint.finished
    assert checkpoint.system == "tiny" and checkpoint.options == {"width": 4, "noisy": True, "style": "plain"}
    assert checkpoint.data == {"data": "blobs"}
    assert checkpoint.settings["batch_size"] == 4  # by the model's recipe
    assert checkpoint.settings["rate"] == 0.05


def test_folder_with_a_run_is_refused_and_left_alone(tmp_path):
    run(out=tmp_path)
    before = (tmp_path / "checkpoint.npz").read_bytes()
    with pytest.raises(FileExistsError, match="already holds a run"):
        run(out=tmp_path)
    assert (tmp_path / "checkpoint.npz").read_bytes() == before


class Forgetful(TinySystem):
    """Keeps an argument of its constructor from the options."""

    def __init__(self, classes, rng=None, *, width=4):
        super().__init__(classes, rng, width=width)
        del self.options["width"]


class Demanding(TinySystem):
    def __init__(self, classes, width, rng=None):
        super().__init__(classes, rng, width=width)
        self.options = {}


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (lambda: Forgetful(Blobs().classes, width=5), "made again .*'noisy'.* has to hand its arguments on"),
        (lambda: Demanding(Blobs().classes, 5), "missing 1 required positional argument: 'width'; Demanding has to"),
    ],
)
def test_a_model_that_its_checkpoint_could_not_make_again_is_refused_before_the_training(
    tmp_path, monkeypatch, model, message
):
    made = model()
    monkeypatch.setitem(minivision.models._SYSTEMS, "tiny", ("own", type(made).__name__))
    own = types.ModuleType("minivision.models.own")
    setattr(own, type(made).__name__, type(made))
    monkeypatch.setitem(sys.modules, own.__name__, own)
    with pytest.raises(ValueError, match=message):
        run(made, steps=2, out=tmp_path / "run")
    run(made, steps=2)  # without a checkpoint nothing has to be made again


def test_nothing_to_resume_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="no run to resume"):
        run(out=tmp_path, resume=True)


def test_more_steps_can_be_trained_later_but_not_fewer(tmp_path):
    run(out=tmp_path)
    model, result = run(out=tmp_path, resume=True, steps=20)
    assert (result.step, result.total) == (20, 20)
    with pytest.raises(ValueError, match="already taken 20 steps"):
        run(out=tmp_path, resume=True, steps=15)


def test_resuming_a_finished_run_changes_nothing(tmp_path):
    model, _ = run(out=tmp_path)
    again, result = run(new_model(seed=5), out=tmp_path, resume=True, steps=None)
    assert bits(again) == bits(model) and result.step == 12


class Poisoned(TinySystem):
    """A model whose first layer returns infinity, or an infinite gradient, from one step on."""

    def __init__(self, at, where):
        super().__init__(Blobs.classes, rng=np.random.default_rng(0))
        self.at, self.count = at, 0
        layer = self.net.layers[0]
        if where == "forward":
            plain = layer.forward
            layer.forward = lambda x, training=False: plain(x, training=training) * self.factor()
        else:
            plain_back = layer.backward
            layer.backward = lambda dy: plain_back(dy * self.factor())

    def factor(self):
        return np.float32(np.inf if self.count >= self.at else 1)

    def step(self, batch):
        self.count += 1
        return super().step(batch)


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("forward", r"step 4: the loss 'cross_entropy' is nan.*output.*net\.layers\.0 \(PixelLinear\)"),
        ("backward", r"step 4: the loss is finite.*backward pass.*net\.layers\.0 \(PixelLinear\)"),
    ],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_not_finite_stops_names_the_layer_and_keeps_the_last_checkpoint(tmp_path, where, message):
    model = Poisoned(at=4, where=where)
    with pytest.raises(TrainingError, match=message) as caught:
        run(model, out=tmp_path, save_every=0)
    assert "checkpoint of step 3 is kept" in str(caught.value)
    checkpoint = Checkpoint.load(tmp_path / "checkpoint.npz")
    assert checkpoint.step == 3 and all(np.isfinite(array).all() for array in checkpoint.model.values())
    assert len(read_log(tmp_path / "log.jsonl")) == 3 and (tmp_path / "loss.png").exists()


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_parameter_that_is_not_finite_is_named():
    model = new_model()
    model.net.layers[0].w.value[0, 0] = np.nan
    with pytest.raises(TrainingError, match=r"parameter net\.layers\.0\.w is not finite"):
        run(model)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_the_search_for_the_layer_leaves_no_trace():
    model = new_model()
    model.losses = lambda scores, batch: ({"cross_entropy": float("nan")}, np.zeros_like(scores))
    with pytest.raises(TrainingError, match="the loss itself"):
        run(model)
    assert not model.leftovers()
    assert all("forward" not in vars(layer) and "backward" not in vars(layer) for layer in model.net.layers)


def test_large_datasets_are_not_held_in_memory_and_are_resized_when_read(monkeypatch):
    dataset = Blobs(4, sizes=((16, 20), (12, 12)))
    monkeypatch.setattr("minivision.data.memory.available_memory", lambda: 2000)
    assert hold_in_memory(dataset) is dataset
    resized = hold_in_memory(dataset, size=(8, 10))
    assert resized.image_sizes() == [(8, 10)] * 4 and resized[1].image.shape == (8, 10, 3)
    assert run(dataset=resized, steps=2)[1].step == 2


def test_images_of_several_sizes_are_cropped_with_a_message(caplog):
    caplog.set_level("INFO", "minivision")
    _, result = run(dataset=Blobs(sizes=((140, 150), (130, 20))), steps=2, progress=True)
    assert "crops of 128x128" in caplog.text and result.step == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(steps=None), "minutes or steps"),
        (dict(minutes=1), "not both"),
        (dict(minutes=-1, steps=None), "minutes: expected a positive number, got -1"),
        (dict(steps=0), "at least 1"),
        (dict(rate=-1.0), "rate: expected a positive number, got -1.0"),
        (dict(optimizer="lion"), "one of sgd, adam, adamw"),
        (dict(flips=("sideways",)), "horizontal, vertical"),
        (dict(seed=-1), "seed"),
        (dict(crop=(0, 5)), "crop"),
        (dict(batch_size=0), "batch_size"),
        (dict(resume=True), "needs out"),
    ],
)
def test_wrong_settings_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        run(**options)


def test_other_classes_and_missing_label_maps_are_refused():
    with pytest.raises(ValueError, match="knows the classes"):
        run(TinySystem(("background", "cat")))
    blind = Blobs()
    blind.has_label_maps = False
    with pytest.raises(ValueError, match="no label maps"):
        run(dataset=blind)


def test_prepare_and_finish_are_called_once_around_the_steps(tmp_path):
    calls = []
    model = new_model()
    model.prepare = lambda dataset: calls.append(("prepare", len(dataset)))
    model.finish = lambda dataset: calls.append(("finish", len(dataset)))
    step = model.step
    model.step = lambda batch: (calls.append("step"), step(batch))[1]
    run(model, steps=2, out=tmp_path)
    assert calls == [("prepare", 10), "step", "step", ("finish", 10)]
    run(model, resume=True, steps=3, out=tmp_path)
    assert calls[4:] == [("prepare", 10), "step", ("finish", 10)]


def test_every_image_is_used_once_in_a_pass_also_when_batches_cross_its_end():
    batches = Batches(Blobs(10), 4, seed=1)
    drawn = sum((batches.indices(step) for step in range(5)), [])
    assert sorted(drawn[:10]) == sorted(drawn[10:]) == list(range(10)) and drawn[:10] != drawn[10:]


def test_a_batch_depends_on_nothing_but_seed_and_step():
    batches = Batches(Blobs(10), 4, seed=1, crop=(8, 8), flips=("horizontal", "vertical"))
    later = batches[7].images
    for step in (3, 0, 7):
        again = batches[step].images
    np.testing.assert_array_equal(later, again)
    other = Batches(Blobs(10), 4, seed=2, crop=(8, 8), flips=("horizontal", "vertical"))[7].images
    assert not np.array_equal(later, other)


def test_load_returns_the_trained_model_of_a_run_or_of_a_checkpoint(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "minivision.models.make_model", lambda system, classes, **options: TinySystem(classes, **options)
    )
    model, _ = run(out=tmp_path / "run")
    for path in (tmp_path / "run", str(tmp_path / "run" / "checkpoint.npz")):
        assert bits(load(path)) == bits(minivision.load(path)) == bits(model)
    with pytest.raises(FileNotFoundError, match="holds no run"):
        minivision.load(tmp_path)


def test_what_is_drawn_after_the_last_step_is_the_same_in_a_resumed_run(tmp_path):
    """As where a process was killed while R-CNN fitted its support vector machines."""

    class Drawing(TinySystem):
        drawn = None

        def finish(self, dataset):
            self.drawn = self.rng.random(3).tolist()

    whole, killed, resumed = (Drawing(Blobs.classes, rng=np.random.default_rng(seed)) for seed in (0, 0, 9))
    for model in (whole, killed, resumed):
        model.rng = np.random.default_rng(model is resumed)
    run(whole)

    def die(dataset):
        raise KeyboardInterrupt

    killed.finish = die
    with pytest.raises(KeyboardInterrupt):
        run(killed, out=tmp_path)
    run(resumed, out=tmp_path, resume=True, steps=None)
    assert resumed.drawn == whole.drawn and bits(resumed) == bits(whole)


def test_two_runs_into_one_folder_are_not_mixed(tmp_path):
    def second(step, total):
        if step == 3:
            with pytest.raises(OSError, match="in use by another run"):
                run(out=tmp_path, resume=True, steps=None)

    _, result = run(out=tmp_path, on_step=second)
    assert [entry["step"] for entry in read_log(tmp_path / "log.jsonl")] == list(range(1, result.total + 1))


def test_damaged_lines_of_a_log_cost_no_other_lines(tmp_path):
    run(out=tmp_path, steps=6)
    path = tmp_path / "log.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    damaged = [b"\0" * 40 + b"\n", b'{"step": null, "loss": 1}\n', b'{"step": 4}\n', b"[" * 9999 + b"\n", b"7\n"]
    path.write_bytes(b"".join([*lines[:2], *damaged, *lines[2:], b'{"step": 7, "lo']))
    assert [entry["step"] for entry in read_log(path)] == list(range(1, 7))
    run(new_model(), out=tmp_path, resume=True, steps=8)
    assert [json.loads(line)["step"] for line in path.read_text().splitlines()] == list(range(1, 9))


def test_a_full_disk_names_the_file_and_keeps_the_last_checkpoint(tmp_path, monkeypatch, caplog):
    _, result = run(out=tmp_path, steps=4)
    before = (tmp_path / "checkpoint.npz").read_bytes()

    def full(*arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with caplog.at_level("INFO", logger="minivision"), pytest.raises(OSError, match="checkpoint.npz"):
        run(new_model(), out=tmp_path, resume=True, steps=8, save_every=0.0, progress=True)
    assert (tmp_path / "checkpoint.npz").read_bytes() == before


@pytest.mark.parametrize("crowd", [True, False])
def test_a_dataset_with_nothing_to_learn_is_refused(crowd):
    class Empty(Blobs):
        def _sample(self, index):
            sample = super()._sample(index)
            return sample._replace(label_map=np.where(sample.label_map, 255 * crowd, 0).astype(np.uint8))

    with pytest.raises(ValueError, match="nothing to learn: the label maps of the"):
        run(dataset=Empty())


def test_a_dataset_without_images_is_refused_by_a_sentence():
    with pytest.raises(ValueError, match="the dataset holds no images, so there is nothing to learn from"):
        minivision.training.train(new_model(), Blobs(0), steps=1, progress=False)


def test_a_run_from_before_an_option_is_resumed_with_a_word_about_it(tmp_path, caplog):
    scenes = Scenes("easy", "train", objects=1).draw(2)
    path, localizer = tmp_path / "checkpoint.npz", functools.partial(make_model, "localizer", scenes.classes)
    train(localizer(), scenes, Settings(batch_size=1), steps=1, out=tmp_path, progress=False)
    train(localizer(), steps=2, dataset=scenes, out=tmp_path, resume=True, progress=False)
    assert "older version" not in caplog.text
    checkpoint = Checkpoint.load(path)
    del checkpoint.options["regression_loss"]
    checkpoint.save(path)
    train(localizer(), steps=3, dataset=scenes, out=tmp_path, resume=True, progress=False)
    assert "older version" in caplog.text and "regression_loss='smooth-l1'." in caplog.text
