"""Measure how good a trained system is, on images it was not trained on."""

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
from minivision.cli.tables import figures_table

EPILOG = """\
examples:
  minivision evaluate runs/scenes
  minivision evaluate runs/scenes --level hard --split test
  minivision evaluate runs/cells --json > cells.json

What is measured depends on what the system predicts; all figures are from 0 to 1.
Label maps: intersection over union (IoU) is counted over all pixels of all images together, the background
included; a class that neither occurs nor is predicted has none and is left out of the mean.
One object: its class, and the IoU of its box with the true one.
One person: the part of the joints within a fifth of a length of the person (PCK), and object keypoint
similarity (OKS). Objects: average precision (AP) by COCO's rules.
"""


def add_arguments(parser, system):
    parser.add_argument("run_folder", type=pathlib.Path, metavar="DIR", help="the folder of a run, or a checkpoint")
    add_data_arguments(parser, split="val", default="default: what it was trained on")
    add_backend_argument(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")


def run(args):
    if not args.json:
        print(_table(*_figures(args)))
        return 0
    with contextlib.redirect_stdout(sys.stderr):  # whatever says something on the way
        _, figures = _figures(args)
    print(json.dumps(_null_for_nan(figures), indent=2, allow_nan=False))
    return 0


def _figures(args):
    """Return the task of the model, and the figures with what they are about."""
    from minivision.data.memory import hold_in_memory
    from minivision.metrics import evaluate

    checkpoint = load_run(args.run_folder)
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


def load_run(path):
    """Return the checkpoint in the folder of a run, or that file itself.

    Raises
    ------
    FileNotFoundError, CheckpointError
        When there is none, or it cannot be used.
    """
    from minivision.training.checkpoint import Checkpoint
    from minivision.training.trainer import CHECKPOINT

    file = path / CHECKPOINT if path.is_dir() else path
    if not file.exists():
        raise FileNotFoundError(f"{path} holds no run: there is no {CHECKPOINT}")
    return Checkpoint.load(file)


def _table(task, figures):
    where = [figures["data"], *(figures[name] for name in ("level", "split") if name in figures)]
    head = (
        f"{figures['system']} after step {figures['step']} of {figures['total']}, "
        f"on {figures['images']} images ({', '.join(where)})"
    )
    return f"{head}\n\n{figures_table(task, figures)}"


def _null_for_nan(value):
    """JSON knows no NaN."""
    if isinstance(value, dict):
        return {key: _null_for_nan(item) for key, item in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value
