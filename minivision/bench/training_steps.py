"""Training steps of whole systems, each beside its network in PyTorch.

Ours is the step of the trainer, everything included: reading the batch, the network forward and backward, matching and
sampling, losses, checks, the optimizer. PyTorch runs the same network forward and backward, from gradients of its
outputs that are given, and its optimizer: no losses, no matching, no sampling. PyTorch has no RoIAlign of its own, so
one bilinear sample in each cell stands for it. It is timed contiguous and channels-last, run as it is and compiled, and
the fastest counts.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from minivision.bench.entry import Entry
from minivision.bench.torch_networks import fastest_way, training_network

if TYPE_CHECKING:
    from minivision.models.base.model import Model

SYSTEMS = ("encoder-decoder", "faster-rcnn", "mask-rcnn", "densecap", "yolo", "ssd", "yolov2", "localizer")
SCENES = 64


class Training(NamedTuple):
    """A system and what its training steps need."""

    model: Model
    batches: Any
    settings: Any
    optimizer: Any

    def step(self, number: int) -> None:
        """Take a training step."""
        from minivision.training.step import take_step

        take_step(self.model, self.optimizer, self.batches, number, self.settings.rate, self.settings)


def prepare(system: str, *, level: str = "mid", seed: int = 0) -> Training:
    """Make a system and what it is trained with, on scenes, with its own recipe."""
    from minivision.data import Scenes
    from minivision.models import make_model, system_class
    from minivision.tasks import get_task
    from minivision.training import Settings
    from minivision.training.batches import Batches
    from minivision.training.step import make_optimizer

    scenes = Scenes(level, "train", **system_class(system).scene_options).draw(SCENES)
    model = make_model(system, scenes.classes, rng=np.random.default_rng(seed))
    dataset = model.prepare(scenes) or scenes
    settings = Settings(seed=seed).complete({}, model.recipe)
    uses_instances = get_task(model.task).uses_instances
    batches = Batches(dataset, settings.batch_size, seed=seed, flips=settings.flips, instances=uses_instances)
    return Training(model, batches, settings, make_optimizer(model, settings))


def entries(torch: ModuleType | None, systems: Sequence[str], *, compiled: bool = True) -> Iterator[Entry]:
    """Yield the entry of a training step of each system.

    Parameters
    ----------
    torch : module or None
        PyTorch, if it is installed.
    systems : sequence of str
        Of `SYSTEMS`.
    compiled : bool
        Whether to try ``torch.compile``, which takes up to minutes and needs a C++ compiler.
    """
    for system in systems:
        training = prepare(system)
        batch = training.batches[0]
        shape = "x".join(map(str, training.model.normalize(batch.images).shape))
        training.step(0)  # memory of the optimizer
        theirs = None
        if torch:
            make = functools.partial(_torch_step, torch, training.model, batch)
            theirs = fastest_way(torch, make, compiled=compiled)
        yield Entry(system, f"{shape}, a training step", functools.partial(training.step, 1), theirs, seconds=0.5)


def _torch_step(torch, model, batch, channels_last, compiled):
    """Return a training step of the same network in PyTorch, a function without arguments."""
    layout = torch.channels_last if channels_last else torch.contiguous_format
    network = training_network(model, batch).train().to(memory_format=layout)
    images = torch.from_numpy(model.normalize(batch.images)).contiguous(memory_format=layout)
    with torch.no_grad():
        gradients = [torch.randn_like(output) / output.numel() for output in network(images)]
    optimizer = torch.optim.AdamW(network.parameters(), fused=True)
    run = torch.compile(network) if compiled else network

    def step():
        optimizer.zero_grad()
        torch.autograd.backward(run(images), gradients)
        optimizer.step()

    return step
