"""docs/instructor-guide.md: answers are computed, points are the manifests', and every notebook has a chapter."""

import itertools
import math
import re

import numpy as np
import pytest
from pages import anchors
from test_docs import TOP

from minivision import ops
from minivision.detection import (
    SSD300,
    anchor_grid,
    cells_to_joints,
    default_boxes,
    encode_yolo,
    graph_segmentation,
    joints_to_cells,
    mask_loss,
    region_hierarchy,
)
from minivision.homework.manifest import load_assignment
from minivision.layers import LSTM, PixelUnshuffle

PAGE = TOP / "docs" / "instructor-guide.md"
TEXT = PAGE.read_text(encoding="utf-8")
QUESTIONS = dict(re.findall(r"^- \*(\d+\.\d)\* .*?\n  → (.*?)$", TEXT, flags=re.MULTILINE))


def number(value, digits=0):
    return f"{float(value):,.{digits}f}"


def without_zero(text):
    """Return a text with .5 for 0.5: which of the two is written depends on what it is (docs/style.md)."""
    return re.sub(r"(?<![\d.])0\.(?=\d)", ".", text)


def cube(h):
    def f(x):
        return x**3

    return number((f(2 + h) - f(2 - h)) / (2 * h), 2), number((f(2 + h) - f(2)) / h, 2)


def windows(n, k, stride, padding):
    return ops.conv2d(np.zeros((1, 1, 1, n)), np.zeros((1, 1, 1, k)), stride=stride, padding=(0, padding)).shape[3]


def transposed(n, k, stride, padding, output_padding=0):
    x, w = np.ones((1, 1, n, n)), np.ones((1, 1, k, k))
    return ops.conv_transpose2d(x, w, stride=stride, padding=padding, output_padding=output_padding)


def counts(k, stride):
    """Return the numbers inside of a map that counts copies."""
    return sorted({int(value) for value in transposed(9, k, stride, 0)[0, 0, k:-k, k:-k].ravel()})


def side_by_side(width, height, shift):
    return ops.box_iou(np.array([[0.0, 0, width, height]]), np.array([[shift, 0.0, width + shift, height]]))[0, 0]


def centered_iou(small, large):
    half = np.array([[-small, -small, small, small], [-large, -large, large, large]]) / 2
    return ops.box_iou(half[:1], half[1:])[0, 0]


def area(true, count):
    found = np.cumsum(true)
    precision, recall = found / np.arange(1, len(true) + 1), found / count
    best = np.maximum.accumulate(precision[::-1])[::-1]
    return np.sum(np.diff(recall, prepend=0) * best)


def yolo_width_errors():
    small = (math.sqrt(0.12) - math.sqrt(0.10)) ** 2
    return small / (math.sqrt(0.52) - math.sqrt(0.50)) ** 2


def suppressed():
    boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [0, 2, 10, 12], [20, 0, 30, 10], [21, 1, 31, 11]], float)
    kept = ops.nms(boxes, np.array([0.7, 0.9, 0.6, 0.5, 0.8]), 0.5)
    names = "first", "second", "third", "fourth", "fifth"
    return [names[k] for k in kept], number(ops.box_iou(boxes[1:2], boxes[2:3])[0, 0], 2).lstrip("0")


def bins():
    """Return the cells that RoI pooling reads in the box of question 9.1: those that change its result."""
    rois, x = np.array([[0, 6.0, 2, 38, 30]]), np.zeros((1, 1, 6, 6))
    read = {}
    for i, j in itertools.product(range(6), range(6)):
        x[...] = 0
        x[0, 0, i, j] = 1
        y, _ = ops.roi_pool(x, rois, (2, 2), spatial_scale=1 / 8)
        read[i, j] = int(y.sum())
    rows, columns = ({cell[axis] for cell, times in read.items() if times} for axis in (0, 1))
    shared = {cell for cell, times in read.items() if times > 1}
    (row,) = {i for i, _ in shared if all((i, j) in shared for j in columns)}
    (column,) = {j for _, j in shared if all((i, j) in shared for i in rows)}
    return (
        f"Columns {min(columns)} to {max(columns)}",
        f"rows {min(rows)} to {max(rows)}",
        f"row {row} and column {column}",
    )


def hinge():
    pairs = (2.0, 1.0), (0.4, 1.0), (-0.3, 1.0), (-2.0, -1.0)
    losses = [float(ops.hinge_loss(np.array([score]), np.array([target]))[0]) for score, target in pairs]
    return ", ".join(f"{loss:g}" for loss in losses), f"{sum(losses):g}"


def smooth_l1():
    pairs = [ops.smooth_l1_loss(np.array([x]), np.zeros(1)) for x in (0.5, 3.0)]
    return f"{pairs[0][0]:g} and {pairs[1][0]:g}", f"{pairs[0][1][0]:g} and {pairs[1][1][0]:g}"


def encoded():
    deltas = ops.encode_boxes(np.array([[12.0, 8, 36, 28]]), np.array([[10.0, 10, 30, 30]]))[0]
    return ", ".join(f"{value:.3f}".rstrip("0").rstrip(".") for value in deltas).replace("-0,", "0,")


def anchor():
    (box,) = anchor_grid((1, 1), 8, (28,), (2,))
    return number(box[2] - box[0], 1), number(box[3] - box[1], 1), number(np.prod(box[2:] - box[:2]))


def moved():
    x = np.tile(np.arange(6.0), (6, 1))[None, None]
    rois = [np.array([[0, 1 + move, 1.0, 4 + move, 4]]) for move in np.arange(0, 1, 0.25)]
    values = [ops.roi_align(x, roi, 1, sampling_ratio=2).item() for roi in rois]
    pooled = [ops.roi_pool(x, roi, 1)[0].item() for roi in rois]
    return number(values[1] - values[0], 2), f"jumps by {max(np.diff(pooled)):g}"


def joint():
    box, joints = np.array([[0.0, 0, 28, 28]]), np.array([[[5.7, 3.0, 2.0]]])
    cells = joints_to_cells(joints, box, 28)
    return f"Cell {int(cells[0, 0]) % 28}", f"{cells_to_joints(cells, box, 28)[0, 0, 0]:g}"


def regions():
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (40, 40, 3), dtype=np.uint8)
    hierarchy = region_hierarchy(image, k=20)
    first = len(hierarchy.children) + 1
    assert len(hierarchy.boxes) == 2 * first - 1 and graph_segmentation(image, 20).max() > 1
    return str(2 * 100 - 1)


def conv_cost(side):
    return 64 * 64 * 9 + 64, 64 * 64 * 9 * side * side


def wider_and_narrower():
    objects = np.array([[0.0, 0, 10, 4]])
    return [ops.box_iou(np.array([[0.0, 0, width, 4]]), objects)[0, 0] for width in (20, 5)]


def filled_after_two_unpoolings():
    x = np.arange(1.0, 257).reshape(1, 1, 16, 16)
    small, first = ops.max_pool2d(x, 2)
    smaller, second = ops.max_pool2d(small, 2)
    y = ops.max_unpool2d(ops.max_unpool2d(smaller, second, (8, 8)), first, (16, 16))
    return f"1/{y.size // np.count_nonzero(y)}"


def weights_of_lstm():
    return sum(parameter.value.size for parameter in LSTM(64, 128).parameters())


NO_COPY = np.arange(16.0).reshape(1, 1, 4, 4)
COMPUTED = {
    "0.2": lambda: (number(128 * 128), str(2 * 14)),
    "0.3": lambda: (str(ops.conv_transpose2d(np.ones((1, 1, 1, 2)), np.ones((1, 1, 1, 3)), stride=2).size),),
    "1.1": lambda: cube(0.1),
    "1.2": lambda: (number((64 * 32 * 32) ** 2), number(64 * 32 * 32)),
    "2.1": lambda: (f"{windows(7, 3, 2, 0)} and {windows(7, 3, 2, 1)}",),
    "2.2": lambda: (
        number(conv_cost(32)[0]),
        number(conv_cost(32)[1]),
        f"{conv_cost(64)[1] // conv_cost(32)[1]} times",
    ),
    "2.3": lambda: (f"{3 * 3 * 3} C²", f"{7 * 7} C²"),
    "2.4": lambda: (str(np.count_nonzero(ops.conv_matrix(np.ones((1, 1, 3, 3)), (8, 8), padding=1))),),
    "3.1": lambda: (
        f"{ops.upsample_nearest_backward(NO_COPY)[0, 0, 0, 0]:g}",
        f"nails {ops.bed_of_nails_backward(NO_COPY)[0, 0, 0, 0]:g}",
    ),
    "3.2": lambda: (", ".join(f"{v:g}" for v in ops.upsample_bilinear(np.array([[[[1.0, 2]]]]), (1, 2)).ravel()),),
    "3.4": lambda: (filled_after_two_unpoolings(),),
    "4.1": lambda: (f"{transposed(5, 4, 2, 1).shape[2]} and {transposed(5, 3, 2, 1).shape[2]}",),
    "4.2": lambda: ("{}, {} and {}".format(*counts(3, 2)), "every output is {}".format(*counts(4, 2))),
    "4.3": lambda: (
        "none" if transposed(4, 3, 3, 0).max() == 1 else "",
        "stay 0" if not transposed(4, 2, 3, 0).all() else "",
    ),
    "4.4": lambda: (lambda X: (f"{(X @ X.T)[0, 0]:g} on the diagonal and {(X @ X.T)[0, 1]:g} beside",))(
        ops.conv_matrix(np.ones((1, 1, 1, 3)), (1, 5), stride=2)
    ),
    "5.1": lambda: (number(128 * 128), f"{100 * 38 / 39:.0f} %"),
    "5.3": lambda: (f"{0.9:g} and {(0.9 + 0) / 2:g}",),
    "5.4": lambda: (number(ops.softmax_cross_entropy(np.zeros((1, 4)), np.array([2]))[0], 3),),
    "6.1": lambda: ("{:g} and {:g}".format(*wider_and_narrower()),),
    "6.2": lambda: (f"{side_by_side(8, 8, 2):.3f} and {side_by_side(80, 80, 2):.3f}",),
    "6.3": lambda: (number(ops.softmax_cross_entropy(np.zeros((1, 3)), np.array([0]))[0], 3),),
    "7.1": lambda: (number(math.comb(129, 2) ** 2), f"{math.comb(129, 2) ** 2 / 1000 / 3600:.1f} hours"),
    "7.2": lambda: (regions(),),
    "7.3": lambda: (f"{1 - 0.1 - 0.2:.1f}",),
    "8.1": lambda: (f"{47 * 5000 / 3600:.0f} hours",),
    "8.2": lambda: (encoded(),),
    "8.3": hinge,
    "8.4": lambda: ("The {} and the {}".format(*suppressed()[0]), suppressed()[1]),
    "9.1": bins,
    "9.2": lambda: (f"{8 // 2} and by {16 // 2}",),
    "9.3": smooth_l1,
    "10.1": lambda: (number(len(anchor_grid((12, 12), 8, (16, 28, 48), (0.5, 1, 2)))),),
    "10.2": anchor,
    "10.3": lambda: (number(centered_iou(28, 40), 2),),
    "11.1": lambda: (number(encode_yolo(np.zeros((0, 4)), [], 7, 2, 20).size), str(7 * 7 * 2)),
    "11.2": lambda: (f"{yolo_width_errors():.1f} times",),
    "11.3": lambda: (f"{98 - 3} of 98",),
    "12.1": lambda: (number(len(default_boxes(SSD300))),),
    "12.2": lambda: (f"σ(0) = {ops.sigmoid(np.zeros(1))[0]:g}",),
    "12.3": lambda: ("{1} maps of {2} x {3}".format(*PixelUnshuffle(2).forward(np.zeros((1, 64, 26, 26))).shape),),
    "12.4": lambda: (f"{centered_iou(200, 210):.3f} against {centered_iou(20, 30):.3f}",),
    "12.5": lambda: (str(3 * 5),),
    "13.1": lambda: (f"{100 * 0.75**2:.0f} %",),
    "13.2": lambda: (number(1000 / 198, 1),),
    "14.1": moved,
    "14.2": lambda: (number(80 * 28 * 28), number(28 * 28)),
    "14.3": lambda: (number(mask_loss(np.zeros((1, 5, 4, 4)), np.array([2]), np.ones((1, 4, 4)))[0], 3),),
    "14.4": joint,
    "15.1": lambda: (f"{2} and {(8 + 3) / 24:.2f}",),
    "15.2": lambda: (str(4 * 4 * 9), {4: "four times"}[4 * 4 * 9 / 36]),
    "15.3": lambda: (number(32 * 32 * 9 * 32 * 32), f"{2 * 32 * 32 * 9 * 32 * 32 / 100e9 * 1e3:.2f} ms"),
    "16.1": lambda: (f"{area([1, 1, 0, 1, 0], 4):g}",),
    "16.2": lambda: (f"{area([1, 1, 1, 0, 0], 4):g}",),
    "16.4": lambda: (f"{(0.9 + 0.1) / 2:g}",),
    "17.1": lambda: (number(ops.softmax_cross_entropy(np.zeros((1, 40 + 1)), np.array([3]))[0], 3),),
    "17.2": lambda: (f"{0.6**30:.1e}".replace("e-0", "e-"), number(1.4**30)),
    "17.3": lambda: (number(weights_of_lstm()), number(weights_of_lstm() / 4)),
}


def test_every_chapter_has_three_questions():
    chapters = [f"{number:02}" for number in range(18)]
    titles = re.findall(r"^### (\d\d) ", TEXT, flags=re.MULTILINE)
    assert titles == chapters
    for chapter in chapters:
        assert sum(key.partition(".")[0] == str(int(chapter)) for key in QUESTIONS) >= 3, chapter
    notebooks = {path.name[:2] for path in (TOP / "notebooks").glob("*.ipynb")}
    assert notebooks <= set(chapters)


@pytest.mark.parametrize("key", COMPUTED)
def test_an_answer_is_what_is_computed(key):
    for part in COMPUTED[key]():
        assert part and without_zero(part) in without_zero(QUESTIONS[key]), (part, QUESTIONS[key])


def test_points_are_those_of_the_manifests():
    rows = re.findall(r"^\| (\d\.\d+) \| (.+?) \| (\d+(?: \(bonus\))?) \|$", TEXT, flags=re.MULTILINE)
    tasks = [task for name in ("hw1", "hw2", "hw3") for task in load_assignment(name).tasks]
    assert rows == [(task.id, task.title, f"{task.points}{' (bonus)' * task.bonus}") for task in tasks]


def test_notebooks_in_the_plan_exist_and_none_is_left_out():
    plan = TEXT[TEXT.index("## Plans") : TEXT.index("## Demonstrations")]
    for path in sorted((TOP / "notebooks").glob("*.ipynb")):
        assert f"(../notebooks/{path.name})" in plan, path.name
    assert "chapter-by-chapter" in anchors(PAGE)


def test_the_demonstrations_with_code_show_what_the_guide_says(tmp_path, monkeypatch, capsys):
    from minivision.cli import main

    monkeypatch.chdir(tmp_path)
    letters, mine = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    exec(letters, {})
    assert capsys.readouterr().out.strip() in TEXT and (tmp_path / "letters.html").stat().st_size > 10_000
    (tmp_path / "mine.py").write_text(mine, encoding="utf-8")
    assert main(["check", "upsample_nearest_backward", "--backend", "mine.py"]) == 1
    said = " ".join(capsys.readouterr().out.split())
    for part in re.search(r"says \*(.*?)\*\. Mend", TEXT).group(1).split(" ... "):
        assert part in said
    (tmp_path / "mine.py").write_text(mine.replace("] = dy", "] += dy"), encoding="utf-8")
    assert main(["check", "upsample_nearest_backward", "--backend", "mine.py"]) == 0
