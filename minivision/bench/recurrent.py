"""Benchmark of one step of recurrent networks, forward and backward, at the size of DenseCap's captioner."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType
from typing import Any

from minivision import ops
from minivision.bench.entry import Entry, draw, entry

SIZE = 512  # of the input and of the state; Johnson, Karpathy and Fei-Fei, section 3.3.4


def entries(torch: ModuleType | None, batch: int = 1) -> Iterator[Entry]:
    """Yield the entries of these operations, with batches `batch` times as large; `torch` is the module or None."""
    for forward, backward, gates in (
        (ops.rnn_step, ops.rnn_step_backward, 1),
        (ops.lstm_step, ops.lstm_step_backward, 4),
    ):
        N, scale, rows = 128 * batch, SIZE**-0.5, gates * SIZE
        states = [draw(N, SIZE) for _ in range(1 if gates == 1 else 2)]
        weights = [scale * draw(rows, SIZE), scale * draw(rows, SIZE)]
        arguments = (draw(N, SIZE), *states, *weights, draw(rows), draw(rows))
        small = tuple(array[:2] if array.shape[0] == N else array for array in arguments[: 1 + len(states)])
        small = (*small, *arguments[len(small) :])
        shown: dict[str, Any] = {"of": (arguments[0], small[0]), "note": f", {gates} x {SIZE} weights for each number"}
        gradients = [draw(N, SIZE) for _ in states]  # of the next states
        theirs = _theirs(torch, arguments, gradients) if torch else (None, None)
        yield entry(forward, arguments, small, theirs=theirs[0], **shown)
        few = [gradient[:2] for gradient in gradients]
        ours, ours_small = (*gradients, *_known(forward, arguments)), (*few, *_known(forward, small))
        yield entry(backward, ours, ours_small, theirs=theirs[1], **shown)


def _known(step, arguments):
    """Return what the backward pass of a step needs beside the gradients of the next states."""
    results = step(*arguments)
    h_next, *others = results if isinstance(results, tuple) else (results,)
    return (*arguments[:-2], *(others or (h_next,)))


def _theirs(torch, arguments, gradients):
    """Return PyTorch's forward pass, and its backward pass by autograd."""
    x, *others = (torch.from_numpy(array).requires_grad_() for array in arguments)
    states, weights = others[:-4], others[-4:]

    def cell():
        if len(states) == 1:
            return (torch.rnn_tanh_cell(x, states[0], *weights),)
        return torch.lstm_cell(x, states, *weights)

    def forward():
        with torch.no_grad():
            return cell()

    outputs = cell()
    upstream = [torch.from_numpy(gradient) for gradient in gradients]
    return forward, lambda: torch.autograd.grad(outputs, [x, *states, *weights], upstream, retain_graph=True)
