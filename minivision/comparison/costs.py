"""Costs of a system: parameters, multiply-adds, memory and time."""

from __future__ import annotations

import contextlib
import copy
import gc
import statistics
import time
import tracemalloc
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from minivision.core.dispatch import observe
from minivision.data import collate
from minivision.ops.work import forward_multiply_adds

if TYPE_CHECKING:
    from minivision.data import Sample
    from minivision.models.base.model import Model


def measure_costs(model: Model, sample: Sample) -> dict[str, float]:
    """Measure the costs of a system for one image.

    Parameters
    ----------
    model : Model
        It is not changed.
    sample : Sample

    Returns
    -------
    costs : dict
        ``parameters``: number of trained parameters. ``multiply_adds``: of one prediction, see
        :func:`count_multiply_adds`. ``prediction_memory`` and ``training_memory``: bytes, of one prediction and of
        one training step (forward pass, loss and backward pass) on a batch of this image alone, see
        :func:`peak_memory`. ``prediction_seconds``: median time of a prediction.
    """
    trial = copy.deepcopy(model)  # a training step changes running means and gradients
    batch = collate([sample])

    def predict():
        return trial.predict([sample.image])

    return {
        "parameters": count_parameters(trial),
        "multiply_adds": count_multiply_adds(predict),
        "prediction_memory": peak_memory(predict),
        "training_memory": peak_memory(lambda: trial.step(batch)),
        "prediction_seconds": median_seconds(predict),
    }


def count_parameters(model: Model) -> int:
    """Return the number of trained parameters of a model."""
    return sum(parameter.value.size for parameter in model.parameters())


def count_multiply_adds(function: Callable[[], Any]) -> int:
    """Call `function` and return the number of multiply-adds of the convolutions and fully connected layers in it.

    Those of convolutions and fully connected layers are counted, forward passes only
    (:func:`minivision.ops.work.forward_multiply_adds`).

    Parameters
    ----------
    function : callable
        Takes no arguments.
    """
    total = 0

    def add(operation, values, result):
        nonlocal total
        total += forward_multiply_adds(operation, values, result)

    with observe(add):
        function()
    return total


def peak_memory(function: Callable[[], Any], *, calls: int = 3) -> int:
    """Return the peak memory of a call of `function` in bytes, without the memory that was in use before.

    Python's tracemalloc counts all arrays, NumPy's and Numba's: the normalized image, the feature maps, the
    activations that layers keep for the backward pass, gradients, and the temporary arrays of kernels. Each thread has
    its own temporary arrays, and how many exist at one time is random; so kernels run on one thread here. Arrays that
    exist before, such as the parameters and their gradients, are not counted.

    Parameters
    ----------
    function : callable
        Takes no arguments.
    calls : int
        Number of measurements, after a call that is not measured. The smallest is returned, because a call may also
        allocate memory for later calls: compiled code and caches.
    """
    function()
    peaks = []
    with _tracing(), _one_thread():
        for _ in range(calls):
            gc.collect()
            tracemalloc.reset_peak()
            before, _ = tracemalloc.get_traced_memory()
            function()
            _, peak = tracemalloc.get_traced_memory()
            peaks.append(peak - before)
    return min(peaks)


@contextlib.contextmanager
def _tracing():
    """Trace memory; keep tracing afterwards if it was traced before."""
    started_here = not tracemalloc.is_tracing()
    if started_here:
        tracemalloc.start()
    try:
        yield
    finally:
        if started_here:
            tracemalloc.stop()


@contextlib.contextmanager
def _one_thread():
    """Run Numba's kernels on one thread."""
    import numba

    threads = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        yield
    finally:
        numba.set_num_threads(threads)


def median_seconds(function: Callable[[], Any], *, seconds: float = 2.0, min_calls: int = 3) -> float:
    """Return the median time of a call, after a call that is not measured.

    Parameters
    ----------
    function : callable
        Takes no arguments.
    seconds : float
        How long to repeat the call.
    min_calls : int
        Smallest number of calls.
    """
    function()
    times: list[float] = []
    end = time.perf_counter() + seconds
    while len(times) < min_calls or time.perf_counter() < end:
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return statistics.median(times)
