"""Convolution and transpose convolution as layers."""

from __future__ import annotations

from typing import Any

import numpy as np

from minivision import ops
from minivision.core.arguments import pair
from minivision.core.types import Array, IntOrPair, Padding
from minivision.layers.initialization import bilinear, he_normal
from minivision.layers.layer import Layer, Parameter


class Conv2d(Layer):
    """Slide filters over the input and take dot products; see :func:`minivision.ops.conv2d`.

    Parameters
    ----------
    in_channels, out_channels : int
    kernel_size : int or pair of int
    stride, dilation : int or pair of int
    padding : int, pair of int, or ((top, bottom), (left, right))
    groups : int
    bias : bool
        Whether to add a bias; not needed before batch normalization.
    needs_input_grad : bool
        Whether ``backward`` returns the gradient of the input. False in the first layer of a network: ``backward`` then
        computes the gradients of w and b only, and returns None.
    rng : numpy.random.Generator, optional
        For He's initialization. Without one the seed is 0.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: IntOrPair,
        *,
        stride: IntOrPair = 1,
        padding: Padding = 0,
        dilation: IntOrPair = 1,
        groups: int = 1,
        bias: bool = True,
        needs_input_grad: bool = True,
        rng: np.random.Generator | None = None,
    ) -> None:
        kh, kw = pair("kernel_size", kernel_size)
        shape = (out_channels, in_channels // groups, kh, kw)
        rng = np.random.default_rng(0) if rng is None else rng
        self.w = Parameter(he_normal(shape, shape[1] * kh * kw, rng))
        self.b = Parameter(np.zeros(out_channels, np.float32), decay=False) if bias else None
        self.geometry: dict[str, Any] = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
        self.needs_input_grad = needs_input_grad

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return y of shape ``(N, out_channels, H_out, W_out)`` for x of shape ``(N, in_channels, H, W)``."""
        if training:
            self.remember(x)
        return ops.conv2d(x, self.w.value, self.b.value if self.b else None, **self.geometry)

    def backward(self, dy: Array) -> Array | None:
        """Return dx (None without `needs_input_grad`); add to the gradients of w and b."""
        (x,) = self.recall()
        if not self.needs_input_grad:
            dx = None
            dw, db = ops.conv2d_filter_gradient(dy, x, self.w.value.shape[2:], **self.geometry)
        else:
            dx, dw, db = ops.conv2d_backward(dy, x, self.w.value, **self.geometry)
        self.w.grad += dw
        if self.b:
            self.b.grad += db
        return dx

    def extra_repr(self) -> str:
        """Return the geometry, without what has its default value."""
        return _geometry_text(self.geometry)


class ConvTranspose2d(Layer):
    """Add up copies of the filters, weighted by the input; see :func:`minivision.ops.conv_transpose2d`.

    The weights are initialized to bilinear interpolation.

    Parameters
    ----------
    in_channels, out_channels : int
    kernel_size : int or pair of int
    stride, dilation, output_padding : int or pair of int
    padding : int, pair of int, or ((top, bottom), (left, right))
    groups : int
    bias : bool
    rng : numpy.random.Generator, optional
        Adds He's random weights to the bilinear ones, so that the filters are not all alike.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: IntOrPair,
        *,
        stride: IntOrPair = 1,
        padding: Padding = 0,
        output_padding: IntOrPair = 0,
        dilation: IntOrPair = 1,
        groups: int = 1,
        bias: bool = True,
        rng: np.random.Generator | None = None,
    ) -> None:
        kh, kw = pair("kernel_size", kernel_size)
        sh, sw = pair("stride", stride)
        shape = (in_channels, out_channels // groups, kh, kw)
        w = bilinear(shape)
        if rng is not None:
            # each output sums over the copies that overlap there: kh * kw / (sh * sw) of them a channel
            w += he_normal(shape, in_channels // groups * kh * kw / (sh * sw), rng)
        self.w = Parameter(w)
        self.b = Parameter(np.zeros(out_channels, np.float32), decay=False) if bias else None
        self.geometry: dict[str, Any] = {
            "stride": stride,
            "padding": padding,
            "output_padding": output_padding,
            "dilation": dilation,
            "groups": groups,
        }

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return y of shape ``(N, out_channels, H_out, W_out)`` for x of shape ``(N, in_channels, H, W)``."""
        if training:
            self.remember(x)
        return ops.conv_transpose2d(x, self.w.value, self.b.value if self.b else None, **self.geometry)

    def backward(self, dy: Array) -> Array:
        """Return dx; add to the gradients of w and b."""
        (x,) = self.recall()
        dx, dw, db = ops.conv_transpose2d_backward(dy, x, self.w.value, **self.geometry)
        self.w.grad += dw
        if self.b:
            self.b.grad += db
        return dx

    def extra_repr(self) -> str:
        """Return the geometry, without what has its default value."""
        return _geometry_text(self.geometry)


def _geometry_text(geometry: dict[str, Any]) -> str:
    plain = {"stride": 1, "padding": 0, "output_padding": 0, "dilation": 1, "groups": 1}
    return ", ".join(f"{name}={value}" for name, value in geometry.items() if value != plain[name])
