"""Pooling layers, and max unpooling, which puts values back where max pooling took them from."""

from __future__ import annotations

from typing import Any

from minivision import ops
from minivision.core.types import Array, IntOrPair, Padding, Size
from minivision.layers.layer import Layer


class MaxPool2d(Layer):
    """Keep the largest value of each window; see :func:`minivision.ops.max_pool2d`.

    Parameters
    ----------
    kernel_size : int or pair of int
    stride : int or pair of int, optional
        By default the kernel size.
    padding : int, pair of int, or ((top, bottom), (left, right))
    """

    def __init__(self, kernel_size: IntOrPair, *, stride: IntOrPair | None = None, padding: Padding = 0) -> None:
        self.geometry: dict[str, Any] = {"kernel_size": kernel_size, "stride": stride, "padding": padding}

    def extra_repr(self) -> str:
        """Return the geometry."""
        return ", ".join(f"{name}={value}" for name, value in self.geometry.items() if value)

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return y of shape ``(N, C, H_out, W_out)``."""
        return self.forward_with_indices(x, training)[0]

    def forward_with_indices(self, x: Array, training: bool = False) -> tuple[Array, Array]:
        """Return y and the indices of the maxima in each plane of x, which :class:`MaxUnpool2d` takes."""
        y, indices = ops.max_pool2d(x, **self.geometry)
        if training:
            self.remember(indices, x.shape)
        return y, indices

    def backward(self, dy: Array) -> Array:
        """Return dx: dy where the maximum was, zero elsewhere."""
        return ops.max_pool2d_backward(dy, *self.recall())


class AvgPool2d(Layer):
    """Average each window; see :func:`minivision.ops.avg_pool2d`.

    Parameters
    ----------
    kernel_size : int or pair of int
    stride : int or pair of int, optional
        By default the kernel size.
    padding : int, pair of int, or ((top, bottom), (left, right))
    """

    def __init__(self, kernel_size: IntOrPair, *, stride: IntOrPair | None = None, padding: Padding = 0) -> None:
        self.kernel_size = kernel_size
        self.geometry: dict[str, Any] = {"stride": stride, "padding": padding}

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return y of shape ``(N, C, H_out, W_out)``."""
        if training:
            self.remember(x.shape)
        return ops.avg_pool2d(x, self.kernel_size, **self.geometry)

    def backward(self, dy: Array) -> Array:
        """Return dx: dy spread evenly over each window."""
        (shape,) = self.recall()
        return ops.avg_pool2d_backward(dy, shape, self.kernel_size, **self.geometry)


class GlobalAvgPool2d(Layer):
    """Average each map; see :func:`minivision.ops.global_avg_pool2d`."""

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return y as :func:`minivision.ops.global_avg_pool2d` does."""
        if training:
            self.remember(x.shape)
        return ops.global_avg_pool2d(x)

    def backward(self, dy: Array) -> Array:
        """Return dx: dy spread evenly over each map."""
        return ops.global_avg_pool2d_backward(dy, *self.recall())


class GlobalMaxPool2d(Layer):
    """Keep the largest value of each map: ``(N, C, H, W) -> (N, C)``."""

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return y of shape ``(N, C)``."""
        y, indices = ops.max_pool2d(x, x.shape[2:])
        if training:
            self.remember(indices, x.shape)
        return y[:, :, 0, 0]

    def backward(self, dy: Array) -> Array:
        """Return dx: dy where the maximum was, zero elsewhere."""
        return ops.max_pool2d_backward(dy[:, :, None, None], *self.recall())


class MaxUnpool2d(Layer):
    """Put each value where the matching max-pooling layer took its maximum from, and zeros elsewhere."""

    def forward(self, x: Array, indices: Array, output_size: Size, training: bool = False) -> Array:  # type: ignore[override]
        """Return y of shape ``(N, C, *output_size)``; `indices` are those of ``MaxPool2d.forward_with_indices``."""
        if training:
            self.remember(indices)
        return ops.max_unpool2d(x, indices, output_size)

    def backward(self, dy: Array) -> Array:
        """Return dx: dy at the positions of `indices`."""
        return ops.max_unpool2d_backward(dy, *self.recall())
