"""YOLO's tensor, written and read."""

import numpy as np
import pytest

from minivision.homework.expected import expect

# ---- 3.5: YOLO's tensor, written ------------------------------------------------------------------------------------


def encoded(student, boxes, labels, S, B, C, size):
    return student.encode_yolo(np.array(boxes, float), np.array(labels, int), S, B, C, size=size, dtype=np.float64)


@pytest.mark.task("3.5")
def test_the_cell_that_holds_the_centre_holds_the_object(student):
    # an image of 20 x 40 (height x width), 2 x 4 cells of 10 x 10; centre (25, 14): column 2, row 1
    try:
        tensor = encoded(student, [[21, 12, 29, 16]], [2], (2, 4), 2, 3, (20, 40))
    except IndexError as error:
        raise AssertionError(
            f"row 1, column 2 of 2 x 4 cells: is it tensor[row, column], row from y? {error}"
        ) from None
    assert np.shape(tensor) == (2, 4, 13), f"2 x 4 cells of 5 * 2 + 3 numbers, not {np.shape(tensor)}"
    cells = [tuple(map(int, cell)) for cell in np.argwhere(np.asarray(tensor).any(axis=-1))]
    where = {
        (1, 2): "",
        (0, 2): "Row 1 is y = 10 to 20: is it the box's upper corner, or the width, that you took?",
        (1, 1): "Columns are counted from 0, and column 2 is x = 20 to 30.",
        (1, 3): "Do not round: column 2 is x = 20 to 30, so x = 25 lies in it.",
    }
    if cells != [(1, 2)]:
        cause = where.get(cells[0], "") if len(cells) == 1 else ""
        raise AssertionError(
            f"the object is in cell (1, 2) (row, column) alone; here there is something in {cells}. {cause}"
        )
    cell = np.asarray(tensor)[1, 2]
    expect(
        "x, y, w, h and the confidence of the box",
        cell[:5],
        [0.5, 0.4, 0.2, 0.2, 1],
        [
            ([0.4, 0.5, 0.2, 0.2, 1], "x and y are swapped: x comes first."),
            (
                [0.625, 0.7, 0.2, 0.2, 1],
                "x and y say where in its *cell* the centre lies, from 0 to 1, not where in the image.",
            ),
            (
                [2.5, 1.4, 0.2, 0.2, 1],
                "Subtract the column and the row: x and y say where in its cell the centre lies.",
            ),
            ([0.1, 0.2, 0.2, 0.2, 1], "x and y are those of the box's centre, not of its upper left corner."),
            ([0.5, 0.4, 0.8, 0.4, 1], "w and h are parts of the image, not of the cell."),
            ([0.5, 0.4, 8, 4, 1], "w and h are parts of the image, from 0 to 1, not pixels."),
            ([5, 4, 0.2, 0.2, 1], "x and y are parts of the cell, from 0 to 1, not pixels."),
            ([0.5, 0.4, 0.2**0.5, 0.2**0.5, 1], "The tensor has w and h themselves; the roots are the loss's affair."),
            ([0.5, 0.4, 0.1, 0.4, 1], "w is a part of the width, h one of the height: they are swapped."),
            ([0.5, 0.4, 0.2, 0.2, 0], "The confidence of a box with an object is 1."),
        ],
    )
    expect(
        "the second box of the cell, which is free",
        cell[5:10],
        np.zeros(5),
        [(cell[:5], "One object takes one box, not all.")],
    )
    expect(
        "the probabilities of the classes 1, 2, 3, for an object of class 2",
        cell[10:],
        [0, 1, 0],
        [
            ([0, 0, 1], "Labels count from 1: class 2 is the second number, at label - 1."),
            (
                [0, 2, 0],
                "The class probability of an object alone in its cell is 1: write it, or divide by their number.",
            ),
            ([0, 0, 0], "The class of the object is missing."),
        ],
    )


@pytest.mark.task("3.5")
def test_of_several_objects_in_a_cell_the_largest_stay_and_share_its_classes(student):
    # one cell with room for two boxes; three objects of 2 x 2, 4 x 4 and 6 x 8 pixels in the middle of 10 x 10
    boxes = [[4, 4, 6, 6], [3, 3, 7, 7], [2, 1, 8, 9]]
    tensor = np.asarray(encoded(student, boxes, [1, 2, 3], 1, 2, 3, (10, 10)))[0, 0]
    expect(
        "the widths and heights of both boxes",
        tensor[[2, 3, 7, 8]],
        [0.6, 0.8, 0.4, 0.4],
        [
            ([0.2, 0.2, 0.4, 0.4], "The largest objects come first, not the first ones."),
            ([0.2, 0.2, 0, 0], "The second object takes the second box of the cell, the next free one."),
            ([0.6, 0.8, 0, 0], "The second object takes the second box of the cell, the next free one."),
            ([0.4, 0.4, 0, 0], "The second object takes the second box of the cell: what is there already stays."),
            ([0.6, 0.8, 0.2, 0.2], "Of more objects than boxes the largest stay: the smallest has overwritten one."),
            ([0.2, 0.2, 0.6, 0.8], "The largest object comes first."),
            ([0.4, 0.4, 0.6, 0.8], "The largest object comes first."),
            ([0.6, 0.8, 0.6, 0.8], "Each object takes one box."),
        ],
    )
    expect(
        "the class probabilities of a cell with objects of class 3 and 2",
        tensor[10:],
        [0, 0.5, 0.5],
        [
            ([0, 1, 1], "Probabilities add up to 1: two objects of different classes have one half each."),
            ([1 / 3, 1 / 3, 1 / 3], "What has no box in the cell is left out: its class too."),
            ([0.5, 0.5, 0.5], "What has no box in the cell is left out: its class too."),
            ([0, 0, 1], "Both objects count: two of different classes have one half each."),
            ([0, 1, 0], "Both objects count: two of different classes have one half each."),
            ([1, 1, 1], "What has no box in the cell is left out, its class too; and probabilities add up to 1."),
        ],
    )


@pytest.mark.task("3.5")
def test_a_centre_upon_the_right_border_is_in_the_last_cell(student):
    try:
        tensor = np.asarray(encoded(student, [[8, 8, 12, 12]], [1], 2, 1, 1, (10, 10)))
    except IndexError as error:
        raise AssertionError(
            f"the centre (10, 10) lies upon the right and lower border of an image of 10 x 10; "
            f"it is in the last cell: {error}"
        ) from None
    expect(
        "the last cell, with a centre upon the right and lower border",
        tensor[1, 1],
        [1, 1, 0.4, 0.4, 1, 1],
        [
            ([0, 0, 0.4, 0.4, 1, 1], "In the last cell the right and lower border is x = 1, y = 1."),
            (np.zeros(6), "A centre upon the border belongs to the last cell: it is lost here."),
        ],
    )


@pytest.mark.task("3.5")
def test_tensors_of_all_kinds(student):
    student.check("encode_yolo")


# ---- 3.6: YOLO's tensor, read ---------------------------------------------------------------------------------------


@pytest.mark.task("3.6")
def test_a_box_is_read_from_its_cell(student):
    # 2 x 4 cells of an image of 20 x 40; the box of cell (1, 2) has its centre at (25, 14), and is 8 x 4 pixels large
    tensor = np.zeros((2, 4, 7))
    tensor[1, 2] = 0.5, 0.4, 0.2, 0.2, 0.5, 0.25, 0.75
    boxes, scores = student.decode_yolo(tensor, 1, size=(20, 40))
    assert np.shape(boxes) == (8, 4), f"8 cells with one box each are an array (8, 4), not {np.shape(boxes)}"
    expect(
        "the box of row 1, column 2, cell number 6 along the rows",
        np.asarray(boxes)[6],
        [21, 12, 29, 16],
        [
            ([25, 14, 8, 4], "Boxes are x1, y1, x2, y2: two corners, not a centre and a size."),
            ([21, 12, 8, 4], "Boxes are x1, y1, x2, y2: two corners, not a corner and a size."),
            ([17, 10, 33, 18], "From the centre it is half the width and half the height to each side."),
            ([1, 2, 9, 6], "x and y are counted from the cell's corner: add the column and the row."),
            ([11, 22, 19, 26], "The column belongs to x, the row to y: they are swapped."),
            ([24, 12, 26, 16], "w and h are parts of the image, not of the cell."),
            ([24, 13, 26, 15], "w and h are parts of the image, not of the cell."),
            ([25, 14, 33, 18], "x and y are those of the centre, not of the upper left corner."),
            ([0.525, 0.6, 0.725, 0.8], "`size` is ignored: boxes are returned in its unit."),
            ([24.2, 13.6, 25.8, 14.4], "The tensor has w and h themselves: nothing is to be squared here."),
        ],
    )
    expect(
        "the scores of that box",
        np.asarray(scores)[6],
        [0.125, 0.375],
        [
            ([0.25, 0.75], "A score is confidence times class probability: the confidence is missing."),
            ([0.5, 0.5], "A score is confidence times class probability: the class probability is missing."),
            ([0.375, 0.125], "The classes keep their order."),
        ],
    )
    assert np.shape(scores) == (8, 2), f"8 boxes have 8 rows of 2 scores, not {np.shape(scores)}"


@pytest.mark.task("3.6")
def test_boxes_come_cell_after_cell_and_cells_may_be_no_whole_pixels(student):
    tensor = np.zeros((1, 4, 11))  # four cells of 2.5 pixels, two boxes in each, with the heights 0.1, 0.2, 0.3 ...
    tensor[..., 3] = [0.1, 0.3, 0.5, 0.7]
    tensor[..., 8] = [0.2, 0.4, 0.6, 0.8]
    boxes, _ = student.decode_yolo(tensor, 2, size=(10, 10))
    boxes = np.asarray(boxes)
    expect(
        "the heights of all boxes",
        boxes[:, 3] - boxes[:, 1],
        np.arange(1, 9),
        [
            (
                [1, 3, 5, 7, 2, 4, 6, 8],
                "Boxes come cell after cell, and in each one its B boxes: not the first boxes of all cells first.",
            )
        ],
    )
    expect(
        "the x1 of all boxes, in cells of 2.5 pixels",
        boxes[:, 0],
        [0, 0, 2.5, 2.5, 5, 5, 7.5, 7.5],
        [
            ([0, 0, 2, 2, 4, 4, 6, 6], "A cell need not be of whole pixels: divide by /, not by //."),
            ([0, 2.5, 5, 7.5, 0, 2.5, 5, 7.5], "Boxes come cell after cell, and in each one its B boxes."),
        ],
    )


@pytest.mark.task("3.6")
def test_several_tensors_are_read_at_once(student):
    tensor = np.zeros((3, 2, 2, 6))
    tensor[1, 0, 1] = 0.5, 0.5, 0.5, 0.5, 1, 1
    try:
        boxes, scores = student.decode_yolo(tensor, 1)
    except NotImplementedError:
        raise
    except Exception as error:
        raise AssertionError(
            f"there may be more axes before the last three, one for several images, or none: {error}"
        ) from None
    assert np.shape(boxes) == (3, 4, 4) and np.shape(scores) == (3, 4, 1), (
        f"three images of 2 x 2 cells give boxes (3, 4, 4) and scores (3, 4, 1), not {np.shape(boxes)} and "
        f"{np.shape(scores)}: "
        "there may be more axes before the last three"
    )
    expect("the box of cell (0, 1) of the second image", np.asarray(boxes)[1, 1], [0.5, 0, 1, 0.5])


@pytest.mark.task("3.6")
def test_readings_of_all_kinds(student):
    student.check("decode_yolo")
