"""Judges what is handed in of an open project, by average precision on images that its authors have not seen.

What counts is a checkpoint of one of the library's systems. It is loaded and evaluated here, so the images stay where
they are, nothing of a student runs, and nothing is unpickled. Where the images were given out, for detectors that the
library does not have, COCO's results count too; who made them, and in how many minutes, no file can tell.

Each submission is evaluated in a process of its own with limits of time and memory: whatever it holds, it ends as a
line of the table.
"""

import concurrent.futures
import dataclasses
import functools
import hashlib
import math
import pathlib

from minivision.core.printable import printable
from minivision.data import DataSpec, hold_in_memory
from minivision.data.ground_truth import DatasetTruth, open_truth
from minivision.data.result_file import read_results
from minivision.homework.answers import shown
from minivision.homework.collecting import RefusedError, collect
from minivision.homework.foreign_checkpoint import read_checkpoint
from minivision.homework.local_executor import LocalExecutor
from minivision.homework.scratch import scratch_folder
from minivision.metrics.compatibility import check_dataset
from minivision.metrics.result_file import evaluate_results
from minivision.models import system_class, systems
from minivision.models.base.resizing import Resizing
from minivision.tasks import evaluate

CHECKPOINT, PREDICTIONS = "checkpoint.npz", "predictions.json"
MAX_BYTES = 1 << 27  # of either, and of a checkpoint unpacked
MAX_SIDE = 2048  # pixels to which a checkpoint may have images resized
MAX_REASON_CHARS = 500
START_SECONDS, SECONDS_PER_IMAGE = 180, 3  # R-CNN, the slowest of ours, takes about one for an image


@dataclasses.dataclass(frozen=True)
class HiddenSplit:
    """The images that submissions are judged on; `level` and `seed` are for scenes.

    Attributes
    ----------
    data, split, level : str
    seed : int
    """

    data: str
    split: str = "test"
    level: str = "hard"
    seed: int = 0

    def dataset(self):
        """Return the dataset, in memory if it fits."""
        return hold_in_memory(DataSpec.parse(self.data).open(self.split, level=self.level, seed=self.seed))

    def truth(self):
        """Return the ground truth by the ids of COCO's results."""
        spec = DataSpec.parse(self.data)
        return DatasetTruth(self.dataset()) if spec.folder is None else open_truth(spec, self.split)


def fingerprint(dataset):
    """Return a digest of all images, boxes and labels of a dataset: results on others cannot be compared.

    Raises
    ------
    ValueError
        If it has no objects, so that there is no average precision; or an image cannot be read.
    """
    digest, objects = hashlib.sha256(repr(tuple(dataset.classes)).encode()), 0
    for sample in dataset:
        found = sample.instances
        for array in (sample.image, found.boxes, found.labels, found.crowd):
            digest.update(repr(array.shape).encode() + array.tobytes())
        objects += int((~found.crowd).sum())
    if not objects:
        raise ValueError(f"none of the {len(dataset)} images has an object, so there is nothing to judge by")
    return digest.hexdigest()


@dataclasses.dataclass(frozen=True)
class Entry:
    """What was found out about a submission.

    Attributes
    ----------
    submission : str
        Its name, printable.
    sha256 : str
        Digest of the file that was judged.
    source : str
        ``CHECKPOINT`` or ``PREDICTIONS``; empty if there is neither.
    system : str
    minutes : float or None
        How long it was trained, as the checkpoint records it.
    AP, AP50 : float or None
        None if it could not be judged.
    problem : str
        Why not, in a sentence.
    """

    submission: str
    sha256: str = ""
    source: str = ""
    system: str = ""
    minutes: float | None = None
    AP: float | None = None
    AP50: float | None = None
    problem: str = ""


def names_of(paths):
    """Return the printable names of submissions: a number is added to one that is printed like another before it."""
    names = [printable(path.name or path.resolve().name) for path in paths]  # Path(".") has no name
    return [name if name not in names[:k] else f"{name} ({k})" for k, name in enumerate(names)]


def judge_all(paths, split, images, *, kept=(), predictions=False, jobs=1, executor=None):
    """Judge submissions.

    Parameters
    ----------
    paths : sequence of path
        Each a file, a folder or an archive with one ``checkpoint.npz``.
    split : HiddenSplit
    images : int
        How many it has, by which the limit of time is set.
    kept : iterable of Entry
        Those that have a result for the same file are yielded as they are.
    predictions : bool
        Whether ``predictions.json`` counts where there is no checkpoint.
    jobs : int
        Number of submissions that are judged at the same time.
    executor : concurrent.futures.Executor, optional
        Where :func:`judge` runs. Default: processes of this machine.

    Yields
    ------
    entry : Entry
        One for each path, in the order in which they are finished.
    """
    kept = {(entry.submission, entry.sha256): entry for entry in kept if not entry.problem}
    executor = executor or LocalExecutor(jobs, seconds=START_SECONDS + SECONDS_PER_IMAGE * images)
    with scratch_folder() as scratch:
        try:
            running = {}
            for number, (path, name) in enumerate(zip(paths, names_of(paths), strict=True)):
                try:
                    source, content = _handed_in(path, predictions)
                except (RefusedError, OSError) as error:
                    yield Entry(name, problem=_reason(error))
                    continue
                found = Entry(name, hashlib.sha256(content).hexdigest(), source)
                if (name, found.sha256) in kept:
                    yield kept[name, found.sha256]
                    continue
                file = scratch / str(number) / source
                file.parent.mkdir()
                file.write_bytes(content)
                running[executor.submit(judge, split, str(file))] = found, file
            for future in concurrent.futures.as_completed(running):
                yield _entry(future, *running[future])
        except BaseException:
            executor.shutdown(wait=True, cancel_futures=True)  # a submission may take minutes
            raise
        executor.shutdown()


def _handed_in(path, predictions):
    """Return the name and the content of the file to judge."""
    try:
        return CHECKPOINT, collect(CHECKPOINT, path, max_bytes=MAX_BYTES)
    except RefusedError as without_checkpoint:
        try:
            content = collect(PREDICTIONS, path, max_bytes=MAX_BYTES)
        except RefusedError:
            raise without_checkpoint from None
    if not predictions:
        raise RefusedError(f"{printable(path.name)} has {PREDICTIONS} alone, which counts with --predictions only")
    return PREDICTIONS, content


def _entry(future, found, file):
    try:
        return dataclasses.replace(found, **future.result())
    except Exception as error:  # whatever it was, it is the end of this submission alone
        return dataclasses.replace(found, problem=_reason(str(error).replace(str(file), file.name)))
    finally:
        file.unlink(missing_ok=True)


def _reason(error):
    return " ".join(shown(error, MAX_REASON_CHARS).split())


# ---- in a process of its own ---------------------------------------------------------------------------------------


def judge(split, path):
    """Return the facts about one submission: fields of an :class:`Entry`.

    Parameters
    ----------
    split : HiddenSplit
    path : str
        A checkpoint or a file of results, by its name.
    """
    path = pathlib.Path(path)
    try:
        if path.name == PREDICTIONS:
            metrics = evaluate_results(_truth(split), read_results(path))
            if "AP" not in metrics:
                raise ValueError(f"{path} has no boxes, by which detectors are judged here")
            return {"AP": metrics["AP"], "AP50": metrics["AP50"]}
        return _judge_checkpoint(path, _dataset(split))
    except MemoryError as error:
        return {"problem": _reason(f"{path.name} describes a detector that this machine has no memory for: {error}")}
    except (ValueError, OSError) as error:
        return {"problem": _reason(str(error).replace(str(path), path.name))}


_dataset, _truth = functools.cache(HiddenSplit.dataset), functools.cache(HiddenSplit.truth)  # once in each process


def _judge_checkpoint(path, dataset):
    checkpoint = read_checkpoint(path, MAX_BYTES)
    if checkpoint.system not in systems():
        raise ValueError(
            f"its system {checkpoint.system!r:.60} is none of the library's, and others cannot be judged without their "
            f"code; {PREDICTIONS} is for them, where the course takes it"
        )
    if system_class(checkpoint.system).task != "detection":
        raise ValueError(f"{checkpoint.system} is no detector of objects of several classes")
    if not 0 <= checkpoint.seconds < math.inf:
        raise ValueError(f"{path}: {checkpoint.seconds} seconds of training cannot be; was it edited?")
    check_dataset(checkpoint, dataset, "boxes")  # before anything is made of it
    model, size = checkpoint.make_model(), checkpoint.data.get("size")
    if size is not None:  # objects and pixels are those of the images, whatever the network sees
        model = Resizing(model, _checked_size(size))
    metrics = evaluate(model, dataset)
    facts = {"system": checkpoint.system, "minutes": checkpoint.seconds / 60}
    return {**facts, "AP": metrics["AP"], "AP50": metrics["AP50"]}


def _checked_size(size):
    right = isinstance(size, list) and len(size) == 2 and all(type(side) is int for side in size)
    if not right or not all(0 < side <= MAX_SIDE for side in size):
        raise ValueError(f"its images are to be resized to {size!r:.60}, which is no height and width up to {MAX_SIDE}")
    return size
