"""Scenes: training images drawn by the computer, with every kind of annotation.

One to six objects (discs, squares, triangles, stars, rings, stick-figure people) are drawn on a crop of a photograph,
partly over each other. Colors, sizes, rotations, opacity, textures, shading, blur and noise are random, and strokes
that belong to no class are drawn before them.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from minivision.core.types import Array, Size
from minivision.data.dataset import Dataset, Sample
from minivision.data.instances import Instances
from minivision.data.memory import InMemory
from minivision.data.photographs import random_crop_of
from minivision.data.shapes import JOINTS, KINDS, draw_shape
from minivision.data.threads import map_in_threads

__all__ = ["LEVELS", "SPLITS", "Level", "Scenes"]

VERSION = 1  # of the scenes: raise it when a scene of the same seed changes, so that no old cache is used

SPLITS = {"train": 8000, "val": 300, "test": 300}  # number of scenes; each split has its own random numbers

BACKGROUND_SIDES, TEXTURE_SIDES = (64, 300), (48, 200)  # of the squares cut from photographs, in their pixels
SMALLEST_PERSON, PERSON_EXTRA = 28, 8  # people are thin, so they are larger: from 28 to 8 more than other shapes
SMALLEST_AREA = 25  # pixels of an object when it is drawn
SMALLEST_VISIBLE = 20  # pixels of an object that are visible at the end; one with fewer is not annotated
MAX_TRIES = 60  # random objects for a scene; those that would hide too much or have too little contrast are left out
BLUR_PROBABILITY = 0.3
CAPTIONS_VERSION = 1  # of the captions: raise it when one changes


class Level(NamedTuple):
    """How difficult scenes are. Lengths are in pixels, brightness is from 0 to 255."""

    sizes: tuple[int, int]  # smallest and largest object
    visible: float  # smallest fraction of each object that stays visible
    contrast: float  # smallest difference from the background, in the color channel where it is largest
    texture: float  # probability of a texture
    texture_strength: float  # its largest standard deviation
    shading: float  # largest slope of brightness across an object, per pixel
    opacity: float  # smallest opacity
    blur: float  # largest standard deviation of the blur
    noise: float  # largest standard deviation of the noise
    strokes: int  # largest number of unlabeled strokes


LEVELS = {
    "easy": Level((16, 56), 0.5, 60, 0.3, 20, 0.5, 1.0, 0.8, 8, 0),
    "mid": Level((16, 56), 0.4, 40, 0.6, 35, 1.0, 0.8, 1.0, 15, 2),
    "hard": Level((12, 56), 0.3, 25, 0.8, 50, 1.5, 0.65, 1.3, 25, 4),
}


class Scenes(Dataset):
    """Drawn scenes; ``scenes[i]`` depends only on `i` and these arguments.

    Parameters
    ----------
    level : str
        ``"easy"``, ``"mid"`` or ``"hard"``; see `LEVELS`.
    split : str
        ``"train"`` (8000 scenes), ``"val"`` or ``"test"`` (300 each). They never share a scene.
    seed : int
        Different seeds give different scenes.
    objects : int or (int, int)
        Number of objects, or the smallest and largest number. There are fewer where not all of them fit.
    classes : sequence of str, optional
        Which of `shapes.KINDS` to draw, in the order of their labels; all by default.
    size : int
        Side of the images in pixels, 64 or more. Objects do not grow with it.
    captions : bool
        Whether the objects have captions (:mod:`minivision.data.captions`); nothing else changes.
    without : sequence of str
        Combinations of a color and a class that are not drawn, such as ``"red ring"``: to test whether a model that
        knows red things and rings knows red rings. A color that people may call otherwise too counts as both.

    Examples
    --------
    >>> from minivision.data import Scenes
    >>> sample = Scenes("easy", "val", objects=1, classes=["star"])[0]
    >>> sample.image.shape, sample.label_map.shape, sample.instances.labels.tolist()
    ((128, 128, 3), (128, 128), [1])
    """

    keypoint_names = JOINTS

    def __init__(
        self,
        level: str = "hard",
        split: str = "train",
        seed: int = 0,
        objects: int | tuple[int, int] = (1, 6),
        classes: Sequence[str] | None = None,
        size: int = 128,
        captions: bool = False,
        without: Sequence[str] = (),
    ) -> None:
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
        self.captions = self.has_captions = bool(captions)
        self.without = _combinations(without)

    def __len__(self) -> int:
        return SPLITS[self.split]

    def image_sizes(self) -> list[Size]:
        return [(self.size, self.size)] * len(self)

    def parameters(self) -> dict[str, object]:
        """Return everything that the scenes depend on, as a dict of plain values."""
        names = ("level", "split", "seed", "objects", "classes", "size")
        parameters: dict[str, object] = {name: getattr(self, name) for name in names}
        # Only where they change something, so that scenes without them are found in an old cache.
        parameters |= {"captions": CAPTIONS_VERSION} if self.captions else {}
        return parameters | ({"without": self.without} if self.without else {})

    def _sample(self, index: int) -> Sample:
        image, owners, labels, boxes, keypoints = draw_scene(self, index)
        lookup = np.zeros(256, np.uint8)
        lookup[1 : len(labels) + 1] = labels
        instances = Instances(boxes, labels, keypoints=keypoints, instance_map=owners)
        sample = Sample(image, instances, lookup[owners])
        return self._with_captions(sample, index) if self.captions else sample

    def _with_captions(self, sample, index):
        """Return the sample with captions, whose choice of words depends on the seed and the index alone."""
        from minivision.data.captions import look_at, write_captions

        rng = np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(*_stream(self, index), 1)))
        captions = write_captions(look_at(sample, self.classes), rng)
        return sample._replace(instances=sample.instances.replace(captions=captions))

    def draw(
        self, indices: int | Sequence[int] | None = None, *, threads: int | None = None, progress: bool = False
    ) -> InMemory:
        """Draw many scenes at once and keep them in memory.

        Parameters
        ----------
        indices : int or sequence of int, optional
            Number of scenes, starting with the first, or their indices; all by default.
        threads : int, optional
            Number of threads; by default one for each core. It changes only the speed.
        progress : bool
            Whether to show a progress bar.

        Returns
        -------
        dataset : InMemory
        """
        if indices is None or isinstance(indices, int | np.integer):
            indices = range(len(self) if indices is None else indices)
        samples = map_in_threads(self.__getitem__, indices, threads=threads, progress=progress)
        return InMemory.collect(samples, [(self.size, self.size)] * len(indices), like=self)

    def cached(
        self, count: int | None = None, *, folder: str | os.PathLike | None = None, progress: bool = False
    ) -> InMemory:
        """Return the first scenes from the cache on disk; if they are not there, draw and store them.

        Parameters
        ----------
        count : int, optional
            Number of scenes; all by default.
        folder : path, optional
            Folder of the cache; by default ``$MINIVISION_CACHE``, else ``minivision`` in ``$XDG_CACHE_HOME``,
            else ``~/.cache/minivision``. If it is not writable, there is a warning and nothing is stored.
        progress : bool
            Whether to show a progress bar while drawing.

        Returns
        -------
        dataset : InMemory
        """
        from minivision.data.cache import load_or_make

        count = len(self) if count is None else count
        key = {"kind": "scenes", "version": VERSION, "count": count, **self.parameters()}
        name = f"scenes-{self.level}-{self.split}-{count}"
        return load_or_make(name, key, lambda: self.draw(count, progress=progress), folder)


def draw_scene(scenes: Scenes, index: int) -> tuple[Array, Array, Array, Array, Array]:
    """Draw one scene.

    Parameters
    ----------
    scenes : Scenes
    index : int

    Returns
    -------
    image : uint8 ndarray of shape (S, S, 3)
    owners : uint8 ndarray of shape (S, S)
        ``k + 1`` where object ``k`` is visible, 0 where none is.
    labels : int64 ndarray of shape (K,)
    boxes : float32 ndarray of shape (K, 4)
        Tight around the visible part of each object.
    keypoints : float32 ndarray of shape (K, 14, 3)
    """
    from minivision.data import drawing

    level, size = LEVELS[scenes.level], scenes.size
    # With a spawn key, all splits and scenes have different streams of random numbers, for every seed.
    rng = np.random.default_rng(np.random.SeedSequence(scenes.seed, spawn_key=_stream(scenes, index)))

    image = random_crop_of(BACKGROUND_SIDES, size, rng)
    count = int(rng.integers(scenes.objects[0], scenes.objects[1] + 1))
    _draw_strokes(image, int(rng.integers(0, level.strokes + 1)), rng)
    owners, kinds, joints = _draw_objects(image, count, scenes.classes[1:], level, rng, scenes.without)
    if rng.random() < BLUR_PROBABILITY:
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


def _stream(scenes, index):
    """Return what the random numbers of a scene depend on besides the seed."""
    return list(SPLITS).index(scenes.split), index


def _combinations(without):
    """Return pairs of a color and a class for texts such as "red ring"."""
    from minivision.data.captions.color_names import COLOR_NAMES

    if isinstance(without, str):
        raise ValueError(f'without must be a list such as ["red ring"]; got {without!r}')
    pairs = [tuple(text.split()) for text in without]
    for pair, text in zip(pairs, without, strict=True):
        if len(pair) != 2 or pair[0] not in COLOR_NAMES or pair[1] not in KINDS:
            raise ValueError(
                f"without: expected a color ({', '.join(COLOR_NAMES)}) and a class ({', '.join(KINDS)}), got {text!r}"
            )
    return tuple(pairs)


def _is_left_out(color, kind, without):
    from minivision.data.captions.color_names import color_names

    return any((name, kind) in without for name in color_names(color))


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
        color = rng.uniform(0, 255, 3)
        drawing.paint(image, coverage, (0, size, 0, size), color, flat, 0.0, x, y, 0.0, 0.0, 1.0)


def _draw_objects(image, count, kinds, level, rng, without=()):
    """Draw objects one after the other, without those that hide too much or have too little contrast.

    Returns
    -------
    owners : uint8 ndarray of shape (S, S)
        The number of the object that each pixel shows, from 1 in the order of drawing; 0 for none.
    drawn : list of str
        The kind of each object.
    joints : list of ndarray of shape (14, 2), or None
        The joints of each person; None for other objects.
    """
    from minivision.data import drawing

    size = image.shape[0]
    owners = np.zeros((size, size), np.uint8)
    hidden = np.zeros(256, np.int64)
    areas, visible = np.zeros(256), np.zeros(256)  # of each object: when drawn, and now
    flat = np.zeros((size, size, 1), np.float32)
    drawn, joints = [], []
    for _ in range(MAX_TRIES):
        if len(drawn) == count:
            break
        kind = kinds[rng.integers(len(kinds))]
        smallest, largest = level.sizes
        if kind == "person":
            smallest, largest = max(smallest, SMALLEST_PERSON), largest + PERSON_EXTRA
        diameter = rng.uniform(smallest, largest)
        x, y = rng.uniform(0.45 * diameter, size - 0.45 * diameter, 2)  # the border of the image may cut off a little
        coverage, points = draw_shape(kind, x, y, diameter, size, rng)
        area, *background, top, bottom, left, right = drawing.measure(coverage, image, owners, hidden)
        if area < SMALLEST_AREA or np.any((visible - hidden < level.visible * areas)[1:]):
            continue
        color = rng.uniform(0, 255, 3)
        if np.abs(color - background).max() < level.contrast:
            continue
        if without and _is_left_out(color, kind, without):
            continue
        texture, strength = flat, 0.0
        if rng.random() < level.texture:
            texture = random_crop_of(TEXTURE_SIDES, size, rng, gray=True)
            drawing.standardize(texture)
            strength = rng.uniform(10, level.texture_strength)
        shade_x, shade_y = rng.uniform(-1, 1, 2) * level.shading
        opacity = rng.uniform(level.opacity, 1)
        extent = (top, bottom, left, right)
        drawing.paint(image, coverage, extent, color, texture, strength, x, y, shade_x, shade_y, opacity)
        drawn.append(kind)
        joints.append(points)
        drawing.own(owners, coverage, extent, len(drawn))
        visible -= hidden
        visible[len(drawn)] = areas[len(drawn)] = area
    return owners, drawn, joints


def _visible_objects(owners, count):
    """Return the indices of the objects that are still visible, the owners renumbered for them, and their boxes."""
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
    """Return joints with COCO's visibility: 1 if a later object hides them or they are outside the image, else 2."""
    column, row = np.floor(joints).astype(np.int64).T
    height, width = owners.shape
    inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
    owner = owners[row.clip(0, height - 1), column.clip(0, width - 1)]
    visible = inside & (owner <= number)  # an earlier object is behind this one
    return np.column_stack([joints, np.where(visible, 2, 1)])


def _one_of(what, value, choices):
    if value not in choices:
        raise ValueError(f"{what} must be one of {', '.join(map(repr, choices))}; got {value!r}")
    return value
