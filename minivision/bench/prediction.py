"""Time trained detectors, compared with PyTorch: ``python -m minivision.bench.prediction runs/yolo ...``.

Our time includes everything: preparing the images, the network, decoding of boxes, and non-maximum suppression. PyTorch
runs only the network, with the same weights, in the fastest of the ways that it has: normalization folded into the
convolutions, channels last or first, as it is or compiled (``torch.compile``, where there is a C++ compiler; it takes
half a minute for each model). The second stage of Faster R-CNN in PyTorch gets our proposals, and samples each with
``grid_sample`` once in each cell, where RoIAlign takes several samples. Both take turns, and use all threads, or
``--threads``.
"""

from __future__ import annotations

import argparse
import functools
import pathlib
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from minivision.bench.timing import interleaved_medians
from minivision.bench.torch_equivalent import layer_converter
from minivision.bench.torch_networks import fastest_way, prediction_network
from minivision.data import Scenes

if TYPE_CHECKING:
    from minivision.models.base.model import Model

NUM_IMAGES = 16


def measure(model: Model, images: Sequence[np.ndarray], torch: ModuleType | None = None) -> dict[str, float]:
    """Time the prediction of all images in one batch, and of the first image alone.

    Parameters
    ----------
    model : Model
        A detector.
    images : list of uint8 ndarray of shape (H, W, 3)
        All of the same size.
    torch : module, optional
        PyTorch, to time it too.

    Returns
    -------
    rates : dict of str to float
        Images per second: ``ours``, ``ours_alone``, and with PyTorch ``torch`` and ``torch_alone``.
    """
    rates: dict[str, float] = {}
    for key, some in (("", images), ("_alone", images[:1])):
        peers: dict[str, Callable] = {"ours": lambda some=some: model.predict(some)}
        if torch is not None:
            peers["torch"] = fastest_way(torch, functools.partial(torch_network, model, some, torch))
        seconds = interleaved_medians(peers, rounds=9, seconds=0.3)
        rates |= {name + key: len(some) / taken for name, taken in seconds.items()}
    return rates


def torch_network(
    model: Model,
    images: Sequence[np.ndarray],
    torch: ModuleType,
    channels_last: bool = True,
    compiled: bool = False,
) -> Callable[[], Any]:
    """Return a function without arguments that runs a model's network in PyTorch on images of the same size.

    It returns the network's outputs as a tuple.

    Normalization is folded into the convolutions, as in our prediction.

    Parameters
    ----------
    model : Model
    images : list of uint8 ndarray of shape (H, W, 3)
    torch : module
    channels_last : bool
        Whether images and filters have PyTorch's layout with the channels of a pixel side by side.
    compiled : bool
        Whether ``torch.compile`` makes a program of the network at its first call, with its constants built in.

    Raises
    ------
    ValueError
        If the network of this model is not available in PyTorch.
    """
    batch, convert_layer = np.stack(images), layer_converter([])
    layout = torch.channels_last if channels_last else torch.contiguous_format

    def convert(layer):
        return _fold_normalization(convert_layer(layer).eval(), torch).to(memory_format=layout)

    network = prediction_network(model, images, convert)
    if compiled:
        network = torch.compile(network, options={"freezing": True})

    def run():
        with torch.inference_mode():
            x = torch.from_numpy(batch).permute(0, 3, 1, 2).float()
            return network(((x - 127.5) / 64).contiguous(memory_format=layout))

    return run


def _fold_normalization(module, torch):
    """Fold each normalization that follows a convolution into its filters, here and in all parts."""
    for part in module.children():
        _fold_normalization(part, torch)
    if isinstance(module, torch.nn.Sequential):
        for k in range(len(module) - 1):
            conv, norm = module[k], module[k + 1]
            if isinstance(conv, torch.nn.Conv2d) and isinstance(norm, torch.nn.BatchNorm2d):
                module[k], module[k + 1] = torch.nn.utils.fuse_conv_bn_eval(conv, norm), torch.nn.Identity()
    return module


def main() -> int:
    """Print a table, and return an exit status."""
    parser = argparse.ArgumentParser(prog="python -m minivision.bench.prediction", description=__doc__)
    parser.add_argument("runs", nargs="+", type=pathlib.Path, metavar="DIR", help="folder of a training run")
    parser.add_argument("--threads", type=int, metavar="N", help="number of threads of both (default: all)")
    args = parser.parse_args()
    try:
        import torch
    except ImportError:
        torch = None  # type: ignore[assignment]
        print("PyTorch is not installed, so only minivision is timed")
    if args.threads:
        import numba

        numba.set_num_threads(args.threads)
        if torch is not None:
            torch.set_num_threads(args.threads)
    from minivision.training import load

    print(
        f"{'images per second':<18}{NUM_IMAGES:>4} in batch{'PyTorch':>10}{'ratio':>8}{'one alone':>13}{'PyTorch':>10}"
    )
    for run in args.runs:
        model = load(run)
        images = [sample.image for sample in Scenes("hard", "val").draw(NUM_IMAGES)]
        rates = measure(model, images, torch)
        line = f"{model.name:<18}{rates['ours']:>13.0f}"
        if torch is not None:
            line += f"{rates['torch']:>10.0f}{rates['torch'] / rates['ours']:>8.2f}"
        line += f"{rates['ours_alone']:>13.0f}" + (f"{rates['torch_alone']:>10.0f}" if torch is not None else "")
        print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
