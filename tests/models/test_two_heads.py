"""The smallest network with two heads: its loss and all gradients are PyTorch's, and those of differences."""

import numpy as np
import pytest

from minivision.models.parts.two_heads import two_heads_backward, two_heads_forward


def network(rng, N=5, D=7, M=6, C=3):
    """Return x, labels, targets and weights; about half of the hidden features are 0."""
    heads = rng.standard_normal((C, M)), rng.standard_normal((4, M))
    x, w = rng.standard_normal((N, D)), rng.standard_normal((M, D))
    return x, rng.integers(0, C, N), rng.standard_normal((N, 4)), w, *heads


@pytest.mark.parametrize("box_weight", [0.0, 1.0, 25.0])
def test_loss_and_every_gradient_are_those_of_the_same_network_in_pytorch(rng, box_weight):
    torch = pytest.importorskip("torch")
    from torch.nn import functional as F

    x, labels, targets, *weights = network(rng)
    loss, hidden, dscores, dboxes = two_heads_forward(x, labels, targets, *weights, box_weight=box_weight)
    gradients = two_heads_backward(dscores, dboxes, x, hidden, *weights)

    theirs = [torch.from_numpy(each).requires_grad_() for each in (x, *weights)]
    shared = F.relu(F.linear(theirs[0], theirs[1]))
    scores, boxes = F.linear(shared, theirs[2]), F.linear(shared, theirs[3])
    scores.retain_grad(), boxes.retain_grad()
    total = F.cross_entropy(scores, torch.from_numpy(labels))
    total = total + box_weight * F.mse_loss(boxes, torch.from_numpy(targets))
    total.backward()
    assert loss == pytest.approx(total.item(), abs=1e-12) and 0 < (hidden > 0).mean() < 1
    np.testing.assert_allclose(hidden, shared.detach().numpy(), atol=1e-12)
    np.testing.assert_allclose(dscores, scores.grad.numpy(), atol=1e-12)
    np.testing.assert_allclose(dboxes, boxes.grad.numpy(), atol=1e-12)
    for ours, their in zip(gradients, theirs, strict=True):
        np.testing.assert_allclose(ours, their.grad.numpy(), atol=1e-12)


def test_gradients_are_those_of_differences(rng):
    x, labels, targets, *weights = network(rng)
    assert abs(x @ weights[0].T).min() > 1e-3  # far from the kink
    arrays, step = [x, *weights], 1e-6

    def loss():
        x, *weights = arrays
        return two_heads_forward(x, labels, targets, *weights, box_weight=3.0)[0]

    _, hidden, dscores, dboxes = two_heads_forward(x, labels, targets, *weights, box_weight=3.0)
    for array, gradient in zip(arrays, two_heads_backward(dscores, dboxes, x, hidden, *weights), strict=True):
        for place in np.ndindex(array.shape):
            value = array[place]
            array[place] = value + step
            above = loss()
            array[place] = value - step
            assert gradient[place] == pytest.approx((above - loss()) / (2 * step), abs=1e-6)
            array[place] = value
