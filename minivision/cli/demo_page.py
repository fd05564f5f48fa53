"""The page that the demo ends with: one HTML file with its pictures inside."""

import base64
import html
import importlib.resources
import math
import string

from minivision.cli.demo_pictures import LEAST_SCORE, as_bars, in_words

NAMES = {  # what the systems are called in a sentence
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
}
TOLD = {  # of each scene, in training; by task
    "segmentation": "the class of every pixel",
    "localization": "the class and the box of the one object in each",
    "pose": "where the joints of the one person in each are",
    "detection": "the class and the box of every object",
}
MOST_TILES = 4
PIXELS = 'class="pixels" '


def write_page(path, *, model, pictures, curves, figures, facts):
    """Write the page.

    Parameters
    ----------
    path : Path
    model : Model
    pictures : list of tuple of Path
        For each scene the PNG files of input, truth and prediction.
    curves : (Path, Path)
        The loss curve on light and on dark ground.
    figures : dict
        What :func:`minivision.metrics.evaluate` returned.
    facts : dict
        The other words of the page: ``duration``, ``images``, ``steps``, ``parameters``, ``level``, ``seed``,
        ``system``, ``version``.
    """
    template = importlib.resources.files("minivision.cli").joinpath("demo.html").read_text(encoding="utf-8")
    tiles = {**in_words(model.task, figures), "steps of training": facts["steps"], "parameters": facts["parameters"]}
    bars = as_bars(model.task, figures)
    joints = model.task == "pose" or "keypoints" in figures
    page = string.Template(template).substitute(
        facts,
        name=NAMES.get(model.name, model.name),
        told=_told(model.task, figures),
        shown=_shown(model.task),
        tiles="\n".join(_tile(*tile) for tile in list(tiles.items())[:MOST_TILES]),
        validated=figures["images"],
        legend="\n  ".join([_legend(model.classes), *([_skeleton_legend()] if joints else ())]),
        rows="\n".join(_row(number, files, model.task) for number, files in enumerate(pictures, start=1)),
        bars_heading=bars.heading,
        bars_explanation=bars.explanation,
        bars="\n".join(_bars(bars.figures, _css_colors(model.classes))),
        curve_light=_inside(curves[0]),
        curve_dark=_inside(curves[1]),
    )
    path.write_text(page, encoding="utf-8")


def _told(task, figures):
    more = [what for name, what in (("masks", "its mask"), ("keypoints", "the joints of people")) if name in figures]
    return ", ".join([TOLD[task], *more[:-1]]) + (f", and {more[-1]}" if more else "")


def _shown(task):
    """Return which scenes and objects the pictures show, as a sentence."""
    scenes = "They are not chosen by how well it does."
    return f"{scenes} Drawn are the objects of a score of {LEAST_SCORE} and more." if task == "detection" else scenes


def _inside(path):
    """Return a picture as text, to stand inside the page."""
    return "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode()


def _tile(what, value):
    return f'    <div class="figure"><b>{value}</b><span>{html.escape(what)}</span></div>'


def _row(number, files, task):
    """Return the pictures of a scene; those of as many pixels as the scene are shown pixel by pixel."""
    pixels = (True, *[task == "segmentation"] * 2)
    return "".join(
        f'<img {PIXELS * sharp}src="{_inside(file)}" alt="Scene {number}: {name}">'
        for file, name, sharp in zip(files, ("input", "truth", "prediction"), pixels, strict=True)
    )


def _css_colors(classes):
    from minivision.viz import class_colors

    colors = [f"rgb({r} {g} {b})" for r, g, b in class_colors(len(classes)).tolist()]
    colors[0] = "var(--faint)"  # the background: to be seen on light and on dark ground
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


def _bars(figures, colors):
    """Return a bar for each figure, in the colour of its class if it has one."""
    for name, value in figures.items():
        known = not math.isnan(value)
        yield (
            f"<span>{html.escape(name)}</span>"
            f'<div class="track"><div class="fill" style="width:{100 * value if known else 0:.1f}%;'
            f'background:{colors.get(name, "var(--link)")}"></div></div>'
            f'<span class="value">{f"{value:.2f}" if known else "none"}</span>'
        )
