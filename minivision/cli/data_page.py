"""The page of ``minivision data check --html``: one HTML file that contains its pictures, the worst first."""

import base64
import html
import importlib.resources
import io
import math
import string

from minivision.core.printable import printable

MAX_CARDS = 12  # images that are shown of a kind
MAX_LINES = 4  # problems of one image that are written below it
MAX_TEXTS = 40  # problems without an image
LONGEST = 480  # pixels of a thumbnail's longer side
REACH = 0.5  # of the image, on each side: how far boxes are shown that lie outside
LEAST = 0.01  # side of a box: one of 0 is not drawn by browsers
MEANT, OTHER = "#d55e00", "#56b4e9"  # colors of boxes
SMALL = 0.05  # of the picture: a box below that gets a ring around it


def page(inspection, version):
    """Return the page of an `Inspection` as text."""
    template = importlib.resources.files("minivision.cli").joinpath("data_page.html").read_text(encoding="utf-8")
    from minivision.data.problems import KINDS

    kinds = inspection.by_kind
    return string.Template(template).substitute(
        name=_text(inspection.spec),
        summary=_text(summary(inspection)),
        splits="<br>".join(_text(line) for line in split_lines(inspection)),
        rows="\n".join(_row(name, KINDS[name], len(problems)) for name, problems in kinds.items()),
        sections="\n".join(_section(inspection, name, KINDS[name], problems) for name, problems in kinds.items()),
        version=_text(version),
    )


def summary(inspection):
    """Return in one sentence how many problems there are."""
    counts = [f"{number} {name}{'s' * (number != 1)}" for name, number in inspection.counts.items() if number]
    return f"{', '.join(counts)}." if counts else "Nothing is wrong."


def split_lines(inspection):
    """Return a line for each split: its images, its objects by class."""
    lines = []
    for split, (dataset, images, objects) in inspection.splits.items():
        what = "objects" if dataset.has_boxes else "images with"
        shown = ", ".join(f"{number} {name}" for name, number in objects.items())
        lines.append(f"{split}: {images} image{'s' * (images != 1)}; {what}: {shown or 'none'}")
    return lines


def _text(value):
    return html.escape(printable(value))


def _row(name, kind, number):
    return (
        f'    <tr><td class="{kind.severity}">{kind.severity}</td><td class="count">{number}</td>'
        f'<td><a href="#{name}">{_text(kind.title)}</a></td></tr>'
    )


def _section(inspection, name, kind, problems):
    """Return what there is of one kind: cards with pictures, or a list where no image is concerned."""
    by_image = {}
    for problem in problems:
        by_image.setdefault((problem.split, problem.file), []).append(problem)
    lines = [f'  <h2 id="{name}"><span class="{kind.severity}">{kind.severity}</span> {_text(kind.title)}</h2>']
    lines.append(
        f"  <p>{len(problems)} case{'s' * (len(problems) != 1)}: {_text(kind.advice)}.</p>".replace("?.</p>", "?</p>")
    )
    if name in ("split", "reader", "different-classes", "unused-class", "one-split-class"):
        texts = [f"{problem.split}: {problem.detail}" if problem.split else problem.detail for problem in problems]
        items = "".join(f"<li>{_text(text)}</li>" for text in texts[:MAX_TEXTS])
        return "\n".join([*lines, f'  <ul class="texts">{items}</ul>', _rest(len(texts), MAX_TEXTS, "")])
    cards = [_card(inspection, split, file, each) for (split, file), each in list(by_image.items())[:MAX_CARDS]]
    return "\n".join(
        [*lines, f'  <div class="cards">{"".join(cards)}</div>', _rest(len(by_image), MAX_CARDS, "images")]
    )


def _rest(number, shown, what):
    return f'  <p class="faint">and {number - shown} more {what}</p>' if number > shown else ""


def _card(inspection, split, file, problems):
    """Return an image with what is wrong in it."""
    image, others = _image(inspection, split, file, problems[0].index)
    picture = '<div class="none">no picture</div>'
    if image is not None:
        picture = _picture(image, [problem.boxes for problem in problems], others)
    lines = [_text(problem.detail) for problem in problems[:MAX_LINES]]
    if len(problems) > MAX_LINES:
        lines.append(f"and {len(problems) - MAX_LINES} more")
    name = f"{split}/{file.replace(chr(92), '/').rpartition('/')[2]}"
    items = "".join(f"<li>{line}</li>" for line in lines)
    return f'<div class="card">{picture}<b title="{_text(file)}">{_text(name)}</b><ul>{items}</ul></div>'


def _image(inspection, split, file, index):
    """Return the pixels of an image and the boxes of its objects; None if it cannot be read."""
    from minivision.data import BrokenFileError, read_image

    if index is not None and split in inspection.splits:
        try:
            sample = inspection.splits[split].dataset[index]
            return sample.image, sample.instances.boxes.tolist()
        except BrokenFileError:
            pass  # such as one of another size than annotated: it can still be shown
    try:
        return read_image(file), []
    except BrokenFileError:
        return None, []


def _picture(image, groups, others):
    """Return an SVG picture: a thumbnail of the image, and boxes over it in the image's own pixels."""
    from PIL import Image

    height, width = image.shape[:2]
    thumbnail = Image.fromarray(image)
    thumbnail.thumbnail((LONGEST, LONGEST))
    file = io.BytesIO()
    thumbnail.save(file, "JPEG", quality=80)
    content = base64.b64encode(file.getvalue()).decode()
    meant = {box for boxes in groups for box in boxes if all(map(math.isfinite, box))}
    x1, y1, x2, y2 = _view(width, height, meant)
    longest = max(x2 - x1, y2 - y1)
    shapes = [_rectangle(box, OTHER, 1) for box in others if tuple(box) not in meant]
    for boxes in groups:
        for number, box in enumerate(box for box in boxes if box in meant):
            shapes.append(_rectangle(box, MEANT, 2.5, dashed=number > 0))
            if max(box[2] - box[0], box[3] - box[1]) < SMALL * longest:
                shapes.append(_ring(box, SMALL * longest))
    sharp = ' style="image-rendering:pixelated"' if max(width, height) < LONGEST // 2 else ""
    return (
        f'<svg viewBox="{x1:g} {y1:g} {x2 - x1:g} {y2 - y1:g}" role="img">'
        f'<image href="data:image/jpeg;base64,{content}" width="{width}" height="{height}" '
        f'preserveAspectRatio="none"{sharp}/>{"".join(shapes)}</svg>'
    )


def _view(width, height, boxes):
    """Return the part that is shown, ``x1, y1, x2, y2``: the image, and boxes that reach out, though not very far."""
    x = [0, width, *(number for box in boxes for number in box[0::2])]
    y = [0, height, *(number for box in boxes for number in box[1::2])]
    return (
        max(min(x), -REACH * width), max(min(y), -REACH * height),
        min(max(x), (1 + REACH) * width), min(max(y), (1 + REACH) * height),
    )  # fmt: skip


def _rectangle(box, color, thickness, dashed=False):
    """Return a box, with a dark rim if it is meant; corners in any order."""
    (x1, x2), (y1, y2) = sorted(box[0::2]), sorted(box[1::2])
    width, height = max(x2 - x1, LEAST), max(y2 - y1, LEAST)
    place = f'x="{x1:g}" y="{y1:g}" width="{width:g}" height="{height:g}" fill="none"'
    rim = [("#1a1a1a", thickness + 1.5)] if color == MEANT else []
    dash = ' stroke-dasharray="5 4"' if dashed else ""
    return "".join(
        f'<rect {place} stroke="{stroke}" stroke-width="{size}" vector-effect="non-scaling-stroke"{dash}/>'
        for stroke, size in [*rim, (color, thickness)]
    )


def _ring(box, radius):
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    return (
        f'<circle cx="{x:g}" cy="{y:g}" r="{radius:g}" fill="none" stroke="{MEANT}" stroke-width="1.5" '
        'vector-effect="non-scaling-stroke"/>'
    )
