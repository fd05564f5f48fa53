"""The lecture's systems, one file each, in lecture order."""

import importlib

# name of the system -> module and class; imported when first asked for
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
}


def systems():
    """Return the names of the systems, in lecture order."""
    return list(_SYSTEMS)


def system_class(name):
    """Return the class of the system called `name`.

    Raises
    ------
    ValueError
        When there is none of that name; the message lists those there are.
    """
    if name not in _SYSTEMS:
        raise ValueError(f"no system is called {name!r}; there are {', '.join(_SYSTEMS)}")
    module, cls = _SYSTEMS[name]
    return getattr(importlib.import_module(f"minivision.models.{module}"), cls)


def make_model(name, classes, rng=None, **options):
    """Return a new model of the system called `name`, its weights drawn with `rng`.

    Parameters
    ----------
    name : str
    classes : sequence of str
        Class names, the background first.
    rng : numpy.random.Generator
    **options
        The system's own, such as ``upsampling``.
    """
    return system_class(name)(classes, rng=rng, **options)
