"""The page that the demo ends with: one HTML file with its pictures inside."""

import base64
import html
import importlib.resources
import math
import string


def write_page(path, *, pictures, curves, figures, facts):
    """Write the page.

    Parameters
    ----------
    path : Path
    pictures : list of tuple of Path
        For each scene the PNG files of input, truth and prediction.
    curves : (Path, Path)
        The loss curve on light and on dark ground.
    figures : dict
        What :func:`minivision.metrics.evaluate` returned.
    facts : dict
        The other words of the page: ``duration``, ``images``, ``steps``, ``parameters``, ``level``, ``seed``,
        ``version``.
    """
    template = importlib.resources.files("minivision.cli").joinpath("demo.html").read_text(encoding="utf-8")
    page = string.Template(template).substitute(
        facts,
        miou=f"{figures['miou']:.2f}",
        accuracy=f"{100 * figures['pixel_accuracy']:.0f} %",
        validated=figures["images"],
        legend="".join(_legend(list(figures["iou"]))),
        rows="\n".join(_row(number, files) for number, files in enumerate(pictures, start=1)),
        bars="\n".join(_bars(figures["iou"])),
        curve_light=_inside(curves[0]),
        curve_dark=_inside(curves[1]),
    )
    path.write_text(page, encoding="utf-8")


def _inside(path):
    """Return a picture as text, to stand inside the page."""
    return "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode()


def _row(number, files):
    names = ("input", "true classes", "predicted classes")
    return "".join(
        f'<img src="{_inside(file)}" alt="Scene {number}: {name}">' for file, name in zip(files, names, strict=True)
    )


def _css_colors(classes):
    from minivision.viz import class_colors

    colors = [f"rgb({r} {g} {b})" for r, g, b in class_colors(len(classes)).tolist()]
    colors[0] = "var(--faint)"  # the background: to be seen on light and on dark ground
    return dict(zip(classes, colors, strict=True))


def _legend(classes):
    for name, color in list(_css_colors(classes).items())[1:]:
        yield f'<li><span class="chip" style="background:{color}"></span>{html.escape(name)}</li>'


def _bars(iou):
    for name, color in _css_colors(list(iou)).items():
        known = not math.isnan(iou[name])
        yield (
            f"<span>{html.escape(name)}</span>"
            f'<div class="track"><div class="fill" style="width:{100 * iou[name] if known else 0:.1f}%;'
            f'background:{color}"></div></div>'
            f'<span class="value">{f"{iou[name]:.2f}" if known else "none"}</span>'
        )
