"""Measure how good a trained system is, on images that it was not trained on."""

import contextlib
import json
import math
import pathlib
import sys

from minivision.cli.options import (
    add_backend_argument,
    add_data_arguments,
    choose_backend,
    data_of,
    on_backend,
    open_data,
)
from minivision.core.printable import printable

EPILOG = """\
examples:
  minivision evaluate runs/scenes
  minivision evaluate runs/scenes --level hard --split test
  minivision evaluate runs/cells --json > cells.json

The metrics depend on the task of the system; all are from 0 to 1.
Segmentation: intersection over union (IoU), counted over all pixels of all images together, the background
included. A class that neither occurs nor is predicted has no IoU and is left out of the mean.
Localization: the class of the one object, and the IoU of its box with the true one.
Pose: the share of the joints within a fifth of a length of the person (PCK), and object keypoint similarity
(OKS). Detection: average precision (AP) by COCO's rules.
"""


def add_arguments(parser, system):
    parser.add_argument("run_folder", type=pathlib.Path, metavar="DIR", help="the folder of a run, or a checkpoint")
    add_data_arguments(parser, split="val", default="default: the data that it was trained on")
    add_backend_argument(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")


def run(args):
    if not args.json:
        print(printable(_text(*_metrics(args))))
        return 0
    with contextlib.redirect_stdout(sys.stderr):  # messages do not mix with the JSON
        _, metrics = _metrics(args)
    print(json.dumps(_null_for_nan(metrics), indent=2, allow_nan=False))
    return 0


def _metrics(args):
    """Return the task of the model, and the metrics together with what was evaluated."""
    from minivision.data.memory import hold_in_memory
    from minivision.tasks import evaluate
    from minivision.training import Checkpoint

    checkpoint = Checkpoint.load(args.run_folder)
    model = checkpoint.make_model()
    choose_backend(args)
    model = on_backend(args, model)
    data = data_of(args, {**checkpoint.data, "split": "val"}, model)
    dataset = open_data(data)
    if data["size"] is not None:
        dataset = hold_in_memory(dataset, size=tuple(data["size"]))
    about = {"system": checkpoint.system, "step": checkpoint.step, "total": checkpoint.total}
    about |= {name: data[name] for name in ("data", "level", "split", "size")}
    if data["data"] != "scenes":
        del about["level"]
    return model.task, {**about, **evaluate(model, dataset, progress=True)}


def _text(task, metrics):
    """Return the metrics for people."""
    from minivision.tasks import get_task

    where = [metrics["data"], *(metrics[name] for name in ("level", "split") if name in metrics)]
    head = (
        f"{metrics['system']} after step {metrics['step']} of {metrics['total']}, "
        f"on {metrics['images']} images ({', '.join(where)})"
    )
    return "\n".join([head, "", *(f"  {line}".rstrip() for line in get_task(task).table(metrics))])


def _null_for_nan(value):
    """Replace NaN, which JSON does not have, by null."""
    if isinstance(value, dict):
        return {key: _null_for_nan(item) for key, item in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value
