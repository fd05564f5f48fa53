"""Train several systems in the same way, and compare their accuracy and their costs.

segmentation: the lecture's three approaches to semantic segmentation. A sliding window, patch by patch and as a
convolution with the same weights; convolutions at full resolution; and an encoder-decoder with five kinds of
upsampling.

detection: every detector of the lecture, from R-CNN to YOLOv2, on the same scenes; also with fewer proposals and
with smaller images in prediction.

Writes comparison.csv, comparison.md and comparison.png into DIR, and a folder for each training. Ctrl-C stops;
the same command continues.
"""

import pathlib

from minivision.cli.options import count, positive, seed

EPILOG = """\
examples:
  minivision compare segmentation --out runs/three-ways
  minivision compare detection --level hard --minutes 3 --out runs/detectors
  minivision compare segmentation --level easy --minutes 0.1 --train 500 --val 50 --out runs/quick
"""


def add_arguments(parser, system):
    from minivision.comparison import comparisons
    from minivision.data.scenes import SPLITS

    names = ", ".join(comparisons())
    parser.add_argument("what", choices=comparisons(), metavar="WHAT", help=f"what to compare: {names}")
    parser.add_argument("--out", required=True, type=pathlib.Path, metavar="DIR", help="the folder of the comparison")
    parser.add_argument(
        "--level", default="mid", metavar="LEVEL", help="difficulty of scenes: easy, mid, hard (default: mid)"
    )
    parser.add_argument(
        "--minutes", type=positive, default=1.0, metavar="M", help="training time of each system (default: 1)"
    )  # fmt: skip
    parser.add_argument("--seed", type=seed, default=0, metavar="S", help="of the weights and batches (default: 0)")
    for split, purpose in (("train", "train"), ("val", "evaluate")):
        parser.add_argument(
            f"--{split}", type=count, default=SPLITS[split], metavar="N",
            help=f"number of scenes to {purpose} on (default: all {SPLITS[split]:,})",
        )  # fmt: skip


def run(args):
    from minivision.comparison import ComparisonSettings, get_comparison, run_comparison
    from minivision.comparison.folder import PICTURE, TABLES

    settings = ComparisonSettings(args.level, args.minutes, args.seed, args.train, args.val)
    try:
        done = run_comparison(get_comparison(args.what), args.out, settings)
    except KeyboardInterrupt:
        done = False
    if not done:
        print("Stopped; the results so far are kept, and the same command continues")
        return 1
    print((args.out / TABLES[1]).read_text(encoding="utf-8"))
    print(f"Wrote {', '.join(TABLES)} and {PICTURE} into {args.out}")
    return 0
