"""Training: optimisers, learning-rate schedules, checkpoints, and one trainer for every system."""

from minivision.optim.optimizers import SGD, Adam, AdamW, Optimizer, clip_gradients, gradient_norm
from minivision.optim.schedules import rate_factor
from minivision.training.batches import Batches
from minivision.training.checkpoint import Checkpoint, CheckpointError
from minivision.training.log import read_log
from minivision.training.nonfinite import TrainingError
from minivision.training.settings import Settings
from minivision.training.trainer import Result, train

__all__ = [
    "SGD",
    "Adam",
    "AdamW",
    "Batches",
    "Checkpoint",
    "CheckpointError",
    "Optimizer",
    "Result",
    "Settings",
    "TrainingError",
    "clip_gradients",
    "gradient_norm",
    "rate_factor",
    "read_log",
    "train",
]
