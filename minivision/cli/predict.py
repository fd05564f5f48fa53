"""Run a trained system on images.

For each image NAME it writes NAME-overlay.png, a picture of the prediction, and the prediction itself: NAME-labels.png,
whose pixel values are the classes, or NAME-objects.json, a list of objects with their boxes (x1, y1, x2, y2 in
pixels), scores, joints and masks. With --coco the objects are also written in the format that COCO's evaluation tools
read: coco-results.json for boxes, coco-results-masks.json for masks and coco-results-joints.json for joints.
"""

import json
import pathlib
import sys

from minivision.cli.options import UsageError, add_backend_argument, choose_backend, on_backend, size
from minivision.core.atomic import atomic_write

EPILOG = """\
examples:
  minivision predict runs/scenes photo.jpg --out predictions
  minivision predict runs/cells slides/*.png --size 256x256 --out predictions
  minivision predict runs/mask cells/val/*.png --coco cells/annotations/instances_val.json --out predictions
"""


def add_arguments(parser, system):
    parser.add_argument("run_folder", type=pathlib.Path, metavar="DIR", help="the folder of a run, or a checkpoint")
    parser.add_argument("images", nargs="+", type=pathlib.Path, metavar="IMAGE", help="an image file")
    parser.add_argument("--out", required=True, type=pathlib.Path, metavar="DIR", help="folder for the predictions")
    parser.add_argument(
        "--size", type=size, metavar="HxW",
        help="resize the images to this size for the network (default: the size of the training, if it had one)",
    )  # fmt: skip
    add_backend_argument(parser)
    parser.add_argument(
        "--coco", type=pathlib.Path, metavar="FILE",
        help="annotations with the ids of these images and classes, for coco-results.json",
    )  # fmt: skip


def run(args):
    from tqdm import tqdm

    from minivision.data import read_image
    from minivision.models.base.resizing import Resizing
    from minivision.tasks import get_task
    from minivision.training import Checkpoint

    checkpoint = Checkpoint.load(args.run_folder)
    model = checkpoint.make_model()
    choose_backend(args)
    model = on_backend(args, model)
    task = get_task(model.task)
    results = _CocoResults(args.coco, model, task, args.images) if args.coco else None
    network_size = args.size or checkpoint.data.get("size")
    model = model if network_size is None else Resizing(model, network_size)
    args.out.mkdir(parents=True, exist_ok=True)
    names, failed = unique_names(args.images), 0
    for path, name in zip(tqdm(args.images, unit="image", leave=False), names, strict=True):
        try:
            image = read_image(path)
        except (ValueError, OSError) as error:
            tqdm.write(f"minivision: {error}", file=sys.stderr)
            failed += 1
            continue
        prediction = model.predict([image])[0]
        task.write(image, prediction, model, args.out, name)
        task.draw(image, prediction, model).savefig(args.out / f"{name}-overlay.png")
        if results:
            results.add(path, prediction)
    if results:
        results.write(args.out)
    print(f"Wrote the {task.output} and overlays of {len(args.images) - failed} images into {args.out}")
    if failed:
        print(f"minivision: {failed} of {len(args.images)} images could not be read", file=sys.stderr)
    return 1 if failed else 0


class _CocoResults:
    """The objects of all images in COCO's format, with the ids of an annotation file."""

    def __init__(self, annotations, model, task, images):
        from minivision.data.coco_results import coco_ids, image_id_of

        if task.output != "objects":
            raise UsageError(f"--coco is for objects, and {model.name} predicts {task.output}")
        image_ids, self.category_ids = coco_ids(annotations, model.classes)
        self.image_ids = {path: image_id_of(path, image_ids) for path in images}
        for path, number in self.image_ids.items():
            if number is None:
                same = [name for name in image_ids if pathlib.PurePath(name).name == path.name]
                reason = f"lists {' and '.join(same)}; which is {path}?" if same else f"lists no image {path.name}"
                raise UsageError(f"--coco: {annotations} {reason}")
        self.results = {"boxes": []}

    def add(self, path, instances):
        from minivision.data.coco_results import coco_results

        kinds = ["boxes", *(["masks"] if instances.has_masks else [])]
        kinds += ["joints"] if instances.keypoints is not None else []
        for kind in kinds:
            results = coco_results(instances, self.image_ids[path], self.category_ids, kind)
            self.results.setdefault(kind, []).extend(results)

    def write(self, out):
        for kind, results in self.results.items():
            name = "coco-results.json" if kind == "boxes" else f"coco-results-{kind}.json"
            with atomic_write(out / name) as partial:
                partial.write_text(json.dumps(results) + "\n", encoding="utf-8")


def unique_names(paths):
    """Return a name for each path: its stem, with a number if that occurs twice."""
    names, used = [], set()
    for path in paths:
        name, number = path.stem, 2
        while name in used:
            name, number = f"{path.stem}-{number}", number + 1
        used.add(name)
        names.append(name)
    return names
