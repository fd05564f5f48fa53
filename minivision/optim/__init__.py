"""Optimizers and learning rate schedules, with the values of ``torch.optim``."""

from minivision.optim.optimizers import OPTIMIZERS, SGD, Adam, AdamW, Optimizer, clip_gradients, gradient_norm
from minivision.optim.schedules import SCHEDULES, rate_factor, warmup_steps

__all__ = [
    "OPTIMIZERS",
    "SCHEDULES",
    "SGD",
    "Adam",
    "AdamW",
    "Optimizer",
    "clip_gradients",
    "gradient_norm",
    "rate_factor",
    "warmup_steps",
]
