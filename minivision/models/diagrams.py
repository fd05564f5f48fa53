"""The networks of the lecture as diagrams: their parts, the losses at their ends, and the way of the gradients.

Where a part stands and what it is connected with is written here, system by system; the shapes come from a forward pass
of the model. Systems with the same parts have them in the same places, so that two diagrams side by side show what one
generation changed. :func:`minivision.viz.draw_architecture` draws them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from minivision.core.types import Size
from minivision.layers import Conv2d
from minivision.layers.watching import named_layers

__all__ = ["Arrow", "Diagram", "Node", "diagram"]


class Node(NamedTuple):
    """One place of a diagram.

    Attributes
    ----------
    kind : str
        ``"image"``; ``"crop"``, parts of the image; ``"layer"``, a part with or without weights; ``"step"``, what is no
        layer, such as selective search; ``"loss"``.
    title : str
        What it is called on a slide.
    column, row : float
        Where it stands: columns from left to right, rows from top to bottom.
    part : str
        The layer's name in the model, such as ``"rpn.shared"``; empty for what is no layer.
    shape : tuple of int
        Of its output for one image or, after a step that finds regions, for one region; empty where it is no layer.
    regions : bool
        Whether it runs once for each region.
    """

    kind: str
    title: str
    column: float
    row: float
    part: str = ""
    shape: tuple[int, ...] = ()
    regions: bool = False


class Arrow(NamedTuple):
    """A connection of two nodes, by their positions in the diagram; `gradient`: whether one flows back along it."""

    start: int
    end: int
    gradient: bool


class Diagram(NamedTuple):
    """A network: its nodes, and the arrows between them.

    Attributes
    ----------
    system : str
        Name of the system.
    nodes : list of Node
    arrows : list of Arrow
    """

    system: str
    nodes: list[Node]
    arrows: list[Arrow]


def diagram(model: Any, image_size: Size = (128, 128)) -> Diagram:
    """Return the diagram of a model, with the shapes for a training step on one image with one object.

    Parameters
    ----------
    model : Model
    image_size : (int, int)
        Height and width of the image in pixels.

    Examples
    --------
    >>> from minivision.models import diagrams, make_model
    >>> yolo = diagrams.diagram(make_model("yolo", ("background", "disc")), (64, 64))
    >>> [(node.title, node.shape) for node in yolo.nodes if node.kind == "layer"][-1]
    ('YOLO tensor', (11, 4, 4))
    >>> [node.title for node in yolo.nodes if node.kind == "loss"]
    ['box', 'object', 'no object', 'class']
    """
    sketch = _Sketch(model, image_size)
    _SKETCHES[model.name](sketch, model)
    return Diagram(model.name, sketch.nodes, sketch.arrows)


class _Sketch:
    """A diagram while it is made. Its methods add a node, connect it with those given, and return its position."""

    def __init__(self, model: Any, image_size: Size) -> None:
        self.shapes = _shapes(model, image_size)
        self.layers = dict(named_layers(model))
        self.nodes: list[Node] = []
        self.arrows: list[Arrow] = []
        self.size = image_size

    def image(self, row: float = 0) -> int:
        return self._add(Node("image", "image", 0, row, "", (3, *self.size)))

    def layer(self, part: str, title: str, column: float, row: float, *sources: int) -> int:
        """Add a layer that is fed by `sources`, and whose gradient goes back to all of them but the image."""
        regions = any(self.nodes[source].regions for source in sources)
        return self._add(Node("layer", title, column, row, part, self.shapes[part], regions), *sources)

    def chain(self, parts: list[str], titles: list[str], column: float, row: float, source: int) -> list[int]:
        """Add layers one behind the other, each fed by the one before; return their positions."""
        positions = []
        for k, (part, title) in enumerate(zip(parts, titles, strict=True)):
            source = self.layer(part, title, column + k, row, source)
            positions.append(source)
        return positions

    def step(self, title: str, column: float, row: float, *sources: int, regions: bool = True) -> int:
        """Add what is no layer, such as the search for regions; no gradient goes back from it."""
        return self._add(Node("step", title, column, row, regions=regions), *sources, gradient=False)

    def crops(self, title: str, column: float, row: float, *sources: int) -> int:
        """Add the parts of the image that go into the first layer, instead of the whole."""
        return self._add(Node("crop", title, column, row, regions=True), *sources, gradient=False)

    def crop(self, part: str, title: str, column: float, row: float, features: int, proposals: int) -> int:
        """Add a layer that crops regions from features: a gradient goes back to the features only."""
        node = Node("layer", title, column, row, part, self.shapes[part], regions=True)
        position = self._add(node, features)
        self.connect(proposals, position, gradient=False)
        return position

    def losses(self, column: float, row: float, *names: str, source: int, gap: float = 0.55) -> None:
        """Add losses one below the other, the middle of them in `row`."""
        for k, name in enumerate(names):
            self._add(Node("loss", name, column, row + gap * (k - (len(names) - 1) / 2)), source)

    def connect(self, start: int, end: int, gradient: bool = True) -> None:
        self.arrows.append(Arrow(start, end, gradient and self.nodes[start].kind not in ("image", "crop")))

    def trunk(self, parts: list[str], row: float = 0) -> list[int]:
        """Add the image and the stages of a backbone in a row; return the positions of the stages."""
        titles = [f"stage {k}" for k in range(len(parts))]
        return self.chain(parts, titles, 1, row, self.image(row))

    def parts_of(self, name: str) -> list[str]:
        """Return the names of the parts of a layer, such as the stages of a backbone."""
        return [each for each in self.layers if each.rpartition(".")[0] == name]

    def _add(self, node: Node, *sources: int, gradient: bool = True) -> int:
        self.nodes.append(node)
        for source in sources:
            self.connect(source, len(self.nodes) - 1, gradient)
        return len(self.nodes) - 1


def _shapes(model, image_size):
    """Return the shapes of the outputs of all layers that have one array, without the first axis: images or regions."""
    rows = model.summary(image_size).rows
    return {row.name: tuple(map(int, re.findall(r"\d+", row.output_shape)[1:])) for row in rows if row.output_shape}


def _sliding_window(sketch, model):
    image = sketch.image()
    patches = sketch.crops(f"patch of {model.patch_size} x {model.patch_size}\naround a pixel", 1, 0, image)
    parts = [name for name, layer in sketch.layers.items() if isinstance(layer, Conv2d)]
    titles = [f"convolution {k + 1}" for k in range(len(parts) - 1)] + ["class scores"]
    *_, scores = sketch.chain(parts, titles, 2, 0, patches)
    sketch.losses(2 + len(parts), 0, "cross-entropy", source=scores)


def _full_resolution(sketch, model):
    parts = ["stem", *sketch.parts_of("blocks.layers"), "scores"]
    titles = ["convolution", *(f"residual {k + 1}" for k in range(len(parts) - 2)), "class scores"]
    *_, scores = sketch.chain(parts, titles, 1, 0, sketch.image())
    sketch.losses(1 + len(parts), 0, "cross-entropy", source=scores)


def _encoder_decoder(sketch, model):
    depth = len(model.stages)
    last, stages = sketch.chain(["stem", "halve"], ["stem", "pooling"], 1, 0, sketch.image())[-1], []
    for k in range(depth):  # down
        last = sketch.layer(f"stages.{k}", "pooling, stage" if k else "stage", 3 + k, k, last)
        stages.append(last)
    for k in reversed(range(depth - 1)):  # and up
        column = 3.2 + depth + 1.6 * (depth - 2 - k)
        upsampled = sketch.layer(f"upsample.{k}", model.options["upsampling"], column - 0.6, k + 0.5, last)
        sources = (upsampled, stages[k]) if model.skips else (upsampled,)
        last = sketch.layer(f"merge.{k}", "add, merge" if model.skips else "merge", column + 0.2, k, *sources)
    column = sketch.nodes[last].column
    *_, scores = sketch.chain(["scores", "enlarge"], ["class scores", "bilinear"], column + 1, 0, last)
    sketch.losses(column + 3, 0, "cross-entropy", source=scores)


def _localizer(sketch, model):
    features = sketch.trunk(sketch.parts_of("backbone.layers"))[-1]
    titles = ["maximum of\neach map", "class scores"]
    *_, scores = sketch.chain(sketch.parts_of("class_head.layers"), titles, 4, -0.7, features)
    sketch.losses(6, -0.7, "class", source=scores)
    _points(sketch, "box_head", "box", 0.7, features)


def _pose(sketch, model):
    _points(sketch, "head", "joints", 0, sketch.trunk(sketch.parts_of("backbone.layers"))[-1])


def _points(sketch, head, outputs, row, features):
    points = sketch.layer(f"{head}.attention", "attention", 4, row, features)
    first, _, last = sketch.parts_of(f"{head}.corrections.layers")
    *_, correction = sketch.chain([first, last], ["fully connected", "corrections"], 5, row + 0.8, points)
    added = sketch.step(f"add: {outputs}", 6.6, row, regions=False)
    sketch.connect(points, added)
    sketch.connect(correction, added)
    sketch.losses(7.8, row, outputs, source=added)


def _rcnn(sketch, model):
    image = sketch.image()
    proposals = sketch.step("selective\nsearch", 0.9, 0.9, image)
    side = model.options["side"]
    warped = sketch.crops(f"warp each region\nto {side} x {side}", 1.4, 0, image, proposals)
    parts = sketch.parts_of("backbone.layers")
    *_, features = sketch.chain(parts, [f"stage {k}" for k in range(len(parts))], 2.4, 0, warped)
    column = 2.4 + len(parts)
    *_, scores = sketch.chain(["fc", "classifier"], ["fully connected", "class scores"], column, 0, features)
    sketch.losses(column + 2, 0, "class", source=scores)
    fc = scores - 1
    sketch.step("afterwards: an SVM\nfor each class", column + 1, -0.9, fc)
    sketch.step("afterwards: a better\nbox for each class", column + 1, 0.9, fc)


def _fast_rcnn(sketch, model):
    features = sketch.trunk(sketch.parts_of("backbone.layers"))[-1]
    proposals = sketch.step("selective\nsearch", 1.5, 1.3, 0)
    _roi_head(sketch, model, 4, 0, features, proposals)


def _roi_head(sketch, model, column, row, features, proposals, *, class_loss="class"):
    title = "RoIAlign" if model.options["pooling"] == "align" else "RoI pooling"
    pooled = sketch.crop("head.pool", title, column, row, features, proposals)
    body = sketch.layer("head.body", "fully connected", column + 1, row, pooled)
    scores = sketch.layer("head.scores", "class scores", column + 2, row - 0.45, body)
    deltas = sketch.layer("head.deltas", "box deltas", column + 2, row + 0.45, body)
    sketch.losses(column + 3, row - 0.45, class_loss, source=scores)
    sketch.losses(column + 3, row + 0.45, "box", source=deltas)
    return body


def _faster_rcnn(sketch, model, *, class_loss="class"):
    features = sketch.trunk(sketch.parts_of("backbone.layers"))[-1]
    column = sketch.nodes[features].column + 1
    shared = sketch.layer("rpn.shared", "region proposal\nnetwork", column, -1.5, features)
    objectness = sketch.layer("rpn.objectness", "objectness", column + 1, -1.95, shared)
    deltas = sketch.layer("rpn.deltas", "proposal deltas", column + 1, -1.05, shared)
    sketch.losses(column + 2.2, -1.95, "rpn_objectness", source=objectness)
    sketch.losses(column + 2.2, -1.4, "rpn_box", source=deltas)
    proposals = sketch.step("proposals:\nthe best, after NMS", column + 2.2, -0.8, deltas, objectness)
    return _roi_head(sketch, model, column + 2.2, 0, features, proposals, class_loss=class_loss)


def _mask_rcnn(sketch, model):
    _faster_rcnn(sketch, model)
    features = next(k for k, node in enumerate(sketch.nodes) if node.title.startswith("region")) - 1
    proposals = next(k for k, node in enumerate(sketch.nodes) if node.title.startswith("proposals"))
    column = sketch.nodes[features].column + 3
    branches = [("mask_branch", "masks", "mask"), ("keypoint_branch", "maps of joints", "keypoint")]
    for k, (part, title, loss) in enumerate(branches[: 1 + bool(model.keypoint_branch)], 1):
        title_of_crop = sketch.nodes[proposals + 1].title
        pooled = sketch.crop(f"{part}.pool", title_of_crop, column - 0.6 * k, 1.2 * k, features, proposals)
        maps = sketch.layer(f"{part}.body", title, column + 1, 1.2 * k, pooled)
        sketch.losses(column + 2, 1.2 * k, loss, source=maps)


def _densecap(sketch, model):
    code = _faster_rcnn(sketch, model, class_loss="object")
    column = sketch.nodes[code].column
    first = sketch.layer("captioner.image", "first input", column, 1.3, code)
    words = sketch.layer("captioner.words", "words so far", column, 2.4)
    lstm = sketch.layer("captioner.lstm", "LSTM", column + 1, 1.6, first, words)
    scores = sketch.layer("captioner.scores", "scores of words", column + 2, 1.6, lstm)
    sketch.losses(column + 3, 1.6, "caption", source=scores)


def _yolo(sketch, model):
    features = sketch.trunk(sketch.parts_of("backbone.layers"))[-1]
    parts = sketch.parts_of("head.layers")
    titles = [*("pooling" for _ in parts[:-3]), "convolution", "convolution", "YOLO tensor"]
    *_, tensor = sketch.chain(parts, titles, 1 + len(sketch.parts_of("backbone.layers")), 0, features)
    sketch.losses(sketch.nodes[tensor].column + 1, 0, "box", "object", "no object", "class", source=tensor)


def _ssd(sketch, model):
    last, count = sketch.image(), len(model.stages)
    heads = []
    for k in range(count):
        last = sketch.layer(f"stages.{k}", f"map {k}", 1 + k, 0, last)
        heads.append(sketch.layer(f"heads.{k}", "default boxes", 1.7 + k, 1 + 0.9 * (count - 1 - k), last))
    boxes = sketch.step("all default boxes", 2.3 + count, 1.3, regions=False)
    for head in heads:
        sketch.connect(head, boxes)
    sketch.losses(3.6 + count, 1.3, "box", "class", source=boxes)


def _yolov2(sketch, model):
    stages = sketch.trunk(sketch.parts_of("stages"))
    column = 1 + len(stages)
    sources = [stages[-1]]
    if model.options["passthrough"]:
        sources.append(sketch.layer("passthrough", "passthrough:\nspace to depth", column - 1, 1.2, stages[-2]))
    first, *parts = sketch.parts_of("head.layers")
    joined = sketch.layer(first, "convolution", column, 0, *sources)
    *_, tensor = sketch.chain(parts, ["convolution", "boxes of anchors"], column + 1, 0, joined)
    sketch.losses(column + 3, 0, "box", "object", "no object", "class", source=tensor)


_SKETCHES: dict[str, Callable[[_Sketch, Any], None]] = {
    "sliding-window": _sliding_window,
    "full-resolution": _full_resolution,
    "encoder-decoder": _encoder_decoder,
    "localizer": _localizer,
    "pose": _pose,
    "rcnn": _rcnn,
    "fast-rcnn": _fast_rcnn,
    "faster-rcnn": _faster_rcnn,
    "yolo": _yolo,
    "ssd": _ssd,
    "yolov2": _yolov2,
    "mask-rcnn": _mask_rcnn,
    "densecap": _densecap,
}
