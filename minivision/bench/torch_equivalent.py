"""The same networks in PyTorch with the same weights, to compare results and running times."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from minivision import layers

if TYPE_CHECKING:
    from minivision.models.encoder_decoder import EncoderDecoder


def layer_converter(pairs: list[tuple], norms: list[tuple] | None = None) -> Callable:
    """Return a function that converts one of our layers to a PyTorch module with the same weights.

    Parameters
    ----------
    pairs : list
        Gets ``(our parameter, PyTorch's parameter)`` for each parameter that is converted.
    norms : list, optional
        Gets ``(our layer, PyTorch's module)`` for each layer with running means.

    Returns
    -------
    convert : callable
    """
    import torch

    def tensor(array):
        return torch.nn.Parameter(torch.from_numpy(np.array(array)))

    def convert(layer):
        """Convert one layer: copy its parameters and add them to `pairs`."""
        if isinstance(layer, layers.Sequential):
            return torch.nn.Sequential(*map(convert, layer.layers))
        if isinstance(layer, layers.ResidualBlock):
            return Residual(convert(layer.residual))
        if isinstance(layer, (layers.Conv2d, layers.ConvTranspose2d)):
            return convolution(layer)
        if isinstance(layer, layers.BatchNorm2d):
            module = torch.nn.BatchNorm2d(layer.gamma.value.size, eps=layer.eps, momentum=layer.momentum)
            module.weight, module.bias = tensor(layer.gamma.value), tensor(layer.beta.value)
            module.running_mean = torch.from_numpy(layer.running_mean.copy())
            module.running_var = torch.from_numpy(layer.running_var.copy())
            pairs.extend([(layer.gamma, module.weight), (layer.beta, module.bias)])
            if norms is not None:
                norms.append((layer, module))
            return module
        if isinstance(layer, layers.ReLU):
            return torch.nn.ReLU()
        if isinstance(layer, layers.MaxPool2d):
            return torch.nn.MaxPool2d(layer.geometry["kernel_size"])
        if isinstance(layer, layers.NearestUpsample):
            return torch.nn.Upsample(scale_factor=layer.scale)
        if isinstance(layer, layers.BilinearUpsample):
            return torch.nn.Upsample(scale_factor=layer.scale, mode="bilinear")
        if isinstance(layer, layers.BedOfNails):
            return BedOfNails(layer.scale)
        if isinstance(layer, layers.MaxUnpool2d):
            return torch.nn.MaxUnpool2d(2)
        if isinstance(layer, layers.PixelUnshuffle):
            return torch.nn.PixelUnshuffle(layer.downscale_factor)
        if isinstance(layer, layers.Flatten):
            return torch.nn.Flatten()
        if isinstance(layer, layers.Linear):
            module = torch.nn.Linear(*reversed(layer.w.value.shape))
            module.weight, module.bias = tensor(layer.w.value), tensor(layer.b.value)
            pairs.extend([(layer.w, module.weight), (layer.b, module.bias)])
            return module
        if isinstance(layer, layers.Embedding):
            module = torch.nn.Embedding(*layer.w.value.shape)
            module.weight = tensor(layer.w.value)
            pairs.append((layer.w, module.weight))
            return module
        if isinstance(layer, layers.LSTM):
            return HiddenStates(layer)
        raise TypeError(f"no PyTorch module is known for {type(layer).__name__}")

    def convolution(layer):
        transposed = isinstance(layer, layers.ConvTranspose2d)
        kind = torch.nn.ConvTranspose2d if transposed else torch.nn.Conv2d
        first, second, *kernel = layer.w.value.shape
        channels = (first, second) if transposed else (second, first)
        geometry = {name: value for name, value in layer.geometry.items() if name != "groups"}
        module = kind(*channels, tuple(kernel), bias=layer.b is not None, **geometry)
        module.weight = tensor(layer.w.value)
        pairs.append((layer.w, module.weight))
        if layer.b is not None:
            module.bias = tensor(layer.b.value)
            pairs.append((layer.b, module.bias))
        return module

    class Residual(torch.nn.Module):
        def __init__(self, residual):
            super().__init__()
            self.residual = residual

        def forward(self, x):
            return torch.relu(x + self.residual(x))

    class HiddenStates(torch.nn.Module):
        """An LSTM that returns its hidden states alone, as ours does."""

        def __init__(self, layer):
            super().__init__()
            self.lstm = torch.nn.LSTM(layer.w_ih.value.shape[1], layer.hidden_size)
            names = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
            for name, parameter in zip(names, layer.parameters(), strict=True):
                setattr(self.lstm, name, tensor(parameter.value))
                pairs.append((parameter, getattr(self.lstm, name)))

        def forward(self, x):
            return self.lstm(x)[0]

    class BedOfNails(torch.nn.Module):
        def __init__(self, scale):
            super().__init__()
            self.scale = scale

        def forward(self, x):
            N, C, H, W = x.shape
            y = x.new_zeros(N, C, H * self.scale, W * self.scale)
            y[:, :, :: self.scale, :: self.scale] = x
            return y

    return convert


def torch_encoder_decoder(model: EncoderDecoder, convert: Callable | None = None) -> Any:
    """Convert an :class:`~minivision.models.encoder_decoder.EncoderDecoder` to a PyTorch module with the same weights.

    Parameters
    ----------
    model : EncoderDecoder
    convert : callable, optional
        Of :func:`layer_converter`; else one of its own.

    Returns
    -------
    network : torch.nn.Module
        ``network(images)`` returns the scores; ``network.pairs`` lists ``(our parameter, PyTorch's parameter)``.
    """
    import torch

    pairs: list[tuple] = []
    convert = layer_converter(pairs) if convert is None else convert

    class Network(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.stem, self.halve = convert(model.stem), convert(model.halve)
            self.stages = torch.nn.ModuleList(map(convert, model.stages))
            self.narrow = torch.nn.ModuleList(map(convert, model.narrow))
            self.upsample = torch.nn.ModuleList(map(convert, model.upsample))
            self.merge = torch.nn.ModuleList(map(convert, model.merge))
            self.scores, self.enlarge = convert(model.scores), convert(model.enlarge)
            self.pairs = pairs

        def forward(self, x):
            x = self.halve(self.stem(x))
            maps, switches = [], []
            for stage in self.stages[:-1]:
                maps.append(stage(x))
                x, indices = torch.nn.functional.max_pool2d(maps[-1], 2, return_indices=True)
                switches.append(indices)
            x = self.stages[-1](x)
            for k in reversed(range(len(self.narrow))):
                x = self.narrow[k](x)
                unpool = isinstance(self.upsample[k], torch.nn.MaxUnpool2d)
                x = self.upsample[k](x, switches[k]) if unpool else self.upsample[k](x)
                if model.skips:
                    x = x + maps[k]
                x = self.merge[k](x)
            return self.enlarge(self.scores(x))

    return Network()
