"""The page of ``minivision evaluate --errors --out``: what a detector does wrong, with pictures, the worst first."""

import math

import numpy as np

from minivision.cli.page_parts import fill, picture, rectangle, text
from minivision.data.ground_truth import GroundTruth
from minivision.metrics.errors import KINDS
from minivision.tasks.errors import TITLES, calibration_text
from minivision.tasks.misses import CAUSES

MAX_CARDS = 60  # images that are shown
MAX_LINES = 8  # errors of one image that are written below it
MAX_CURVES = 24  # classes whose curves are shown
MAX_POINTS = 100  # of a curve
UNEXPLAINED = "not found"  # the error of an object that was missed, where it is not known why
NOT_FOUND, FOUND, FALSE, RIGHT = "#d55e00", "#009e73", "#cc79a7", "#56b4e9"  # colors of boxes
PRECISION, RECALL, F1 = "#0072b2", "#e69f00", "#009e73"  # colors of curves


def page(report, dataset, about, version):
    """Return the page of an `ErrorReport` as text; `about` says in a sentence what was evaluated.

    The images are those of a `Dataset`, or of a `GroundTruth`, which has some that cannot be opened.
    """
    errors = next(iter(report.errors.values()))
    worst = sorted(range(len(report.images)), key=lambda index: -_badness(report.images[index], report.score))
    worst = [index for index in worst if _badness(report.images[index], report.score)]
    cards = [_card(report, dataset, index, errors.classes) for index in worst[:MAX_CARDS]]
    probabilities = errors.score_range == (0, 1)
    return fill(
        "errors_page.html",
        name=text(about),
        summary=text(_summary(errors)),
        tables="\n".join(_tables(report, kind) for kind in report.errors),
        score=f"{report.score:.3g}",
        confusion=_confusion(errors.confusion(report.score), errors.classes),
        curves=_curves(errors.score_curves(), errors.score_range),
        calibration=text(_calibration_text(errors)),
        reliability=_reliability(errors.calibration()) if probabilities else "",
        class_options=_options({label: name for label, name in enumerate(errors.classes) if label}),
        kind_options=_options(
            {
                name: name
                for name in (*KINDS[:-1], *(CAUSES if report.causes else [UNEXPLAINED]))
                if name != "coarse mask"
            }
        ),
        cards="".join(cards),
        rest=_rest(len(worst)),
        version=text(version),
    )


def _summary(errors):
    objects = sum(each["objects"] for each in errors.by_class.values())
    return (
        f"{errors.unfound} of {objects} objects are not found with any score. "
        f"AP50 is {_number(errors.ap)}; the tables say by how much it would rise without one kind of error (dAP)."
    )


def _badness(image, score):
    """Return how much is wrong in an image: objects that were not found, and false detections."""
    return int(image.outcome.unfound.sum()) + int(image.false(score).sum())


def _rest(number):
    more = number - MAX_CARDS
    return f'<p class="faint">and {more} more image{"s" * (more != 1)} with errors</p>' if more > 0 else ""


def _options(names):
    return "".join(f'<option value="{text(_word(value))}">{text(name)}</option>' for value, name in names.items())


def _word(value):
    """Return a name of a class or kind of error in one word, for lists of them."""
    return str(value).replace(" ", "-")


def _number(value):
    return "-" if math.isnan(value) else f"{value:.3f}"


# ---- tables and curves ---------------------------------------------------------------------------------------------


def _tables(report, kind):
    """Return the numbers of boxes or masks: kinds of errors, and causes of misses."""
    errors, title = report.errors[kind], TITLES[kind]
    kinds = [(name, errors.counts[name], _number(errors.cost[name])) for name in KINDS]
    lost = [(name, count, CAUSES[name]) for name, count in report.causes.get(kind, {}).items()]
    steps = (
        _rows(("lost by", "objects", ""), lost)
        if report.causes
        else "<p>Not known: these detections are from a file, and no detector is at hand that could be looked into.</p>"
    )
    return (
        f"<h2>Errors of {title}</h2>{_rows(('kind', 'errors', 'dAP'), kinds)}"
        f"<h2>Which step lost the {errors.unfound} {title} that are not found</h2>{steps}"
    )


def _rows(head, rows):
    first = "".join(f"<th>{name}</th>" for name in head)
    lines = (f'<tr><td>{text(a)}</td><td class="count">{b}</td><td>{text(c)}</td></tr>' for a, b, c in rows)
    return f'<table class="numbers"><tr>{first}</tr>{"".join(lines)}</table>'


def _confusion(counts, classes):
    """Return a confusion matrix as a table; the darker, the more of the row."""
    names = ["background", *classes[1:]]
    lines = ["<tr><th></th>" + "".join(f"<th>{text(name)}</th>" for name in names) + "</tr>"]
    for true, (name, row) in enumerate(zip(names, counts.tolist(), strict=True)):
        cells = (_cell(number, sum(row), true, detected) for detected, number in enumerate(row))
        lines.append(f"<tr><th>{text(name)}</th>{''.join(cells)}</tr>")
    return f'<div class="wide"><table class="confusion">{"".join(lines)}</table></div>'


def _cell(number, total, true, detected):
    share = number / total if total else 0
    right = ' class="right"' if true == detected else ""
    return f'<td{right} style="background:rgba(213,94,0,{0.6 * share:.2f})">{number or ""}</td>'


def _curves(curves, limits):
    """Return precision, recall and F1 of each class; the axis has scores within these limits."""
    drawn = []
    for name, curve in list(curves.items())[:MAX_CURVES]:
        best = curve.best
        lines = [
            _line(_place(curve.scores, limits), values, color)
            for values, color in ((curve.precision, PRECISION), (curve.recall, RECALL), (curve.f1, F1))
        ]
        if not math.isnan(best["score"]):
            x = 100 * _place(best["score"], limits)
            lines.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="60" stroke="{F1}" stroke-width=".4"/>')
        words = f"best at {_number(best['score'])}: precision {best['precision']:.2f}, recall {best['recall']:.2f}"
        drawn.append(f'<div class="curve"><b>{text(name)}</b>{_axes(lines, limits)}{words}</div>')
    more = f'<p class="faint">and {len(curves) - MAX_CURVES} more classes</p>' if len(curves) > MAX_CURVES else ""
    return f'<div class="curves">{"".join(drawn)}</div>{more}'


def _place(scores, limits):
    """Return where scores are between the limits, from 0 to 1."""
    return (scores - limits[0]) / (limits[1] - limits[0])


def _line(places, values, color):
    """Return a curve over places from 0 to 1, with at most `MAX_POINTS` points."""
    chosen = np.unique(np.linspace(0, max(len(places) - 1, 0), MAX_POINTS).astype(int)) if len(places) else []
    points = " ".join(f"{100 * places[k]:.1f},{60 - 60 * values[k]:.1f}" for k in chosen)
    return f'<polyline points="{points}" fill="none" stroke="{color}" vector-effect="non-scaling-stroke"/>'


def _axes(shapes, limits=(0, 1)):
    frame = '<rect x="0" y="0" width="100" height="60" fill="none" stroke="currentColor" stroke-width=".3"/>'
    labels = (
        f'<text x="0" y="66" font-size="5" fill="currentColor">{limits[0]:g}</text>'
        f'<text x="100" y="66" font-size="5" fill="currentColor" text-anchor="end">score {limits[1]:g}</text>'
    )
    return f'<svg viewBox="0 0 100 68" role="img">{frame}{labels}{"".join(shapes)}</svg>'


def _calibration_text(errors):
    if errors.score_range != (0, 1):
        return f"{calibration_text(errors).capitalize()}."
    calibration = errors.calibration()
    if math.isnan(calibration.error):
        return "There are no detections."
    return (
        "If scores were probabilities, a share of s of the detections with a score around s would be right (the "
        f"diagonal). They are off by {calibration.error:.3f} on average (D-ECE)."
    )


def _reliability(calibration):
    """Return the share of right detections by their score, as bars."""
    bars = ['<line x1="0" y1="60" x2="100" y2="0" stroke="currentColor" stroke-width=".3" stroke-dasharray="2 2"/>']
    for low, high, precision in zip(calibration.edges, calibration.edges[1:], calibration.precision, strict=False):
        if not math.isnan(precision):
            bars.append(
                f'<rect x="{100 * low + 0.5:.1f}" y="{60 - 60 * precision:.1f}" width="{100 * (high - low) - 1:.1f}" '
                f'height="{60 * precision:.1f}" fill="{PRECISION}"/>'
            )
    return f'<div class="curves"><div class="curve"><b>share that is right</b>{_axes(bars)}</div></div>'


# ---- images --------------------------------------------------------------------------------------------------------


def _card(report, dataset, index, classes):
    """Return an image with truth and detections, and what is wrong below it."""
    image, score = report.images[index], report.score
    lines, words = [], []
    for t in np.flatnonzero(image.outcome.unfound).tolist():
        label, cause = image.truth.labels[t], image.causes.get(t)
        lines.append(f"{text(classes[label])} {UNEXPLAINED}{'' if cause is None else f': {cause}'}")
        words.append(f"{label}:{_word(cause or UNEXPLAINED)}")
    for d in np.flatnonzero(image.false(score)):
        label, kind = image.prediction.labels[d], KINDS[image.outcome.kinds[d] - 1]
        lines.append(f"{text(classes[label])} {image.outcome.scores[d]:.2f}: {kind}")
        words.append(f"{label}:{kind}")
    if len(lines) > MAX_LINES:
        lines = [*lines[: MAX_LINES - 1], f"and {len(lines) - MAX_LINES + 1} more"]
    path = dataset.image_path(index)
    name = f"image {index}" if path is None else path.name
    content, note = _open(dataset, index, image)
    if note:
        lines.insert(0, f"<em>{note}</em>")
    items = "".join(f"<li>{line}</li>" for line in lines)
    return (
        f'<div class="card" data-errors="{" ".join(words)}">{picture(content, _boxes(image, score))}'
        f'<b title="{text(path or name)}">{text(name)}</b><ul>{items}</ul></div>'
    )


def _open(dataset, index, image):
    """Return an image; a gray one as large as its boxes, and a note that says so, where it cannot be opened."""
    content = dataset.image(index) if isinstance(dataset, GroundTruth) else dataset[index].image
    if content is not None:
        return content, ""
    boxes = np.concatenate([image.truth.boxes, image.prediction.boxes])
    width, height = (int(side) for side in boxes[:, 2:].max(axis=0).clip(32, 10_000))
    return np.full((height, width, 3), 128, np.uint8), "the image cannot be opened"


def _boxes(image, score):
    """Return the boxes of an image: detections, and over them the objects; those not found are dashed."""
    false, shown = image.false(score), image.outcome.scores >= score
    shapes = [rectangle(box, RIGHT, 1) for box in image.prediction.boxes[shown & ~false].tolist()]
    shapes += [rectangle(box, FALSE, 1.5) for box in image.prediction.boxes[false].tolist()]
    for t, box in enumerate(image.truth.boxes.tolist()):
        if image.outcome.unfound[t]:
            shapes.append(rectangle(box, NOT_FOUND, 2.5, dashed=True, rim=True))
        elif not image.truth.crowd[t]:
            shapes.append(rectangle(box, FOUND, 1.5))
    return shapes
