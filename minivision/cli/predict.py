"""Run a trained system on images.

For each image NAME it writes NAME-labels.png, whose pixel values are the classes, and NAME-overlay.png, a
picture for people.
"""

import pathlib
import sys

from minivision.cli.arguments import size
from minivision.cli.evaluate import load_run

EPILOG = """\
examples:
  minivision predict runs/scenes photo.jpg --out predictions
  minivision predict runs/cells slides/*.png --size 256x256 --out predictions
"""


def add_arguments(parser, system):
    parser.add_argument("run_folder", type=pathlib.Path, metavar="DIR", help="the folder of a run, or a checkpoint")
    parser.add_argument("images", nargs="+", type=pathlib.Path, metavar="IMAGE", help="an image file")
    parser.add_argument("--out", required=True, type=pathlib.Path, metavar="DIR", help="where the pictures go")
    parser.add_argument(
        "--size", type=size, metavar="HxW",
        help="the size at which the network sees the images (default: that of training, if it had one)",
    )  # fmt: skip


def run(args):
    from tqdm import tqdm

    from minivision.data import read_image

    checkpoint = load_run(args.run_folder)
    model = checkpoint.make_model()
    if model.task != "segmentation":
        raise ValueError(f"{checkpoint.system} predicts {model.task}s, and only label maps can be written so far")
    seen_size = args.size or checkpoint.data.get("size")
    args.out.mkdir(parents=True, exist_ok=True)
    names, failed = _unique_names(args.images), 0
    for path, name in zip(tqdm(args.images, unit="image", leave=False), names, strict=True):
        try:
            image = read_image(path)
        except (ValueError, OSError) as error:
            tqdm.write(f"minivision: {error}", file=sys.stderr)
            failed += 1
            continue
        _write(image, predict_label_map(model, image, seen_size), model.classes, args.out, name)
    print(f"Wrote the label maps and overlays of {len(args.images) - failed} images into {args.out}")
    if failed:
        print(f"minivision: {failed} of {len(args.images)} images could not be read", file=sys.stderr)
    return 1 if failed else 0


def predict_label_map(model, image, seen_size=None):
    """Return the label map of one image, of the image's size, seen by the network at `seen_size` if given."""
    if seen_size is None:
        return model.predict([image])[0]
    import numpy as np
    from PIL import Image

    height, width = seen_size
    resized = np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR))
    label_map = Image.fromarray(model.predict([resized])[0].astype(np.uint8))
    return np.asarray(label_map.resize((image.shape[1], image.shape[0]), Image.Resampling.NEAREST))


def _write(image, label_map, classes, out, name):
    from minivision.viz import draw_segmentation, save_label_map

    save_label_map(label_map, out / f"{name}-labels.png", len(classes))
    draw_segmentation(image, label_map, classes).savefig(out / f"{name}-overlay.png")


def _unique_names(paths):
    """Return a name for each path, its stem, with a number where two are alike."""
    names, used = [], set()
    for path in paths:
        name, number = path.stem, 2
        while name in used:
            name, number = f"{path.stem}-{number}", number + 1
        used.add(name)
        names.append(name)
    return names
