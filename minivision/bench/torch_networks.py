"""Networks of whole systems in PyTorch, with the same weights: from images to all outputs that have a loss."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from minivision.bench.timing import interleaved_medians
from minivision.bench.torch_equivalent import layer_converter, torch_encoder_decoder
from minivision.models.parts.roi_head import rois_of

if TYPE_CHECKING:
    from minivision.data import Batch
    from minivision.models.base.model import Model


def fastest_way(torch: ModuleType, make: Callable[[bool, bool], Callable], *, compiled: bool = True) -> Callable:
    """Return the fastest of the ways to run something in PyTorch.

    Parameters
    ----------
    torch : module
    make : callable
        ``make(channels_last, compiled)`` returns a function without arguments.
    compiled : bool
        Whether to try ``torch.compile``, which takes up to minutes and needs a C++ compiler.
    """
    ways: dict[str, Callable] = {}
    if compiled:
        torch.compiler.reset()  # there is a limit to how often the same code is compiled for another network
    for is_compiled in (False, True) if compiled else (False,):
        for channels_last in (True, False):
            name = f"{'compiled, ' if is_compiled else ''}channels {'last' if channels_last else 'first'}"
            run = make(channels_last, is_compiled)
            try:
                run()
            except Exception as error:  # of the compiler, in one of many classes
                if not is_compiled:
                    raise
                print(f"PyTorch, {name}: does not run here ({type(error).__name__})", file=sys.stderr)
            else:
                ways[name] = run
    seconds = interleaved_medians(ways, rounds=3)
    return ways[min(ways, key=lambda name: seconds[name])]


def training_network(model: Model, batch: Batch) -> Any:
    """Return the network of a system that is trained on a batch: ``network(images)`` is a tuple of its outputs.

    Parameters
    ----------
    model : Model
    batch : Batch
        The regions of a second stage are those that the system samples in it.

    Returns
    -------
    network : torch.nn.Module

    Raises
    ------
    ValueError
        If the network of this model is not available in PyTorch.
    """
    regions = {}
    if model.name in ("faster-rcnn", "mask-rcnn", "densecap"):
        outputs = model.forward(model.normalize(batch.images), training=True, batch=batch)
        model.forget()
        first = outputs if model.name == "faster-rcnn" else outputs.faster_rcnn
        regions["head"] = first.regions.rois
        if model.name == "densecap":
            boundary = model.captioner.boundary  # type: ignore[attr-defined]
            regions["captioner"] = outputs.positive, _inputs_of(outputs.targets, boundary)
        if model.name == "mask-rcnn":
            regions |= {"mask_branch": outputs.masks.rois}
            regions |= {"keypoint_branch": outputs.joints.rois} if outputs.joints is not None else {}
    return _network(model, layer_converter([]), batch.images.shape[1:3], regions)


def _inputs_of(targets, boundary):
    """Return the words that a captioner reads: START, and before each target the one before it."""
    inputs = np.full_like(targets, boundary)
    inputs[1:] = np.where(targets[:-1] < 0, boundary, targets[:-1])  # what follows the end is padding
    return inputs


def prediction_network(model: Any, images: Sequence[np.ndarray], convert: Callable) -> Any:
    """Return the network of a trained system, as `training_network` does; the second stage gets our proposals.

    Parameters
    ----------
    model : Model
    images : list of uint8 ndarray of shape (H, W, 3)
        All of the same size.
    convert : callable
        From a layer to a PyTorch module.
    """
    regions = {"head": rois_of(model.propose(images))} if model.name == "faster-rcnn" else {}
    return _network(model, convert, images[0].shape[:2], regions)


def _network(model, convert, size, regions):
    if model.name not in NETWORKS:
        raise ValueError(f"{model.name}: its network is not available in PyTorch; available are {', '.join(NETWORKS)}")
    return as_module(*NETWORKS[model.name](model, convert, size, regions))


def as_module(parts: dict[str, Any], run: Callable[[Any, Any], Any]) -> Any:
    """Return a module of PyTorch with these parts, by name, whose forward pass is ``run(module, x)``."""
    import torch

    class Network(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            for name, part in parts.items():
                setattr(self, name, part)

        def forward(self, x: Any) -> Any:
            return run(self, x)

    return Network()


# Each function below returns the parts of a network by name, and a function from these parts and images to the outputs.
# `size` is that of the images, `regions` has those (K, 5) of each part that looks at regions; for the captioner
# which of the regions have a sentence, and the words that it reads.


def _encoder_decoder(model, convert, size, regions):
    return {"whole": torch_encoder_decoder(model, convert)}, lambda network, x: (network.whole(x),)


def _localizer(model, convert, size, regions):
    import torch

    parts = {
        "backbone": convert(model.backbone),
        "scores": convert(model.class_head.layers[1]),
        "look": convert(model.box_head.attention.look),
        "corrections": convert(model.box_head.corrections),
    }

    def run(network, x):
        features = network.backbone(x)
        N, C, H, W = features.shape
        rows, columns = (torch.linspace(2 / side - 2, 2 - 2 / side, side) for side in (H, W))  # centers of the places
        y, x = torch.meshgrid(rows, columns, indexing="ij")
        p = network.look(features).reshape(N, -1, H * W).softmax(2)
        seen = p @ features.reshape(N, C, H * W).transpose(1, 2)
        positions = p @ torch.stack([x, y], -1).reshape(H * W, 2)
        points = torch.cat([seen.reshape(N, -1), positions.reshape(N, -1)], 1)
        x, y = ((positions + 2) / 4).unbind(2)  # in image sides; the first four points give one side of the box each
        sides = [(x[:, 0] + x[:, 2]) / 2, (y[:, 1] + y[:, 3]) / 2, x[:, 2] - x[:, 0], y[:, 3] - y[:, 1]]
        box = torch.stack(sides, 1) + network.corrections(points)
        return network.scores(features.amax((2, 3))), box

    return parts, run


def _yolo(model, convert, size, regions):
    parts = {"backbone": convert(model.backbone), "head": convert(model.head)}
    return parts, lambda network, x: (network.head(network.backbone(x)),)


def _yolov2(model, convert, size, regions):
    import torch

    *first, last = map(convert, model.stages)
    parts = {"first": torch.nn.Sequential(*first), "last": last, "head": convert(model.head)}
    if model.passthrough:
        parts["passthrough"] = convert(model.passthrough)

    def run(network, x):
        fine = network.first(x)
        coarse = network.last(fine)
        return (network.head(torch.cat([coarse, network.passthrough(fine)], 1) if model.passthrough else coarse),)

    return parts, run


def _ssd(model, convert, size, regions):
    import torch

    stages, heads = (torch.nn.ModuleList(map(convert, layers)) for layers in (model.stages, model.heads))

    def run(network, x):
        outputs = []
        for stage, head in zip(network.stages, network.heads, strict=True):
            x = stage(x)
            outputs.append(head(x))
        return tuple(outputs)

    return {"stages": stages, "heads": heads}, run


def _two_stages(model, convert, size, regions):
    """Return the parts of Faster R-CNN; of Mask R-CNN with the branches that have regions, of DenseCap with words."""
    import torch

    regions = dict(regions)
    sentences, captioner = regions.pop("captioner", None), getattr(model, "captioner", None)
    parts = {
        "backbone": convert(model.backbone),
        "shared": convert(model.rpn.shared),
        "objectness": convert(model.rpn.objectness),
        "anchor_deltas": convert(model.rpn.deltas),
        "body": convert(model.head.body),
        "scores": convert(model.head.scores),
        "deltas": convert(model.head.deltas),
    }
    samplers = {
        name: region_sampler(rois, size, getattr(model, name).pool.output_size)
        for name, rois in regions.items()
        if len(rois)
    }
    branches = [name for name in samplers if name != "head"]
    parts |= {name: convert(getattr(model, name).body) for name in branches}
    if sentences:
        positive, inputs = map(torch.from_numpy, sentences)
        parts |= {name: convert(getattr(captioner, name)) for name in ("image", "words", "lstm")}
        parts["next_word"] = convert(captioner.scores)

    def run(network, x):
        features = network.backbone(x)
        hidden_maps = network.shared(features)
        hidden = network.body(samplers["head"](features))
        outputs = network.objectness(hidden_maps), network.anchor_deltas(hidden_maps)
        outputs += network.scores(hidden), network.deltas(hidden)
        outputs += tuple(getattr(network, name)(samplers[name](features)) for name in branches)
        if sentences:
            region, words = network.image(hidden[positive])[None], network.words(inputs)
            words = words + region if captioner.look == "always" else words
            states = network.lstm(torch.cat([region, words]))
            outputs += (network.next_word(states[1:].flatten(0, 1)),)
        return outputs

    return parts, run


def region_sampler(rois: np.ndarray, size: tuple[int, int], cells: int) -> Callable[[Any], Any]:
    """Return a function that cuts regions out of features, with one bilinear sample in the middle of each cell.

    Parameters
    ----------
    rois : ndarray of shape (K, 5)
        Number of the image, then ``x1, y1, x2, y2`` in pixels; the images in order.
    size : (int, int)
        Height and width of the images.
    cells : int
        Rows and columns of a region.

    Returns
    -------
    sample : callable
        From features (N, C, H, W) to regions (K, C, cells, cells).
    """
    import torch

    height, width = size
    steps = (torch.arange(cells) + 0.5) / cells
    grids = []
    for n in np.unique(rois[:, 0]).astype(int):
        x1, y1, x2, y2 = torch.from_numpy(rois[rois[:, 0] == n, 1:].astype(np.float32)).T[..., None]
        x, y = 2 * (x1 + steps * (x2 - x1)) / width - 1, 2 * (y1 + steps * (y2 - y1)) / height - 1  # (P, cells)
        grid = torch.stack([x[:, None].expand(-1, cells, cells), y[:, :, None].expand(-1, cells, cells)], -1)
        grids.append((int(n), grid.reshape(1, -1, cells, 2)))

    def sample(features):
        regions = []
        for n, grid in grids:
            cut = torch.nn.functional.grid_sample(features[n : n + 1], grid, align_corners=False)
            regions.append(cut.reshape(features.shape[1], -1, cells, cells).transpose(0, 1))
        return torch.cat(regions)

    return sample


# name of a system -> a function of the model, a converter of layers, the size of the images and the regions
NETWORKS: dict[str, Callable] = {
    "encoder-decoder": _encoder_decoder,
    "localizer": _localizer,
    "yolo": _yolo,
    "yolov2": _yolov2,
    "ssd": _ssd,
    "faster-rcnn": _two_stages,
    "mask-rcnn": _two_stages,
    "densecap": _two_stages,
}
