"""The options of ``minivision predict`` that choose files for other tools."""

import pathlib

from minivision.cli.options import UsageError, share


def add_format_arguments(parser):
    from minivision.data.prediction_files import WRITERS

    parser.add_argument(
        "--format", action="append", choices=tuple(WRITERS), metavar="NAME",
        help=f"write objects for other tools, not pictures: {', '.join(WRITERS)}; may be given several times",
    )  # fmt: skip
    parser.add_argument(
        "--coco", type=pathlib.Path, metavar="FILE",
        help="annotations with the ids of these images and classes, for coco-results.json",
    )  # fmt: skip
    parser.add_argument(
        "--min-score", type=share, metavar="S", help="objects with this score or more are written by --format, 0 to 1"
    )
    parser.add_argument("--scores", action="store_true", help="end the lines of --format yolo with the score")


def make_writers(args, model, task, paths, names):
    """Return the writers of ``--format`` and ``--coco``, after everything is checked that can be wrong.

    Raises
    ------
    UsageError
        If the model predicts no objects, or the annotations do not list an image.
    FileExistsError
        If a file would be overwritten that may have been corrected by hand.
    """
    from minivision.data.prediction_files import prediction_writer

    formats = list(dict.fromkeys([*(args.format or []), *(["coco"] if args.coco else [])]))
    if args.scores and "yolo" not in formats:
        raise UsageError("--scores is for --format yolo; the other formats have the scores anyway")
    if formats and task.output != "objects":
        option = "--format" if args.format else "--coco"
        raise UsageError(f"{option} is for objects, and {model.name} predicts {task.output}")
    joints = getattr(model, "keypoint_names", None) or ()
    writers = [prediction_writer(name, args.out, model.classes, joints) for name in formats]
    for name, writer in zip(formats, writers, strict=True):
        writer.check(names)
        if name == "yolo":
            writer.scores = args.scores
        if name == "coco" and args.coco:
            writer.use_ids(*_ids(args.coco, model, paths))
    return writers


def chosen_objects(args, writer, task, prediction, model):
    """Return the objects of a prediction that a writer gets."""
    if args.min_score is not None:
        return prediction if prediction.scores is None else prediction[prediction.scores >= args.min_score]
    return task.shown(prediction, model) if writer.certain_only else prediction


def _ids(annotations, model, images):
    """Return the ids of the images by path, and those of the classes, from a file of annotations."""
    from minivision.data.coco_results import coco_ids, image_id_of

    known, category_ids = coco_ids(annotations, model.classes)
    image_ids = {path: image_id_of(path, known) for path in images}
    for path, number in image_ids.items():
        if number is None:
            same = [name for name in known if pathlib.PurePath(name).name == path.name]
            reason = f"lists {' and '.join(same)}; which is {path}?" if same else f"lists no image {path.name}"
            raise UsageError(f"--coco: {annotations} {reason}")
    first: dict[int, pathlib.Path] = {}
    for path, number in image_ids.items():
        if first.setdefault(number, path) != path:
            name = next(name for name, each in known.items() if each == number)
            raise UsageError(f"--coco: {first[number]} and {path} would both be {name} of {annotations}; leave one out")
    return image_ids, category_ids
