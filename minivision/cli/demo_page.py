"""The page and the pictures that the demo writes; the page is one HTML file that contains its pictures."""

import base64
import html
import importlib.resources
import math
import string

from minivision.tasks import get_task

NAMES = {  # names of the systems in a sentence
    "sliding-window": "A sliding window",
    "full-resolution": "A network of full resolution",
    "encoder-decoder": "An encoder-decoder network",
    "localizer": "A network with two heads",
    "pose": "A network for poses",
    "rcnn": "R-CNN",
    "fast-rcnn": "Fast R-CNN",
    "faster-rcnn": "Faster R-CNN",
    "yolo": "YOLO",
    "ssd": "SSD",
    "yolov2": "YOLOv2",
    "mask-rcnn": "Mask R-CNN",
    "densecap": "DenseCap",
}
MAX_TILES = 4
PIXELS = 'class="pixels" '


def save_pictures(out, model, samples):
    """Predict the samples' images and write pictures of each, and ``comparison.png`` of all together.

    Parameters
    ----------
    out : Path
        The folder.
    model : Model
    samples : list of Sample

    Returns
    -------
    list of tuple of Path
        For each sample the files of image, ground truth and prediction.
    """
    from PIL import Image

    task = get_task(model.task)
    images = [sample.image for sample in samples]
    truths, predictions = task.comparable(samples, model.predict(images), model)
    task.draw_comparison(images, truths, predictions, model).savefig(out / "comparison.png")
    files = []
    for number, (image, *annotations) in enumerate(zip(images, truths, predictions, strict=True), start=1):
        names = [out / f"scene-{number}-{name}.png" for name in ("input", "truth", "prediction")]
        Image.fromarray(image).save(names[0])
        for annotation, name in zip(annotations, names[1:], strict=True):
            task.save_picture(image, annotation, model, name)
        files.append(tuple(names))
    return files


def write_page(path, *, model, pictures, curves, metrics, facts):
    """Write the page.

    Parameters
    ----------
    path : Path
    model : Model
    pictures : list of tuple of Path
        For each scene the PNG files of image, ground truth and prediction.
    curves : (Path, Path), optional
        The loss curve on a light and on a dark background.
    metrics : dict
        Result of :func:`minivision.tasks.evaluate`.
    facts : dict
        The other words of the page: ``duration``, ``images``, ``steps``, ``parameters``, ``level``, ``seed``,
        ``system``, ``version``.
    """
    template = importlib.resources.files("minivision.cli").joinpath("demo.html").read_text(encoding="utf-8")
    task = get_task(model.task)
    tiles = {**task.summary(metrics), "training steps": facts["steps"], "parameters": facts["parameters"]}
    bars = task.bars(metrics)
    page = string.Template(template).substitute(
        facts,
        name=NAMES.get(model.name, model.name),
        supervision=task.supervision(metrics),
        picture_note=f"The scenes are not selected by their results. {task.picture_note(model)}".rstrip(),
        tiles="\n".join(_tile(*tile) for tile in list(tiles.items())[:MAX_TILES]),
        validated=metrics["images"],
        legend="\n  ".join([_legend(model.classes), *([_skeleton_legend()] if task.shows_joints(metrics) else ())]),
        rows="\n".join(_row(number, files, task) for number, files in enumerate(pictures, start=1)),
        bars_heading=bars.heading,
        bars_explanation=bars.explanation,
        bars="\n".join(_bars(bars.values, _css_colors(model.classes))),
        loss=_loss(curves) if curves else "",
    )
    path.write_text(page, encoding="utf-8")


def _embedded(path):
    """Return a picture as text, for use inside the page."""
    return "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode()


def _loss(curves):
    light, dark = map(_embedded, curves)
    return f"""<h2>Loss</h2>
  <p class="faint">The loss of every step, and its running mean.</p>
  <picture>
    <source srcset="{dark}" media="(prefers-color-scheme: dark)">
    <img class="curve" src="{light}" alt="The loss over the steps of training">
  </picture>"""


def _tile(title, value):
    return f'    <div class="figure"><b>{value}</b><span>{html.escape(title)}</span></div>'


def _row(number, files, task):
    """Return the pictures of a scene; those with as many pixels as the scene are not smoothed."""
    pixels = (True, *[task.pixel_aligned] * 2)
    return "".join(
        f'<img {PIXELS * sharp}src="{_embedded(file)}" alt="Scene {number}: {name}">'
        for file, name, sharp in zip(files, ("input", "truth", "prediction"), pixels, strict=True)
    )


def _css_colors(classes):
    from minivision.viz import class_colors

    colors = [f"rgb({r} {g} {b})" for r, g, b in class_colors(len(classes)).tolist()]
    colors[0] = "var(--faint)"  # the background; visible on light and on dark pages
    return dict(zip(classes, colors, strict=True))


def _legend(classes):
    colors = list(_css_colors(classes).items())[1:]
    return _list(f'<span class="chip" style="background:{color}"></span>{html.escape(name)}' for name, color in colors)


def _skeleton_legend():
    from minivision.viz.instances import PART_COLORS

    colors = ((name, " ".join(f"{255 * part:.0f}" for part in color)) for name, color in PART_COLORS.items())
    return _list(f'<span class="bone" style="background:rgb({rgb})"></span>{name}' for name, rgb in colors)


def _list(entries):
    return f'<ul class="legend">{"".join(f"<li>{entry}</li>" for entry in entries)}</ul>'


def _bars(values, colors):
    """Yield a bar for each value, in the color of its class if it has one."""
    for name, value in values.items():
        known = not math.isnan(value)
        yield (
            f"<span>{html.escape(name)}</span>"
            f'<div class="track"><div class="fill" style="width:{100 * value if known else 0:.1f}%;'
            f'background:{colors.get(name, "var(--link)")}"></div></div>'
            f'<span class="value">{f"{value:.2f}" if known else "none"}</span>'
        )
