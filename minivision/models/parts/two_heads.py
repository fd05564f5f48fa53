"""The smallest network with two heads, as two functions: what is left of a multi-task network without its layers.

::

                      ┌─ w_class ─ scores     softmax loss ─┐
    x ─ w ─ ReLU ─ hidden                                  (+)
                      └─ w_box ─ boxes    L2 loss · weight ─┘

The hidden features are used twice. So two gradients come back to them, and are added: the one line that every network
with branches has in its backward pass, be it the localizer, Faster R-CNN or a residual block.

References
----------
Rumelhart, Hinton and Williams, "Learning representations by back-propagating errors", Nature 1986: the derivative by a
unit is the sum over all units that it feeds. Two tasks on shared features: Caruana, "Multitask learning", Machine
Learning 1997.
"""

from __future__ import annotations

import numpy as np

from minivision import ops
from minivision.core.types import Array


def two_heads_forward(
    x: Array, labels: Array, targets: Array, w: Array, w_class: Array, w_box: Array, *, box_weight: float = 1.0
) -> tuple[np.floating, Array, Array, Array]:
    """Compute the multi-task loss of a network with two heads, and what its backward pass begins with.

    All layers are fully connected, without bias.

    Parameters
    ----------
    x : ndarray of shape (N, D)
        D features for each of N examples.
    labels : int ndarray of shape (N,)
        True class of each example, from 0 on.
    targets : ndarray of shape (N, 4)
        True box of each example.
    w : ndarray of shape (M, D)
        Weights of the shared layer, a row for each hidden feature; a ReLU follows.
    w_class : ndarray of shape (C, M)
        Weights of the head that says a score for each class: its loss is the softmax loss.
    w_box : ndarray of shape (4, M)
        Weights of the head that says a box: its loss is the mean squared error, over all numbers.
    box_weight : float
        Factor of the box's loss in the sum of both.

    Returns
    -------
    loss : float
        The loss of the classes, plus `box_weight` times that of the boxes.
    hidden : ndarray of shape (N, M)
        The shared features, after the ReLU.
    dscores : ndarray of shape (N, C)
        Gradient of the loss by the scores.
    dboxes : ndarray of shape (N, 4)
        Gradient of the loss by the predicted boxes.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision.models.parts.two_heads import two_heads_forward
    >>> x, labels, targets = np.array([[2.0]]), np.array([0]), np.zeros((1, 4))
    >>> weights = np.array([[1.0]]), np.zeros((2, 1)), np.full((4, 1), 0.5)
    >>> loss, hidden, dscores, dboxes = two_heads_forward(x, labels, targets, *weights, box_weight=10)
    >>> round(float(loss), 4), hidden.tolist(), dscores.tolist(), dboxes.tolist()
    (10.6931, [[2.0]], [[-0.5, 0.5]], [[5.0, 5.0, 5.0, 5.0]])
    """
    hidden = ops.relu(ops.linear(x, w))
    class_loss, dscores = ops.softmax_cross_entropy(ops.linear(hidden, w_class), labels)
    box_loss, dboxes = ops.mse_loss(ops.linear(hidden, w_box), targets)
    return class_loss + box_weight * box_loss, hidden, dscores, box_weight * dboxes


def two_heads_backward(
    dscores: Array, dboxes: Array, x: Array, hidden: Array, w: Array, w_class: Array, w_box: Array
) -> tuple[Array, Array, Array, Array]:
    """Gradients of the loss of :func:`two_heads_forward` by its input and its weights.

    Parameters
    ----------
    dscores : ndarray of shape (N, C)
        Gradient of the loss by the scores.
    dboxes : ndarray of shape (N, 4)
        Gradient of the loss by the predicted boxes.
    x : ndarray of shape (N, D)
    hidden : ndarray of shape (N, M)
        The shared features, as :func:`two_heads_forward` returned them.
    w : ndarray of shape (M, D)
    w_class : ndarray of shape (C, M)
    w_box : ndarray of shape (4, M)

    Returns
    -------
    dx : ndarray of shape (N, D)
    dw : ndarray of shape (M, D)
    dw_class : ndarray of shape (C, M)
    dw_box : ndarray of shape (4, M)

    Examples
    --------
    >>> import numpy as np
    >>> from minivision.models.parts.two_heads import two_heads_backward
    >>> x, w, w_class, w_box = np.array([[2.0]]), np.array([[1.0]]), np.array([[1.0], [3.0]]), np.ones((4, 1))
    >>> dscores, dboxes = np.array([[-0.5, 0.5]]), np.array([[0.25, 0, 0, 0]])
    >>> dx, dw, dw_class, dw_box = two_heads_backward(dscores, dboxes, x, np.array([[2.0]]), w, w_class, w_box)
    >>> dx.tolist(), dw.tolist(), dw_class.tolist(), dw_box.tolist()
    ([[1.25]], [[2.5]], [[-1.0], [1.0]], [[0.5], [0.0], [0.0], [0.0]])
    """
    from_scores, dw_class, _ = ops.linear_backward(dscores, hidden, w_class)
    from_boxes, dw_box, _ = ops.linear_backward(dboxes, hidden, w_box)
    dhidden = from_scores + from_boxes  # two paths lead away from it, so two gradients come back
    dx, dw, _ = ops.linear_backward(ops.relu_backward(dhidden, hidden), x, w)
    return dx, dw, dw_class, dw_box
