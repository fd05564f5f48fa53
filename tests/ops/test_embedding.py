"""The embedding of words compared with PyTorch; its gradient adds where a word repeats."""

import numpy as np
import pytest

import minivision
from minivision import ops
from minivision.checks import check_adjoint


@pytest.fixture(params=["reference", "numba"], autouse=True)
def on_backend(request):
    with minivision.backend(request.param):
        yield


@pytest.mark.parametrize("shape", [(12,), (3, 5), (0,)])
def test_embedding_and_its_gradient_equal_pytorchs(shape, rng):
    torch = pytest.importorskip("torch")
    tokens, w = rng.integers(0, 4, shape), rng.standard_normal((6, 5))
    tensor = torch.from_numpy(w.copy()).requires_grad_()
    expected = torch.nn.functional.embedding(torch.from_numpy(tokens), tensor)
    np.testing.assert_array_equal(ops.embedding(tokens, w), expected.detach())
    dy = rng.standard_normal(expected.shape)
    expected.backward(torch.from_numpy(dy))
    dw = ops.embedding_backward(dy, tokens, w)
    np.testing.assert_allclose(dw, tensor.grad, atol=1e-14)
    assert not dw[4:].any()  # words that do not occur


def test_it_is_the_product_with_one_hot_rows_and_the_gradient_its_transpose(rng):
    tokens, w = np.array([2, 0, 2, 2]), rng.standard_normal((3, 4))
    np.testing.assert_allclose(ops.embedding(tokens, w), np.eye(3)[tokens] @ w, atol=1e-15)
    check_adjoint(ops.embedding, tokens, w, argument="w")


@pytest.mark.parametrize(
    "error, message, call",
    [
        (ValueError, r"tokens: expected values in 0 .. 2, got 3 at \(1,\)", lambda t, w: ops.embedding(t + 1, w)),
        (ValueError, r"tokens: expected values in 0 .. 2, got -1", lambda t, w: ops.embedding(t - 2, w)),
        (TypeError, "tokens: expected integers, got float64", lambda t, w: ops.embedding(t * 1.0, w)),
        (ValueError, "w: expected shape", lambda t, w: ops.embedding(t, w[0])),
        (ValueError, "dy: expected shape", lambda t, w: ops.embedding_backward(w[:1], t, w)),
    ],
)
def test_errors_name_the_wrong_argument(error, message, call):
    with pytest.raises(error, match=message):
        call(np.array([1, 2]), np.zeros((3, 4)))
