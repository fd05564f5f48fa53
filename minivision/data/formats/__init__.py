"""The formats of data that are read, each in a file of its own: how it is recognized, and how it is opened.

`FORMATS` lists them in the order in which a folder is asked for each: first those that have a file of their own name,
then those that are recognized by what is in their files. The first one that recognizes a folder is taken.
"""

from __future__ import annotations

from minivision.data.formats.cityscapes import CITYSCAPES
from minivision.data.formats.coco import COCO
from minivision.data.formats.color_maps import COLOR_MAPS
from minivision.data.formats.cvat import CVAT
from minivision.data.formats.folder import FOLDER
from minivision.data.formats.format import Format, Found
from minivision.data.formats.label_studio import LABEL_STUDIO
from minivision.data.formats.labelme import LABELME
from minivision.data.formats.open_images import OPEN_IMAGES
from minivision.data.formats.visual_genome import VISUAL_GENOME
from minivision.data.formats.voc import VOC
from minivision.data.formats.yolo import YOLO

__all__ = ["FORMATS", "Format", "Found"]

FORMATS: tuple[Format, ...] = (
    CITYSCAPES,
    VOC,
    COCO,
    YOLO,
    CVAT,
    LABELME,
    LABEL_STUDIO,
    OPEN_IMAGES,
    VISUAL_GENOME,
    COLOR_MAPS,
    FOLDER,
)
