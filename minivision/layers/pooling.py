"""Pooling on the way down, and max unpooling, its partner on the way up."""

from minivision import ops
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

    def __init__(self, kernel_size, *, stride=None, padding=0):
        self.geometry = {"kernel_size": kernel_size, "stride": stride, "padding": padding}

    def forward(self, x, training=False):
        """Return y ``(N, C, H_out, W_out)``."""
        return self.forward_with_indices(x, training)[0]

    def forward_with_indices(self, x, training=False):
        """Return y and the indices of the maxima in each plane of x, which :class:`MaxUnpool2d` asks for."""
        y, indices = ops.max_pool2d(x, **self.geometry)
        if training:
            self.remember(indices, x.shape)
        return y, indices

    def backward(self, dy):
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

    def __init__(self, kernel_size, *, stride=None, padding=0):
        self.kernel_size = kernel_size
        self.geometry = {"stride": stride, "padding": padding}

    def forward(self, x, training=False):
        """Return y ``(N, C, H_out, W_out)``."""
        if training:
            self.remember(x.shape)
        return ops.avg_pool2d(x, self.kernel_size, **self.geometry)

    def backward(self, dy):
        """Return dx: dy shared out evenly over each window."""
        (shape,) = self.recall()
        return ops.avg_pool2d_backward(dy, shape, self.kernel_size, **self.geometry)


class GlobalAvgPool2d(Layer):
    """Average each map; see :func:`minivision.ops.global_avg_pool2d`."""

    def forward(self, x, training=False):
        """Return y in the shape of :func:`minivision.ops.global_avg_pool2d`."""
        if training:
            self.remember(x.shape)
        return ops.global_avg_pool2d(x)

    def backward(self, dy):
        """Return dx: dy shared out evenly over each map."""
        return ops.global_avg_pool2d_backward(dy, *self.recall())


class GlobalMaxPool2d(Layer):
    """Keep the largest value of each map, wherever it is: ``(N, C, H, W) -> (N, C)``."""

    def forward(self, x, training=False):
        """Return y ``(N, C)``."""
        y, indices = ops.max_pool2d(x, x.shape[2:])
        if training:
            self.remember(indices, x.shape)
        return y[:, :, 0, 0]

    def backward(self, dy):
        """Return dx: dy where the maximum was, zero elsewhere."""
        return ops.max_pool2d_backward(dy[:, :, None, None], *self.recall())


class MaxUnpool2d(Layer):
    """Put each value back where the matching pooling layer found its maximum; zeros elsewhere."""

    def forward(self, x, indices, output_size, training=False):
        """Return y ``(N, C, *output_size)``; `indices` are those of ``MaxPool2d.forward_with_indices``."""
        if training:
            self.remember(indices)
        return ops.max_unpool2d(x, indices, output_size)

    def backward(self, dy):
        """Return dx: dy at the remembered places."""
        return ops.max_unpool2d_backward(dy, *self.recall())
