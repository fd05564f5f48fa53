"""Scenes: training pictures drawn by the computer, with every kind of annotation.

One to six objects (discs, squares, triangles, stars, rings, stick-figure people) lie on a piece of a
photograph and over each other. Colours, sizes, turns, opacity, textures, shading, blur and noise are random,
and strokes that belong to no class are drawn among them.
"""

from typing import NamedTuple

import numpy as np

from minivision.data.dataset import Dataset, Sample
from minivision.data.instances import Instances
from minivision.data.memory import InMemory
from minivision.data.photographs import random_crop_of
from minivision.data.shapes import JOINTS, KINDS, draw_shape
from minivision.data.threads import map_in_threads

__all__ = ["LEVELS", "SPLITS", "Level", "Scenes"]

VERSION = 1  # of what is drawn: raise it when a scene of the same seed changes, so that no old cache is used

SPLITS = {
    "train": 8000,
    "val": 300,
    "test": 300,
}  # number of scenes; each split has random numbers of its own

BACKGROUND_SIDES, TEXTURE_SIDES = (64, 300), (48, 200)  # of the squares cut from photographs, in their pixels
SMALLEST_PERSON, PERSON_EXTRA = (
    28,
    8,
)  # people are thin, so they are larger: from 28 to 8 more than other shapes
SMALLEST_AREA = 25  # pixels of an object when it is drawn
SMALLEST_VISIBLE = 20  # pixels that must still show at the end for an object to count
TRIES = 60  # at objects in all: those that would not fit or stand out are left out
BLURRED = 0.3  # part of the scenes


class Level(NamedTuple):
    """How difficult scenes are; pixels, and brightness from 0 to 255."""

    sizes: tuple  # smallest and largest object
    visible: float  # part of each object that others leave visible, at least
    contrast: float  # least difference from what lies behind, in the colour channel where it is largest
    texture: float  # probability of a texture
    texture_strength: float  # its standard deviation, at most
    shading: float  # slope of brightness across an object, at most, for each pixel
    opacity: float  # at least
    blur: float  # standard deviation of the blur, at most
    noise: float  # standard deviation of the noise, at most
    strokes: int  # unlabelled strokes, at most


LEVELS = {
    "easy": Level((16, 56), 0.5, 60, 0.3, 20, 0.5, 1.0, 0.8, 8, 0),
    "mid": Level((16, 56), 0.4, 40, 0.6, 35, 1.0, 0.8, 1.0, 15, 2),
    "hard": Level((12, 56), 0.3, 25, 0.8, 50, 1.5, 0.65, 1.3, 25, 4),
}


class Scenes(Dataset):
    """Drawn scenes; ``scenes[i]`` depends on nothing but `i` and these arguments.

    Parameters
    ----------
    level : str
        ``"easy"``, ``"mid"`` or ``"hard"``; see `LEVELS`.
    split : str
        ``"train"`` (8000 scenes), ``"val"`` or ``"test"`` (300 each). They never share a scene.
    seed : int
        Another seed, other scenes.
    objects : int or (int, int)
        Number of objects, or its smallest and largest. Where they do not all fit there are fewer.
    classes : sequence of str, optional
        Which of `shapes.KINDS` to draw, in the order of their labels; all by default.
    size : int
        Side of the pictures in pixels, 64 or more. Objects do not grow with it.
    """

    keypoint_names = JOINTS

    def __init__(self, level="hard", split="train", seed=0, objects=(1, 6), classes=None, size=128):
        self.level = _one_of("level", level, LEVELS)
        self.split = _one_of("split", split, SPLITS)
        if not isinstance(seed, int | np.integer) or seed < 0:
            raise ValueError(f"seed must be an integer, 0 or more; got {seed!r}")
        self.seed = int(seed)
        fewest, most = (objects, objects) if isinstance(objects, int) else objects
        if not 0 <= fewest <= most <= 100:
            raise ValueError(f"objects must be a number or (fewest, most) with 0 <= fewest <= most; got {objects!r}")
        self.objects = (int(fewest), int(most))
        kinds = KINDS if classes is None else tuple(classes)
        if not kinds or len(set(kinds)) < len(kinds) or isinstance(classes, str):
            raise ValueError(f"classes must be a list of different names out of {', '.join(KINDS)}; got {classes!r}")
        for kind in kinds:
            _one_of("class", kind, KINDS)
        self.classes = ("background", *kinds)
        if size < 64:
            raise ValueError(f"size must be 64 pixels or more, so that the largest objects fit; got {size}")
        self.size = int(size)

    def __len__(self):
        return SPLITS[self.split]

    def image_sizes(self):
        return [(self.size, self.size)] * len(self)

    def parameters(self):
        """All that the scenes depend on, as a dict of plain values."""
        names = ("level", "split", "seed", "objects", "classes", "size")
        return {name: getattr(self, name) for name in names}

    def _sample(self, index):
        image, owners, labels, boxes, keypoints = draw_scene(self, index)
        lookup = np.zeros(256, np.uint8)
        lookup[1 : len(labels) + 1] = labels
        instances = Instances(boxes, labels, keypoints=keypoints, instance_map=owners)
        return Sample(image, instances, lookup[owners])

    def draw(self, indices=None, *, threads=None, progress=False):
        """Draw many scenes at once and keep them.

        Parameters
        ----------
        indices : int or sequence of int, optional
            How many, from the first, or which; all by default.
        threads : int, optional
            How many to use; by default one for each core. It changes nothing but the speed.
        progress : bool
            Whether to show a progress bar.

        Returns
        -------
        InMemory
        """
        if indices is None or isinstance(indices, int | np.integer):
            indices = range(len(self) if indices is None else indices)
        samples = map_in_threads(self.__getitem__, indices, threads=threads, progress=progress)
        return InMemory.collect(samples, [(self.size, self.size)] * len(indices), like=self)

    def cached(self, count=None, *, folder=None, progress=False):
        """The first `count` scenes (all by default) from the cache on disk, drawn and kept there if need be.

        Parameters
        ----------
        count : int, optional
            How many.
        folder : path, optional
            Where to keep them; by default ``$MINIVISION_CACHE``, else ``minivision`` in ``$XDG_CACHE_HOME``,
            else ``~/.cache/minivision``. If it cannot be written to, a warning says so and nothing is kept.
        progress : bool
            Whether to show a progress bar while drawing.

        Returns
        -------
        InMemory
        """
        from minivision.data.cache import load_or_make

        count = len(self) if count is None else count
        key = {"kind": "scenes", "version": VERSION, "count": count, **self.parameters()}
        name = f"scenes-{self.level}-{self.split}-{count}"
        return load_or_make(name, key, lambda: self.draw(count, progress=progress), folder)


def draw_scene(scenes, index):
    """Draw one scene.

    Parameters
    ----------
    scenes : Scenes
    index : int

    Returns
    -------
    image : (S, S, 3) uint8 array
    owners : (S, S) uint8 array
        ``k + 1`` where object ``k`` shows, 0 where none does.
    labels : (K,) int64 array
    boxes : (K, 4) float32 array
        Tight around what shows of each object.
    keypoints : (K, 14, 3) float32 array
    """
    from minivision.data import drawing

    level, size = LEVELS[scenes.level], scenes.size
    # A spawn key keeps the streams of splits and scenes apart, whatever the seed.
    key = (list(SPLITS).index(scenes.split), index)
    rng = np.random.default_rng(np.random.SeedSequence(scenes.seed, spawn_key=key))

    image = random_crop_of(BACKGROUND_SIDES, size, rng)
    wanted = int(rng.integers(scenes.objects[0], scenes.objects[1] + 1))
    _draw_strokes(image, int(rng.integers(0, level.strokes + 1)), rng)
    owners, kinds, joints = _draw_objects(image, wanted, scenes.classes[1:], level, rng)
    if rng.random() < BLURRED:
        image = drawing.blur(image, rng.uniform(0.4, level.blur))
    final = np.empty(image.shape, np.uint8)
    sigma = rng.uniform(0, level.noise)
    drawing.add_noise(image, rng.standard_normal(image.shape, np.float32), sigma, final)

    kept, owners, boxes = _visible_objects(owners, len(kinds))
    labels = np.array([scenes.classes.index(kinds[k]) for k in kept], np.int64)
    keypoints = np.zeros((len(kept), len(JOINTS), 3), np.float32)
    for number, k in enumerate(kept, start=1):
        if joints[k] is not None:
            keypoints[number - 1] = _visibility(joints[k], number, owners)
    return final, owners, labels, boxes, keypoints


def _draw_strokes(image, count, rng):
    """Draw short thick lines that belong to no class."""
    from minivision.data import drawing

    size = image.shape[0]
    flat = np.zeros((size, size, 1), np.float32)
    for _ in range(count):
        coverage = np.zeros((size, size), np.float32)
        x, y = rng.uniform(0, size, 2)
        dx, dy = rng.uniform(-25, 25, 2)
        radius = ((int(rng.integers(3, 14)) + 1) // 2 + 0.35) / 2  # 2.35 to 7.35 pixels wide
        drawing.draw_capsule(coverage, x, y, x + dx, y + dy, radius)
        colour = rng.uniform(0, 255, 3)
        drawing.paint(image, coverage, (0, size, 0, size), colour, flat, 0.0, x, y, 0.0, 0.0, 1.0)


def _draw_objects(image, wanted, kinds, level, rng):
    """Draw objects one over the other, leaving out those that hide too much or stand out too little.

    Returns
    -------
    owners : (S, S) uint8 array
        The number of the object that each pixel shows, from 1 in the order of drawing; 0 for none.
    drawn : list of str
        The kind of each object.
    joints : list of (14, 2) array or None
        People's joints.
    """
    from minivision.data import drawing

    size = image.shape[0]
    owners = np.zeros((size, size), np.uint8)
    hidden = np.zeros(256, np.int64)
    areas, visible = np.zeros(256), np.zeros(256)  # of each object: when drawn, and now
    flat = np.zeros((size, size, 1), np.float32)
    drawn, joints = [], []
    for _ in range(TRIES):
        if len(drawn) == wanted:
            break
        kind = kinds[rng.integers(len(kinds))]
        smallest, largest = level.sizes
        if kind == "person":
            smallest, largest = max(smallest, SMALLEST_PERSON), largest + PERSON_EXTRA
        diameter = rng.uniform(smallest, largest)
        x, y = rng.uniform(0.45 * diameter, size - 0.45 * diameter, 2)  # the edge may cut off a little
        coverage, its_joints = draw_shape(kind, x, y, diameter, size, rng)
        area, *behind, top, bottom, left, right = drawing.measure(coverage, image, owners, hidden)
        if area < SMALLEST_AREA or np.any((visible - hidden < level.visible * areas)[1:]):
            continue
        colour = rng.uniform(0, 255, 3)
        if np.abs(colour - behind).max() < level.contrast:
            continue
        texture, strength = flat, 0.0
        if rng.random() < level.texture:
            texture = random_crop_of(TEXTURE_SIDES, size, rng, grey=True)
            drawing.standardise(texture)
            strength = rng.uniform(10, level.texture_strength)
        shade_x, shade_y = rng.uniform(-1, 1, 2) * level.shading
        opacity = rng.uniform(level.opacity, 1)
        extent = (top, bottom, left, right)
        drawing.paint(image, coverage, extent, colour, texture, strength, x, y, shade_x, shade_y, opacity)
        drawn.append(kind)
        joints.append(its_joints)
        drawing.own(owners, coverage, extent, len(drawn))
        visible -= hidden
        visible[len(drawn)] = areas[len(drawn)] = area
    return owners, drawn, joints


def _visible_objects(owners, count):
    """Which of the drawn objects still show, the owners numbered anew for them, and their boxes."""
    kept, boxes = [], []
    renumber = np.zeros(256, np.uint8)
    for k in range(count):
        mask = owners == k + 1
        if np.count_nonzero(mask) < SMALLEST_VISIBLE:
            continue
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        boxes.append((columns[0], rows[0], columns[-1] + 1, rows[-1] + 1))
        kept.append(k)
        renumber[k + 1] = len(kept)
    return kept, renumber[owners], np.array(boxes, np.float32).reshape(-1, 4)


def _visibility(joints, number, owners):
    """Joints with COCO's visibility: 1 where a later object or the picture's edge hides them, else 2."""
    column, row = np.floor(joints).astype(np.int64).T
    height, width = owners.shape
    inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
    owner = owners[row.clip(0, height - 1), column.clip(0, width - 1)]
    visible = inside & (owner <= number)  # an earlier object lies behind
    return np.column_stack([joints, np.where(visible, 2, 1)])


def _one_of(what, value, choices):
    if value not in choices:
        raise ValueError(f"{what} must be one of {', '.join(map(repr, choices))}; got {value!r}")
    return value
