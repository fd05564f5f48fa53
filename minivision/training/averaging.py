"""The mean of the gradients of all ranks, by one sum of one flat array.

Where messages cross a cable, most gradients are summed before: while the backward pass goes on, see
:mod:`minivision.training.overlap`.
"""

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
    from minivision.training.overlap import EarlySums


def average_over_ranks(
    model: Model, losses: Mapping[str, float], early: EarlySums | None = None
) -> tuple[dict[str, float], bool]:
    """Replace the gradients of a model by their mean over all ranks; return the mean losses.

    The losses travel with the gradients, and so do the running statistics of rank 0, which all ranks take over: as in
    PyTorch's DistributedDataParallel [1]_ a batch that is normalized in parts leaves those of the first part.

    Parameters
    ----------
    model : Model
        Its gradients and running arrays are changed in place.
    losses : dict of str to float
        Losses of this rank by name; the names are those of all ranks.
    early : EarlySums, optional
        Sums that have begun.

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
    sent = {id(parameter) for group in (early.groups if early else ()) for parameter in group.parameters}
    gradients = [each.grad for each in distinct(model.parameters()) if id(each) not in sent]
    running = _running_arrays(model)
    values = np.array(list(losses.values()), model.dtype)
    own = np.concatenate([*(on_host(gradient).ravel() for gradient in gradients), values])
    of_first = [on_host(array).ravel() if ranks.rank == 0 else np.zeros(array.size, own.dtype) for array in running]
    total = ranks.sum(np.concatenate([own, *of_first]))
    total[: own.size] /= total.dtype.type(ranks.size)
    _copy_parts(total, gradients)
    _copy_parts(total[own.size :], running)
    means = dict(zip(losses, map(float, total[own.size - len(losses) : own.size]), strict=True))
    finite = math.isfinite(float(own.sum()))
    for parameters, of_rank, sums in early.wait() if early else ():
        sums /= sums.dtype.type(ranks.size)
        _copy_parts(sums, [parameter.grad for parameter in parameters])
        finite = finite and math.isfinite(float(of_rank.sum()))
    return means, finite


def _running_arrays(model: Model) -> list[Array]:
    """Return the arrays of a model that are no parameters and change in a training step, as far as is known."""
    values = {id(parameter.value) for parameter in model.parameters()}
    return [array for array in model.state().values() if id(array) not in values and array.dtype == model.dtype]


def _copy_parts(flat, arrays):
    start = 0
    for array in arrays:
        array[...] = to_device_of(flat[start : start + array.size].reshape(array.shape), array)
        start += array.size
