"""Looking through a whole dataset for what is wrong or odd, by its ordinary reader."""

from __future__ import annotations

import warnings
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from minivision.core.labels import IGNORE
from minivision.data.dataset import Dataset
from minivision.data.files import kind_of_error
from minivision.data.images import BrokenFileError
from minivision.data.inspection.one_sample import Look, image_file_problems, object_problems, picture_hash
from minivision.data.inspection.splits import list_splits
from minivision.data.problems import KINDS, SEVERITIES, MendedWarning, Problem, collect_problems
from minivision.data.spec import DataSpec
from minivision.data.threads import map_in_threads

__all__ = ["Inspection", "SplitSummary", "inspect_dataset"]


class SplitSummary(NamedTuple):
    """What a split has.

    Attributes
    ----------
    dataset : Dataset
    images : int
        That were looked at and can be read.
    objects : dict of str to int
        By class: its objects, or where there are no boxes the images that show it.
    """

    dataset: Dataset
    images: int
    objects: dict[str, int]


class Inspection(NamedTuple):
    """What `inspect_dataset` found.

    Attributes
    ----------
    spec : DataSpec
    splits : dict of str to SplitSummary
        Those that can be opened.
    problems : list of Problem
        The worst first.
    """

    spec: DataSpec
    splits: dict[str, SplitSummary]
    problems: list[Problem]

    @property
    def counts(self) -> dict[str, int]:
        """Number of problems of each severity."""
        found = Counter(problem.severity for problem in self.problems)
        return {severity: found[severity] for severity in SEVERITIES}

    @property
    def by_kind(self) -> dict[str, list[Problem]]:
        """The problems by kind, the worst first."""
        kinds = defaultdict(list)
        for problem in self.problems:
            kinds[problem.kind].append(problem)
        return dict(kinds)


class _Seen(NamedTuple):
    """What is left of a sample that was looked at: a hash of its picture, its classes, its problems."""

    picture: bytes | None
    labels: list[int]
    problems: list[Problem]


@dataclass(frozen=True)
class _Picture:
    """A picture that can be read: the hash of its pixels, and where it is."""

    hash: bytes
    split: str
    file: str
    index: int


def inspect_dataset(
    spec: str | DataSpec,
    *,
    splits: list[str] | None = None,
    number: int | None = None,
    look: Look | None = None,
    level: str = "hard",
    progress: bool = False,
) -> Inspection:
    """Look through a dataset, all of its splits, for everything that is wrong or odd.

    The dataset is opened by its ordinary reader, and every image is decoded once. What cannot be read is a problem
    like others and ends nothing.

    Parameters
    ----------
    spec : str or DataSpec
        As for `open_dataset`.
    splits : list of str, optional
        By default those of `list_splits`.
    number : int, optional
        How many images of each split to decode, the first ones; by default all. Classes are then not counted.
    look : Look, optional
        Size of training, stride and anchors, for what is said of small and long objects.
    level : str
        Of scenes.
    progress : bool
        Whether to show a progress bar.

    Returns
    -------
    inspection : Inspection

    Raises
    ------
    FileNotFoundError, ValueError
        If it is no dataset: none of its splits can be opened.
    """
    spec = DataSpec.parse(spec).resolved()
    summaries: dict[str, SplitSummary] = {}
    problems: list[Problem] = []
    pictures: list[_Picture] = []
    failed: list[Exception] = []
    names = list_splits(spec) if splits is None else splits
    for split in names:
        try:
            summary, found, seen = _inspect_split(spec, split, number, look or Look(), level, progress)
        except (FileNotFoundError, ValueError) as error:
            failed.append(error)
            problems.append(Problem("split", str(spec.folder or ""), str(error), split=split))
            continue
        summaries[split] = summary
        problems += [each for each in found if not _is_said(each, problems)]
        pictures += seen
    if not summaries:
        raise failed[0]
    problems += _same_pictures(pictures)
    if number is None:
        problems += _class_problems(summaries)
    kinds, places = list(KINDS), ["", *names]
    problems.sort(key=lambda each: (kinds.index(each.kind), places.index(each.split), each.index or 0))
    return Inspection(spec, summaries, problems)


def _inspect_split(spec, split, number, look, level, progress):
    """Return the summary of a split, its problems, and its pictures that can be read."""
    with warnings.catch_warnings(record=True) as warned, collect_problems() as reported:
        warnings.simplefilter("always")
        dataset = spec.open(split, level=level, skip_broken=True)
        count = len(dataset) if number is None else min(number, len(dataset))
        files = [str(dataset.image_path(index) or f"{spec}/{split}/{index}") for index in range(count)]
        seen = list(
            map_in_threads(lambda index: _see(dataset, index, files[index], look), range(count), progress=progress)
        )
    by_file = {file: index for index, file in reversed(list(enumerate(files)))}
    found = [replace(each, split=split, index=by_file.get(each.file)) for each in reported]
    found += [Problem("reader", "", text, split=split) for text in _texts(warned)]
    for index, each in enumerate(seen):
        found += [replace(problem, split=split, index=index) for problem in each.problems]
    if not len(dataset) and not found:
        found.append(Problem("empty-split", str(spec.folder or ""), "it has no images", split=split))
    labels = Counter(label for each in seen for label in each.labels)
    objects = {name: labels[label] for label, name in enumerate(dataset.classes) if label}
    pictures = [
        _Picture(each.picture, split, files[index], index)
        for index, each in enumerate(seen)
        if each.picture is not None
    ]
    return SplitSummary(dataset, len(pictures), objects), found, pictures


def _texts(warned):
    """Return what readers warned of, each once; not what is reported case by case, nor warnings for programmers."""
    said = [each for each in warned if issubclass(each.category, UserWarning)]
    said = [each for each in said if not issubclass(each.category, MendedWarning)]
    return dict.fromkeys(str(each.message) for each in said)


def _see(dataset, index, file, look):
    """Return what is left of a sample after it was looked at."""
    try:
        with collect_problems() as found:  # also what its reader reports only now, in whichever thread
            sample = dataset[index]
    except BrokenFileError as error:
        return _Seen(None, [], [Problem(kind_of_error(error), str(error.path), error.reason)])
    path = dataset.image_path(index)
    if path is not None:
        found += image_file_problems(path, sample.image.shape[:2])
    found += object_problems(sample, dataset.classes, file, look)
    return _Seen(picture_hash(sample.image), _labels(sample, dataset), found)


def _is_said(problem, earlier):
    """Return whether a reader said the same of an earlier split: it looks at the annotations of all of them."""
    return problem.kind == "reader" and any(each.kind == "reader" and each.detail == problem.detail for each in earlier)


def _labels(sample, dataset):
    """Return the labels of the objects that are no crowds; without boxes the classes of the label map."""
    if dataset.has_boxes:
        return sample.instances.labels[~sample.instances.crowd].tolist()
    return [label for label in np.unique(sample.label_map).tolist() if label not in (0, IGNORE)]


def _same_pictures(pictures: list[_Picture]) -> Iterator[Problem]:
    """Yield pictures that are in two splits, or in one split under two names."""
    by_hash = defaultdict(list)
    for picture in pictures:
        by_hash[picture.hash].append(picture)
    for group in by_hash.values():
        firsts = {each.split: each for each in reversed(group)}  # the first of each split
        first, *others = sorted(firsts.values(), key=group.index)
        for other in others:
            detail = f"{first.split}: {Path(first.file).name}, {other.split}: {Path(other.file).name}"
            yield Problem("shared-image", other.file, detail, split=other.split, index=other.index)
        files: dict[tuple[str, str], _Picture] = {}
        for each in group:  # a file that is listed twice is reported as such
            if files.setdefault((each.split, each.file), each) is each and each is not firsts[each.split]:
                detail = f"the picture of {Path(firsts[each.split].file).name}"
                yield Problem("same-picture", each.file, detail, split=each.split, index=each.index)


def _class_problems(summaries: dict[str, SplitSummary]) -> Iterator[Problem]:
    """Yield classes that are not the same in all splits, have no object, or objects in one split alone."""
    (first, summary), *others = summaries.items()
    classes = summary.dataset.classes
    different = [split for split, other in others if other.dataset.classes != classes]
    for split in different:
        theirs = summaries[split].dataset.classes
        yield Problem("different-classes", "", f"{first}: {', '.join(classes[1:])}; {split}: {', '.join(theirs[1:])}")
    if different:
        return
    annotated = {split: each.objects for split, each in summaries.items() if any(each.objects.values())}
    for name in classes[1:]:
        having = [split for split, objects in annotated.items() if objects[name]]
        if not having:
            yield Problem("unused-class", "", name)
        elif len(having) == 1 < len(annotated):
            number = annotated[having[0]][name]
            yield Problem(
                "one-split-class", "", f"{name}: {number} in {having[0]}, none in the others", split=having[0]
            )
