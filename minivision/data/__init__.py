"""Images with annotations: drawn scenes, and readers for the common formats.

``dataset[i]`` is a `Sample`: an image, its `Instances`, and the class of each pixel. `open_dataset` opens any
kind by a short text, and `in_memory` decodes it once for training.
"""

from minivision.core.labels import IGNORE
from minivision.data.coco import Coco
from minivision.data.dataset import Dataset, Sample
from minivision.data.folder import LabelFolder
from minivision.data.images import BrokenFileError, image_size, read_image
from minivision.data.in_memory import InMemory, in_memory
from minivision.data.open_dataset import open_dataset
from minivision.data.scenes import Scenes
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
    "IGNORE",
    "Batch",
    "BrokenFileError",
    "Coco",
    "Dataset",
    "InMemory",
    "LabelFolder",
    "Sample",
    "Scenes",
    "Voc",
    "WithProposals",
    "collate",
    "crop",
    "flip_horizontal",
    "flip_vertical",
    "image_size",
    "in_memory",
    "open_dataset",
    "random_crop",
    "read_image",
    "resize",
    "transpose",
]
