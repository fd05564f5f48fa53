"""Output sizes of convolution, transpose convolution and pooling, for operations and their kernels."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from minivision.core.types import PaddingPairs, Size


def window_output_size(
    size: Size, kernel_size: Size, stride: Size, padding: PaddingPairs, dilation: Size = (1, 1), *, name: str = "x"
) -> Size:
    """Compute the number of windows, vertically and horizontally.

    ``out = floor((in + before + after - dilation * (kernel - 1) - 1) / stride) + 1`` for each axis.

    Raises
    ------
    ValueError
        If no window fits.
    """
    result = []
    for axis, n, k, s, (before, after), d in zip(
        ("height", "width"), size, kernel_size, stride, padding, dilation, strict=True
    ):
        span = d * (k - 1) + 1  # pixels from the first to the last of the window
        room = n + before + after
        if span > room:
            raise ValueError(
                f"{name}: its {axis} {n} with padding {before} + {after} is {room}, smaller than the window, "
                f"which spans {span} (kernel {k}, dilation {d}); use a smaller kernel or more padding"
            )
        result.append((room - span) // s + 1)
    return result[0], result[1]


def conv_output_size(
    size: Size, kernel_size: Size, stride: Size, padding: PaddingPairs, dilation: Size = (1, 1)
) -> Size:
    """Compute ``(H_out, W_out)`` of a convolution; all arguments are pairs, `padding` a pair of pairs.

    ``out = floor((in + before + after - dilation * (kernel - 1) - 1) / stride) + 1``

    Raises
    ------
    ValueError
        If the window is larger than the padded input.
    """
    return window_output_size(size, kernel_size, stride, padding, dilation)


def conv_transpose_output_size(
    size: Size, kernel_size: Size, stride: Size, padding: PaddingPairs, output_padding: Size, dilation: Size
) -> Size:
    """Compute ``(H_out, W_out)`` of a transpose convolution; arguments as in :func:`conv_output_size`.

    ``out = (in - 1) * stride - before - after + dilation * (kernel - 1) + output_padding + 1``

    Raises
    ------
    ValueError
        If the output has no pixels: it is smaller than the padding that is cut off.
    """
    result = []
    for n, k, s, (before, after), extra, d in zip(
        size, kernel_size, stride, padding, output_padding, dilation, strict=True
    ):
        out = (n - 1) * s - before - after + d * (k - 1) + extra + 1
        if n < 1 or out < 1:
            raise ValueError(
                f"x: a transpose convolution of size {n} with kernel {k}, stride {s}, padding {before} + {after} "
                f"has an output of size {out}; use less padding or a larger input"
            )
        result.append(out)
    return result[0], result[1]
