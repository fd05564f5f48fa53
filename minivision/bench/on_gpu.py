"""The lines of the table on a GPU: the same work by our CuPy kernels and by PyTorch with cuDNN, until the card is done.

A call is timed from before it is made until the card has done all of it. So a short one takes at least what it costs
to launch and to wait for, for both alike; larger batches show what the card itself can do.
"""

import numpy as np

from minivision.bench.entry import Entry
from minivision.bench.operations import entries, training_step
from minivision.bench.timing import interleaved_medians
from minivision.core.devices import require_gpu

BATCHES = {"lesson": 1, "large": 16}  # how many times the batches of the lessons: what a CPU has, what fills a card
DETECTORS = {  # whose training steps are timed too; there is no PyTorch twin of them here
    "faster-rcnn": {"anchor_sizes": (16, 28, 48)},
    "mask-rcnn": {"anchor_sizes": (16, 28, 48), "joints": False},
}
CARD = "cuda"  # PyTorch's name for it
STEPS = ("encoder-decoder", *DETECTORS)
TENSOR_CORES = ("convolution", "linear")  # families whose products PyTorch may round to TF32


def card(cupy):
    """Return the name of the card in use, and the version of CUDA that CuPy runs on, as ``13.0``."""
    name = cupy.cuda.runtime.getDeviceProperties(cupy.cuda.Device().id)["name"].decode()
    version = cupy.cuda.runtime.runtimeGetVersion()
    return name, f"{version // 1000}.{version % 1000 // 10}"


class OnCard:
    """PyTorch, with one difference: what it makes of NumPy arrays lies on the card.

    Parameters
    ----------
    torch : module
    """

    def __init__(self, torch):
        self._torch = torch
        torch.set_default_device(CARD)  # of what it makes of nothing
        torch.backends.cudnn.benchmark = True  # of several ways to convolve it takes the fastest

    def __getattr__(self, name):
        return getattr(self._torch, name)

    def from_numpy(self, array):
        return self._torch.from_numpy(array).to(CARD)


def rows(torch, names=(), *, rounds=7):
    """Time the lines and yield the figures of each.

    Parameters
    ----------
    torch : OnCard or None
    names : sequence of str
        Operations, or systems for their training steps; all if empty.
    rounds : int
        Turns for each.

    Yields
    ------
    dict
        ``name``, ``shape``, ``batch`` (a name of ``BATCHES``); medians in milliseconds: ``cupy_ms``, and with PyTorch
        ``torch_ms`` and ``torch_tf32_ms``, the latter where its products may be rounded.
    """
    cupy = require_gpu()
    for size, batch in BATCHES.items():
        for line in _lines(cupy, torch, names, batch):
            times = interleaved_medians(_peers(cupy, torch, line), rounds=rounds, seconds=line.seconds)
            times = {f"{name}_ms": 1e3 * seconds for name, seconds in times.items()}
            yield {"name": line.name, "shape": line.shape, "batch": size, **times}
            cupy.get_default_memory_pool().free_all_blocks()  # PyTorch needs memory too


def _lines(cupy, torch, names, batch):
    operations = [name for name in names if name not in STEPS]
    if operations or not names:
        for line in entries(torch, operations, batch):
            op, arguments, keywords = _moved(line.call, cupy.asarray)
            yield line._replace(ours=lambda op=op, args=arguments, keywords=keywords: op(*args, **keywords))
    for name in STEPS:
        if name in names or not names:
            yield training_step(torch, batch, "cupy") if name not in DETECTORS else _detector_step(name, batch)


def _moved(value, function):
    """Return `value` with its NumPy arrays, also those in tuples and dicts, as `function` makes them."""
    if isinstance(value, np.ndarray):
        return function(value)
    if isinstance(value, dict):
        return {name: _moved(part, function) for name, part in value.items()}
    if isinstance(value, tuple):
        parts = [_moved(part, function) for part in value]
        return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
    return value


def _detector_step(name, batch):
    """Return the line for a training step of a detector, on the GPU, from hard scenes of 128 x 128."""
    from minivision.data import Scenes, collate
    from minivision.models import make_model

    scenes = Scenes("hard")
    model = make_model(name, scenes.classes, rng=np.random.default_rng(0), **DETECTORS[name]).to("cupy")
    images = collate(list(scenes.draw(model.recipe["batch_size"] * batch)))
    shape = "x".join(map(str, (len(images.images), 3, *images.images.shape[1:3])))
    return Entry(name, f"{shape}, a training step", lambda: model.step(images), seconds=0.5)


def _peers(cupy, torch, line):
    """Return what is timed in a line by name, each such that it returns when the card is done."""

    def done(function, tf32=False):
        def run():
            if torch:
                torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = tf32
            function()
            cupy.cuda.runtime.deviceSynchronize()  # waits for all that runs there, PyTorch's work too

        return run

    peers = {"cupy": done(line.ours)}
    if line.theirs:
        peers["torch"] = done(line.theirs)
        if line.call is None or line.call[0].family in TENSOR_CORES:
            peers["torch_tf32"] = done(line.theirs, tf32=True)
    return peers
