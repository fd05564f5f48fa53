"""What a system costs, measured: parameters, multiply-adds, memory and time."""

import contextlib
import copy
import gc
import math
import statistics
import time
import tracemalloc

from minivision.core.dispatch import observe
from minivision.data import collate


def measure_costs(model, sample):
    """Measure what one image costs a system.

    Parameters
    ----------
    model : Model
        It is left as it is.
    sample : Sample

    Returns
    -------
    dict
        ``parameters``: numbers that are trained. ``multiply_adds``: of one prediction, see
        :func:`count_multiply_adds`. ``prediction_memory`` and ``training_memory``: bytes, of one prediction and of
        one training step (forward, loss and backward) on a batch of this image alone, see :func:`peak_memory`.
        ``prediction_seconds``: the median time of a prediction, from the image to what the user gets.
    """
    trial = copy.deepcopy(model)  # a training step moves running means and leaves gradients
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


def count_parameters(model):
    """Return how many numbers of a model are trained."""
    return sum(parameter.value.size for parameter in model.parameters())


def count_multiply_adds(function):
    """Call `function` and return the multiply-adds of the convolutions and fully connected layers it goes through.

    Counted are the operations that are really called, ways forward only, by their definition: zeros of the padding
    are multiplied too, and what a fast algorithm (Winograd's) saves is not taken off. A convolution has
    ``C / groups * kh * kw`` for each output, a transpose convolution ``F / groups * kh * kw`` for each input, a fully
    connected layer one for each weight and example. All else (normalization, ReLU, pooling, interpolation) is a few
    for each number and is not counted.

    Parameters
    ----------
    function : callable
        Takes no arguments.
    """
    total = 0

    def add(operation, values, result):
        nonlocal total
        if operation.__name__ in ("conv2d", "linear"):
            w = values[1]  # each output is a sum over one filter
            total += result.size * math.prod(w.shape[1:])
        elif operation.__name__ == "conv_transpose2d":
            x, w = values[:2]  # each input weighs one copy of its filters
            total += x.size * math.prod(w.shape[1:])

    with observe(add):
        function()
    return total


def peak_memory(function, *, calls=3):
    """Return the most memory that a call of `function` holds at one time, in bytes, beyond what stood before.

    Python's own account (tracemalloc) sees all arrays, NumPy's and Numba's: the prepared image, the maps, what layers
    remember for the way back, gradients, and what a kernel keeps while it runs. Of that each thread has its own, and
    it is chance how many do at one time; so kernels run on one thread here. What was there before, such as the
    parameters and the arrays of their gradients, is not counted.

    Parameters
    ----------
    function : callable
        Takes no arguments.
    calls : int
        How often to measure, after a call that does not count. The least is returned: what a call allocates for the
        calls to come, compiled code and caches, is not what it costs.
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
    """Trace memory, and go on if it was traced already."""
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
    """Let Numba's kernels use one thread."""
    import numba

    threads = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        yield
    finally:
        numba.set_num_threads(threads)


def median_seconds(function, *, seconds=2.0, least=3):
    """Return the median time of a call, after one that does not count.

    Parameters
    ----------
    function : callable
        Takes no arguments.
    seconds : float
        How long to repeat it.
    least : int
        How often at least.
    """
    function()
    times = []
    end = time.perf_counter() + seconds
    while len(times) < least or time.perf_counter() < end:
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return statistics.median(times)
