"""The mean of the gradients of all ranks, by one sum of one flat array."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from minivision.core.devices import on_host, to_device_of
from minivision.core.ranks import current_ranks
from minivision.core.types import Array
from minivision.optim.optimizers import distinct

if TYPE_CHECKING:
    from minivision.models.base.model import Model


def average_over_ranks(model: Model, losses: Mapping[str, float]) -> tuple[dict[str, float], bool]:
    """Replace the gradients of a model by their mean over all ranks; return the mean losses.

    The losses travel with the gradients, and so do the running statistics of rank 0, which all ranks take over: as in
    PyTorch's DistributedDataParallel [1]_ a batch that is normalized in parts leaves those of the first part.

    Parameters
    ----------
    model : Model
        Its gradients and running arrays are changed in place.
    losses : dict of str to float
        Losses of this rank by name; the names are those of all ranks.

    Returns
    -------
    losses : dict of str to float
    finite : bool
        Whether the losses and gradients of this rank were finite.

    References
    ----------
    .. [1] Li et al., "PyTorch distributed: experiences on accelerating data parallel training", VLDB 2020.
    """
    ranks = current_ranks()
    gradients = [parameter.grad for parameter in distinct(model.parameters())]
    running = _running_arrays(model, gradients[0].dtype)
    own = np.concatenate([on_host(gradient).ravel() for gradient in gradients])
    values = np.array(list(losses.values()), own.dtype)
    of_first = [on_host(array).ravel() if ranks.rank == 0 else np.zeros(array.size, own.dtype) for array in running]
    total = ranks.sum(np.concatenate([own, values, *of_first]))
    averaged = own.size + len(losses)
    total[:averaged] /= total.dtype.type(ranks.size)
    _copy_parts(total, gradients)
    _copy_parts(total[averaged:], running)
    means = dict(zip(losses, map(float, total[own.size : averaged]), strict=True))
    return means, math.isfinite(float(own.sum())) and all(map(math.isfinite, losses.values()))


def _running_arrays(model: Model, dtype: np.dtype) -> list[Array]:
    """Return the arrays of a model that are no parameters and change in a training step, as far as is known."""
    values = {id(parameter.value) for parameter in model.parameters()}
    return [array for array in model.state().values() if id(array) not in values and array.dtype == dtype]


def _copy_parts(flat, arrays):
    start = 0
    for array in arrays:
        array[...] = to_device_of(flat[start : start + array.size].reshape(array.shape), array)
        start += array.size
