"""The segmenter of homework 1: judged by its checkpoint alone, on scenes that its author has not seen.

It is an encoder-decoder of the library, so that no code of a student is needed to judge it. Its options are bounded
before anything is made of them, and its arrays must be those of the network that the options describe.
"""

import functools
import pathlib

import numpy as np

from minivision.data import Scenes, hold_in_memory
from minivision.homework.foreign_checkpoint import read_checkpoint
from minivision.homework.student import HandedInError
from minivision.metrics.compatibility import check_dataset
from minivision.models.encoder_decoder import UPSAMPLINGS, EncoderDecoder

FILE = "hw1-segmenter.npz"
CLASSES, SIDE = ("disc", "ring"), 32  # side of an image in pixels
COUNTS = {"val": 60, "test": 150}  # scenes to choose by, and to judge by
MIOU_FOR_POINTS = (0.40, 0.50, 0.58, 0.64)  # for the first point, the second, ...
MAX_BYTES = 4 << 20  # of the file, also unpacked
_OPTIONS = "widths", "depths", "upsampling", "skips", "background_weight"
MAX_RESOLUTIONS, MAX_WIDTH, MAX_DEPTH = 4, 64, 4


def scenes(split, count, *, seed=0):
    """Draw scenes of the task: one or two objects on 32 x 32 pixels, in memory.

    Parameters
    ----------
    split : str
        ``"train"``, ``"val"``, or ``"test"``.
    count : int
    seed : int
        Of the drawings.

    Returns
    -------
    dataset : InMemory
    """
    drawn = Scenes("easy", split, seed, objects=(1, 2), classes=CLASSES, size=2 * SIDE).draw(count)
    return hold_in_memory(drawn, size=(SIDE, SIDE))


def load_segmenter(path):
    """Return the network in a file that was handed in.

    Parameters
    ----------
    path : path

    Returns
    -------
    model : EncoderDecoder

    Raises
    ------
    HandedInError
        If the file is not what was asked for, in a sentence that says in what.
    """
    path = pathlib.Path(path)
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ValueError(f"{path.name} is larger than {MAX_BYTES >> 20} MiB")
        checkpoint = read_checkpoint(path, MAX_BYTES)
        if checkpoint.system != EncoderDecoder.name:
            raise ValueError(f"its network is {checkpoint.system!r:.60}, and {EncoderDecoder.name} is asked for")
        check_dataset(checkpoint, scenes("val", 1), "label_maps")
        _check_options(checkpoint.options)
        return checkpoint.make_model()
    except Exception as error:  # whatever it is, the file is the cause
        reason = " ".join(str(error).replace(str(path), path.name).split())
        raise HandedInError(f"{path.name} cannot be judged: {reason or type(error).__name__}") from None


def _check_options(options):
    """Refuse a network that is larger than this task needs, before it is made."""
    widths, depths, upsampling, skips, background_weight = (options.get(name) for name in _OPTIONS)
    right = _are_numbers(widths, 1, MAX_WIDTH) and _are_numbers(depths, 0, MAX_DEPTH) and len(widths) == len(depths)
    if not right or not 1 <= len(widths) <= MAX_RESOLUTIONS:
        raise ValueError(
            f"its options are widths={widths!r:.60} and depths={depths!r:.60}; expected a width up to {MAX_WIDTH} and "
            f"a depth up to {MAX_DEPTH} for each of at most {MAX_RESOLUTIONS} resolutions"
        )
    if upsampling not in UPSAMPLINGS or type(skips) is not bool or type(background_weight) not in (int, float):
        raise ValueError(
            f"its options are upsampling={upsampling!r:.60}, skips={skips!r:.60}, "
            f"background_weight={background_weight!r:.60}, which cannot be"
        )


def _are_numbers(values, least, most):
    return isinstance(values, tuple) and all(type(each) is int and least <= each <= most for each in values)


def judge(path, split, *, seed=0):
    """Return the metrics of the segmenter in a file on the scenes of a split, as evaluation gives them.

    They are counted here, since students have the library without the metrics, which they write in task 1.11.

    Parameters
    ----------
    path : path
    split : str
        ``"val"`` or ``"test"``.
    seed : int
        Of the drawings.

    Returns
    -------
    metrics : dict
        ``miou``, and the ``iou`` of each class by its name.

    Raises
    ------
    HandedInError
        If the file cannot be judged.
    """
    model, dataset = load_segmenter(path), _dataset(split, seed)
    truth = np.stack([sample.label_map for sample in dataset])
    found = np.stack(model.predict([sample.image for sample in dataset]))
    in_both = [np.count_nonzero((truth == k) & (found == k)) for k in range(len(model.classes))]
    in_either = [np.count_nonzero((truth == k) | (found == k)) for k in range(len(model.classes))]
    iou = np.divide(in_both, in_either)  # every class is in the truth
    return {"miou": float(iou.mean()), "iou": dict(zip(model.classes, iou.tolist(), strict=True))}


@functools.lru_cache(maxsize=2)
def _dataset(split, seed):
    return scenes(split, COUNTS[split], seed=seed)


def points(miou):
    """Return how many points a mean IoU earns: one for each number of ``MIOU_FOR_POINTS`` that it reaches."""
    return sum(miou >= least for least in MIOU_FOR_POINTS)


def said(miou, split):
    """Return a mean IoU in words, with the points that it earns and what the next one takes."""
    earned, most = points(miou), len(MIOU_FOR_POINTS)
    following = f"; {MIOU_FOR_POINTS[earned]:.2f} is the next" if earned < most else ""
    where = "hidden" if split == "test" else "validation"
    return f"mIoU {miou:.3f} on {COUNTS[split]} {where} scenes: {earned} of {most} points{following}"


def expect_points(path, split, wanted, *, seed=0):
    """Return the mean IoU in words if it earns as many points as `wanted`.

    Raises
    ------
    HandedInError
        If it does not, or the file cannot be judged.
    """
    miou = judge(path, split, seed=seed)["miou"]
    if points(miou) < wanted:
        raise HandedInError(said(miou, split))
    return said(miou, split)
