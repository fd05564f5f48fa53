"""The figures of an evaluation as text for people, laid out for each task."""

import math

UNKNOWN = "-"  # in the place of a figure that does not exist, such as that of a class that does not occur


def figures_table(task, figures):
    """Return what :func:`minivision.metrics.evaluate` returned for a model of this task as lines of text."""
    lines = _TABLES[task](figures)
    return "\n".join(f"  {line}".rstrip() for line in lines)


def _segmentation(figures):
    rows = {name: {"IoU": iou} for name, iou in figures["iou"].items()}
    absent = [name for name, iou in figures["iou"].items() if math.isnan(iou)]
    lines = _list({"mean IoU": figures["miou"], "pixel accuracy": figures["pixel_accuracy"]})
    lines += ["", *_rows("class", ["IoU"], rows)]
    return lines + [f"({', '.join(absent)}: neither occurs nor is predicted)"] * bool(absent)


def _localization(figures):
    titles = {"accuracy": "accuracy", "mean_iou": "mean IoU", "localized": "localized"}
    rows = {"all": figures, **figures["classes"]}
    rows = {name: {title: each[key] for key, title in titles.items()} for name, each in rows.items()}
    said = "localized: the class is right, and the boxes overlap with an IoU of .5 or more"
    return [*_rows("class", list(titles.values()), rows), "", said]


def _pose(figures):
    totals = {name: value for name, value in figures.items() if isinstance(value, float)}
    measure = next(iter(totals))  # by which the joints are rated
    rows = {name.replace("_", " "): {measure: value} for name, value in figures["joints"].items()}
    return [*_list(totals), "", *_rows("joint", [measure], rows)]


def _detection(figures):
    lines = []
    for part in (figures, figures.get("masks"), figures.get("keypoints")):
        if part is not None:
            names = [name for name, value in part.items() if name.startswith("AP") and isinstance(value, float)]
            lines += ["", part["protocol"], *_rows("class", names, {"mean": part, **part["classes"]})]
    return lines[1:]


_TABLES = {"segmentation": _segmentation, "localization": _localization, "pose": _pose, "detection": _detection}


def _list(figures):
    """Return a line for each figure."""
    width = 2 + max(map(len, figures))
    return [f"{name:<{width}}{_text(value)}" for name, value in figures.items()]


def _rows(head, columns, rows):
    """Return a line of titles and one for each row; `rows` maps a name to its figures by column."""
    width = 2 + max(map(len, [head, *rows]))
    widths = [max(len(column), 5) for column in columns]
    lines = [f"{head:<{width}}" + "  ".join(f"{c:>{w}}" for c, w in zip(columns, widths, strict=True))]
    for name, figures in rows.items():
        cells = (f"{_text(figures[c]):>{w}}" for c, w in zip(columns, widths, strict=True))
        lines.append(f"{name:<{width}}" + "  ".join(cells))
    return lines


def _text(value):
    return UNKNOWN if math.isnan(value) else f"{value:.3f}"
