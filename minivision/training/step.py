"""One training step: batch, forward and backward pass, check, clipping, update."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from minivision.core.ranks import Echo, current_ranks, using_ranks
from minivision.optim.optimizers import OPTIMIZERS, Optimizer, clip_gradients, gradient_norm
from minivision.training.averaging import average_over_ranks
from minivision.training.batches import Batches, BatchesAhead, reseed
from minivision.training.nonfinite_layer import TrainingError, explain_nonfinite
from minivision.training.overlap import sums_during_backward
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

    Of several ranks each does so with its part of the batch, and the mean of their gradients updates the parameters.

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
        Their means over the ranks.
    norm : float
        Norm of all gradients together, before clipping.

    Raises
    ------
    TrainingError
        When a loss or a gradient is not finite, on any rank; the parameters are then as before the step.
    """
    batch = batches[step]

    def forward_and_backward():
        reseed(model, settings.seed, step)
        return model.step(batch)

    with sums_during_backward(model) as early:
        own = {name: float(loss) for name, loss in forward_and_backward().items()}
    losses, finite = average_over_ranks(model, own, early) if current_ranks().size > 1 else (own, False)
    norm = current_ranks().number_of_first(gradient_norm(optimizer.parameters))
    if not all(map(math.isfinite, [norm, *losses.values()])):
        raise TrainingError(f"step {step + 1}: {_explanation(model, own, finite, forward_and_backward)}")
    if settings.clip:
        clip_gradients(optimizer.parameters, settings.clip, norm=norm)
    optimizer.step(rate)
    return losses, norm


def _explanation(model, losses, finite, repeat_step):
    """Return where NaN or infinity came from: on the first rank on which something is not finite."""
    ranks = current_ranks()
    if ranks.size == 1:
        return explain_nonfinite(model, losses, repeat_step)
    with using_ranks(Echo(ranks)):
        cause = None if finite else explain_nonfinite(model, losses, repeat_step)
    causes = [f"on rank {rank} {each}" for rank, each in enumerate(ranks.gather_objects(cause)) if each]
    return causes[0] if causes else "the gradients of all ranks are finite, but their sum is not; lower the rate"
