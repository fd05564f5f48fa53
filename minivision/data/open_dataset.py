"""Opening a dataset by a short text, as on the command line."""

from pathlib import Path

from minivision.data.coco import Coco
from minivision.data.folder import LabelFolder
from minivision.data.scenes import Scenes
from minivision.data.voc import Voc

__all__ = ["open_dataset"]

READERS = {"coco": Coco, "voc": Voc, "folder": LabelFolder}


def open_dataset(spec, *, split, level="hard", seed=0, objects=(1, 6), classes=None, size=128, skip_broken=False):
    """Open a dataset.

    Parameters
    ----------
    spec : str
        ``scenes``: drawn by the computer, see `Scenes`. ``coco:FOLDER``, ``voc:FOLDER``: files in the formats
        of COCO and PASCAL VOC. ``folder:FOLDER``: images and label maps. See `Coco`, `Voc` and `LabelFolder`.
    split : str
        Which part: ``"train"``, ``"val"``, or what else there is.
    level, seed, objects, classes, size
        For scenes only, as in `Scenes`.
    skip_broken : bool
        For files only: whether to leave out images that cannot be read, with a warning that names them,
        instead of raising `BrokenFileError`. Every image is then decoded once at opening.

    Returns
    -------
    Dataset

    Raises
    ------
    ValueError
        Where there is no such kind of dataset, split or level.
    FileNotFoundError
        Where a folder or a file that belongs to a dataset of this kind is missing.
    BrokenFileError
        Where a file is damaged; it is a ValueError.
    """
    kind, _, folder = str(spec).partition(":")
    if kind == "scenes" and not folder:
        return Scenes(level, split, seed, objects, classes, size)
    if kind not in READERS or not folder:
        raise ValueError(f"a dataset is 'scenes', 'coco:FOLDER', 'voc:FOLDER' or 'folder:FOLDER'; got {spec!r}")
    root = Path(folder).expanduser()
    if not root.is_dir():
        raise FileNotFoundError(f"{spec}: there is no folder {root}")
    return READERS[kind](root, split, skip_broken=skip_broken)
