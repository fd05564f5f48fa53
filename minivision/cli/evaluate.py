"""Measure how good a trained system is, on images that it was not trained on.

With --predictions FILE no run is needed: FILE has COCO's results (boxes, masks, joints), from any program. Their ids of
images and categories are those of the ground truth's JSON file. For data in other formats an image_id is the name of
the image's file, and a category_id the name of a class or its number, from 1.
"""

import contextlib
import json
import math
import pathlib
import sys

from minivision.cli.executors import add_executor_arguments, executor_of
from minivision.cli.options import (
    UsageError,
    add_backend_argument,
    add_data_arguments,
    choose_backend,
    data_of,
    on_backend,
    open_data,
)
from minivision.cli.record import add_record_argument, refuse_wrong_record, write_record
from minivision.core.printable import printable

EPILOG = """\
examples:
  minivision evaluate runs/scenes
  minivision evaluate runs/scenes --level hard --split test
  minivision evaluate runs/cells --json > cells.json
  minivision evaluate runs/rcnn --scheduler tcp://10.0.0.5:8786
  minivision evaluate runs/scenes --errors --out errors
  minivision evaluate runs/fast-rcnn runs/faster-rcnn runs/yolo --errors --out errors --jobs 2
  minivision evaluate --data coco:cells --split val --predictions results.json

The metrics depend on the task of the system; all are from 0 to 1.
Segmentation: intersection over union (IoU), counted over all pixels of all images together, the background
included. A class that neither occurs nor is predicted has no IoU and is left out of the mean.
Localization: the class of the one object, and the IoU of its box with the true one.
Pose: the share of the joints within a fifth of a length of the person (PCK), and object keypoint similarity
(OKS). Detection: average precision (AP) by COCO's rules.
--errors names the kinds of false detections and how much AP50 each costs (Bolya et al., ECCV 2020), and for each
object that was not found the step that lost it (not for --predictions, where no detector is at hand). Several runs, or
the folder of a comparison, are compared on the same images: what each mends of the one before it, and what it breaks.
"""


def add_arguments(parser, system):
    parser.add_argument(
        "run_folder",
        nargs="*",
        type=pathlib.Path,
        metavar="DIR",
        help="the folder of a run, or a checkpoint; with --errors several, or a folder of runs, which are compared",
    )
    add_data_arguments(parser, split="val", default="default: the data that it was trained on")
    add_backend_argument(parser)
    add_executor_arguments(parser)
    parser.add_argument(
        "--predictions", type=pathlib.Path, metavar="FILE", help="evaluate COCO's results in a file, without a run"
    )
    parser.add_argument(
        "--errors", action="store_true", help="say what a detector does wrong, and which step loses each missed object"
    )
    parser.add_argument(
        "--out",
        type=pathlib.Path,
        metavar="DIR",
        help="with --errors: write a page with pictures, DIR/errors.html; of several runs tables and a picture",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    add_record_argument(parser)


def run(args):
    if args.out is not None and not args.errors:
        raise UsageError("--out is the folder of the page on errors; give --errors too")
    refuse_wrong_record(args)
    from minivision.cli.evaluate_runs import runs_in

    runs = args.run_folder
    if args.predictions is None and (len(runs) > 1 or (runs and runs_in(runs[0]))):
        if args.record is not None:
            raise UsageError("--record takes the metrics of one run; name one run")
        return _compare(args)
    with contextlib.redirect_stdout(sys.stderr) if args.json else contextlib.nullcontext():
        task, metrics, report, dataset = _metrics(args)
        page = None if args.out is None else _write_page(args.out, report, dataset, metrics)
    if args.record is not None:
        write_record(args.record, {**_training(args), "metrics": _null_for_nan(metrics)})
    if args.json:  # messages do not mix with it
        metrics = metrics if report is None else {**metrics, "errors": report.as_dict()}
        print(json.dumps(_null_for_nan(metrics), indent=2, allow_nan=False))
        return 0
    print(printable(_text(task, metrics, report)))
    if page is not None:
        print(f"\nWrote {printable(page)}")
    return 0


def _compare(args):
    """Compare the errors of several runs."""
    from minivision.cli.evaluate_runs import FILES, as_dict, compare_runs, head, write
    from minivision.tasks.error_table import comparison_lines

    if not args.errors:
        what = "several runs" if len(args.run_folder) > 1 else f"the runs in {args.run_folder[0]}"
        raise UsageError(f"{what} are compared by their errors: give --errors, or name one run")
    with contextlib.redirect_stdout(sys.stderr) if args.json else contextlib.nullcontext():
        comparison, about = compare_runs(args)
        if args.out is not None:
            write(args.out, comparison, about)
    if args.json:
        print(json.dumps(_null_for_nan(as_dict(comparison, about)), indent=2, allow_nan=False))
        return 0
    print(printable("\n".join([head(about), "", *(f"  {line}".rstrip() for line in comparison_lines(comparison))])))
    if args.out is not None:
        print(f"\nWrote {', '.join(FILES[:-1])} and {FILES[-1]} into {printable(args.out)}")
    return 0


def _training(args):
    """Return how the evaluated run was trained; nothing if predictions of a file are evaluated."""
    if not args.run_folder:
        return {}
    from minivision.training import Checkpoint

    run = Checkpoint.load(args.run_folder[0])
    facts = {"system": run.system, "options": run.options, "settings": run.settings, "data": run.data}
    return {"training": {**facts, "steps": run.step, "seconds": round(run.seconds, 1)}}


def _metrics(args):
    """Return task, metrics together with what was evaluated, and, with --errors, the report on these and the data."""
    if args.predictions is not None:
        return "detection", *_metrics_of_file(args)
    if not args.run_folder:
        raise UsageError("what to evaluate? Give the folder of a run, or --predictions FILE with --data DATA")
    from minivision.data.memory import hold_in_memory
    from minivision.models.base.detector import Detector
    from minivision.tasks import evaluate
    from minivision.training import Checkpoint

    checkpoint = Checkpoint.load(args.run_folder[0])
    model = checkpoint.make_model()
    if args.errors and not isinstance(model, Detector):
        raise UsageError(f"--errors is for detectors, and {model.name} is none")
    choose_backend(args)
    model = on_backend(args, model)
    data = data_of(args, {**checkpoint.data, "split": "val"}, model)
    dataset = open_data(data)
    if data["size"] is not None:
        dataset = hold_in_memory(dataset, size=tuple(data["size"]), keep_all=True)
    about = {"system": checkpoint.system, "step": checkpoint.step, "total": checkpoint.total}
    about |= {name: data[name] for name in ("data", "level", "split", "size")}
    if data["data"] != "scenes":
        del about["level"]
    with executor_of(args) as executor:
        options = {"progress": True, "executor": executor}
        if not args.errors:
            return model.task, {**about, **evaluate(model, dataset, **options)}, None, dataset
        from minivision.tasks.errors import ErrorCollector

        collector = ErrorCollector(model, dataset)
        metrics = {**about, **evaluate(model, dataset, **options, observe=collector.add)}
        return model.task, metrics, collector.report(), dataset


def _write_page(folder, report, dataset, metrics):
    """Write the page on errors; return its path."""
    from minivision import __version__
    from minivision.cli.errors_page import page
    from minivision.core.atomic import atomic_write

    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "errors.html"
    with atomic_write(path) as partial:
        partial.write_text(page(report, dataset, _head(metrics), __version__), encoding="utf-8")
    return path


def _metrics_of_file(args):
    """Return the metrics of a file of results with what was evaluated, with --errors the report, and the truth."""
    from minivision.data import DataSpec
    from minivision.data.ground_truth import open_truth
    from minivision.data.result_file import read_results
    from minivision.metrics.result_file import KINDS, evaluate_results, result_kinds
    from minivision.tasks.errors import ResultErrors

    given = {"DIR": args.run_folder or None, "--size": args.size, "--backend": args.backend}
    given |= {"--jobs": args.jobs, "--scheduler": args.scheduler}
    for name, value in given.items():
        if value is not None:
            raise UsageError(
                f"{name} does not go with --predictions: the results in the file are evaluated as they are"
            )
    if args.data is None:
        raise UsageError("--predictions needs --data DATA, the ground truth of these predictions")
    spec, split = DataSpec.parse(args.data), args.split or "val"
    if args.level is not None and spec.folder is not None:
        raise UsageError("--level is for scenes only")
    results = read_results(args.predictions)
    truth = open_truth(spec, split, level=args.level or "hard", skip_broken=bool(args.skip_broken))
    about = {"predictions": str(args.predictions), "data": str(spec), "split": split}
    if spec.folder is None:
        about["level"] = args.level or "hard"
    if not args.errors:
        return {**about, **evaluate_results(truth, results, progress=True)}, None, truth
    kinds = [KINDS[kind] for kind in result_kinds(truth, results) if kind != "joints"]
    if not kinds:
        raise UsageError("--errors compares boxes and masks, and these results have joints only")
    collector = ResultErrors(truth.classes, kinds)
    metrics = {**about, **evaluate_results(truth, results, progress=True, observe=collector.add)}
    return metrics, collector.report(), truth


def _text(task, metrics, report):
    """Return the metrics for people, and the errors if there is a report on them."""
    from minivision.tasks import get_task

    lines = [_head(metrics), "", *(f"  {line}".rstrip() for line in get_task(task).table(metrics))]
    if report is not None:
        from minivision.tasks.errors import error_lines

        lines += ["", *(f"  {line}".rstrip() for line in error_lines(report))]
    return "\n".join(lines)


def _head(metrics):
    """Return what was evaluated, on which images."""
    where = [metrics["data"], *(metrics[name] for name in ("level", "split") if name in metrics)]
    if "predictions" in metrics:
        what = metrics["predictions"]
    else:
        what = f"{metrics['system']} after step {metrics['step']} of {metrics['total']}"
    return f"{what}, on {metrics['images']} images ({', '.join(where)})"


def _null_for_nan(value):
    """Replace NaN, which JSON does not have, by null."""
    if isinstance(value, dict):
        return {key: _null_for_nan(item) for key, item in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value
