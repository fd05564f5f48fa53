"""Softmax and the losses. A loss returns its value and its gradient, with which the backward pass begins.

With ``reduction="mean"`` the sum is divided by the number of terms, with ``"sum"`` it is not. The loss of no terms
(an empty batch, all targets ignored) is 0 and its gradient zero, so an image without objects disturbs no training step.
"""

from __future__ import annotations

import math

import numpy as np

from minivision.core.arguments import (
    MAX_INTEGER,
    all_below,
    as_array,
    check_same_shape,
    floats,
    integer,
    integers,
    number,
    reduction_name,
)
from minivision.core.dispatch import operation
from minivision.core.types import Array


def _check_class_axis(name, array):
    if array.ndim < 2 or array.shape[1] == 0:
        raise ValueError(f"{name}: expected shape (N, C) or (N, C, H, W), at least one class, got {array.shape}")


def _check_softmax(x):
    (x,) = floats(x=x)
    _check_class_axis("x", x)
    return (x,)


@operation(check=_check_softmax)
def softmax(x: Array) -> Array:
    """Turn the class scores of each example, or of each pixel, into probabilities.

    Parameters
    ----------
    x : ndarray of shape (N, C) or (N, C, H, W)
        Scores of C classes (logits).

    Returns
    -------
    y : ndarray of the same shape
        ``exp(x) / sum(exp(x))``, with the sum over axis 1.

    Raises
    ------
    ValueError
        If `x` has another shape, or no classes.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision import ops
    >>> ops.softmax(np.log([[1.0, 1.0, 2.0]])).round(4).tolist()
    [[0.25, 0.25, 0.5]]
    """
    exponentials = np.exp(x - x.max(axis=1, keepdims=True))  # the largest exponent is 0: no overflow
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def _check_softmax_backward(dy, y):
    dy, y = floats(dy=dy, y=y)
    _check_class_axis("y", y)
    check_same_shape("dy", dy, y.shape, "the shape of y")
    return dy, y


@operation(check=_check_softmax_backward, returns=("dx",))
def softmax_backward(dy: Array, y: Array) -> Array:
    """Gradient of :func:`softmax`.

    Parameters
    ----------
    dy : ndarray of shape (N, C) or (N, C, H, W)
        Upstream gradient.
    y : ndarray of the same shape
        Output of :func:`softmax`.

    Returns
    -------
    dx : ndarray of the same shape
        ``y * (dy - sum(dy * y))``, with the sum over axis 1.

    Raises
    ------
    ValueError
        If the shapes do not match.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision import ops
    >>> ops.softmax_backward(np.array([[1.0, 0.0]]), np.array([[0.5, 0.5]])).tolist()
    [[0.25, -0.25]]
    """
    return y * (dy - (dy * y).sum(axis=1, keepdims=True))


def _check_softmax_cross_entropy(scores, target, weight, ignore_index, reduction):
    scores, weight = floats("weight", scores=scores, weight=weight)
    _check_class_axis("scores", scores)
    C = scores.shape[1]
    target = integers("target", target)
    check_same_shape("target", target, scores.shape[:1] + scores.shape[2:], f"scores {scores.shape} without classes")
    ignore_index = integer("ignore_index", ignore_index, minimum=-MAX_INTEGER)
    if not all_below(target, C) and not all_below(np.where(target == ignore_index, 0, target), C):
        wrong = np.argwhere((target != ignore_index) & ((target < 0) | (target >= C)))[0]
        at = tuple(int(i) for i in wrong)
        raise ValueError(
            f"target: expected classes in 0 .. {C - 1} (scores has {C}) or ignore_index {ignore_index}, "
            f"got {int(target[at])} at {at}; pass ignore_index={int(target[at])} if that means 'no label'"
        )
    if weight is not None:
        check_same_shape("weight", weight, (C,), "one number for each class")
        if weight.dtype.kind == "f" and not (weight >= 0).all():
            raise ValueError(f"weight: expected numbers of 0 or more, got {weight[~(weight >= 0)][0]}")
    return scores, target, weight, ignore_index, reduction_name(reduction)


@operation(check=_check_softmax_cross_entropy, returns=("loss", "dscores"))
def softmax_cross_entropy(
    scores: Array, target: Array, *, weight: Array | None = None, ignore_index: int = -100, reduction: str = "mean"
) -> tuple[np.floating, Array]:
    """Cross-entropy of the softmax of class scores, and its gradient.

    Parameters
    ----------
    scores : ndarray of shape (N, C) or (N, C, H, W)
        Scores of C classes (logits), for each example or each pixel.
    target : int ndarray of shape (N,) or (N, H, W)
        True classes, or `ignore_index`.
    weight : ndarray of shape (C,), optional
        Weight of each class. The mean is then the weighted mean, as in PyTorch.
    ignore_index : int
        Targets with this value are ignored.
    reduction : "mean" or "sum"
        How the losses of the examples or pixels are combined.

    Returns
    -------
    loss : float
        ``sum(w * -log softmax(scores)[target]) / sum(w)``, where ``w`` is the weight of the target's class; without the
        division for ``"sum"``; 0 if all targets are ignored.
    dscores : ndarray of the shape of scores
        ``w * (softmax(scores) - onehot(target)) / sum(w)``, likewise.

    Raises
    ------
    ValueError
        If a target is not a class.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision import ops
    >>> loss, dscores = ops.softmax_cross_entropy(np.zeros((1, 4)), np.array([2]))
    >>> round(float(loss), 4)  # log(4)
    1.3863
    >>> dscores.tolist()
    [[0.25, 0.25, -0.75, 0.25]]
    """
    # (N, C, ...) -> (N, C, L) and (N, ...) -> (N, 1, L): as many places L as there are pixels
    N, C = scores.shape[:2]
    L = math.prod(scores.shape[2:])
    flat_scores, flat_target = scores.reshape(N, C, L), target.reshape(N, 1, L)

    counts = flat_target != ignore_index
    label = np.where(counts, flat_target, 0)
    class_weight = np.ones(C, scores.dtype) if weight is None else weight
    w = np.where(counts, class_weight[label], scores.dtype.type(0))  # (N, 1, L)

    shifted = flat_scores - flat_scores.max(axis=1, keepdims=True)  # the largest exponent is 0: no overflow
    exponentials = np.exp(shifted)
    total = exponentials.sum(axis=1, keepdims=True)
    onehot = np.arange(C)[:, None] == label  # (N, C, L)

    shifted_target = np.take_along_axis(shifted, label, axis=1)
    losses = np.where(counts, w * (np.log(total) - shifted_target), scores.dtype.type(0))
    dscores = np.where(counts, w * (exponentials / total - onehot), scores.dtype.type(0))

    loss, norm = losses.sum(), w.sum() if reduction == "mean" else 1
    if norm > 0:
        loss, dscores = loss / norm, dscores / scores.dtype.type(norm)
    return loss, dscores.reshape(scores.shape)


def _check_pairwise(x, target, reduction, name="x"):
    """Check numbers and targets of the same shape; boolean targets (masks) become 0 and 1."""
    (x,) = floats(**{name: x})
    target = as_array("target", target)
    if target.dtype == bool:
        target = target.astype(x.dtype)
    x, target = floats(**{name: x, "target": target})
    check_same_shape("target", target, x.shape, f"the shape of {name}")
    return x, target, reduction_name(reduction)


def _reduced(losses, dx, reduction):
    """Return the sum or the mean of the losses, and its gradient."""
    count = losses.size if reduction == "mean" else 1
    if count == 0:
        return losses.sum(), dx
    return losses.sum() / losses.dtype.type(count), dx / dx.dtype.type(count)


def _check_binary_cross_entropy_with_logits(x, target, reduction):
    return _check_pairwise(x, target, reduction)


@operation(check=_check_binary_cross_entropy_with_logits, returns=("loss", "dx"))
def binary_cross_entropy_with_logits(x: Array, target: Array, *, reduction: str = "mean") -> tuple[np.floating, Array]:
    """Cross-entropy of the sigmoid of logits, and its gradient.

    Parameters
    ----------
    x : ndarray of any shape
        Logits.
    target : ndarray of the same shape
        Probabilities in 0 .. 1, usually 0 or 1; or booleans, such as masks.
    reduction : "mean" or "sum"
        How the losses of the numbers are combined.

    Returns
    -------
    loss : float
        Mean or sum of ``-t log(p) - (1 - t) log(1 - p)`` with ``p = sigmoid(x)``.
    dx : ndarray of the same shape
        ``p - t``, divided by the number of terms for the mean.

    Raises
    ------
    ValueError
        If the shapes do not match.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision import ops
    >>> loss, dx = ops.binary_cross_entropy_with_logits(np.zeros(2), np.array([1.0, 0.0]))
    >>> round(float(loss), 4), dx.tolist()  # log(2)
    (0.6931, [-0.25, 0.25])
    """
    # -t log(p) - (1 - t) log(1 - p), rearranged so that nothing overflows
    small = np.exp(-abs(x))
    losses = np.maximum(x, 0) - x * target + np.log1p(small)
    probability = np.where(x < 0, small, x.dtype.type(1)) / (1 + small)
    return _reduced(losses, probability - target, reduction)


def _check_smooth_l1_loss(x, target, beta, reduction):
    x, target, reduction = _check_pairwise(x, target, reduction)
    return x, target, number("beta", beta, minimum=0), reduction  # 0 gives the plain L1 loss


@operation(check=_check_smooth_l1_loss, returns=("loss", "dx"))
def smooth_l1_loss(x: Array, target: Array, *, beta: float = 1.0, reduction: str = "mean") -> tuple[np.floating, Array]:
    """Smooth L1 loss and its gradient: quadratic for small differences, linear for large ones.

    Parameters
    ----------
    x : ndarray of any shape
        Predicted numbers.
    target : ndarray of the same shape
        Their true values.
    beta : float
        Difference at which the loss changes from quadratic to linear; 0 gives the L1 loss.
    reduction : "mean" or "sum"
        How the losses of the numbers are combined.

    Returns
    -------
    loss : float
        Mean or sum of ``0.5 d^2 / beta`` where ``d = |x - target| < beta``, else ``d - 0.5 beta``.
    dx : ndarray of the same shape
        Its gradient. For a single number it is at most 1, so an outlier cannot dominate a training step.

    Raises
    ------
    ValueError
        If the shapes do not match, or `beta` is negative.

    References
    ----------
    Girshick, "Fast R-CNN", 2015, equation 3, where beta is 1.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision import ops
    >>> loss, dx = ops.smooth_l1_loss(np.array([0.5, 3.0]), np.zeros(2), reduction="sum")
    >>> float(loss), dx.tolist()
    (2.625, [0.5, 1.0])
    """
    difference = x - target
    distance = abs(difference)
    if beta == 0:
        return _reduced(distance, np.sign(difference), reduction)
    near = distance < beta
    losses = np.where(near, 0.5 * difference**2 / beta, distance - 0.5 * beta)
    dx = np.where(near, difference / beta, np.sign(difference))
    return _reduced(losses, dx, reduction)


def _check_mse_loss(x, target, reduction):
    return _check_pairwise(x, target, reduction)


@operation(check=_check_mse_loss, returns=("loss", "dx"))
def mse_loss(x: Array, target: Array, *, reduction: str = "mean") -> tuple[np.floating, Array]:
    """Mean squared error (L2 loss) and its gradient.

    Parameters
    ----------
    x : ndarray of any shape
        Predicted numbers.
    target : ndarray of the same shape
        Their true values.
    reduction : "mean" or "sum"
        How the losses of the numbers are combined.

    Returns
    -------
    loss : float
        Mean or sum of ``(x - target)^2``.
    dx : ndarray of the same shape
        ``2 (x - target)``, divided by the number of terms for the mean.

    Raises
    ------
    ValueError
        If the shapes do not match.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision import ops
    >>> loss, dx = ops.mse_loss(np.array([1.0, 3.0]), np.array([1.0, 1.0]))
    >>> float(loss), dx.tolist()
    (2.0, [0.0, 2.0])
    """
    difference = x - target
    return _reduced(difference**2, 2 * difference, reduction)


def _check_hinge_loss(scores, target, margin, reduction):
    scores, target, reduction = _check_pairwise(scores, target, reduction, name="scores")
    wrong = abs(target) != 1
    if wrong.any():
        at = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise ValueError(
            f"target: expected -1 (is not) or +1 (is), got {target[at]} at {at}; "
            f"turn 0 and 1 into these with 2 * target - 1"
        )
    return scores, target, number("margin", margin), reduction


@operation(check=_check_hinge_loss, returns=("loss", "dscores"))
def hinge_loss(
    scores: Array, target: Array, *, margin: float = 1.0, reduction: str = "mean"
) -> tuple[np.floating, Array]:
    """Hinge loss of a support vector machine, and its gradient.

    Parameters
    ----------
    scores : ndarray of any shape
    target : ndarray of the same shape
        +1 where the score should be positive, -1 where it should be negative.
    margin : float
        Distance from zero beyond which a correct score has no loss.
    reduction : "mean" or "sum"
        How the losses of the scores are combined.

    Returns
    -------
    loss : float
        Mean or sum of ``max(0, margin - target * score)``.
    dscores : ndarray of the same shape
        ``-target`` where that is positive, else 0; divided by the number of terms for the mean.

    Raises
    ------
    ValueError
        If a target is neither -1 nor +1, or the shapes do not match.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision import ops
    >>> loss, dscores = ops.hinge_loss(np.array([2.0, 0.5]), np.array([1.0, -1.0]), reduction="sum")
    >>> float(loss), dscores.tolist()
    (1.5, [0.0, 1.0])
    """
    shortfall = margin - target * scores
    met = shortfall <= 0
    losses = np.where(met, scores.dtype.type(0), shortfall)
    dscores = np.where(met, scores.dtype.type(0), -target)
    return _reduced(losses, dscores, reduction)
