"""The lecture's systems, one file each, and what they are made of.

::

    models/*.py    the thirteen systems, in lecture order:
                   sliding_window, full_resolution, encoder_decoder    segmentation
                   localizer, pose                                     one object in every image
                   rcnn, fast_rcnn, faster_rcnn                        detection with proposals
                   yolo, ssd, yolov2                                   detection without proposals
                   mask_rcnn                                           detection with masks and joints
    models/diagrams.py   the networks as diagrams, for pictures of them
                   densecap                                            detection with a sentence for each object
    models/base    base classes: model (the interface of every system), segmenter, single_object, detector,
                   proposal_detector, single_shot; options (values from a command line), resizing
    models/parts   parts that systems share: backbone, rpn, roi_head, roi_maps, mask_branch, keypoint_branch,
                   captioner, linear_models
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from minivision.models.base.model import Model

# name of the system -> module and class; imported when it is first needed
_SYSTEMS = {
    "sliding-window": ("sliding_window", "SlidingWindow"),
    "full-resolution": ("full_resolution", "FullResolution"),
    "encoder-decoder": ("encoder_decoder", "EncoderDecoder"),
    "localizer": ("localizer", "Localizer"),
    "pose": ("pose", "Pose"),
    "rcnn": ("rcnn", "RCNN"),
    "fast-rcnn": ("fast_rcnn", "FastRCNN"),
    "faster-rcnn": ("faster_rcnn", "FasterRCNN"),
    "yolo": ("yolo", "YOLO"),
    "ssd": ("ssd", "SSD"),
    "yolov2": ("yolov2", "YOLOv2"),
    "mask-rcnn": ("mask_rcnn", "MaskRCNN"),
    "densecap": ("densecap", "DenseCap"),
}


def systems() -> list[str]:
    """Return the names of the systems, in lecture order."""
    return list(_SYSTEMS)


def system_class(name: str) -> type[Model]:
    """Return the class of the system called `name`.

    Raises
    ------
    ValueError
        When there is none of that name; the message lists the names there are.
    """
    if name not in _SYSTEMS:
        raise ValueError(f"no system is called {name!r}; there are {', '.join(_SYSTEMS)}")
    module, cls = _SYSTEMS[name]
    return getattr(importlib.import_module(f"minivision.models.{module}"), cls)


def make_model(name: str, classes: Sequence[str], rng: np.random.Generator | None = None, **options: Any) -> Model:
    """Return a new model of the system called `name`, with random weights.

    Parameters
    ----------
    name : str
        Name of the system, one of :func:`systems`.
    classes : sequence of str
        Class names, the background first.
    rng : numpy.random.Generator
        Draws the weights.
    **options
        Arguments of the system's class, such as ``upsampling``.

    Examples
    --------
    >>> from minivision.models import make_model
    >>> make_model("yolo", ("background", "cat", "dog"), boxes=3).options["boxes"]
    3
    """
    return system_class(name)(classes, rng=rng, **options)
