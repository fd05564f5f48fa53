"""One training step: batch, forward and backward pass, check, clipping, update."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from minivision.optim.optimizers import OPTIMIZERS, Optimizer, clip_gradients, gradient_norm
from minivision.training.batches import Batches, BatchesAhead, reseed
from minivision.training.nonfinite_layer import TrainingError, explain_nonfinite
from minivision.training.settings import Settings

if TYPE_CHECKING:
    from minivision.models.base.model import Model


def make_optimizer(model: Model, settings: Settings) -> Optimizer:
    """Return the optimizer of the settings, or the one that the model brings along."""
    make = model.own_optimizer or OPTIMIZERS[settings.optimizer]
    return make(model, weight_decay=settings.weight_decay)


def take_step(
    model: Model, optimizer: Optimizer, batches: Batches | BatchesAhead, step: int, rate: float, settings: Settings
) -> tuple[dict[str, float], float]:
    """Train one step: read the batch, compute losses and gradients, check them, clip, and update the parameters.

    Parameters
    ----------
    model : Model
    optimizer : Optimizer
    batches : Batches or BatchesAhead
    step : int
        Number of the step, from 0.
    rate : float
        Learning rate of this step.
    settings : Settings
        Complete settings; `seed` and `clip` are used.

    Returns
    -------
    losses : dict of str to float
    norm : float
        Norm of all gradients together, before clipping.

    Raises
    ------
    TrainingError
        When a loss or a gradient is not finite; the parameters are then as before the step.
    """
    batch = batches[step]

    def forward_and_backward():
        reseed(model, settings.seed, step)
        return model.step(batch)

    losses = {name: float(loss) for name, loss in forward_and_backward().items()}
    if settings.clip:
        norm = clip_gradients(optimizer.parameters, settings.clip)
    else:
        norm = gradient_norm(optimizer.parameters)
    if not all(map(math.isfinite, [norm, *losses.values()])):
        raise TrainingError(f"step {step + 1}: {explain_nonfinite(model, losses, forward_and_backward)}")
    optimizer.step(rate)
    return losses, norm
