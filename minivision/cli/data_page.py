"""The page of ``minivision data check --html``: one HTML file that contains its pictures, the worst first."""

import math

from minivision.cli.page_parts import fill, picture, rectangle, text

MAX_CARDS = 12  # images that are shown of a kind
MAX_LINES = 4  # problems of one image that are written below it
MAX_TEXTS = 40  # problems without an image
REACH = 0.5  # of the image, on each side: how far boxes are shown that lie outside
MEANT, OTHER = "#d55e00", "#56b4e9"  # colors of boxes
SMALL = 0.05  # of the picture: a box below that gets a ring around it


def page(inspection, version):
    """Return the page of an `Inspection` as text."""
    from minivision.data.problems import KINDS

    kinds = inspection.by_kind
    return fill(
        "data_page.html",
        name=text(inspection.spec),
        summary=text(summary(inspection)),
        splits="<br>".join(text(line) for line in split_lines(inspection)),
        rows="\n".join(_row(name, KINDS[name], len(problems)) for name, problems in kinds.items()),
        sections="\n".join(_section(inspection, name, KINDS[name], problems) for name, problems in kinds.items()),
        version=text(version),
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


def _row(name, kind, number):
    return (
        f'    <tr><td class="{kind.severity}">{kind.severity}</td><td class="count">{number}</td>'
        f'<td><a href="#{name}">{text(kind.title)}</a></td></tr>'
    )


def _section(inspection, name, kind, problems):
    """Return what there is of one kind: cards with pictures, or a list where no image is concerned."""
    by_image = {}
    for problem in problems:
        by_image.setdefault((problem.split, problem.file), []).append(problem)
    lines = [f'  <h2 id="{name}"><span class="{kind.severity}">{kind.severity}</span> {text(kind.title)}</h2>']
    lines.append(
        f"  <p>{len(problems)} case{'s' * (len(problems) != 1)}: {text(kind.advice)}.</p>".replace("?.</p>", "?</p>")
    )
    if name in ("split", "reader", "different-classes", "unused-class", "one-split-class"):
        texts = [f"{problem.split}: {problem.detail}" if problem.split else problem.detail for problem in problems]
        items = "".join(f"<li>{text(each)}</li>" for each in texts[:MAX_TEXTS])
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
    shown = '<div class="none">no picture</div>'
    if image is not None:
        shown = _picture(image, [problem.boxes for problem in problems], others)
    lines = [text(problem.detail) for problem in problems[:MAX_LINES]]
    if len(problems) > MAX_LINES:
        lines.append(f"and {len(problems) - MAX_LINES} more")
    name = f"{split}/{file.replace(chr(92), '/').rpartition('/')[2]}"
    items = "".join(f"<li>{line}</li>" for line in lines)
    return f'<div class="card">{shown}<b title="{text(file)}">{text(name)}</b><ul>{items}</ul></div>'


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
    """Return a thumbnail of the image with boxes over it, in the image's own pixels."""
    height, width = image.shape[:2]
    meant = {box for boxes in groups for box in boxes if all(map(math.isfinite, box))}
    view = _view(width, height, meant)
    longest = max(view[2] - view[0], view[3] - view[1])
    shapes = [rectangle(box, OTHER, 1) for box in others if tuple(box) not in meant]
    for boxes in groups:
        for number, box in enumerate(box for box in boxes if box in meant):
            shapes.append(rectangle(box, MEANT, 2.5, dashed=number > 0, rim=True))
            if max(box[2] - box[0], box[3] - box[1]) < SMALL * longest:
                shapes.append(_ring(box, SMALL * longest))
    return picture(image, shapes, view)


def _view(width, height, boxes):
    """Return the part that is shown, ``x1, y1, x2, y2``: the image, and boxes that reach out, though not very far."""
    x = [0, width, *(number for box in boxes for number in box[0::2])]
    y = [0, height, *(number for box in boxes for number in box[1::2])]
    return (
        max(min(x), -REACH * width), max(min(y), -REACH * height),
        min(max(x), (1 + REACH) * width), min(max(y), (1 + REACH) * height),
    )  # fmt: skip


def _ring(box, radius):
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    return (
        f'<circle cx="{x:g}" cy="{y:g}" r="{radius:g}" fill="none" stroke="{MEANT}" stroke-width="1.5" '
        'vector-effect="non-scaling-stroke"/>'
    )
