"""Time steps whose gradients are sent after the backward pass and during it, in turns; rank 0 prints JSON.

    mpiexec -n 2 python docs/scaling/overlap.py

``after`` and ``during`` are medians in seconds. ``backward`` has the ``share`` of its time that a step without messages
spends in the backward pass, and when in that pass gradients are ``completed``: pairs of the share of its time that is
over, and the share of all bytes that are complete then.
"""

from __future__ import annotations

import json
import statistics
import time
from typing import Any

from steps import BATCH, SYSTEMS

from minivision.core.ranks import Echo, using_ranks
from minivision.data import Batch, Scenes
from minivision.layers.watching import watch
from minivision.models import make_model
from minivision.models.base.model import Model
from minivision.optim.optimizers import distinct
from minivision.tasks import get_task
from minivision.training import Settings
from minivision.training.batches import Batches
from minivision.training.mpi import MPIRanks, mpi_ranks
from minivision.training.step import make_optimizer, take_step

STEPS, WARM = 20, 4
FINE = 0.02  # of all gradients: least distance of two points of `completed`


def timed_steps(ranks: MPIRanks, model: Model, batches: Batches, settings: Settings) -> dict[str, Any]:
    """Return the median seconds of steps of both kinds, which take turns."""
    seconds: dict[str, list[float]] = {"after": [], "during": []}
    optimizer = make_optimizer(model, settings)
    for step in range(STEPS + WARM):
        for kind, times in seconds.items():
            ranks.overlaps = kind == "during"
            start = time.perf_counter()
            take_step(model, optimizer, batches, step, 1e-4, settings)
            times.append(time.perf_counter() - start)
    return {kind: round(statistics.median(times[WARM:]), 5) for kind, times in seconds.items()}


def backward_pass(ranks: MPIRanks, model: Model, batch: Batch) -> dict[str, Any]:
    """Return the share of the backward pass in a step without messages, and when its gradients are complete."""
    ends: list[tuple[float, int]] = []

    def layer_ends(name, layer, result):
        if layer.own_parameters() and not layer.remembered():
            ends.append((time.perf_counter(), sum(each.grad.nbytes for each in layer.own_parameters().values())))

    began: list[float] = []
    start = time.perf_counter()
    with (
        using_ranks(Echo(ranks)),
        watch(model, "backward", before=lambda *_: began.append(time.perf_counter()), after=layer_ends),
    ):
        model.step(batch)
    end = time.perf_counter()
    total = sum(each.grad.nbytes for each in distinct(model.parameters()))
    completed, done = [(0.0, 0.0)], 0
    for when, count in ends:
        done += count
        if done / total >= completed[-1][1] + FINE or done == total:
            completed.append((round((when - began[0]) / (end - began[0]), 3), round(done / total, 3)))
    return {"share": round((end - began[0]) / (end - start), 3), "completed": completed}


def main() -> None:
    """Measure, and print."""
    scenes = Scenes("mid", "train").draw(32)
    found: dict[str, dict[str, Any]] = {}
    with mpi_ranks() as ranks:
        assert isinstance(ranks, MPIRanks)
        for system in SYSTEMS:
            model = make_model(system, scenes.classes)
            data = model.prepare(scenes) or scenes
            settings = Settings(batch_size=BATCH).complete(model.recipe)
            batches = Batches(data, BATCH, flips=settings.flips, instances=get_task(model.task).uses_instances)
            found[system] = timed_steps(ranks, model, batches, settings)
            found[system]["backward"] = backward_pass(ranks, model, batches[0])
        if ranks.rank == 0:
            print(json.dumps(found))


if __name__ == "__main__":
    main()
