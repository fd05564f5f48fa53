"""Data of your own: look through them before training, see them, convert them; or fetch some that are published.

check: list everything that is wrong or odd, the worst first: images that are lost, unreadable or of another size than
annotated, pictures in two splits or twice in one, boxes and masks that cannot be right, classes without objects.
show: draw images of a split with their boxes, masks, joints and label maps into one picture.
convert: write the data in COCO's format, which most tools read.
fetch: download a dataset from where it is published, every file checked.
"""

import argparse
import contextlib
import json
import math
import pathlib
import sys

from minivision.cli.data_fetch import add_fetch
from minivision.cli.messages import messages_hidden
from minivision.cli.options import DATA_FORMS, Parser, UsageError, count, size
from minivision.core.printable import printable

EPILOG = """\
examples:
  minivision data check coco:photos
  minivision data check voc:cells --html check.html
  minivision data show coco:photos --split val --out val.png
  minivision data convert voc:cells --out cells-coco
  minivision data fetch bccd

exit codes of check: 0 nothing is wrong (there may be notes), 1 errors or warnings, 2 it is no dataset
"""
EXAMPLES = 3  # problems of each kind that are written


def add_arguments(parser, system):
    commands = parser.add_subparsers(
        title="commands", metavar="COMMAND", dest="what", required=True, parser_class=Parser
    )
    sub = commands.add_parser("check", help="list everything that is wrong or odd, the worst first")
    _add_data(sub)
    sub.add_argument("--split", action="append", metavar="NAME", help="only this part; may be given several times")
    sub.add_argument("--number", type=count, metavar="N", help="decode only the first N images of each split")
    sub.add_argument("--size", type=size, metavar="HxW", help="the size that training resizes images to, if it does")
    sub.add_argument(
        "--stride", type=count, default=16, metavar="N",
        help="side of a cell: objects below it are noted (default: 16)",
    )  # fmt: skip
    sub.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    sub.add_argument("--html", type=pathlib.Path, metavar="FILE", help="also write a page with pictures")
    sub.set_defaults(data_command=check)

    sub = commands.add_parser("show", help="draw images of a split with their annotations into one picture")
    _add_data(sub)
    sub.add_argument("--split", default="train", metavar="NAME", help="part of the data (default: train)")
    sub.add_argument(
        "--number", type=count, default=12, metavar="N", help="images, spread over the split (default: 12)"
    )
    sub.add_argument(
        "--out", type=pathlib.Path, default=pathlib.Path("contact-sheet.png"), metavar="FILE.png",
        help="default: contact-sheet.png",
    )  # fmt: skip
    sub.set_defaults(data_command=show)

    sub = commands.add_parser("convert", help="write the data in COCO's format")
    _add_data(sub)
    sub.add_argument("--out", type=pathlib.Path, required=True, metavar="DIR", help="a new folder")
    sub.add_argument("--number", type=count, metavar="N", help="only the first N images of each split")
    sub.add_argument("--skip-broken", action="store_true", help="leave out images that cannot be read, with a warning")
    sub.set_defaults(data_command=convert)
    add_fetch(commands)


def _add_data(parser):
    parser.add_argument("data", metavar="DATA", help=DATA_FORMS)
    parser.add_argument("--level", default="hard", metavar="LEVEL", help="of scenes: easy, mid or hard (default: hard)")
    parser.add_argument("--debug", action="store_true", help=argparse.SUPPRESS)


def run(args):
    return args.data_command(args)


# ---- check ---------------------------------------------------------------------------------------------------------


def check(args):
    with contextlib.redirect_stdout(sys.stderr) if args.json else contextlib.nullcontext():
        inspection = _inspect(args)
        if args.html:
            _write_page(args.html, inspection)
    if args.json:
        print(json.dumps(_as_json(inspection), indent=2, allow_nan=False))
    else:
        print(printable(_table(inspection)))
        if args.html:
            print(f"\nWrote {args.html}")
    counts = inspection.counts
    return 1 if counts["error"] or counts["warning"] else 0


def _inspect(args):
    from functools import partial

    from minivision.data import DataSpec
    from minivision.data.inspection import Look, inspect_dataset
    from minivision.detection.anchors.anchor_shapes import best_ratio_iou
    from minivision.models import system_class

    ratios = system_class("faster-rcnn").OPTIONS["ratios"]["default"]
    look = Look(args.size, args.stride, partial(best_ratio_iou, ratios=ratios))
    options = {"splits": args.split, "number": args.number, "look": look, "level": args.level}
    spec = DataSpec.parse(args.data).resolved()  # which may say that the data are of other formats as well
    with messages_hidden():  # the table says what was opened
        return inspect_dataset(spec, **options, progress=True)


def _write_page(path, inspection):
    from minivision import __version__
    from minivision.cli.data_page import page
    from minivision.core.atomic import atomic_write

    with atomic_write(path) as partial:
        partial.write_text(page(inspection, __version__), encoding="utf-8")


def _table(inspection):
    """Return what was found for people: a line for each kind, and its first examples."""
    from minivision.cli.data_page import split_lines, summary
    from minivision.data.problems import KINDS

    lines = [str(inspection.spec), *(f"  {line}" for line in split_lines(inspection))]
    for name, problems in inspection.by_kind.items():
        kind = KINDS[name]
        lines += ["", f"{kind.severity:<8} {len(problems):>5}  {kind.title}: {kind.advice}"]
        lines += [f"{'':16}{_where(problem)}{problem.detail}" for problem in problems[:EXAMPLES]]
        if len(problems) > EXAMPLES:
            lines.append(f"{'':16}and {len(problems) - EXAMPLES} more")
    return "\n".join([*lines, "", summary(inspection)])


def _where(problem):
    name = pathlib.PurePath(problem.file).name
    where = "/".join(part for part in (problem.split, "" if problem.kind in ("split", "reader") else name) if part)
    return f"{where}: " if where else ""


def _as_json(inspection):
    splits = {
        split: {"images": images, "classes": list(dataset.classes[1:]), "objects": objects}
        for split, (dataset, images, objects) in inspection.splits.items()
    }
    return {
        "data": str(inspection.spec),
        "splits": splits,
        "counts": inspection.counts,
        "kinds": {name: len(problems) for name, problems in inspection.by_kind.items()},
        "problems": [_problem_as_json(problem) for problem in inspection.problems],
    }


def _problem_as_json(problem):
    boxes = [[number if math.isfinite(number) else None for number in box] for box in problem.boxes]
    about = {name: getattr(problem, name) for name in ("severity", "kind", "split", "file", "index", "detail")}
    return {**about, "boxes": boxes}


# ---- show ----------------------------------------------------------------------------------------------------------


def show(args):
    from minivision.core.atomic import atomic_write
    from minivision.data import open_dataset
    from minivision.viz import draw_contact_sheet

    if args.out.suffix.lower() != ".png":
        raise UsageError(f"--out: expected the name of a PNG file, got {args.out}")
    dataset = open_dataset(args.data, split=args.split, level=args.level)
    if args.out.resolve() in {path.resolve() for path in map(dataset.image_path, range(len(dataset))) if path}:
        raise UsageError(f"--out: {args.out} is an image of the dataset; choose another name")
    figure, drawn, failed = draw_contact_sheet(dataset, args.number)
    with atomic_write(args.out) as partial:
        figure.savefig(partial, format="png")
    for error in failed:
        print(f"minivision: {printable(error)}", file=sys.stderr)
    print(f"Wrote {args.out}: {drawn} of {len(dataset)} images of {args.split}")
    return 1 if failed else 0


# ---- convert -------------------------------------------------------------------------------------------------------


def convert(args):
    from minivision.core.folder import check_is_new
    from minivision.data import DataSpec, open_dataset
    from minivision.data.coco_writer import write_coco
    from minivision.data.inspection import list_splits

    check_is_new(args.out)
    spec = DataSpec.parse(args.data).resolved()
    names = list_splits(spec)
    splits = {name: open_dataset(spec, split=name, level=args.level, skip_broken=args.skip_broken) for name in names}
    written = write_coco(splits, args.out, number=args.number, progress=True)
    for name, (images, objects, changed) in written.items():
        print(f"{name}: {images} image{'s' * (images != 1)}, {objects} object{'s' * (objects != 1)}")
        if changed:
            print(
                f"  the label maps of {changed} of them are not kept as they were: COCO has none, and they will be "
                "painted from the masks, where there are any"
            )
    if not next(iter(splits.values())).has_boxes:
        print("Each class of a label map became one object; pixels to ignore became a crowd.")
    print(f"Wrote {args.out}; use it as coco:{args.out}")
    return 0
