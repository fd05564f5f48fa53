"""Run a trained system on images.

For each image NAME it writes NAME-overlay.png, a picture of the prediction, and the prediction itself: NAME-labels.png,
whose pixel values are the classes, or NAME-objects.json, a list of objects with their boxes (x1, y1, x2, y2 in
pixels), scores, joints and masks. The picture of a detector shows the objects with a score of 0.5 or more (yolo: 0.2).
With --coco the objects are also written in the format that COCO's evaluation tools read: coco-results.json for boxes,
coco-results-masks.json for masks and coco-results-joints.json for joints.
"""

import json
import pathlib

from minivision.cli.images import check_overwrites, expand, for_each_image, unique_names
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
    parser.add_argument("images", nargs="+", metavar="IMAGE", help="an image file, or a pattern")
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
    from minivision.models.base.resizing import Resizing
    from minivision.tasks import get_task
    from minivision.training import Checkpoint

    paths = expand(args.images)
    names = unique_names(paths)
    checkpoint = Checkpoint.load(args.run_folder)
    model = checkpoint.make_model()
    choose_backend(args)
    model = on_backend(args, model)
    task = get_task(model.task)
    check_overwrites(paths, args.out, names, ("overlay.png", "labels.png", "objects.json"))
    results = _CocoResults(args.coco, model, task, paths) if args.coco else None
    network_size = args.size or checkpoint.data.get("size")
    model = model if network_size is None else Resizing(model, network_size)

    def work(path, name, image):
        prediction = model.predict([image])[0]
        args.out.mkdir(parents=True, exist_ok=True)
        task.write(image, prediction, model, args.out, name)
        with atomic_write(args.out / f"{name}-overlay.png") as partial:
            task.draw(image, prediction, model).savefig(partial, format="png")
        if results:
            results.add(path, prediction)

    failed = for_each_image(paths, names, work)
    if results and failed < len(paths):
        results.write(args.out)
    print(f"Wrote the {task.output} and overlays of {len(paths) - failed} images into {args.out}")
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
