"""Training: one trainer for every system, its settings, its checkpoints and its log."""

from minivision.optim.optimizers import SGD, Adam, AdamW, Optimizer, clip_gradients, gradient_norm
from minivision.optim.schedules import rate_factor
from minivision.training.batches import Batches
from minivision.training.checkpoint import Checkpoint, CheckpointError, load
from minivision.training.log import read_log
from minivision.training.nonfinite_layer import TrainingError
from minivision.training.run import TrainingResult
from minivision.training.settings import Settings
from minivision.training.trainer import train
from minivision.training.turns import train_in_turns

__all__ = [
    "SGD",
    "Adam",
    "AdamW",
    "Batches",
    "Checkpoint",
    "CheckpointError",
    "Optimizer",
    "Settings",
    "TrainingError",
    "TrainingResult",
    "clip_gradients",
    "gradient_norm",
    "load",
    "rate_factor",
    "read_log",
    "train",
    "train_in_turns",
]
