"""Images with annotations: drawn scenes, and readers for the common formats.

``dataset[i]`` is a `Sample`: an image, its `Instances`, and the class of each pixel. `open_dataset` opens any kind
of dataset that is given as a short text, and `in_memory` decodes it once for training.
"""

from minivision.core.labels import IGNORE
from minivision.data.any_image import as_rgb
from minivision.data.augmentation import AUGMENTATIONS, augment
from minivision.data.coco import Coco
from minivision.data.dataset import Dataset, Facts, Sample, keypoint_flip
from minivision.data.folder import LabelFolder
from minivision.data.images import BrokenFileError, image_size, read_image
from minivision.data.instances import Instances, layer_masks
from minivision.data.memory import InMemory, Resized, hold_in_memory, in_memory
from minivision.data.run_lengths import RunLengths
from minivision.data.scenes import Scenes
from minivision.data.shapes import JOINTS
from minivision.data.spec import DataSpec, open_dataset
from minivision.data.transforms import (
    Batch,
    collate,
    crop,
    flip_horizontal,
    flip_vertical,
    random_crop,
    resize,
    transpose,
)
from minivision.data.voc import Voc
from minivision.data.with_proposals import WithProposals

__all__ = [
    "AUGMENTATIONS",
    "IGNORE",
    "JOINTS",
    "Batch",
    "BrokenFileError",
    "Coco",
    "DataSpec",
    "Dataset",
    "Facts",
    "InMemory",
    "Instances",
    "LabelFolder",
    "Resized",
    "RunLengths",
    "Sample",
    "Scenes",
    "Voc",
    "WithProposals",
    "as_rgb",
    "augment",
    "collate",
    "crop",
    "flip_horizontal",
    "flip_vertical",
    "hold_in_memory",
    "image_size",
    "in_memory",
    "keypoint_flip",
    "layer_masks",
    "open_dataset",
    "random_crop",
    "read_image",
    "resize",
    "transpose",
]
