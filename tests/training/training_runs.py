"""Short trainings of the tiny system, for the tests of the trainer."""

import copy
import dataclasses
import os
import signal

import numpy as np
from tiny_system import Blobs, TinySystem

from minivision.training import Settings, train


def new_model(seed=0, **options):
    return TinySystem(Blobs.classes, rng=np.random.default_rng(seed), **options)


def run(model=None, dataset=None, **options):
    """Train with settings and other options of the trainer; return the model and the result."""
    model = new_model() if model is None else model
    names = {field.name for field in dataclasses.fields(Settings)}
    settings = Settings(**{name: value for name, value in options.items() if name in names})
    others = {name: value for name, value in options.items() if name not in names}
    return model, train(model, dataset or Blobs(), settings, **{"steps": 12, "progress": False, **others})


def bits(model):
    return {name: array.tobytes() for name, array in model.state().items()}


class StopAfter:
    """Replaces ``model.step``; sends this process a signal during step number `step`."""

    def __init__(self, model, step, number=signal.SIGINT):
        self.model, self.left, self.number = model, step, number
        self.original = model.step
        model.step = self

    def __call__(self, batch):
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), self.number)
        return self.original(batch)

    def __deepcopy__(self, memo):
        return copy.deepcopy(self.original, memo)
