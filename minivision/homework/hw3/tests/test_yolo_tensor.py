"""Encoding and decoding the YOLO tensor."""

import numpy as np
import pytest

from minivision.homework.expected import expect

# ---- 3.5: encoding the YOLO tensor ----------------------------------------------------------------------------------


def encoded(student, boxes, labels, S, B, C, size):
    return student.encode_yolo(np.array(boxes, float), np.array(labels, int), S, B, C, size=size, dtype=np.float64)


@pytest.mark.task("3.5")
def test_the_cell_that_contains_the_center_has_the_object(student):
    # an image of 20 x 40 (height x width), 2 x 4 cells of 10 x 10; center (25, 14): column 2, row 1
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
        (0, 2): "Row 1 is y = 10 to 20: did you use the upper corner of the box, or the width?",
        (1, 1): "Columns count from 0, and column 2 is x = 20 to 30.",
        (1, 3): "Do not round to the nearest: column 2 is x = 20 to 30, so it contains x = 25.",
    }
    if cells != [(1, 2)]:
        cause = where.get(cells[0], "") if len(cells) == 1 else ""
        raise AssertionError(
            f"only cell (1, 2) (row, column) should have an object; here these cells have one: {cells}. {cause}"
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
                "x and y are the position of the center in its *cell*, from 0 to 1, not in the image.",
            ),
            (
                [2.5, 1.4, 0.2, 0.2, 1],
                "Subtract the column and the row: x and y are the position of the center in its cell.",
            ),
            ([0.1, 0.2, 0.2, 0.2, 1], "x and y are the center of the box, not its upper left corner."),
            ([0.5, 0.4, 0.8, 0.4, 1], "w and h are fractions of the image, not of the cell."),
            ([0.5, 0.4, 8, 4, 1], "w and h are fractions of the image, from 0 to 1, not pixels."),
            ([5, 4, 0.2, 0.2, 1], "x and y are fractions of the cell, from 0 to 1, not pixels."),
            ([0.5, 0.4, 0.2**0.5, 0.2**0.5, 1], "The tensor contains w and h: the square roots belong to the loss."),
            ([0.5, 0.4, 0.1, 0.4, 1], "w is a fraction of the width, h of the height: they are swapped."),
            ([0.5, 0.4, 0.2, 0.2, 0], "The confidence of a box with an object is 1."),
        ],
    )
    expect(
        "the second box of the cell, which is free,",
        cell[5:10],
        np.zeros(5),
        [(cell[:5], "One object uses one box, not all boxes.")],
    )
    expect(
        "the probabilities of the classes 1, 2, 3 for an object of class 2",
        cell[10:],
        [0, 1, 0],
        [
            ([0, 0, 1], "Labels count from 1: class 2 is the second number, at index label - 1."),
            (
                [0, 2, 0],
                "The class probability of a single object in a cell is 1, not the number of boxes.",
            ),
            ([0, 0, 0], "The class of the object is missing."),
        ],
    )


@pytest.mark.task("3.5")
def test_the_largest_objects_of_a_cell_stay_and_share_its_class_probabilities(student):
    # one cell with two boxes; three objects of 2 x 2, 4 x 4 and 6 x 8 pixels in the middle of 10 x 10
    boxes = [[4, 4, 6, 6], [3, 3, 7, 7], [2, 1, 8, 9]]
    tensor = np.asarray(encoded(student, boxes, [1, 2, 3], 1, 2, 3, (10, 10)))[0, 0]
    expect(
        "the widths and heights of both boxes",
        tensor[[2, 3, 7, 8]],
        [0.6, 0.8, 0.4, 0.4],
        [
            ([0.2, 0.2, 0.4, 0.4], "The largest objects come first, not the first objects."),
            ([0.2, 0.2, 0, 0], "The second object uses the second box of the cell, the next free one."),
            ([0.6, 0.8, 0, 0], "The second object uses the second box of the cell, the next free one."),
            ([0.4, 0.4, 0, 0], "The second object uses the second box of the cell: it must not overwrite the first."),
            (
                [0.6, 0.8, 0.2, 0.2],
                "If there are more objects than boxes, the largest stay: the smallest has overwritten one.",
            ),
            ([0.2, 0.2, 0.6, 0.8], "The largest object comes first."),
            ([0.4, 0.4, 0.6, 0.8], "The largest object comes first."),
            ([0.6, 0.8, 0.6, 0.8], "Each object uses one box."),
        ],
    )
    expect(
        "the class probabilities of a cell with objects of class 3 and 2",
        tensor[10:],
        [0, 0.5, 0.5],
        [
            ([0, 1, 1], "Probabilities add up to 1: two objects of different classes give one half each."),
            ([1 / 3, 1 / 3, 1 / 3], "An object without a box is left out, also its class."),
            ([0.5, 0.5, 0.5], "An object without a box is left out, also its class."),
            ([0, 0, 1], "Both objects count: two objects of different classes give one half each."),
            ([0, 1, 0], "Both objects count: two objects of different classes give one half each."),
            ([1, 1, 1], "An object without a box is left out, also its class; and probabilities add up to 1."),
        ],
    )


@pytest.mark.task("3.5")
def test_a_center_on_the_right_border_is_in_the_last_cell(student):
    try:
        tensor = np.asarray(encoded(student, [[8, 8, 12, 12]], [1], 2, 1, 1, (10, 10)))
    except IndexError as error:
        raise AssertionError(
            f"the center (10, 10) is on the right and lower border of an image of 10 x 10; "
            f"it belongs to the last cell: {error}"
        ) from None
    expect(
        "the last cell, with a center on the right and lower border,",
        tensor[1, 1],
        [1, 1, 0.4, 0.4, 1, 1],
        [
            ([0, 0, 0.4, 0.4, 1, 1], "The right and lower border of the last cell is x = 1, y = 1."),
            (np.zeros(6), "A center on the border belongs to the last cell: it is missing here."),
        ],
    )


@pytest.mark.task("3.5")
def test_encode_yolo_agrees_with_the_reference(student):
    student.check("encode_yolo", empty=("boxes", "labels"))


# ---- 3.6: decoding the YOLO tensor ----------------------------------------------------------------------------------


@pytest.mark.task("3.6")
def test_a_box_is_decoded_from_its_cell(student):
    # 2 x 4 cells of an image of 20 x 40; the box of cell (1, 2) has its center at (25, 14) and a size of 8 x 4 pixels
    tensor = np.zeros((2, 4, 7))
    tensor[1, 2] = 0.5, 0.4, 0.2, 0.2, 0.5, 0.25, 0.75
    boxes, scores = student.decode_yolo(tensor, 1, size=(20, 40))
    assert np.shape(boxes) == (8, 4), f"8 cells with one box each are an array (8, 4), not {np.shape(boxes)}"
    expect(
        "the box of row 1, column 2, which is cell 6,",
        np.asarray(boxes)[6],
        [21, 12, 29, 16],
        [
            ([25, 14, 8, 4], "Boxes are x1, y1, x2, y2: two corners, not a center and a size."),
            ([21, 12, 8, 4], "Boxes are x1, y1, x2, y2: two corners, not a corner and a size."),
            ([17, 10, 33, 18], "From the center it is half the width and half the height to each side."),
            ([1, 2, 9, 6], "x and y are relative to the corner of the cell: add the column and the row."),
            ([11, 22, 19, 26], "The column belongs to x, the row to y: they are swapped."),
            ([24, 12, 26, 16], "w and h are fractions of the image, not of the cell."),
            ([24, 13, 26, 15], "w and h are fractions of the image, not of the cell."),
            ([25, 14, 33, 18], "x and y are the center of the box, not its upper left corner."),
            ([0.525, 0.6, 0.725, 0.8], "`size` is ignored: boxes are returned in this unit."),
            ([30, 0, 30, 0], "Boxes come row by row of the cells: here they come column by column."),
            ([24.2, 13.6, 25.8, 14.4], "The tensor contains w and h: do not square them here."),
        ],
    )
    expect(
        "the scores of that box",
        np.asarray(scores)[6],
        [0.125, 0.375],
        [
            ([0.25, 0.75], "A score is confidence times class probability: the confidence is missing."),
            ([0.5, 0.5], "A score is confidence times class probability: the class probability is missing."),
            ([0.375, 0.125], "The classes are in the wrong order."),
        ],
    )
    assert np.shape(scores) == (8, 2), f"8 boxes have 8 rows of 2 scores, not {np.shape(scores)}"


@pytest.mark.task("3.6")
def test_boxes_come_cell_by_cell_and_cells_need_not_have_whole_pixels(student):
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
                "Boxes come cell by cell, all B boxes of each: not the first boxes of all cells first.",
            )
        ],
    )
    expect(
        "the x1 of all boxes, in cells of 2.5 pixels",
        boxes[:, 0],
        [0, 0, 2.5, 2.5, 5, 5, 7.5, 7.5],
        [
            ([0, 0, 2, 2, 4, 4, 6, 6], "The size of a cell need not be an integer: divide with /, not with //."),
            ([0, 2.5, 5, 7.5, 0, 2.5, 5, 7.5], "Boxes come cell by cell, all B boxes of each."),
        ],
    )


@pytest.mark.task("3.6")
def test_several_tensors_are_decoded_at_once(student):
    tensor = np.zeros((3, 2, 2, 6))
    tensor[1, 0, 1] = 0.5, 0.5, 0.5, 0.5, 1, 1
    try:
        boxes, scores = student.decode_yolo(tensor, 1)
    except NotImplementedError:
        raise
    except Exception as error:
        raise AssertionError(
            f"there may be more axes before the last three, such as one for several images: {error}"
        ) from None
    assert np.shape(boxes) == (3, 4, 4) and np.shape(scores) == (3, 4, 1), (
        f"three images of 2 x 2 cells give boxes (3, 4, 4) and scores (3, 4, 1), not {np.shape(boxes)} and "
        f"{np.shape(scores)}: "
        "there may be more axes before the last three"
    )
    expect("the box of cell (0, 1) of the second image", np.asarray(boxes)[1, 1], [0.5, 0, 1, 0.5])


@pytest.mark.task("3.6")
def test_decode_yolo_agrees_with_the_reference(student):
    student.check("decode_yolo")
