"""Questions about a captioner: what it says of a shifted box, of combinations it never saw, and what language adds.

::

    python -m minivision.comparison.captions runs/densecap                        what it says of shifted boxes
    python -m minivision.comparison.captions runs/densecap --beside runs/faster   which of both knows classes better
    python -m minivision.comparison.captions --without "blue ring, green disc" --minutes 3 --out runs/without

The last one trains a model on scenes without these combinations, and compares how many of its sentences are true of
them with how many are of all others. With --json the answers are one JSON object, with what each run was trained for.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import pathlib
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minivision.core.types import Array
from minivision.data import Scenes
from minivision.data.captions import look_at, wrong_parts
from minivision.models.parts.roi_head import rois_of

if TYPE_CHECKING:
    from minivision.data import Dataset
    from minivision.models.base.model import Model
    from minivision.models.densecap import DenseCap

SHIFTS = (0.0, 0.1, 0.2, 0.3, 0.5, 1.0)
BATCH = 16  # images in each call of a model


def shifted_boxes(
    model: DenseCap, dataset: Dataset, shifts: Sequence[float] = SHIFTS, *, seed: int = 0
) -> dict[float, dict[str, float]]:
    """Return how many sentences are still true of an object if its box is shifted.

    Parameters
    ----------
    model : DenseCap
    dataset : Dataset
        Drawn scenes with captions.
    shifts : sequence of float
        Lengths of the shift, in widths and heights of the box; its direction is random.
    seed : int
        Of the directions.

    Returns
    -------
    dict
        By the shift: ``true``, the share of sentences that are true in every part; ``color`` and ``kind``, the shares
        that say the right one.
    """
    rng = np.random.default_rng(seed)
    samples = [sample for sample in dataset if len(sample.instances)]
    angles = [rng.uniform(0, 2 * np.pi, len(sample.instances)) for sample in samples]
    result = {}
    for shift in shifts:
        boxes = [_shifted(sample.instances.boxes, shift, turn) for sample, turn in zip(samples, angles, strict=True)]
        wrong = [part for each in wrong_parts_of(model, samples, boxes, dataset.classes) for part in each]
        result[shift] = _shares(wrong)
    return result


def _shifted(boxes, shift, angles):
    sides = boxes[:, 2:] - boxes[:, :2]
    offset = shift * sides * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return (boxes + np.tile(offset, 2)).astype(np.float32)


def wrong_parts_of(
    model: DenseCap, samples: Sequence[Any], boxes: Sequence[Array], classes: Sequence[str]
) -> list[list[list[str]]]:
    """Return for each sample and object what is wrong in the sentence about a box (see `data.captions.wrong_parts`)."""
    found = []
    for start in range(0, len(samples), BATCH):
        part = slice(start, start + BATCH)
        described = model.describe([sample.image for sample in samples[part]], boxes[part])
        for sample, each in zip(samples[part], described, strict=True):
            facts, captions = look_at(sample, classes), each.captions
            assert captions is not None
            found.append([wrong_parts(caption[0], k, facts) for k, caption in enumerate(captions)])
    return found


def _shares(wrong):
    count = max(len(wrong), 1)
    shares = {"true": sum(not each for each in wrong) / count}
    return shares | {
        name: sum(name not in each and "grammar" not in each for each in wrong) / count for name in ("color", "kind")
    }


def held_out_combinations(
    model: DenseCap, dataset: Dataset, combinations: Sequence[tuple[str, str]]
) -> dict[str, dict[str, float]]:
    """Return how many sentences about true boxes are true, of some combinations of color and class and of all others.

    Parameters
    ----------
    model : DenseCap
        Trained without these combinations: ``Scenes(without=...)``.
    dataset : Dataset
        Drawn scenes that have them.
    combinations : sequence of (color, class)

    Returns
    -------
    dict
        ``held out`` and ``others``: as in :func:`shifted_boxes`, and ``objects``, their number.
    """
    samples = [sample for sample in dataset if len(sample.instances)]
    everything = wrong_parts_of(model, samples, [each.instances.boxes for each in samples], dataset.classes)
    groups: dict[str, list[list[str]]] = {"held out": [], "others": []}
    for sample, wrong in zip(samples, everything, strict=True):
        for facts, parts in zip(look_at(sample, dataset.classes), wrong, strict=True):
            is_held_out = (facts.colors[0], facts.kind) in combinations
            groups["held out" if is_held_out else "others"].append(parts)
    return {name: {**_shares(wrong), "objects": float(len(wrong))} for name, wrong in groups.items()}


def class_accuracy(model: Model, dataset: Dataset) -> float:
    """Return the share of true boxes whose class is right: of DenseCap by its noun, of Faster R-CNN by its best score.

    So two networks of the same backbone are compared, of which one learned only the class, the other whole sentences.
    """
    right = []
    samples = [sample for sample in dataset if len(sample.instances)]
    for start in range(0, len(samples), BATCH):
        part = samples[start : start + BATCH]
        images, boxes = [sample.image for sample in part], [sample.instances.boxes for sample in part]
        if hasattr(model, "describe"):
            labels = [each.labels for each in model.describe(images, boxes)]
        else:
            labels = model.map_batches(images, lambda batch, regions: _classes_of(model, batch, regions), boxes)
        right += [own == truth for s, each in zip(part, labels, strict=True)
                  for own, truth in zip(each.tolist(), s.instances.labels.tolist(), strict=True)]  # fmt: skip
    return float(np.mean(right))


def _classes_of(model, batch, boxes):
    rois = rois_of(boxes)
    scores, _ = model.head.forward(model.backbone(model.normalize(batch)), rois)
    labels = 1 + scores[:, 1:].argmax(axis=1)  # not the background: there is an object
    return [labels[rois[:, 0] == n] for n in range(len(boxes))]


def main() -> None:
    """Answer the questions of the module, on scenes held out."""
    args = _arguments()
    held_out = Scenes(args.level, "val", captions=True).cached(args.scenes)
    with contextlib.redirect_stdout(sys.stderr) if args.json else contextlib.nullcontext():
        answers = _answers(args, held_out)
    if args.json:
        print(json.dumps(answers, indent=1, allow_nan=False))
        return
    for name, head in (("held_out", "combination"), ("shifted", "shift")):
        if name in answers:
            _print(head, answers[name])
    if "classes" in answers:
        for name, accuracy in answers["classes"].items():
            print(f"class of the true boxes, {name}: {accuracy:.3f}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="What does a captioner say, and what did it learn?")
    parser.add_argument("run", nargs="?", help="folder of a run of densecap")
    parser.add_argument("--beside", metavar="RUN", help="a run of faster-rcnn, to compare the classes with")
    parser.add_argument("--without", metavar="TEXT", help='train without combinations such as "blue ring, green disc"')
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--minutes", type=float, help="of that training (default: 3)")
    length.add_argument("--steps", type=int, help="of that training")
    parser.add_argument("--out", type=pathlib.Path, metavar="DIR", help="folder of that run")
    parser.add_argument("--level", default="mid", help="of the scenes (default: mid)")
    parser.add_argument("--scenes", type=int, default=300, help="number of held-out scenes (default: 300)")
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    args = parser.parse_args()
    if not args.run and not args.without:
        parser.error("name a run, or combinations to train --without")
    if args.beside and not args.run:
        parser.error("--beside compares with a run of densecap; name that too")
    return args


def _answers(args: argparse.Namespace, held_out: Dataset) -> dict[str, Any]:
    """Return the answers to what was asked, by question."""
    from minivision.training import Checkpoint

    answers: dict[str, Any] = {"images": len(held_out)}
    if args.without:
        model, combinations, steps = _train_without(args)
        answers["without"] = {"combinations": [" ".join(pair) for pair in combinations], "steps": steps}
        answers["held_out"] = held_out_combinations(model, held_out, combinations)
    if args.run:
        runs = {"by the noun": args.run} | ({"by the best score": args.beside} if args.beside else {})
        models: dict[str, Any] = {}
        for name, path in runs.items():
            checkpoint = Checkpoint.load(path)
            models[name] = checkpoint.make_model()
            answers.setdefault("runs", {})[name] = {"system": checkpoint.system, "steps": checkpoint.step}
        answers["shifted"] = shifted_boxes(models["by the noun"], held_out)
        answers["classes"] = {name: class_accuracy(model, held_out) for name, model in models.items()}
    return answers


def _train_without(args):
    """Train on scenes without the combinations; return the model, these, and the number of steps."""
    from minivision.models import system_class
    from minivision.training import Settings, train

    texts = [text.strip() for text in args.without.split(",")]
    scenes = Scenes(args.level, "train", captions=True, without=texts)
    model: Any = system_class("densecap")(scenes.classes, rng=np.random.default_rng(0))
    recipe = {name: value for name, value in model.recipe.items() if name != "minutes"}
    length = {"steps": args.steps} if args.steps else {"minutes": args.minutes or 3}
    result = train(model, scenes.cached(), Settings(**recipe), out=args.out, **length)
    return model, scenes.without, result.step


def _print(head, rows):
    names = list(next(iter(rows.values())))
    print(f"{head:<12}" + "".join(f"{name:>9}" for name in names))
    for key, values in rows.items():
        print(f"{key!s:<12}" + "".join(f"{values[name]:>9.3f}" for name in names))


if __name__ == "__main__":
    main()
