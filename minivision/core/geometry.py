"""Output sizes of convolution, transpose convolution and pooling, for operations and their kernels."""


def window_output_size(size, kernel_size, stride, padding, dilation=(1, 1), *, name="x"):
    """Return how many windows fit, vertically and horizontally.

    ``out = floor((in + before + after - dilation * (kernel - 1) - 1) / stride) + 1`` for each axis.

    Raises
    ------
    ValueError
        When not even one window fits.
    """
    result = []
    for axis, n, k, s, (before, after), d in zip(
        ("height", "width"), size, kernel_size, stride, padding, dilation, strict=True
    ):
        span = d * (k - 1) + 1  # pixels from the first to the last that the window touches
        room = n + before + after
        if span > room:
            raise ValueError(
                f"{name}: its {axis} {n} with padding {before} + {after} is {room}, smaller than the window, "
                f"which spans {span} (kernel {k}, dilation {d}); use a smaller kernel or more padding"
            )
        result.append((room - span) // s + 1)
    return tuple(result)


def conv_output_size(size, kernel_size, stride, padding, dilation=(1, 1)):
    """Return ``(H_out, W_out)`` of a convolution; all arguments as pairs, `padding` as a pair of pairs.

    ``out = floor((in + before + after - dilation * (kernel - 1) - 1) / stride) + 1``

    Raises
    ------
    ValueError
        When the window does not fit into the padded input once.
    """
    return window_output_size(size, kernel_size, stride, padding, dilation)


def conv_transpose_output_size(size, kernel_size, stride, padding, output_padding, dilation):
    """Return ``(H_out, W_out)`` of a transpose convolution; arguments as in :func:`conv_output_size`.

    ``out = (in - 1) * stride - before - after + dilation * (kernel - 1) + output_padding + 1``

    Raises
    ------
    ValueError
        When the padding cuts everything away.
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
    return tuple(result)
