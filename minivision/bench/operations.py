"""The entries of all operations: those of the modules of their families, and default entries for the others.

A module ``minivision/bench/<family>.py``, named like the one in ``minivision/ops``, has a function
``entries(torch, batch)`` that yields an :class:`Entry` for each line of the table.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterator, Sequence
from types import ModuleType

import numpy as np

from minivision.bench.entry import Entry, entry
from minivision.checks.cases import cases_of
from minivision.core import registry


def entries(torch: ModuleType | None, names: Sequence[str] = (), batch: int = 1) -> Iterator[Entry]:
    """Yield the entries by families; with `names`, only those of these operations.

    Parameters
    ----------
    torch : module or None
        PyTorch, if it is installed.
    names : sequence of str
        Names of operations; all if empty.
    batch : int
        Factor of the batch sizes.

    Yields
    ------
    entry : Entry
    """
    operations = registry.operations()
    for family in dict.fromkeys(op.family for op in operations.values()):
        members = [op for op in operations.values() if op.family == family]
        selected = [op for op in members if not names or op.__name__ in names]
        if not selected:
            continue
        missing = {op.__name__ for op in selected}
        for line in _family(family, torch, batch):
            if not names or line.name in names:
                missing.discard(line.name)
                yield line
        for op in selected:
            if op.__name__ in missing:
                yield _largest_case(op)


def _family(family, torch, batch):
    module = f"minivision.bench.{family}"
    return importlib.import_module(module).entries(torch, batch) if importlib.util.find_spec(module) else ()


def _largest_case(op):
    """Return the default entry of an operation: its largest test case, without PyTorch."""
    cases = cases_of(op, np.random.default_rng(0))
    arguments, keywords = max(cases, key=lambda case: sum(np.size(a) for a in case[0] if isinstance(a, np.ndarray)))
    arguments = tuple(
        a.astype(np.float32) if isinstance(a, np.ndarray) and a.dtype == np.float64 else a for a in arguments
    )
    return entry(op, arguments, arguments, **keywords)


def training_step(
    torch: ModuleType | None, batch: int = 1, device: str = "numpy", *, images: int | None = None, side: int = 128
) -> Entry:
    """Return the entry of a training step of the encoder-decoder: forward, loss and backward, on the same batch.

    Parameters
    ----------
    torch : module or None
        PyTorch, if it is installed.
    batch : int
        Factor of the default batch size.
    device : str
        Where our model is: ``"numpy"`` or ``"cupy"``.
    images : int, optional
        Number of images of a batch instead of the default one.
    side : int
        Rows and columns of an image.
    """
    from minivision.data import Batch
    from minivision.models.encoder_decoder import EncoderDecoder

    rng = np.random.default_rng(0)
    count = images or EncoderDecoder.recipe["batch_size"] * batch
    pixels = rng.integers(0, 256, (count, side, side, 3), dtype=np.uint8)
    samples = Batch(pixels, [], rng.integers(0, 7, pixels.shape[:3]).astype(np.uint8))
    model = EncoderDecoder([f"class {k}" for k in range(7)])
    inputs = model.normalize(pixels)  # part of the step in our model
    shape = "x".join(map(str, inputs.shape))
    theirs = _torch_training_step(torch, model, inputs, samples) if torch else None
    model.to(device)
    return Entry(model.name, f"{shape}, a training step", lambda: model.step(samples), theirs, seconds=0.5)


def _torch_training_step(torch, model, inputs, batch):
    from minivision.bench.torch_equivalent import torch_encoder_decoder

    inputs, target = torch.from_numpy(inputs), torch.from_numpy(batch.label_maps.astype(np.int64))
    weight = torch.from_numpy(model.class_weights.astype(np.float32))
    network = torch_encoder_decoder(model).to(inputs.device)

    def step():
        network.zero_grad()
        torch.nn.functional.cross_entropy(network(inputs), target, weight=weight).backward()

    return step
