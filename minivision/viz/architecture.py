"""A network as on the lecture's slides: its maps as slabs, its losses at the ends, and the backward pass."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from minivision.core.types import Array, Size
from minivision.models.diagrams import Arrow, Diagram, Node, diagram
from minivision.viz.colors import ORANGE, SKY_BLUE, VERMILION
from minivision.viz.words import listed

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK, GRAY = "#1a1a1a", "#6b6b6b"
COLUMN, ROW = 1.5, 1.22  # inches from one column or row to the next
TEXT, SMALL = 10.5, 9.5  # points: of titles, and of shapes
LETTER, LINE = 0.1, 0.18  # inches: the width of a letter of a title, and its height
TALL, FLAT = 0.86, 0.2  # inches: the side of the image, and the height of what is no map
SLANT = 0.45  # of a slab's thickness, by which its back is drawn up and to the right


def draw_architecture(model: Any, image_size: Size = (128, 128), *, image: Array | None = None) -> Figure:
    """Draw the network of a model: its parts with their real shapes, its losses, and where gradients flow.

    Maps are slabs: their height shows the resolution, their thickness the number of channels. Black arrows are the
    forward pass, orange ones beside them the backward pass; along a dashed arrow no gradient flows.

    Parameters
    ----------
    model : Model
        Of any system; its weights play no role.
    image_size : (int, int)
        Height and width of the image in pixels, from which all shapes follow.
    image : uint8 ndarray of shape (H, W, 3), optional
        Is shown at the beginning; its size is used instead of `image_size`.

    Returns
    -------
    matplotlib Figure
        Its ``alt`` names the parts; :func:`describe` says also their shapes and connections.

    Examples
    --------
    >>> from minivision.models import make_model
    >>> from minivision.viz import draw_architecture
    >>> figure = draw_architecture(make_model("pose", ("background", "person")), (64, 64))
    >>> figure.alt
    'pose: image, stage 0, stage 1, stage 2, attention, fully connected, corrections, add: joints; losses: joints'
    """
    from minivision.viz.figure import Figure

    if image is not None:
        image_size = image.shape[0], image.shape[1]
    network = diagram(model, image_size)
    nodes = network.nodes
    columns, rows = [node.column for node in nodes], [node.row for node in nodes]
    left, right = min(columns) - 0.6, max(columns) + 0.6
    top, bottom = min(rows) - 0.75, max(rows) + 0.75
    figure = Figure(figsize=(COLUMN * (right - left), ROW * (bottom - top) + 0.3), dpi=110, facecolor="white")
    axis = figure.add_axes((0, 0, 1, 1))
    axis.set(xlim=(COLUMN * left, COLUMN * right), ylim=(ROW * bottom + 0.3, ROW * top))  # in inches, rows downward
    axis.set_axis_off()
    sizes = [_size(node, image_size) for node in nodes]
    for node, size in zip(nodes, sizes, strict=True):
        _draw_node(axis, node, size, image)
    for arrow in network.arrows:
        _draw_arrow(axis, nodes, sizes, arrow)
    _draw_legend(axis, COLUMN * left + 0.2, ROW * bottom + 0.1)
    figure.alt = _in_short(network)
    return figure


def describe(network: Diagram) -> str:
    """Return what a diagram shows, in words."""
    names = [node.title.replace("\n", " ") for node in network.nodes]
    lines = [f"The network of {network.system}."]
    for k, node in enumerate(network.nodes):
        sources = [names[arrow.start] for arrow in network.arrows if arrow.end == k]
        shape = " x ".join(map(str, node.shape)) + " for each region" * node.regions
        kind = "loss " if node.kind == "loss" else ""
        lines.append(
            f"{kind}{names[k]}{f' ({shape})' * bool(node.shape)}{' from ' * bool(sources)}{', '.join(sources)};"
        )
    without = [f"{names[a.end]} to {names[a.start]}" for a in network.arrows if not a.gradient]
    return " ".join(lines)[:-1] + f". No gradient flows back from {', '.join(without)}."


def _name(node: Node) -> str:
    return node.title.replace("_", " ") + (" loss" if node.kind == "loss" and "entropy" not in node.title else "")


def _in_short(network):
    parts = listed(node.title.replace("\n", " ") for node in network.nodes if node.kind != "loss")
    losses = listed(node.title.replace("_", " ") for node in network.nodes if node.kind == "loss")
    return f"{network.system}: {parts}; losses: {losses}"


def _size(node: Node, image_size: Size) -> tuple[float, float]:
    """Return the width and height of a node's body in inches."""
    if node.kind == "loss":
        return LETTER * len(_name(node)) + 0.16, 0.32
    if node.kind in ("step", "crop"):
        lines = node.title.split("\n")
        return LETTER * max(map(len, lines)) + 0.08, LINE * len(lines) + 0.16
    if len(node.shape) < 3:
        return 0.62, FLAT
    channels, height, width = node.shape[-3:]
    thick = 0.05 + 0.07 * math.log2(max(channels, 1)) if node.kind == "layer" else 0
    high = max(0.2, TALL * (height / image_size[0]) ** 0.5)
    if node.kind == "image":
        return TALL * min(1.4, width / height), TALL
    return thick, high


def _draw_node(axis, node, size, image):
    from matplotlib.patches import FancyBboxPatch, Polygon, Rectangle

    x, y, (width, height) = COLUMN * node.column, ROW * node.row, size
    corner = x - width / 2, y - height / 2
    below = y + height / 2 + 0.06
    if node.kind == "image" and image is not None:
        axis.imshow(image, extent=(corner[0], corner[0] + width, y + height / 2, corner[1]), aspect="auto", zorder=2)
    elif node.kind != "layer" and not node.shape:
        color = ORANGE if node.kind == "loss" else "white"
        style = {"boxstyle": "round,pad=0,rounding_size=0.08", "facecolor": color, "edgecolor": GRAY}
        box = FancyBboxPatch(corner, width, height, **style)
        axis.add_patch(box)
        axis.text(x, y, _name(node), ha="center", va="center", fontsize=TEXT, color=INK)
        return
    elif len(node.shape) >= 3 and node.kind == "layer":
        back = SLANT * height * np.array([0.5, -0.5])
        a, b, c, d = (np.array(corner) + offset for offset in ((0, 0), (width, 0), (width, height), (0, height)))
        for side, color in (((a, b, b + back, a + back), 0.75), ((b, c, c + back, b + back), 0.5)):
            shade = tuple(color * part + (1 - color) * (color > 0.6) for part in SKY_BLUE)
            axis.add_patch(Polygon(side, facecolor=shade, edgecolor=INK, linewidth=0.7, zorder=2))
        axis.add_patch(Rectangle(corner, width, height, facecolor=SKY_BLUE, edgecolor=INK, linewidth=0.7, zorder=3))
    else:
        color = "#e4e4e4" if node.kind == "image" else SKY_BLUE
        axis.add_patch(Rectangle(corner, width, height, facecolor=color, edgecolor=INK, linewidth=0.7, zorder=2))
    shape = " × ".join(map(str, ("K",) * node.regions + node.shape))
    paper = {"facecolor": "white", "edgecolor": "none", "pad": 0.8}  # arrows end at the words
    style = {"ha": "center", "va": "top", "bbox": paper, "zorder": 6}
    axis.text(x, below + 0.03 + LINE * (node.title.count("\n") + 1), shape, fontsize=SMALL, color=GRAY, **style)
    axis.text(x, below, node.title, fontsize=TEXT, color=INK, **style)


def _draw_arrow(axis, nodes, sizes, arrow: Arrow):
    """Draw one arrow from edge to edge, and the gradient's beside it."""
    start, end = (np.array([COLUMN * nodes[k].column, ROW * nodes[k].row]) for k in (arrow.start, arrow.end))
    direction = (end - start) / np.hypot(*(end - start))
    normal = np.array([-direction[1], direction[0]])
    start = start + direction * (_reach(direction, sizes[arrow.start]) + 0.09)
    end = end - direction * (_reach(direction, sizes[arrow.end]) + 0.07)
    if nodes[arrow.start].kind == "layer" and len(nodes[arrow.start].shape) == 3 and direction[0] > 0.5:
        start = start + direction * SLANT / 2 * sizes[arrow.start][1]  # behind the slab's slanted side
    shift = 0.035 * normal if arrow.gradient else 0
    dashed = not arrow.gradient and nodes[arrow.start].kind not in ("image", "crop")
    style = {"arrowstyle": "-|>", "mutation_scale": 8, "shrinkA": 0, "shrinkB": 0, "linewidth": 1.1}
    forward = style | {"color": INK, "linestyle": (0, (4, 3)) if dashed else "-"}
    axis.annotate("", end - shift, start - shift, arrowprops=forward, zorder=5)
    if arrow.gradient:
        axis.annotate("", start + shift, end + shift, arrowprops=style | {"color": VERMILION}, zorder=5)


def _reach(direction, size):
    """Return how far the edge of a box is from its middle in a direction."""
    with np.errstate(divide="ignore"):
        return float(np.min(np.array(size) / 2 / np.abs(direction)))


def _draw_legend(axis, x, y):
    style = {"arrowstyle": "-|>", "mutation_scale": 8, "shrinkA": 0, "shrinkB": 0, "linewidth": 1.1}
    marks = [
        ("forward", {"color": INK}, 1),
        ("backward: gradients", {"color": VERMILION}, -1),
        ("no gradient", {"color": INK, "linestyle": (0, (4, 3))}, 1),
    ]
    for text, look, way in marks:
        ends = [(x, y), (x + 0.4, y)][::way]
        axis.annotate("", ends[1], ends[0], arrowprops=style | look)
        axis.text(x + 0.48, y, text, va="center", fontsize=TEXT, color=INK)
        x += 0.8 + 0.9 * LETTER * len(text)
