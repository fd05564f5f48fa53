"""Train several systems in the same way, and compare their accuracy and their costs.

segmentation: the lecture's three approaches to semantic segmentation. A sliding window, patch by patch and as a
convolution with the same weights; convolutions at full resolution; and an encoder-decoder with five kinds of
upsampling.

detection: every detector of the lecture, from R-CNN to YOLOv2, on the same scenes; also with fewer proposals and
with smaller images in prediction.

yolov2: the path from YOLO to YOLOv2, one change after the other, as in table 2 of its paper.

pytorch: our training beside that of the same network by PyTorch, with the same weights, batches and recipe, in
turns of two seconds. Needs PyTorch.

Writes comparison.csv, comparison.md, differences.csv and comparison.png into DIR, and a folder for each training.
Ctrl-C stops; the same command continues, with more --seeds too.
"""

import contextlib
import csv
import pathlib

from minivision.cli.executors import add_scheduler_argument
from minivision.cli.options import count, positive, seed
from minivision.cli.record import add_record_argument, refuse_wrong_record, write_record

EPILOG = """\
examples:
  minivision compare segmentation --out runs/three-ways
  minivision compare detection --level hard --minutes 3 --seeds 3 --out runs/detectors
  minivision compare yolov2 --level hard --steps 3000 --seeds 3 --out runs/path
  minivision compare pytorch --only ssd yolov2 --level hard --minutes 2 --out runs/rivals
  minivision compare yolov2 --steps 3000 --seeds 5 --scheduler tcp://10.0.0.5:8786 --out runs/sweep
  minivision compare segmentation --level easy --minutes 0.1 --train 500 --val 50 --out runs/quick

Equal minutes are equal times of training on this machine, evaluation not included. How many steps a system takes in
them depends on the machine and on what else runs there, so two comparisons by minutes agree only roughly, and a system
may be better because it is faster. --steps gives every system the same number of steps: comparable on any machine, but
one step of R-CNN is more work than one of YOLO.

With --scheduler each training is a piece of work for a Dask cluster. Equal minutes on machines that differ, or that
others use too, are not equal, so it takes --steps, and pytorch, whose trainings take turns on one machine, is not for
it. Costs are measured on this machine, one row after the other.

With --seeds N each row is trained N times: the table has means and standard deviations, the figure lines of that
length. Whether one row is better than another is said by the paired bootstrap over images and seeds, for all pairs in
differences.csv.
"""


DEFAULT_MINUTES = 1.0
PYTORCH = "pytorch"  # stands on the packages of comparisons and of PyTorch's networks


def _names():
    from minivision.comparison import comparisons

    return [*comparisons(), PYTORCH]


def get_any_comparison(name):
    """Return the comparison of a name, that with PyTorch too."""
    if name == PYTORCH:
        from minivision.bench.torch_comparison import COMPARISON

        return COMPARISON
    from minivision.comparison import get_comparison

    return get_comparison(name)


def add_arguments(parser, system):
    from minivision.data.scenes import SPLITS

    parser.add_argument("what", choices=_names(), metavar="WHAT", help=f"what to compare: {', '.join(_names())}")
    parser.add_argument("--out", required=True, type=pathlib.Path, metavar="DIR", help="the folder of the comparison")
    parser.add_argument(
        "--level", default="mid", metavar="LEVEL", help="difficulty of scenes: easy, mid, hard (default: mid)"
    )
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--minutes", type=positive, metavar="M", help="training time of each system (default: 1)")
    length.add_argument("--steps", type=count, metavar="N", help="training steps of each system, instead of minutes")
    parser.add_argument("--seed", type=seed, default=0, metavar="S", help="of the weights and batches (default: 0)")
    parser.add_argument(
        "--seeds", type=count, default=1, metavar="N",
        help="train each system N times, with seeds S, S+1, ... (default: 1)",
    )  # fmt: skip
    parser.add_argument("--only", nargs="+", default=(), metavar="SYSTEM", help="train these systems only, for now")
    for split, purpose in (("train", "train"), ("val", "evaluate")):
        parser.add_argument(
            f"--{split}", type=count, default=SPLITS[split], metavar="N",
            help=f"number of scenes to {purpose} on (default: all {SPLITS[split]:,})",
        )  # fmt: skip
    add_scheduler_argument(parser)
    add_record_argument(parser)


def run(args):
    from minivision.comparison import ComparisonSettings
    from minivision.comparison.folder import PICTURE, TABLES

    refuse_wrong_record(args)
    minutes = DEFAULT_MINUTES if args.minutes is None and args.steps is None else args.minutes
    settings = ComparisonSettings(args.level, minutes, args.seed, args.train, args.val, args.steps, args.seeds)
    try:
        done = _run_comparison(args, settings)
    except KeyboardInterrupt:
        done = False
    if not done:
        print("Stopped; the results so far are kept, and the same command continues")
        return 1
    if args.record is not None:
        write_record(args.record, _record(args, settings))
    print((args.out / TABLES[1]).read_text(encoding="utf-8"))
    print(f"Wrote {', '.join(TABLES)} and {PICTURE} into {args.out}")
    return 0


def _run_comparison(args, settings):
    from minivision.comparison import run_comparison
    from minivision.comparison.runner import refuse_timed
    from minivision.executors import Cluster

    comparison = get_any_comparison(args.what)
    if args.scheduler is not None:
        refuse_timed(comparison, settings)  # before the cluster is looked for
    with contextlib.nullcontext() if args.scheduler is None else Cluster(args.scheduler) as executor:
        return run_comparison(comparison, args.out, settings, only=args.only, executor=executor)


def _record(args, settings):
    """Return the means and spreads of a comparison that is done, and the differences of all pairs of rows."""
    from minivision.comparison.differences import csv_differences
    from minivision.comparison.folder import Folder

    folder = Folder(args.out, get_any_comparison(args.what), settings)
    table = {title: values for title, values in folder.table().items() if values}
    differences = list(csv.DictReader(csv_differences(folder.comparison.rows, folder.evidence()).splitlines()))
    numbers = ("difference", "low", "high", "better_share")
    return {
        "comparison": args.what,
        "settings": folder.settings.as_dict(),
        "seeds": list(folder.settings.all_seeds()),
        "rows": table,
        "differences": [{**line, **{name: round(float(line[name]), 5) for name in numbers}} for line in differences],
    }
