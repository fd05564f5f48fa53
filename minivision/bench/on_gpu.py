"""The benchmark on a GPU: the same calls with the CuPy kernels and with PyTorch and cuDNN.

Each call is timed until the GPU has finished. So a short call takes at least the time to launch kernels and to wait,
for both libraries; larger batches show the speed of the GPU itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import ModuleType
from typing import Any

import numpy as np

from minivision.bench.entry import Entry
from minivision.bench.operations import entries, training_step
from minivision.bench.timing import interleaved_medians
from minivision.core.devices import require_gpu

BATCHES = {"lesson": 1, "large": 16}  # factors of the batch sizes that are timed on a CPU; the large ones fill a GPU
DETECTORS = {  # whose training steps are timed too, without PyTorch
    "faster-rcnn": {"anchor_sizes": (16, 28, 48)},
    "mask-rcnn": {"anchor_sizes": (16, 28, 48), "joints": False},
}
TORCH_DEVICE = "cuda"  # where PyTorch's arrays are
TRAINING_STEPS = ("encoder-decoder", *DETECTORS)
TF32_FAMILIES = ("convolution", "linear")  # families of operations that PyTorch can compute with TF32 products


def gpu_and_cuda_version(cupy: ModuleType) -> tuple[str, str]:
    """Return the name of the GPU in use, and CuPy's version of CUDA, such as ``13.0``."""
    name = cupy.cuda.runtime.getDeviceProperties(cupy.cuda.Device().id)["name"].decode()
    version = cupy.cuda.runtime.runtimeGetVersion()
    return name, f"{version // 1000}.{version % 1000 // 10}"


class TorchOnGpu:
    """PyTorch, with one difference: ``from_numpy`` returns tensors on the GPU.

    Parameters
    ----------
    torch : module
    """

    def __init__(self, torch: ModuleType) -> None:
        self._torch = torch
        torch.set_default_device(TORCH_DEVICE)  # for new tensors
        torch.backends.cudnn.benchmark = True  # choose the fastest algorithm for each convolution

    def __getattr__(self, name: str) -> Any:
        return getattr(self._torch, name)

    def from_numpy(self, array: np.ndarray) -> Any:
        return self._torch.from_numpy(array).to(TORCH_DEVICE)


def rows(torch: TorchOnGpu | None, names: Sequence[str] = (), *, rounds: int = 7) -> Iterator[dict]:
    """Time operations and training steps on the GPU.

    Parameters
    ----------
    torch : TorchOnGpu or None
    names : sequence of str
        Operations, or systems for their training steps; all if empty.
    rounds : int
        Number of turns of each.

    Yields
    ------
    row : dict
        ``name``, ``shape``, ``batch`` (a name of ``BATCHES``); medians in milliseconds: ``cupy_ms``, and with PyTorch
        ``torch_ms``, also ``torch_tf32_ms`` for operations with products that TF32 rounds.
    """
    cupy = require_gpu()
    for size, batch in BATCHES.items():
        for line in _lines(cupy, torch, names, batch):
            times = interleaved_medians(_peers(cupy, torch, line), rounds=rounds, seconds=line.seconds)
            times = {f"{name}_ms": 1e3 * seconds for name, seconds in times.items()}
            yield {"name": line.name, "shape": line.shape, "batch": size, **times}
            cupy.get_default_memory_pool().free_all_blocks()  # for PyTorch


def _lines(cupy, torch, names, batch):
    operations = [name for name in names if name not in TRAINING_STEPS]
    if operations or not names:
        for line in entries(torch, operations, batch):
            op, arguments, keywords = _moved(line.call, cupy.asarray)
            yield line._replace(ours=lambda op=op, args=arguments, keywords=keywords: op(*args, **keywords))
    for name in TRAINING_STEPS:
        if name in names or not names:
            yield training_step(torch, batch, "cupy") if name not in DETECTORS else _detector_step(name, batch)


def _moved(value, function):
    """Apply `function` to all NumPy arrays in `value`, also in tuples and dicts."""
    if isinstance(value, np.ndarray):
        return function(value)
    if isinstance(value, dict):
        return {name: _moved(part, function) for name, part in value.items()}
    if isinstance(value, tuple):
        parts = [_moved(part, function) for part in value]
        return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
    return value


def _detector_step(name, batch):
    """Return the entry of a training step of a detector, on the GPU, with hard scenes of 128 x 128."""
    from minivision.data import Scenes, collate
    from minivision.models import make_model

    scenes = Scenes("hard")
    model = make_model(name, scenes.classes, rng=np.random.default_rng(0), **DETECTORS[name]).to("cupy")
    images = collate(list(scenes.draw(model.recipe["batch_size"] * batch)))
    shape = "x".join(map(str, (len(images.images), 3, *images.images.shape[1:3])))
    return Entry(name, f"{shape}, a training step", lambda: model.step(images), seconds=0.5)


def _peers(cupy, torch, line):
    """Return the functions to time by name; each returns when the GPU has finished."""

    def until_finished(function, tf32=False):
        def run():
            if torch:
                torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = tf32
            function()
            cupy.cuda.runtime.deviceSynchronize()  # waits for all kernels, also those of PyTorch

        return run

    peers = {"cupy": until_finished(line.ours)}
    if line.theirs:
        peers["torch"] = until_finished(line.theirs)
        if line.call is None or line.call[0].family in TF32_FAMILIES:
            peers["torch_tf32"] = until_finished(line.theirs, tf32=True)
    return peers
