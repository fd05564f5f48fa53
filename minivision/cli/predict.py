"""Run a trained system on images.

For each image NAME it writes NAME-overlay.png, a picture for people, and what was predicted: NAME-labels.png,
whose pixel values are the classes, or NAME-objects.json, a list of objects with their boxes (x1, y1, x2, y2 in
pixels), scores, joints and masks. With --coco the objects are also written to coco-results.json, the format that
COCO's evaluators read.
"""

import json
import pathlib
import sys

from minivision.cli.evaluate import load_run
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
    parser.add_argument("--out", required=True, type=pathlib.Path, metavar="DIR", help="where the pictures go")
    parser.add_argument(
        "--size", type=size, metavar="HxW",
        help="the size at which the network sees the images (default: that of training, if it had one)",
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

    checkpoint = load_run(args.run_folder)
    model = checkpoint.make_model()
    choose_backend(args)
    model = on_backend(args, model)
    write, what = (_write_segmentation, "label maps") if model.task == "segmentation" else (_write_objects, "objects")
    results = _CocoResults(args.coco, model, args.images) if args.coco else None
    seen_size = args.size or checkpoint.data.get("size")
    model = model if seen_size is None else Resizing(model, seen_size)
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
        write(image, prediction, model, args.out, name)
        if results:
            results.add(path, prediction)
    if results:
        results.write(args.out)
    print(f"Wrote the {what} and overlays of {len(args.images) - failed} images into {args.out}")
    if failed:
        print(f"minivision: {failed} of {len(args.images)} images could not be read", file=sys.stderr)
    return 1 if failed else 0


def _write_segmentation(image, label_map, model, out, name):
    from minivision.viz import draw_segmentation, save_label_map

    save_label_map(label_map, out / f"{name}-labels.png", len(model.classes))
    draw_segmentation(image, label_map, model.classes).savefig(out / f"{name}-overlay.png")


def _write_objects(image, instances, model, out, name):
    from minivision.viz import draw_instances

    objects = [_plain(instances[k], model) for k in range(len(instances))]
    content = {"height": image.shape[0], "width": image.shape[1], "objects": objects}
    with atomic_write(out / f"{name}-objects.json") as file:
        file.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    figure = draw_instances(image, instances, model.classes, keypoint_names=model.keypoint_names)
    figure.savefig(out / f"{name}-overlay.png")


class _CocoResults:
    """The objects of all images in COCO's format, with the ids of a file of annotations."""

    def __init__(self, annotations, model, images):
        from minivision.data.coco_results import coco_ids

        if model.task == "segmentation":
            raise UsageError(f"--coco is for objects, and {model.name} predicts label maps")
        self.image_ids, self.category_ids = coco_ids(annotations, model.classes)
        unknown = [path.name for path in images if path.name not in self.image_ids]
        if unknown:
            raise UsageError(f"--coco: {annotations} lists no image {unknown[0]}")
        self.results = []

    def add(self, path, instances):
        from minivision.data.coco_results import coco_results

        self.results += coco_results(instances, self.image_ids[path.name], self.category_ids)

    def write(self, out):
        with atomic_write(out / "coco-results.json") as file:
            file.write_text(json.dumps(self.results) + "\n", encoding="utf-8")


def _plain(instance, model):
    """Return one object as a dict of plain values."""
    from minivision.data import rle

    plain = {"class": model.classes[instance.labels[0]], "box": _rounded(instance.boxes[0])}
    if instance.scores is not None:
        plain["score"] = round(float(instance.scores[0]), 4)
    if instance.keypoints is not None:
        joints = zip(model.keypoint_names, instance.keypoints[0], strict=True)
        plain["joints"] = {name: _rounded(joint[:2]) for name, joint in joints if joint[2] > 0}
    if instance.has_masks:
        plain["mask"] = rle.encode(instance.masks[0])  # run lengths, as in COCO's files
    return plain


def _rounded(values):
    return [round(float(value), 2) for value in values]


def unique_names(paths):
    """Return a name for each path, its stem, with a number where two are alike."""
    names, used = [], set()
    for path in paths:
        name, number = path.stem, 2
        while name in used:
            name, number = f"{path.stem}-{number}", number + 1
        used.add(name)
        names.append(name)
    return names
