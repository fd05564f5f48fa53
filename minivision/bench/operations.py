"""The operations beside PyTorch's: what each entry times, forwards and backwards."""

from typing import NamedTuple

import numpy as np

from minivision import ops


class Entry(NamedTuple):
    """One line of the table: the same work, ours and PyTorch's."""

    name: str
    shape: str
    ours: callable
    torchs: callable
    seconds: float = 0.05  # of a turn


def entries(torch):
    """Yield the lines of the table, in the order of the lecture."""
    yield from _convolutions(torch)
    yield from _transpose_convolutions(torch)
    yield from _pooling_and_upsampling(torch)
    yield from _the_rest(torch)


# images, channels, size, filters, kernel, stride, padding
_CONVOLUTIONS = [
    (8, 3, 128, 16, 3, 1, 1),
    (16, 16, 64, 16, 3, 1, 1),
    (16, 16, 64, 32, 3, 1, 1),
    (16, 32, 32, 32, 3, 1, 1),
    (16, 64, 16, 64, 3, 1, 1),
    (8, 64, 64, 64, 3, 1, 1),
    (1, 64, 128, 64, 3, 1, 1),
    (8, 64, 64, 64, 3, 2, 1),
    (8, 64, 64, 64, 1, 1, 0),
    (8, 3, 128, 32, 7, 2, 3),
]
_TRANSPOSE_CONVOLUTIONS = [(8, 64, 32, 32, 4, 2, 1), (8, 64, 32, 32, 2, 2, 0), (16, 16, 64, 16, 4, 2, 1)]


def _draw(torch, *shape):
    array = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    return array, torch.from_numpy(array)


def _convolutions(torch):
    for N, C, H, F, k, stride, padding in _CONVOLUTIONS:
        (x, tx), (w, tw), (b, tb) = (_draw(torch, *shape) for shape in ((N, C, H, H), (F, C, k, k), (F,)))
        dy, tdy = _draw(torch, *ops.conv2d(x, w, stride=stride, padding=padding).shape)
        shape = f"{N}x{C}x{H}x{H} -> {F}, {k}x{k}" + (f" /{stride}" if stride > 1 else "")
        yield Entry(
            "conv2d",
            shape,
            lambda x=x, w=w, b=b, s=stride, p=padding: ops.conv2d(x, w, b, stride=s, padding=p),
            lambda x=tx, w=tw, b=tb, s=stride, p=padding: torch.nn.functional.conv2d(x, w, b, s, p),
        )
        yield Entry(
            "conv2d_backward",
            shape,
            lambda dy=dy, x=x, w=w, s=stride, p=padding: ops.conv2d_backward(dy, x, w, stride=s, padding=p),
            _conv_backward(torch, tdy, tx, tw, F, stride, padding, transposed=False),
        )


def _transpose_convolutions(torch):
    for N, C, H, F, k, stride, padding in _TRANSPOSE_CONVOLUTIONS:
        (x, tx), (w, tw), (b, tb) = (_draw(torch, *shape) for shape in ((N, C, H, H), (C, F, k, k), (F,)))
        dy, tdy = _draw(torch, *ops.conv_transpose2d(x, w, stride=stride, padding=padding).shape)
        shape = f"{N}x{C}x{H}x{H} -> {F}, {k}x{k} /{stride}"
        yield Entry(
            "conv_transpose2d",
            shape,
            lambda x=x, w=w, b=b, s=stride, p=padding: ops.conv_transpose2d(x, w, b, stride=s, padding=p),
            lambda x=tx, w=tw, b=tb, s=stride, p=padding: torch.nn.functional.conv_transpose2d(x, w, b, s, p),
        )
        yield Entry(
            "conv_transpose2d_backward",
            shape,
            lambda dy=dy, x=x, w=w, s=stride, p=padding: ops.conv_transpose2d_backward(dy, x, w, stride=s, padding=p),
            _conv_backward(torch, tdy, tx, tw, F, stride, padding, transposed=True),
        )


def _conv_backward(torch, dy, x, w, filters, stride, padding, *, transposed):
    def backward():
        return torch.ops.aten.convolution_backward(
            dy, x, w, [filters], [stride] * 2, [padding] * 2, [1, 1], transposed, [0, 0], 1, [True] * 3
        )

    return backward


def _pooling_and_upsampling(torch):
    F, aten = torch.nn.functional, torch.ops.aten
    (x, tx), (big, tbig) = _draw(torch, 8, 64, 64, 64), _draw(torch, 8, 64, 64, 64)
    (small, tsmall) = _draw(torch, 8, 64, 32, 32)
    y, indices = ops.max_pool2d(x, 2)
    ty, tindices = F.max_pool2d(tx, 2, return_indices=True)
    scales = [2.0, 2.0]
    size, whole = [64, 64], [8, 64, 32, 32]
    table = [
        ("max_pool2d", lambda: ops.max_pool2d(x, 2), lambda: F.max_pool2d(tx, 2, return_indices=True)),
        (
            "max_pool2d_backward",
            lambda: ops.max_pool2d_backward(small, indices, (64, 64)),
            lambda: aten.max_pool2d_with_indices_backward(tsmall, tx, [2, 2], [2, 2], [0, 0], [1, 1], False, tindices),
        ),
        (
            "max_unpool2d",
            lambda: ops.max_unpool2d(y, indices, (64, 64)),
            lambda: F.max_unpool2d(ty, tindices, 2),
        ),
        (
            "max_unpool2d_backward",
            lambda: ops.max_unpool2d_backward(big, indices),
            lambda: tbig.flatten(2).gather(2, tindices.flatten(2)).view(ty.shape),  # what PyTorch's own does
        ),
        ("avg_pool2d", lambda: ops.avg_pool2d(x, 2), lambda: F.avg_pool2d(tx, 2)),
        (
            "avg_pool2d_backward",
            lambda: ops.avg_pool2d_backward(small, (64, 64), 2),
            lambda: aten.avg_pool2d_backward(tsmall, tx, [2, 2], [2, 2], [0, 0], False, True, None),
        ),
        ("upsample_nearest", lambda: ops.upsample_nearest(small), lambda: F.interpolate(tsmall, scale_factor=2)),
        (
            "upsample_nearest_backward",
            lambda: ops.upsample_nearest_backward(big),
            lambda: aten.upsample_nearest2d_backward(tbig, size, whole, *scales),
        ),
        (
            "upsample_bilinear",
            lambda: ops.upsample_bilinear(small),
            lambda: F.interpolate(tsmall, scale_factor=2, mode="bilinear"),
        ),
        (
            "upsample_bilinear_backward",
            lambda: ops.upsample_bilinear_backward(big),
            lambda: aten.upsample_bilinear2d_backward(tbig, size, whole, False, *scales),
        ),
    ]
    for name, ours, torchs in table:
        yield Entry(name, "8x64x64x64, 2x2", ours, torchs)


def _the_rest(torch):
    F, aten = torch.nn.functional, torch.ops.aten
    (x, tx), (dy, tdy) = _draw(torch, 8, 64, 64, 64), _draw(torch, 8, 64, 64, 64)
    ones, zeros = np.ones(64, np.float32), np.zeros(64, np.float32)
    tones, tzeros = torch.ones(64), torch.zeros(64)
    _, saved = ops.batch_norm2d(x, ones, zeros, zeros.copy(), ones.copy(), training=True)
    _, mean, inverse = torch.native_batch_norm(tx, tones, tzeros, tzeros.clone(), tones.clone(), True, 0.1, 1e-5)
    scores, tscores = _draw(torch, 8, 7, 128, 128)
    target = np.random.default_rng(0).integers(0, 7, (8, 128, 128))
    ttarget = torch.from_numpy(target)
    with_gradient = tscores.clone().requires_grad_()

    def cross_entropy():
        with_gradient.grad = None
        F.cross_entropy(with_gradient, ttarget).backward()

    size = "8x64x64x64"
    yield Entry("relu", size, lambda: ops.relu(x), lambda: torch.relu(tx))
    yield Entry("relu_backward", size, lambda: ops.relu_backward(dy, x), lambda: aten.threshold_backward(tdy, tx, 0))
    yield Entry(
        "batch_norm2d",
        size,
        lambda: ops.batch_norm2d(x, ones, zeros, zeros.copy(), ones.copy(), training=True),
        lambda: torch.native_batch_norm(tx, tones, tzeros, tzeros.clone(), tones.clone(), True, 0.1, 1e-5),
    )
    yield Entry(
        "batch_norm2d_backward",
        size,
        lambda: ops.batch_norm2d_backward(dy, x, ones, saved),
        lambda: aten.native_batch_norm_backward(tdy, tx, tones, tzeros, tones, mean, inverse, True, 1e-5, [True] * 3),
    )
    yield Entry(
        "softmax_cross_entropy",
        "8x7x128x128, with gradient",
        lambda: ops.softmax_cross_entropy(scores, target),
        cross_entropy,
    )


def training_step(torch):
    """Return the line for a training step of the encoder-decoder: forward, loss and backward, on the same batch."""
    from minivision.bench.twin import torch_twin
    from minivision.data import Batch
    from minivision.models.encoder_decoder import EncoderDecoder

    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (EncoderDecoder.recipe["batch_size"], 128, 128, 3), dtype=np.uint8)
    batch = Batch(images, [], rng.integers(0, 7, images.shape[:3]).astype(np.uint8))
    model = EncoderDecoder([f"class {k}" for k in range(7)])
    twin = torch_twin(model)
    inputs = torch.from_numpy(model.normalize(images))  # ours does this inside the step
    target = torch.from_numpy(batch.label_maps.astype(np.int64))
    weight = torch.tensor(model.class_weights, dtype=torch.float32)

    def torch_step():
        twin.zero_grad()
        torch.nn.functional.cross_entropy(twin(inputs), target, weight=weight).backward()

    shape = "x".join(map(str, inputs.shape))
    return Entry(model.name, f"{shape}, a training step", lambda: model.step(batch), torch_step, 0.5)
