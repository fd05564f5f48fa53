"""The systems trained by PyTorch: the same network, weights, batches and recipe, as a rival of our own training.

PyTorch runs all layers forward and backward (autograd) and the optimizer (its fused AdamW), in the layout that is its
fastest on a processor, channels last. Around the network everything is ours, for both sides: batches, the choice of
anchors, matching, sampling, RoIAlign, losses and their gradients, the schedule of the learning rate, the trainer, and
the prediction that is evaluated. PyTorch has no such parts of its own (torchvision has some), and ours are compiled.
The one loss that PyTorch has, the cross-entropy of pixels, is PyTorch's.

Parameters, gradients and running means of the two are the same memory. So a checkpoint of such a training is one of
the system itself, and is evaluated like any other.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from minivision.bench.torch_equivalent import layer_converter
from minivision.bench.torch_networks import NETWORKS, as_module
from minivision.core.labels import IGNORE
from minivision.core.types import Array
from minivision.optim.optimizers import distinct

if TYPE_CHECKING:
    from minivision.data import Batch
    from minivision.models.base.model import Model

SYSTEMS = ("encoder-decoder", "yolo", "yolov2", "ssd", "faster-rcnn", "densecap")
STAGES = ("faster-rcnn", "densecap")  # of these, the ones with two stages


def import_torch() -> ModuleType:
    """Import PyTorch.

    Raises
    ------
    ValueError
        When it is not installed; the message says how to get it.
    """
    try:
        import torch
    except ImportError as error:
        raise ValueError("this compares with PyTorch, which is not installed: pip install torch") from error
    return torch


def trained_by_torch(model: Model, *, compiled: bool = False) -> Model:
    """Return a model that is trained by PyTorch: the same class, options and weights.

    Parameters
    ----------
    model : Model
        Of `SYSTEMS`; it becomes part of what is returned.
    compiled : bool
        Whether ``torch.compile`` makes programs of the network, which takes up to minutes.

    Raises
    ------
    ValueError
        When PyTorch is not installed, or there is no such network in it.
    """
    import_torch()
    if model.name not in SYSTEMS:
        raise ValueError(f"{model.name}: it is not trained by PyTorch; {', '.join(SYSTEMS)} are")
    mixin = _Stages if model.name in STAGES else _Pixels if model.task == "segmentation" else _Whole
    twin = copy.deepcopy(model)
    twin.__class__ = type(f"{type(model).__name__}InTorch", (mixin, type(model)), {})
    vars(twin)["compiled"] = compiled
    twin.connect()  # type: ignore[attr-defined]
    return twin


class _InTorch:
    """Base of what is trained by PyTorch: prediction is ours."""

    compiled: bool

    def connect(self) -> None:
        """Make the network, and let its parameters be those of the model."""
        raise NotImplementedError(f"{type(self).__name__} makes no network yet")

    def prepare(self, dataset: Any) -> Any:
        prepared = super().prepare(dataset)  # type: ignore[misc]
        self.connect()  # it may have made new layers
        return prepared

    def own_optimizer(self, model: Any, *, weight_decay: float) -> Any:
        return TorchAdamW(self, weight_decay=weight_decay)

    def __deepcopy__(self, memo: dict) -> Any:
        """Copy the model, then connect the copy to a network of its own."""
        twin = object.__new__(type(self))
        memo[id(self)] = twin
        for name, value in vars(self).items():
            if name not in ("network", "torch_parameters"):
                vars(twin)[name] = copy.deepcopy(value, memo)
        for layer in _layers(twin):  # those of pieces in PyTorch
            vars(layer).pop("forward", None), vars(layer).pop("backward", None)
        twin.connect()
        return twin

    def _connected(self, build: Callable[[Callable], Any]) -> Any:
        """Build a network with a converter of layers, and share its arrays with the model."""
        import torch

        pairs: list[tuple] = []
        norms: list[tuple] = []
        network = build(layer_converter(pairs, norms)).train().to(memory_format=torch.channels_last)
        for ours, theirs in pairs:
            theirs.grad = torch.zeros_like(theirs)
            ours.value, ours.grad = theirs.detach().numpy(), theirs.grad.numpy()
        for layer, module in norms:
            layer.running_mean, layer.running_var = module.running_mean.numpy(), module.running_var.numpy()
        self.torch_parameters.update({id(ours): theirs for ours, theirs in pairs})
        return torch.compile(network) if self.compiled else network

    torch_parameters: dict[int, Any]


class _Whole(_InTorch):
    """A network that runs at once, from the images to all outputs that have a loss."""

    def connect(self) -> None:
        self.torch_parameters = {}
        self.network = Piece(self._connected(functools.partial(_whole_network, self)))

    def forward(self, images: Array, training: bool = False, batch: Batch | None = None) -> Array:
        if not training:
            return super().forward(images, training, batch)  # type: ignore[misc]
        return self.network.forward(images, needs_gradient=False)

    def backward(self, gradients: Array) -> None:
        self.network.backward(gradients)


class _Pixels(_Whole):
    """A segmenter: its loss is PyTorch's too."""

    def step(self, batch: Batch) -> dict[str, Any]:
        import torch

        self.zero_gradients()  # type: ignore[attr-defined]
        images = torch.from_numpy(self.normalize(batch.images))  # type: ignore[attr-defined]
        scores = self.network.module(images.contiguous(memory_format=torch.channels_last))
        weight = torch.from_numpy(self.class_weights.astype(np.float32))  # type: ignore[attr-defined]
        target = torch.from_numpy(batch.label_maps.astype(np.int64))
        height, width = target.shape[1:]
        scores = scores[:, :, :height, :width]
        loss = torch.nn.functional.cross_entropy(scores, target, weight=weight.to(scores.dtype), ignore_index=IGNORE)
        loss.backward()
        return {"cross-entropy": loss.item()}


class _Stages(_InTorch):
    """A system of two stages: PyTorch runs each part of the network, between sampling and RoIAlign, which are ours."""

    def connect(self) -> None:
        self.torch_parameters = {}
        rpn, head = self.rpn, self.head  # type: ignore[attr-defined]
        backbone = self.backbone  # type: ignore[attr-defined]
        layers = [backbone, rpn.shared, rpn.objectness, rpn.deltas, head.body, head.scores, head.deltas]
        first = [backbone]  # what they read has no gradient
        if self.name == "densecap":  # type: ignore[attr-defined]
            captioner = self.captioner  # type: ignore[attr-defined]
            layers += [captioner.image, captioner.words, captioner.lstm, captioner.scores]
            first.append(captioner.words)
        for layer in layers:
            piece = Piece(self._connected(functools.partial(_converted, layer)))
            vars(layer)["forward"] = functools.partial(_forward_of, layer, piece, layer not in first)
            vars(layer)["backward"] = piece.backward


def _converted(layer, convert):
    return convert(layer)


def _forward_of(layer, piece, needs_gradient, x, training=False):
    if not training:
        return type(layer).forward(layer, x, training)
    return piece.forward(x, needs_gradient=needs_gradient)


class Piece:
    """A PyTorch module that is run forward and backward on arrays.

    Parameters
    ----------
    module : torch.nn.Module
        From one tensor to one.
    """

    def __init__(self, module: Any) -> None:
        self.module = module
        self._runs: list[tuple] = []

    def forward(self, x: Array, *, needs_gradient: bool = True) -> Array:
        """Return the output, and keep what :meth:`backward` needs."""
        import torch

        given = torch.from_numpy(np.ascontiguousarray(x) if 0 in x.strides else x)
        if given.ndim == 4:
            given = given.contiguous(memory_format=torch.channels_last)
        given.requires_grad_(needs_gradient)
        y = self.module(given)
        self._runs.append((given, y))
        return y.detach().numpy()

    def backward(self, dy: Array) -> Array | None:
        """Add to the gradients of the parameters; return that of the input, if it was asked for."""
        import torch

        x, y = self._runs.pop()
        y.backward(torch.from_numpy(np.asarray(dy)))
        return None if x.grad is None else x.grad.numpy()


class TorchAdamW:
    """PyTorch's fused AdamW, with the state and the interface of :class:`minivision.optim.AdamW`."""

    def __init__(self, model: Any, *, weight_decay: float) -> None:
        import torch

        self.model, self.parameters = model, distinct(model.parameters())
        theirs = [model.torch_parameters[id(each)] for each in self.parameters]
        groups = [
            {"params": [t for o, t in zip(self.parameters, theirs, strict=True) if o.decay == decay],
             "weight_decay": weight_decay if decay else 0.0}
            for decay in (True, False)
        ]  # fmt: skip
        self.theirs = theirs
        self.optimizer = torch.optim.AdamW([group for group in groups if group["params"]], fused=True)

    def step(self, rate: float) -> None:
        """Move every parameter."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.step()

    def state(self) -> dict[str, Array]:
        """Return the number of steps and the moments, each as one flat array."""
        if len(self.optimizer.state) < len(self.theirs):
            return {"count": np.array(0)}
        states = [self.optimizer.state[each] for each in self.theirs]
        flat = {
            name: np.concatenate([state[key].numpy().ravel() for state in states])
            for name, key in (("mean", "exp_avg"), ("square", "exp_avg_sq"))
        }
        return {"count": np.array(int(states[0]["step"].item())), **flat}

    def load_state(self, state: dict[str, Array]) -> None:
        """Continue from what :meth:`state` returned."""
        import torch

        start = 0
        for parameter in self.theirs if int(state["count"]) else ():
            own = {"step": torch.tensor(float(state["count"]))}
            for name, key in (("mean", "exp_avg"), ("square", "exp_avg_sq")):
                part = state[name][start : start + parameter.numel()].reshape(tuple(parameter.shape))
                own[key] = torch.empty_like(parameter).detach().copy_(torch.from_numpy(part))
            self.optimizer.state[parameter] = own
            start += parameter.numel()


def _whole_network(model, convert):
    """Return the network of a system of one stage; its output is arranged as that of the system."""
    parts, run = NETWORKS[model.name](model, convert, None, {})
    return as_module(parts, lambda network, x: _arranged(model, run(network, x)))


def _arranged(model, outputs):
    import torch

    if model.name == "yolo":
        return outputs[0].permute(0, 2, 3, 1)  # (N, 5 B + C, S, S) -> (N, S, S, 5 B + C)
    if model.name == "yolov2":
        (x,) = outputs  # (N, A * (5 + C), S, S) -> (N, S, S, A, 5 + C)
        return x.permute(0, 2, 3, 1).unflatten(3, (len(model.anchors), -1))
    if model.name == "ssd":  # each (N, A * (5 + C), H, W) -> (N, H * W * A, 5 + C)
        depth = 4 + len(model.classes)
        return torch.cat([y.permute(0, 2, 3, 1).reshape(len(y), -1, depth) for y in outputs], 1)
    return outputs[0]


def _layers(layer):
    yield layer
    for _, part in layer.parts():
        yield from _layers(part)
