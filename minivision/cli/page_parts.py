"""What pages of one HTML file have in common: their style, text that is escaped, pictures with boxes."""

import base64
import html
import importlib.resources
import io
import string

from minivision.core.printable import printable

LONGEST = 480  # pixels of a thumbnail's longer side
LEAST = 0.01  # side of a box: one of 0 is not drawn by browsers
RIM = "#1a1a1a"


def fill(template, **parts):
    """Return a page: a template of this folder with its parts, and the style that all pages share."""
    folder = importlib.resources.files("minivision.cli")
    content = string.Template(folder.joinpath(template).read_text(encoding="utf-8"))
    return content.substitute(parts, style=folder.joinpath("page_style.css").read_text(encoding="utf-8"))


def text(value):
    """Return any text such that a browser shows it and nothing else: names of files and classes are anybody's."""
    return html.escape(printable(value))


def picture(image, shapes, view=None):
    """Return an SVG picture: a thumbnail of an image, and shapes over it in the image's own pixels.

    Parameters
    ----------
    image : uint8 ndarray of shape (H, W, 3)
    shapes : list of str
        SVG elements.
    view : (x1, y1, x2, y2), optional
        The part that is shown, also outside of the image; by default the image.
    """
    from PIL import Image

    height, width = image.shape[:2]
    thumbnail = Image.fromarray(image)
    thumbnail.thumbnail((LONGEST, LONGEST))
    file = io.BytesIO()
    thumbnail.save(file, "JPEG", quality=80)
    content = base64.b64encode(file.getvalue()).decode()
    x1, y1, x2, y2 = view or (0, 0, width, height)
    sharp = ' style="image-rendering:pixelated"' if max(width, height) < LONGEST // 2 else ""
    return (
        f'<svg viewBox="{x1:g} {y1:g} {x2 - x1:g} {y2 - y1:g}" role="img">'
        f'<image href="data:image/jpeg;base64,{content}" width="{width}" height="{height}" '
        f'preserveAspectRatio="none"{sharp}/>{"".join(shapes)}</svg>'
    )


def rectangle(box, color, thickness, *, dashed=False, rim=False):
    """Return a box, corners in any order; `rim` is a dark line around it."""
    (x1, x2), (y1, y2) = sorted(box[0::2]), sorted(box[1::2])
    width, height = max(x2 - x1, LEAST), max(y2 - y1, LEAST)
    place = f'x="{x1:g}" y="{y1:g}" width="{width:g}" height="{height:g}" fill="none"'
    strokes = [*([(RIM, thickness + 1.5)] if rim else []), (color, thickness)]
    dash = ' stroke-dasharray="5 4"' if dashed else ""
    return "".join(
        f'<rect {place} stroke="{stroke}" stroke-width="{size}" vector-effect="non-scaling-stroke"{dash}/>'
        for stroke, size in strokes
    )
