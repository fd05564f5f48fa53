"""Batch normalization over ranks is that of PyTorch over the whole batch, however unequal the parts are."""

import numpy as np
import pytest
from thread_ranks import on_ranks

from minivision.core.ranks import current_ranks
from minivision.layers import BatchNorm2d

SHAPE = (6, 3, 4, 5)


def layer_of(dtype, synchronized=True):
    layer = BatchNorm2d(SHAPE[1]).astype(dtype)
    layer.synchronized = synchronized
    layer.gamma.value[:], layer.beta.value[:] = (0.5, 2.0, -1.0), (0.1, 0.0, 3.0)
    layer.running_mean[:], layer.running_var[:] = (1.0, 2.0, 3.0), (2.0, 1.0, 0.5)
    return layer


def through(layer, x, dy):
    y = layer.forward(x, training=True)
    dx = layer.backward(dy)
    return y, dx, layer.gamma.grad, layer.beta.grad, layer.running_mean, layer.running_var


def expected(x, dy):
    torch = pytest.importorskip("torch")
    theirs, ours = torch.nn.BatchNorm2d(SHAPE[1]).double(), layer_of(np.float64)
    with torch.no_grad():
        for name, array in (
            ("weight", ours.gamma.value), ("bias", ours.beta.value),
            ("running_mean", ours.running_mean), ("running_var", ours.running_var),
        ):  # fmt: skip
            getattr(theirs, name).copy_(torch.from_numpy(array))
    leaf = torch.from_numpy(x).requires_grad_()
    y = theirs(leaf)
    y.backward(torch.from_numpy(dy))
    results = y.detach(), leaf.grad, theirs.weight.grad, theirs.bias.grad, theirs.running_mean, theirs.running_var
    return [each.numpy() for each in results]


@pytest.mark.parametrize("starts", [(3,), (1, 2), (0, 5), (2, 2)])  # with empty parts too
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 2e-5)])
def test_all_ranks_together_are_the_whole_batch(rng, starts, dtype, tolerance):
    x, dy = rng.normal(5.0, 2.0, SHAPE), rng.normal(size=SHAPE)
    parts = list(zip(np.split(x.astype(dtype), starts), np.split(dy.astype(dtype), starts), strict=True))
    results = on_ranks(len(parts), lambda ranks: through(layer_of(dtype), *parts[ranks.rank]))
    y, dx, dgamma, dbeta, mean, var = expected(x, dy)
    close = {"rtol": tolerance, "atol": 10 * tolerance}
    np.testing.assert_allclose(np.concatenate([each[0] for each in results]), y, **close)
    np.testing.assert_allclose(np.concatenate([each[1] for each in results]), dx, **close)
    np.testing.assert_allclose(sum(each[2] for each in results), dgamma, **close)
    np.testing.assert_allclose(sum(each[3] for each in results), dbeta, **close)
    for each in results:
        assert each[0].dtype == dtype and each[4].tobytes() == results[0][4].tobytes()
        np.testing.assert_allclose(each[4], mean, **close)
        np.testing.assert_allclose(each[5], var, **close)


def test_single_values_on_each_rank_are_enough(rng):
    x, dy = rng.normal(size=(2, 3, 1, 1)), rng.normal(size=(2, 3, 1, 1))
    parts = list(zip(x[:, None], dy[:, None], strict=True))
    results = on_ranks(2, lambda ranks: through(layer_of(np.float64), *parts[ranks.rank]))
    np.testing.assert_allclose(np.concatenate([each[1] for each in results]), expected(x, dy)[1], atol=1e-12)


def test_too_few_values_on_all_ranks_together_are_an_error():
    x = np.zeros((1, 3, 1, 1))
    with pytest.raises(ValueError, match="fewer than two values"):
        on_ranks(2, lambda ranks: layer_of(np.float64).forward(x[ranks.rank :], training=True))


def test_each_rank_has_its_own_statistics_unless_they_are_synchronized(rng):
    x, dy = rng.normal(size=SHAPE), rng.normal(size=SHAPE)
    alone = through(layer_of(np.float64, synchronized=False), x, dy)
    results = on_ranks(2, lambda ranks: through(layer_of(np.float64, synchronized=False), x + ranks.rank, dy))
    assert all((a == b).all() for a, b in zip(results[0], alone, strict=True))
    assert (results[1][4] != results[0][4]).all()
    assert current_ranks().size == 1
    one = through(layer_of(np.float64), x, dy)  # alone it makes no difference
    assert all((a == b).all() for a, b in zip(one, alone, strict=True))
