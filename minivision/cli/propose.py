"""Propose boxes that may contain an object, by selective search.

IMAGE ...: draw the first boxes over each image, into NAME-proposals.png. With --hierarchy also draw how its regions
are merged, into NAME-hierarchy.png.

DIR: write the boxes for every image in the folder, PHOTO.jpg.npz for PHOTO.jpg, with several processes or on a Dask
cluster. Existing files are kept: after a stop, the same command continues.

scenes, auto:DIR or KIND:DIR (coco:DIR, voc:DIR, ...): measure the proposals for a dataset, and draw the recall over the
number of boxes into recall-MODE.png. Recall is the share of the objects that have a box with an IoU of .5 or more. ABO
(average best overlap) is the mean over the objects of a class of the best IoU; MABO is its mean over the classes.
"""

import os
import pathlib
import sys

from minivision.cli.executors import add_executor_arguments, executor_of
from minivision.cli.images import check_overwrites, expand, for_each_image, unique_names
from minivision.cli.options import UsageError, count
from minivision.core.printable import printable

EPILOG = """\
examples:
  minivision propose photo.jpg --hierarchy
  minivision propose photos --jobs 4 --out boxes
  minivision propose photos --scheduler tcp://10.0.0.5:8786 --out boxes
  minivision propose scenes --level hard --mode quality
"""


def add_arguments(parser, system):
    from minivision.detection.selective_search.search import MODES

    parser.add_argument(
        "inputs", nargs="+", metavar="IMAGE|DIR|DATA",
        help="image files; or a folder of images; or scenes, auto:DIR, coco:DIR, ...",
    )  # fmt: skip
    parser.add_argument(
        "--mode", choices=MODES, default="fast",
        help="number of strategies: single (1), fast (8) or quality (80) (default: fast)",
    )  # fmt: skip
    parser.add_argument(
        "--out", type=pathlib.Path, default=pathlib.Path("proposals"), metavar="DIR",
        help="folder for the results (default: proposals)",
    )  # fmt: skip
    images = parser.add_argument_group("for images")
    images.add_argument("--boxes", type=count, metavar="N", help="number of boxes to draw (default: 50)")
    images.add_argument("--hierarchy", action="store_true", help="also draw how the regions are merged")
    folder = parser.add_argument_group("for a folder")
    add_executor_arguments(folder, jobs="one per core")
    data = parser.add_argument_group("for a dataset")
    data.add_argument("--level", metavar="LEVEL", help="difficulty of scenes: easy, mid or hard (default: hard)")
    data.add_argument("--split", metavar="NAME", help="part of the data: train, val, ... (default: val)")


def run(args):
    from minivision.data import DataSpec

    first = args.inputs[0]
    if DataSpec.is_like(first) and not pathlib.Path(first).exists():
        work, allowed = _measure, ("level", "split")
    elif pathlib.Path(first).is_dir():
        work, allowed = _propose_folder, ("jobs", "scheduler")
    else:
        work, allowed = _draw, ("boxes", "hierarchy")
    if work is not _draw and len(args.inputs) > 1:
        raise UsageError(f"give one folder or one dataset, or image files; got {' '.join(args.inputs)}")
    for name, what in (("boxes", "images"), ("hierarchy", "images"), ("jobs", "a folder"),
                       ("scheduler", "a folder"), ("level", "a dataset"), ("split", "a dataset")):  # fmt: skip
        if getattr(args, name) and name not in allowed:
            raise UsageError(f"--{name} is for {what}, and {first} is not")
    return work(args)


def _draw(args):
    from minivision.core.atomic import atomic_write
    from minivision.detection import region_hierarchy, selective_search
    from minivision.viz import draw_best_proposals, draw_hierarchy

    paths = expand(args.inputs)
    names = unique_names(paths)
    check_overwrites(paths, args.out, names, ("proposals.png", "hierarchy.png"))

    def work(path, name, image):
        figures = {
            "proposals": draw_best_proposals(image, selective_search(image, args.mode), max_boxes=args.boxes or 50)
        }
        if args.hierarchy:
            figures["hierarchy"] = draw_hierarchy(image, region_hierarchy(image))
        args.out.mkdir(parents=True, exist_ok=True)
        for what, figure in figures.items():
            with atomic_write(args.out / f"{name}-{what}.png") as partial:
                figure.savefig(partial, format="png")

    failed = for_each_image(paths, names, work)
    print(f"Wrote pictures of {len(paths) - failed} images into {args.out}")
    return 1 if failed else 0


def _propose_folder(args):
    from minivision.data.files import IMAGE_SUFFIXES, image_files
    from minivision.detection.proposals.proposal_files import propose_files

    folder = pathlib.Path(args.inputs[0])
    paths = image_files(folder)
    if not paths:
        raise UsageError(f"{folder} holds no images ({', '.join(IMAGE_SUFFIXES)})")
    jobs = len(os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1))
    with executor_of(args, jobs=min(jobs, len(paths))) as executor:
        written, failed = propose_files(paths, args.out, args.mode, executor=executor, progress=True)
    for _, reason in failed:
        print(f"minivision: {printable(reason)}", file=sys.stderr)
    kept = len(paths) - written - len(failed)
    print(f"Wrote the boxes for {written} images into {args.out}" + (f"; {kept} files existed already" if kept else ""))
    if failed:
        print(f"minivision: {len(failed)} of {len(paths)} images could not be read or used", file=sys.stderr)
    return 1 if failed else 0


def _measure(args):
    from minivision.core.atomic import atomic_write
    from minivision.data import DataSpec
    from minivision.detection import propose_dataset
    from minivision.metrics import evaluate_proposals, proposal_recall
    from minivision.viz import draw_proposal_recall

    spec, split = DataSpec.parse(args.inputs[0]).resolved(), args.split or "val"
    if args.level and spec.kind != "scenes":
        raise UsageError("--level is for scenes only")
    dataset = spec.open(split, level=args.level or "hard")
    if not dataset.has_boxes:
        raise UsageError(f"{spec} has no boxes to compare with")
    if hasattr(dataset, "cached"):
        dataset = dataset.cached(progress=True)
    proposals = propose_dataset(dataset, args.mode, progress=True)
    truths = [sample.instances for sample in dataset]
    where = ", ".join([str(spec), *([args.level or "hard"] if spec.kind == "scenes" else []), split])
    print(_table(f"{args.mode} on {where}", evaluate_proposals(truths, proposals, dataset.classes)))
    args.out.mkdir(parents=True, exist_ok=True)
    picture = args.out / f"recall-{args.mode}.png"
    with atomic_write(picture) as partial:
        draw_proposal_recall({args.mode: proposal_recall(truths, proposals)}).savefig(partial, format="png")
    print(f"\nWrote {picture}")
    return 0


def _table(title, figures):
    counts = {"all" if count is None else f"{count:,}": count for count in figures["recall"]}
    lines = [
        f"{title}: {figures['images']} images, {figures['objects']} objects, {figures['boxes']:.0f} boxes per image",
        "",
        f"  {'first boxes':<12}" + "".join(f"{name:>8}" for name in counts),
        f"  {'recall':<12}" + "".join(f"{figures['recall'][count]:>8.3f}" for count in counts.values()),
        f"  {'MABO':<12}" + "".join(f"{figures['mabo'][count]:>8.3f}" for count in counts.values()),
        "",
        f"  {'class':<12}{'ABO':>8}{'recall':>8}{'objects':>9}",
    ]
    for name, each in figures["classes"].items():
        abo, recall = (f"{each[key]:.3f}" if each["objects"] else "-" for key in ("abo", "recall"))
        lines.append(f"  {name:<12}{abo:>8}{recall:>8}{each['objects']:>9}")
    return "\n".join(lines)
