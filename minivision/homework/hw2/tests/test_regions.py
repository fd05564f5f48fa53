"""RoI pooling and RoIAlign: numbers that can be followed by hand, and a check with many more."""

import numpy as np
import pytest

from minivision.homework.expected import expect, maps


def rois(*rows):
    """Return regions (K, 5): the number of the image, then x1, y1, x2, y2."""
    return np.array(rows, dtype=np.float64).reshape(len(rows), 5)


def on_small_maps(case):
    """Return whether maps and regions of a case are so small that it is quick, also in plain loops."""
    shape = case["x"].shape if "x" in case else case["input_shape"]
    return 0 < shape[1] and np.prod(shape) <= 150 and np.abs(case["rois"]).max(initial=0) < 100


# ---- 2.4: RoI pooling -----------------------------------------------------------------------------------------------


@pytest.mark.task("2.4")
def test_two_cells_of_a_row(student):
    # From column 0 to column 5, both belong to the region: six columns, three for each cell.
    y, argmax = student.roi_pool(maps([3, 1, 4, 1, 5, 9]), rois([0, 0, 0, 5, 0]), (1, 2))
    mistakes = [
        ([4, 5], "the last column is missing: both corners belong to the region, it is x2 - x1 + 1 wide"),
        ([8 / 3, 5], "that is the mean of each cell: the largest is meant"),
        ([4, 5.5], "that is the mean of each cell: the largest is meant"),
    ]
    expect("the largest of [3, 1, 4] and of [1, 5, 9]", y.ravel(), [4, 9], mistakes)
    mistakes = [
        ([2, 2], "that is the place within the cell: count in the whole plane of x, row * W + column"),
        ([4, 9], "argmax is where the largest stood, not the largest itself"),
    ]
    expect("where they stood", argmax.ravel(), [2, 5], mistakes)


@pytest.mark.task("2.4")
def test_cells_share_a_column_where_the_width_is_no_multiple(student):
    y, _ = student.roi_pool(maps([1, 5, 2]), rois([0, 0, 0, 2, 0]), (1, 2))
    mistakes = [
        (
            [1, 5],
            "a cell ends where the next one begins; it must end at ceil((j + 1) * size), so that cells may overlap",
        ),
        ([5, 2], "a cell begins at ceil(j * size); it must begin at floor(j * size), so that cells may overlap"),
        ([1, 2], "a column between two cells is lost: from floor(j * size) to ceil((j + 1) * size)"),
    ]
    expect("cells of [1, 5] and [5, 2]", y.ravel(), [5, 5], mistakes)


@pytest.mark.task("2.4")
def test_corners_are_rounded_halves_away_from_zero(student):
    y, _ = student.roi_pool(maps([0, 1, 2, 3]), rois([0, 0, 0, 2.5, 0], [0, 0, 0, 2.7, 0], [0, 0, 0, 2.2, 0]), 1)
    mistakes = [
        ([2, 3, 2], "Python's round and np.round send halves to the even number: round_half_away does not"),
        ([2, 2, 2], "corners are rounded to the nearest pixel, not down (int() and // cut off)"),
        ([3, 3, 3], "corners are rounded to the nearest pixel, not up"),
    ]
    expect("columns 0 to 2.5, to 2.7 and to 2.2: the last of them", y.ravel(), [3, 3, 2], mistakes)


@pytest.mark.task("2.4")
def test_a_box_of_the_image_is_scaled_to_the_map(student):
    x = np.arange(12.0).reshape(1, 1, 3, 4)
    y, argmax = student.roi_pool(x, rois([0, 8, 0, 16, 8]), 1, spatial_scale=1 / 8)
    mistakes = [
        ([0], "spatial_scale is ignored: the box lies in an image that is larger than the map"),
        ([11], "spatial_scale is ignored, or the box reaches too far"),
        ([9], "x and y are swapped: x1 and x2 count columns, y1 and y2 count rows"),
    ]
    expect("columns 1 to 2, rows 0 to 1 of a map of 3 x 4", y.ravel(), [6], mistakes)
    expect(
        "its place, row 1 and column 2", argmax.ravel(), [6], [([7], "it is row * W + column, not column * H + row")]
    )


@pytest.mark.task("2.4")
def test_each_region_belongs_to_an_image(student):
    x = np.stack([maps([1, 2])[0], maps([30, 40])[0]])
    y, _ = student.roi_pool(x, rois([1, 0, 0, 1, 0], [0, 0, 0, 1, 0]), 1)
    mistakes = [
        ([2, 2], "the first number of a region is the number of its image: here all come from the first"),
        ([2, 40], "region k does not belong to image k: the first number of each region says which"),
    ]
    expect("a region of image 1 and one of image 0", y.ravel(), [40, 2], mistakes)


@pytest.mark.task("2.4")
def test_negative_numbers_have_a_largest_too_and_of_equals_the_first_wins(student):
    y, argmax = student.roi_pool(maps([[-3, -2], [-2, -5]]), rois([0, 0, 0, 1, 1]), 1)
    mistakes = [
        ([0], "the search for the largest begins with 0, but all are negative: begin with -inf, or with the first")
    ]
    expect("the largest of [-3, -2, -2, -5]", y.ravel(), [-2], mistakes)
    expect("its place", argmax.ravel(), [1], [([2], "of equals the first wins: > and not >=")])


@pytest.mark.task("2.4")
def test_a_cell_off_the_map_is_0_and_stands_nowhere(student):
    y, argmax = student.roi_pool(maps([7, 8]), rois([0, 1, 0, 4, 0]), (1, 2))
    mistakes = [
        ([8, -np.inf], "a cell off the map has no largest number: it is 0"),
        ([8, 8], "the region is cut off at the border before it is divided: the grid is laid upon the whole region"),
    ]
    expect("columns 1 and 2, columns 3 and 4, of a map with columns 0 and 1", y.ravel(), [8, 0], mistakes)
    expect("where they stood", argmax.ravel(), [1, -1], [([1, 0], "off the map argmax is -1")])


@pytest.mark.task("2.4")
def test_roi_pool_agrees_with_the_textbook(student):
    student.check("roi_pool", keep=on_small_maps)


# ---- 2.5: RoI pooling, backward -------------------------------------------------------------------------------------


@pytest.mark.task("2.5")
def test_two_regions_that_chose_the_same_pixel(student):
    argmax = np.array([2, 0, 2]).reshape(3, 1, 1, 1)
    dx = student.roi_pool_backward(
        np.array([1.0, 10, 100]).reshape(3, 1, 1, 1), rois(*[[0, 0, 0, 3, 0]] * 3), argmax, (1, 1, 1, 4)
    )
    mistakes = [
        ([10, 0, 100, 0], "where two regions chose the same pixel their gradients add up: += and not ="),
        ([10, 0, 1, 0], "where two regions chose the same pixel their gradients add up: += and not ="),
        ([5, 0, 50.5, 0], "the gradients of regions add up: no mean is taken"),
    ]
    expect("dx: 10 at column 0, and 1 + 100 at column 2", dx.ravel(), [10, 0, 101, 0], mistakes)


@pytest.mark.task("2.5")
def test_what_stood_nowhere_gets_nothing(student):
    argmax = np.array([-1, 1]).reshape(1, 1, 1, 2)
    dx = student.roi_pool_backward(np.array([[[[5.0, 7.0]]]]), rois([0, 0, 0, 3, 0]), argmax, (1, 1, 1, 3))
    mistakes = [([0, 7, 5], "-1 says that a cell lay off the map. As an index it is the last pixel: leave it out")]
    expect("dx of a cell off the map and of one at column 1", dx.ravel(), [0, 7, 0], mistakes)


@pytest.mark.task("2.5")
def test_each_gradient_goes_to_its_image_and_channel(student):
    dy = np.array([1.0, 2, 3, 4]).reshape(2, 2, 1, 1)
    dx = student.roi_pool_backward(dy, rois([1, 0, 0, 1, 1], [0, 0, 0, 1, 1]), np.full(dy.shape, 3), (2, 2, 2, 3))
    right = np.zeros((2, 2, 2, 3))
    right[1, :, 1, 0], right[0, :, 1, 0] = [1, 2], [3, 4]  # 3 is row 1, column 0 of rows of three
    first, columns = np.zeros_like(right), np.zeros_like(right)
    first[0, :, 1, 0] = [4, 6]
    columns[1, :, 1, 1], columns[0, :, 1, 1] = [1, 2], [3, 4]
    mistakes = [
        (first, "all gradients went to the first image: the first number of each region says which"),
        (right[::-1], "region k does not belong to image k: the first number of each region says which"),
        (columns, "argmax is row * W + column, with W the columns of x"),
    ]
    expect("dx", dx, right, mistakes)


@pytest.mark.task("2.5")
def test_roi_pool_backward_agrees_with_differences(student):
    student.check("roi_pool_backward", keep=on_small_maps)


# ---- 2.6: RoIAlign --------------------------------------------------------------------------------------------------


ROW = [10, 20, 70, 40]


@pytest.mark.task("2.6")
def test_the_middle_of_pixel_1_is_pixel_1(student):
    # The box covers pixel 1 alone, from 1 to 2, and one sample is in its middle.
    y = student.roi_align(maps(ROW), rois([0, 1, 0, 2, 1]), 1, sampling_ratio=1)
    mistakes = [
        ([45], "half a pixel off: with `aligned`, half a pixel is taken off the corners, so that pixel 1 lies at 1"),
        ([15], "the sample stands at the edge of the cell: it belongs in the middle, at (s + 0.5) / samples"),
    ]
    expect("the sample in the middle of pixel 1", y.ravel(), [20], mistakes)


@pytest.mark.task("2.6")
def test_between_two_pixels_both_count(student):
    y = student.roi_align(maps(ROW), rois([0, 0.75, 0, 1.75, 1]), 1, sampling_ratio=1)  # its middle is at 1.25 - 0.5
    mistakes = [
        ([20], "corners are rounded, or the nearest pixel is taken: RoIAlign rounds nothing and interpolates"),
        ([10], "the position is cut to a whole number: interpolate between the two pixels beside it"),
        ([12.5], "the two shares are swapped: the nearer pixel counts more"),
        ([15], "the two pixels count alike: the nearer one counts more"),
        ([30], "the shares of the two pixels are missing"),
        ([32.5], "half a pixel is not taken off"),
    ]
    expect("three quarters of the way from 10 to 20", y.ravel(), [17.5], mistakes)


@pytest.mark.task("2.6")
def test_a_cell_is_the_mean_of_its_samples(student):
    y = student.roi_align(maps(ROW), rois([0, 1, 0, 3, 1]), 1, sampling_ratio=2)  # at 1 and at 2
    mistakes = [
        ([180], "the samples are added up, all 2 x 2 of them: take their mean"),
        ([90], "the sum is divided by the samples in one direction alone: there are 2 x 2"),
        ([70], "the largest sample is taken: RoIAlign averages"),
        ([11.25], "the sum is divided by the samples once too often"),
        ([30], "the samples stand at the edges of their parts of the cell: each belongs in the middle of its part"),
        ([50], "the samples stand at the edges of their parts of the cell: each belongs in the middle of its part"),
    ]
    expect("the mean of 20 and 70", y.ravel(), [45], mistakes)


@pytest.mark.task("2.6")
def test_how_many_samples_a_cell_has(student):
    # 2.5 pixels: three samples, at 10, at 17.5 and at 20 + 50 * 7 / 12.
    many = student.roi_align(maps(ROW), rois([0, 0, 0, 2.5, 1]), 1)
    mistakes = [
        ([17.5], "sampling_ratio = -1 takes as many samples as the cell has pixels, rounded up; here one is taken"),
        ([25], "sampling_ratio = -1 takes as many samples as the cell has pixels, rounded up; here two are taken"),
    ]
    expect("the mean of three samples in two and a half pixels", many.ravel(), [(47.5 + 350 / 12) / 3], mistakes)
    whole = rois([0, 0, 0, 4, 1])
    one = student.roi_align(maps(ROW), whole, 1, sampling_ratio=1)
    mistakes = [([35], "sampling_ratio is ignored: it says how many samples there are")]
    expect("a single sample in the middle of four pixels", one.ravel(), [45], mistakes)


@pytest.mark.task("2.6")
def test_the_grid_has_rows_and_columns(student):
    x = maps([[1, 2, 3, 4], [10, 20, 30, 40]])
    y = student.roi_align(x, rois([0, 0, 0, 4, 2]), (2, 4), sampling_ratio=1)
    mistakes = [(x.reshape(4, 2).T[None, None], "rows and columns are swapped in the grid")]
    expect("one sample in each pixel: x once more", y, x, mistakes)


@pytest.mark.task("2.6")
def test_beside_the_map_it_goes_on_for_a_pixel_and_then_there_is_nothing(student):
    y = student.roi_align(maps(ROW), rois([0, -1, 0, 0, 1], [0, -2, 0, -1, 1]), 1, sampling_ratio=1)
    mistakes = [
        ([0, 0], "up to a pixel beyond the outermost ones, the nearest pixel counts: a sample at -1 there is still 10"),
        ([10, 10], "a sample more than a pixel outside of the map counts as 0: there is nothing"),
        ([40, 40], "a negative index counts from the end: the samples lie to the left of the map"),
    ]
    expect("samples at -1 and at -2", y.ravel(), [10, 0], mistakes)


@pytest.mark.task("2.6")
def test_not_aligned_is_how_it_was_done_first(student):
    y = student.roi_align(maps(ROW), rois([0, 1, 0, 2, 1], [0, 2, 0, 2.5, 1]), 1, sampling_ratio=1, aligned=False)
    mistakes = [
        ([20, 57.5], "`aligned` is ignored: without it nothing is taken off the corners"),
        ([20, 70], "`aligned` is ignored: without it nothing is taken off the corners"),
        ([45, 62.5], "without `aligned` a region is made at least one pixel wide and high"),
    ]
    expect("samples at 1.5 and, in a region that is made one pixel wide, at 2.5", y.ravel(), [45, 55], mistakes)


@pytest.mark.task("2.6")
def test_each_aligned_region_belongs_to_an_image_and_is_scaled(student):
    x = np.stack([maps(ROW)[0], maps(np.multiply(ROW, 10))[0]])
    y = student.roi_align(x, rois([1, 8, 0, 16, 8], [0, 8, 0, 16, 8]), 1, spatial_scale=1 / 8)
    mistakes = [
        ([20, 20], "the first number of a region is the number of its image: here all come from the first"),
        ([20, 200], "region k does not belong to image k: the first number of each region says which"),
        ([0, 0], "spatial_scale is ignored: the box lies in an image that is larger than the map"),
    ]
    expect("pixel 1 of image 1 and of image 0", y.ravel(), [200, 20], mistakes)


@pytest.mark.task("2.6")
def test_roi_align_agrees_with_the_textbook(student):
    student.check("roi_align", keep=on_small_maps)


# ---- 2.7: RoIAlign, backward ----------------------------------------------------------------------------------------


@pytest.mark.task("2.7")
def test_a_gradient_is_shared_as_the_sample_was_read(student):
    dy = np.full((1, 1, 1, 1), 8.0)
    dx = student.roi_align_backward(dy, rois([0, 0.75, 0, 1.75, 1]), (1, 1, 1, 4), sampling_ratio=1)
    mistakes = [
        ([6, 2, 0, 0], "the two shares are swapped"),
        ([4, 4, 0, 0], "the two pixels do not count alike: the sample lies at 0.75"),
        ([0, 8, 0, 0], "the gradient goes to the nearest pixel alone: it is shared as the sample was interpolated"),
        ([8, 8, 0, 0], "the shares of the two pixels are missing"),
        ([0, 6, 2, 0], "half a pixel is not taken off"),
        (
            [0, 0, 0, 0],
            "nothing arrives, or each share overwrites the one before, the last of which is 0: += and not =",
        ),
    ]
    expect("8 for a sample at 0.75: a quarter and three quarters of it", dx.ravel(), [2, 6, 0, 0], mistakes)


@pytest.mark.task("2.7")
def test_the_samples_of_a_cell_share_its_gradient(student):
    dy = np.full((1, 1, 1, 1), 8.0)
    dx = student.roi_align_backward(dy, rois([0, 1, 0, 3, 1]), (1, 1, 1, 4), sampling_ratio=2)
    mistakes = [
        ([0, 16, 16, 0], "y was the mean of 2 x 2 samples: the gradient of each is dy / 4"),
        ([0, 8, 8, 0], "y was the mean of 2 x 2 samples: the gradient of each is dy / 4"),
        ([0, 1, 1, 0], "the gradient is divided by the samples once too often"),
        ([0, 0, 2, 0], "the samples overwrite each other: += and not ="),
        (
            [0, 0, 0, 0],
            "nothing arrives, or each share overwrites the one before, the last of which is 0: += and not =",
        ),
        ([0, 2, 2, 0], "samples in the same pixel overwrite each other: += and not ="),
    ]
    expect("8 for two samples at pixel 1 and two at pixel 2", dx.ravel(), [0, 4, 4, 0], mistakes)


@pytest.mark.task("2.7")
def test_where_regions_overlap_their_gradients_add_up(student):
    dy = np.array([1.0, 10, 100]).reshape(3, 1, 1, 1)
    regions = rois([0, 1, 0, 2, 1], [0, 1, 0, 2, 1], [1, 2, 0, 3, 1])
    dx = student.roi_align_backward(dy, regions, (2, 1, 1, 4), sampling_ratio=1)
    mistakes = [
        ([[0, 10, 0, 0], [0, 0, 100, 0]], "where regions overlap their gradients add up: += and not ="),
        ([[0, 11, 100, 0], [0, 0, 0, 0]], "all gradients went to the first image: the region says which"),
    ]
    expect("dx of two images", dx[:, 0, 0], [[0, 11, 0, 0], [0, 0, 100, 0]], mistakes)


@pytest.mark.task("2.7")
def test_nothing_of_a_gradient_is_lost_inside_of_the_map(student):
    rng = np.random.default_rng(0)
    corners = rng.uniform(0, 4, (5, 2))
    regions = np.column_stack([np.zeros(5), corners, corners + rng.uniform(1, 5, (5, 2))])
    dy = rng.normal(size=(5, 2, 3, 2))
    dx = student.roi_align_backward(dy, regions, (1, 2, 10, 9))
    expect("the sum of dx for each channel, that of dy,", dx.sum(axis=(0, 2, 3)), dy.sum(axis=(0, 2, 3)))


@pytest.mark.task("2.7")
def test_roi_align_backward_agrees_with_differences(student):
    # Whatever is held to differences is called often.
    student.check("roi_align_backward", keep=lambda c: on_small_maps(c) and ("dy" in c or c.get("sampling_ratio") == 2))
