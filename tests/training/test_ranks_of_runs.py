"""Trainings of several ranks, which are threads here: who writes, how they stop together, resume, and report faults."""

import logging
import time

import numpy as np
import pytest
from thread_ranks import on_ranks
from tiny_system import Blobs, TinySystem
from training_runs import bits, new_model, run

from minivision.core.ranks import current_ranks
from minivision.layers import BatchNorm2d
from minivision.models import make_model
from minivision.training import Checkpoint, Settings, TrainingError, read_log
from minivision.training.averaging import average_over_ranks
from minivision.training.batches import Batches
from minivision.training.step import make_optimizer, take_step


def runs(size, folder=None, **options):
    """Train the tiny system on some ranks; return the model and the result of each."""
    dataset = Blobs()

    def one(ranks):
        seed = options.get("seeds", [0] * size)[ranks.rank]
        others = {name: value for name, value in options.items() if name != "seeds"}
        return run(new_model(seed, noisy=False), dataset, out=folder, **others)

    return on_ranks(size, one)


def test_the_same_ranks_end_with_the_same_bits_and_only_the_first_writes(tmp_path):
    first = runs(2, tmp_path / "first", crop=(12, 12))
    again = runs(2, crop=(12, 12))
    assert len({str(bits(model)) for model, _ in first + again}) == 1
    assert Checkpoint.load(tmp_path / "first").settings["ranks"] == 2
    entries = read_log(tmp_path / "first" / "log.jsonl")
    assert [entry["step"] for entry in entries] == list(range(1, 13))
    losses = [[entry["loss"] for entry in result.log] for _, result in first]
    assert losses[0] == losses[1] == [entry["loss"] for entry in entries]


def test_all_begin_with_the_weights_of_rank_0():
    models = [model for model, _ in runs(2, seeds=[0, 5])]
    assert bits(models[0]) == bits(models[1]) == bits(runs(2)[0][0])


def test_a_batch_is_shared_and_every_image_changed_as_on_one_rank():
    def images(ranks):
        batches = Batches(Blobs(), 6, seed=3, crop=(12, 12), flips=("horizontal",), augment=("colors",))
        return [batches[step].images for step in range(4)]

    whole = images(current_ranks())
    for size in (2, 3):
        parts = on_ranks(size, images)
        assert all((np.concatenate(step) == all_of_it).all() for *step, all_of_it in zip(*parts, whole, strict=True))


def test_a_batch_that_cannot_be_shared_evenly_is_refused():
    with pytest.raises(
        ValueError, match="batch_size: 4 images cannot be shared evenly by 3 ranks; take a multiple of 3"
    ):
        runs(3, steps=1)


@pytest.mark.parametrize("stop", [1, 5])
def test_interrupted_and_resumed_by_as_many_ranks_is_bit_for_bit_the_uninterrupted_run(tmp_path, stop):
    class Stop:  # on rank 1 alone
        def __init__(self):
            self.stop = False

    def interrupted(ranks):
        from minivision.training.trainer import train_by_steps

        signals, steps = Stop(), 0
        training = train_by_steps(
            new_model(noisy=False), dataset, Settings(), steps=12, out=tmp_path, progress=False, signals=signals
        )
        while True:
            try:
                next(training)
            except StopIteration as end:
                return end.value
            steps += 1
            signals.stop = ranks.rank == 1 and steps == stop

    dataset = Blobs()
    results = on_ranks(2, interrupted)
    assert [(each.step, each.interrupted) for each in results] == [(stop, True)] * 2
    resumed = runs(2, tmp_path, resume=True, steps=None, seeds=[98, 99])
    assert bits(resumed[0][0]) == bits(resumed[1][0]) == bits(runs(2)[0][0])


@pytest.mark.parametrize(
    ("synchronized", "said"), [(True, "equal to rounding, not bit for bit"), (False, "so the result differs")]
)
def test_resuming_with_other_ranks_says_what_that_means(tmp_path, caplog, synchronized, said):
    caplog.set_level(logging.INFO, "minivision")
    runs(2, tmp_path, steps=2, sync_batch_norm=synchronized)
    run(new_model(noisy=False), out=tmp_path, resume=True, steps=4, progress=True)
    assert "The run was trained by 2 ranks and is continued by 1 rank" in caplog.text and said in caplog.text
    caplog.clear()
    run(new_model(noisy=False), out=tmp_path, resume=True, steps=6, progress=True)
    assert "The run was trained" not in caplog.text


def test_the_first_lines_say_how_many_train(caplog):
    caplog.set_level(logging.INFO, "minivision")
    runs(2, steps=1, progress=True)
    lines = [
        record.getMessage()
        for record in caplog.records
        if "ranks" in record.getMessage() or "threads" in record.getMessage()
    ]
    assert lines == ["2 threads; 4 images in a step, 2 on each rank; batch normalization by the images of each rank"]


class Slow(TinySystem):
    """Takes its time on one rank."""

    def step(self, batch):
        time.sleep(0.02 * current_ranks().rank)
        return super().step(batch)


def test_minutes_end_after_the_same_step_on_all_ranks():
    def one(ranks):
        return run(Slow(Blobs.classes, noisy=False), Blobs(), steps=None, minutes=0.02)[1]

    results = on_ranks(2, one)
    assert results[0].step == results[1].step == results[0].total > 3
    assert results[0].seconds < 5  # 1.2 are asked for


class Poisoned(TinySystem):
    def forward(self, images, training=False, batch=None):
        scores = super().forward(images, training, batch)
        return scores * np.float32(np.nan) if current_ranks().rank == 1 and training else scores


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_what_is_not_finite_on_one_rank_all_report_and_nobody_moves():
    def one(ranks):
        model = Poisoned(Blobs.classes, noisy=False)
        before = [parameter.value.copy() for parameter in model.parameters()]
        with pytest.raises(TrainingError) as caught:
            run(model, Blobs(), steps=2)
        return str(caught.value), all((p.value == v).all() for p, v in zip(model.parameters(), before, strict=True))

    (message, unchanged), other = on_ranks(2, one)
    assert "step 1: on rank 1 the loss 'cross_entropy' is nan" in message and unchanged
    assert other == (message, True)


def test_weights_that_drift_apart_are_noticed():
    class Drifting(TinySystem):
        def backward(self, dscores):
            super().backward(dscores)
            self.net.layers[0].b.value[0] += 0.01 * current_ranks().rank

    with pytest.raises(TrainingError, match="the weights of rank . are not those of rank .*computes wrongly"):
        on_ranks(2, lambda ranks: run(Drifting(Blobs.classes, noisy=False), Blobs(), steps=1))


def test_without_synchronization_the_mean_of_separate_gradients_and_the_running_statistics_of_rank_0(rng):
    """As DistributedDataParallel does by default."""
    model = make_model("yolo", ("background", "disc"), width=8).astype(np.float64)
    images = rng.integers(0, 255, (4, 32, 32, 3), dtype=np.uint8)
    doutputs = rng.normal(size=model.forward(model.normalize(images)).shape)
    new = {"model": lambda: make_model("yolo", ("background", "disc"), width=8).astype(np.float64)}

    def through(part):
        own = new["model"]()
        own.forward(own.normalize(images[part]), training=True)
        own.backward(doutputs[part])
        return own

    separate = [through(slice(0, 2)), through(slice(2, 4))]

    def together(ranks):
        own = through(slice(2 * ranks.rank, 2 * ranks.rank + 2))
        losses, finite = average_over_ranks(own, {"loss": float(ranks.rank)})
        assert losses == {"loss": 0.5} and finite
        return own

    for model in on_ranks(2, together):
        for ours, *theirs in zip(model.parameters(), *(each.parameters() for each in separate), strict=True):
            np.testing.assert_allclose(ours.grad, (theirs[0].grad + theirs[1].grad) / 2, rtol=1e-13, atol=1e-13)
        running = [name for name in model.state() if "running" in name]
        assert running and all((model.state()[name] == separate[0].state()[name]).all() for name in running)
        assert any((model.state()[name] != separate[1].state()[name]).any() for name in running)


def test_clipping_is_by_the_norm_of_the_mean_gradient():
    model, settings = new_model(noisy=False), Settings(clip=1e-3, optimizer="sgd").complete({"batch_size": 4})

    def one(ranks):
        own = new_model(noisy=False)
        _, norm = take_step(own, make_optimizer(own, settings), Batches(Blobs(), 4), 0, 1.0, settings)
        return norm, own

    (norm, moved), (other, _) = on_ranks(2, one)
    step = [p.value - q.value for p, q in zip(moved.parameters(), model.parameters(), strict=True)]
    assert norm == other > 1e-2
    decay = settings.weight_decay
    lengths = [s + decay * p.value * p.decay for s, p in zip(step, model.parameters(), strict=True)]
    assert np.sqrt(sum((each**2).sum() for each in lengths)) == pytest.approx(1e-3, rel=1e-2)
    assert BatchNorm2d.synchronized is False
