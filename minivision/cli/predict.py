"""Run a trained system on images.

For each image NAME it writes NAME-overlay.png, a picture of the prediction, and the prediction itself: NAME-labels.png,
whose pixel values are the classes, or NAME-objects.json, a list of objects with their boxes (x1, y1, x2, y2 in
pixels), scores, joints and masks. The picture of a detector shows the objects with a score of 0.5 or more (yolo: 0.2).
With --format the objects are written in files for other tools instead:
coco: coco-results.json for boxes, coco-results-masks.json and coco-results-joints.json, for COCO's evaluation.
yolo: labels/NAME.txt, labels-segment/NAME.txt and labels-pose/NAME.txt, as Ultralytics reads them.
labelme: NAME.json, to correct the predictions by hand. csv: predictions.csv, a line for each object.
coco and csv have all objects, for rankings; yolo and labelme those of the picture. --min-score sets it for all.
"""

import functools
import io
import pathlib
import tempfile

from minivision.cli.executors import add_executor_arguments, executor_of
from minivision.cli.images import check_is_folder, check_overwrites, expand, map_images, unique_names
from minivision.cli.options import add_backend_argument, choose_backend, on_backend, size
from minivision.cli.prediction_files import add_format_arguments, chosen_objects, make_writers
from minivision.core.atomic import atomic_write

EPILOG = """\
examples:
  minivision predict runs/scenes photo.jpg --out predictions
  minivision predict runs/cells slides/*.png --size 256x256 --out predictions
  minivision predict runs/mask cells/val/*.png --coco cells/annotations/instances_val.json --out predictions
  minivision predict runs/mask new/*.jpg --format labelme --out corrections
  minivision predict runs/mask new/*.jpg --scheduler tcp://10.0.0.5:8786 --out predictions
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
    add_executor_arguments(parser)
    add_format_arguments(parser)


def run(args):
    from minivision.data.prediction_files import PredictedImage
    from minivision.models.base.resizing import Resizing
    from minivision.tasks import get_task
    from minivision.training import Checkpoint

    paths = expand(args.images)
    names = unique_names(paths)
    check_is_folder(args.out)
    checkpoint = Checkpoint.load(args.run_folder)
    model = checkpoint.make_model()
    choose_backend(args)
    model = on_backend(args, model)
    task = get_task(model.task)
    check_overwrites(paths, args.out, names, ("overlay.png", "labels.png", "objects.json"))
    writers = make_writers(args, model, task, paths, names)
    network_size = args.size or checkpoint.data.get("size")
    model = model if network_size is None else Resizing(model, network_size)

    def take(path, name, result):
        prediction, size, files = result
        args.out.mkdir(parents=True, exist_ok=True)
        for file, content in files.items():
            with atomic_write(args.out / file) as partial:
                partial.write_bytes(content)
        for writer in writers:
            objects = chosen_objects(args, writer, task, prediction, model)
            writer.add(PredictedImage(path, name, size), objects)

    function = functools.partial(predict_image, model, not args.format, bool(writers))
    with executor_of(args) as executor:
        failed = map_images(executor, paths, names, function, take)
    if failed == len(paths):
        return 1
    for writer in writers:
        writer.finish()
    what = f"{task.output} ({', '.join(args.format)})" if args.format else f"{task.output} and overlays"
    images = "1 image" if len(paths) - failed == 1 else f"{len(paths) - failed} images"
    print(f"Wrote the {what} of {images} into {args.out}")
    return 1 if failed else 0


def predict_image(model, makes_files, is_kept, piece):
    """Predict one image, maybe on another machine.

    Parameters
    ----------
    model : Model
    makes_files : bool
        Whether the files of the prediction and of its picture are made.
    is_kept : bool
        Whether the prediction itself is wanted.
    piece : (path, str, bytes)
        The path, the name and the content of the image file.

    Returns
    -------
    prediction : object
        Or None.
    size : (height, width)
    files : dict of str to bytes
        The names and contents of the files to write.
    """
    from minivision.data import read_image

    path, name, content = piece
    image = read_image(path, content=content)
    prediction = model.predict([image])[0]
    files = _files(model, image, prediction, name) if makes_files else {}
    return prediction if is_kept else None, image.shape[:2], files


def _files(model, image, prediction, name):
    """Return the files of a prediction and of its picture, by name."""
    from minivision.tasks import get_task

    task = get_task(model.task)
    with tempfile.TemporaryDirectory(prefix="minivision-") as folder:
        task.write(image, prediction, model, pathlib.Path(folder), name)
        files = {file.name: file.read_bytes() for file in sorted(pathlib.Path(folder).iterdir())}
    picture = io.BytesIO()
    task.draw(image, prediction, model).savefig(picture, format="png")
    return {**files, f"{name}-overlay.png": picture.getvalue()}
