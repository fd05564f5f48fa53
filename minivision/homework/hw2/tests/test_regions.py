"""RoI pooling and RoIAlign: examples to follow by hand, and a check with many more numbers."""

import numpy as np
import pytest

from minivision.homework.expected import expect, maps


def rois(*rows):
    """Return regions (K, 5): index of the image, x1, y1, x2, y2."""
    return np.array(rows, dtype=np.float64).reshape(len(rows), 5)


def on_small_maps(case):
    """Return whether the maps and regions of a case are small, so that plain loops are quick."""
    shape = case["x"].shape if "x" in case else case["input_shape"]
    return 0 < shape[1] and np.prod(shape) <= 150 and np.abs(case["rois"]).max(initial=0) < 100


# ---- 2.4: RoI pooling -----------------------------------------------------------------------------------------------


@pytest.mark.task("2.4")
def test_two_cells_in_a_row(student):
    # Columns 0 and 5 both belong to the region: six columns, three for each cell.
    y, argmax = student.roi_pool(maps([3, 1, 4, 1, 5, 9]), rois([0, 0, 0, 5, 0]), (1, 2))
    mistakes = [
        ([4, 5], "the last column is missing: both corners belong to the region, so it is x2 - x1 + 1 wide"),
        ([8 / 3, 5], "this is the mean of each cell: take the maximum"),
        ([4, 5.5], "this is the mean of each cell: take the maximum"),
    ]
    expect("y, the maxima of [3, 1, 4] and [1, 5, 9],", y.ravel(), [4, 9], mistakes)
    mistakes = [
        ([2, 2], "this is the index within the cell: count in the whole plane of x, row * W + column"),
        ([4, 9], "argmax is the index of the maximum, not the maximum"),
    ]
    expect("argmax, their indices,", argmax.ravel(), [2, 5], mistakes)


@pytest.mark.task("2.4")
def test_cells_share_a_column_if_the_width_is_not_a_multiple(student):
    # three cells in four columns, and then in four rows
    for name, k, x, box, grid in (
        ("column", "j", maps([1, 5, 2, 4]), [0, 0, 0, 3, 0], (1, 3)),
        ("row", "i", maps([[1], [5], [2], [4]]), [0, 0, 0, 0, 3], (3, 1)),
    ):
        y, _ = student.roi_pool(x, rois(box), grid)
        ends = f"a cell ends where the next one begins: it must end at ceil(({k} + 1) * size), so that cells overlap"
        begins = f"a cell begins at ceil({k} * size): it must begin at floor({k} * size), so that cells may overlap"
        apart = f"a {name} between cells is missing: a cell goes from floor({k} * size) to ceil(({k} + 1) * size)"
        mistakes = [([1, 5, 4], ends), ([5, 2, 4], begins), ([1, 2, 4], apart), ([1, 0, 4], apart)]
        expect(f"y, the maxima of the {name}s [1, 5], [5, 2], [2, 4],", y.ravel(), [5, 5, 4], mistakes)


@pytest.mark.task("2.4")
def test_corners_are_rounded_with_halves_away_from_zero(student):
    y, _ = student.roi_pool(maps([0, 1, 2, 3]), rois([0, 0, 0, 2.5, 0], [0, 0, 0, 2.7, 0], [0, 0, 0, 2.2, 0]), 1)
    mistakes = [
        ([2, 3, 2], "round() and np.round round halves to the even number: use round_half_away"),
        ([2, 2, 2], "corners are rounded to the nearest pixel, not down (int() and // round down)"),
        ([3, 3, 3], "corners are rounded to the nearest pixel, not up"),
    ]
    expect("the last of columns 0 to 2.5, 0 to 2.7 and 0 to 2.2", y.ravel(), [3, 3, 2], mistakes)


@pytest.mark.task("2.4")
def test_a_box_of_the_image_is_scaled_to_the_map(student):
    x = np.arange(12.0).reshape(1, 1, 3, 4)
    y, argmax = student.roi_pool(x, rois([0, 8, 0, 16, 8], [0, 6, 0, 14, 8]), 1, spatial_scale=1 / 8)
    mistakes = [
        ([0, 0], "spatial_scale is ignored: the box is in the image, which is larger than the map"),
        ([11, 11], "spatial_scale is ignored, or the region is too large"),
        ([9, 9], "x and y are swapped: x1 and x2 count columns, y1 and y2 count rows"),
        (
            [6, 5],
            "scale first, then round, to the nearest pixel and not down: the corners 6 and 14 are 0.75 and 1.75 on the "
            "map",
        ),
    ]
    expect("the maxima of columns 1 to 2, rows 0 to 1 of a 3 x 4 map", y.ravel(), [6, 6], mistakes)
    expect(
        "their indices, row 1 and column 2,",
        argmax.ravel(),
        [6, 6],
        [([7, 7], "an index is row * W + column, not column * H + row")],
    )


@pytest.mark.task("2.4")
def test_each_region_belongs_to_an_image(student):
    x = np.stack([maps([1, 2])[0], maps([30, 40])[0]])
    y, _ = student.roi_pool(x, rois([1, 0, 0, 1, 0], [0, 0, 0, 1, 0]), 1)
    mistakes = [
        ([2, 2], "the first number of a region is the index of its image: here all regions come from the first image"),
        ([2, 40], "region k does not belong to image k: the first number of a region is the index of its image"),
    ]
    expect("a region of image 1 and one of image 0", y.ravel(), [40, 2], mistakes)


@pytest.mark.task("2.4")
def test_negative_numbers_have_a_maximum_and_the_first_of_equal_numbers_counts(student):
    y, argmax = student.roi_pool(maps([[-3, -2, -4], [-2, -5, -6]]), rois([0, 0, 0, 2, 1]), 1)
    mistakes = [([0], "the search for the maximum begins with 0, but all numbers are negative: begin with -inf")]
    expect("the maximum of [-3, -2, -4] and [-2, -5, -6]", y.ravel(), [-2], mistakes)
    mistakes = [
        ([3], "of equal numbers the first one counts: >, not >="),
        ([2], "an index is row * W + column, not column * H + row"),
    ]
    expect("its index", argmax.ravel(), [1], mistakes)


@pytest.mark.task("2.4")
def test_a_cell_outside_of_the_map_is_0_and_has_the_index_minus_1(student):
    y, argmax = student.roi_pool(maps([7, 8]), rois([0, 1, 0, 4, 0]), (1, 2))
    mistakes = [
        ([8, -np.inf], "a cell outside of the map has no maximum: it is 0"),
        ([8, 8], "the region is clipped to the map before it is divided: divide the whole region into cells"),
    ]
    expect("y for columns 1 to 2 and columns 3 to 4 of a map with columns 0 and 1", y.ravel(), [8, 0], mistakes)
    expect("argmax", argmax.ravel(), [1, -1], [([1, 0], "outside of the map argmax is -1")])


@pytest.mark.task("2.4")
def test_roi_pool_agrees_with_the_reference(student):
    student.check("roi_pool", keep=on_small_maps)


# ---- 2.5: RoI pooling, backward -------------------------------------------------------------------------------------


@pytest.mark.task("2.5")
def test_two_regions_with_the_same_maximum(student):
    argmax = np.array([2, 0, 2]).reshape(3, 1, 1, 1)
    dx = student.roi_pool_backward(
        np.array([1.0, 10, 100]).reshape(3, 1, 1, 1), rois(*[[0, 0, 0, 3, 0]] * 3), argmax, (1, 1, 1, 4)
    )
    mistakes = [
        ([10, 0, 100, 0], "gradients of regions with the same maximum add up: use +=, not ="),
        ([10, 0, 1, 0], "gradients of regions with the same maximum add up: use +=, not ="),
        ([5, 0, 50.5, 0], "the gradients of regions add up: do not take their mean"),
    ]
    expect("dx, 10 at column 0 and 1 + 100 at column 2,", dx.ravel(), [10, 0, 101, 0], mistakes)


@pytest.mark.task("2.5")
def test_a_cell_outside_of_the_map_has_no_gradient(student):
    argmax = np.array([-1, 1]).reshape(1, 1, 1, 2)
    dx = student.roi_pool_backward(np.array([[[[5.0, 7.0]]]]), rois([0, 0, 0, 3, 0]), argmax, (1, 1, 1, 3))
    mistakes = [([0, 7, 5], "-1 means that a cell is outside of the map. As an index it is the last pixel: skip it")]
    expect("dx for a cell outside of the map and a cell with its maximum at column 1", dx.ravel(), [0, 7, 0], mistakes)


@pytest.mark.task("2.5")
def test_each_gradient_goes_to_its_image_and_channel(student):
    dy = np.array([1.0, 2, 3, 4]).reshape(2, 2, 1, 1)
    dx = student.roi_pool_backward(dy, rois([1, 0, 0, 1, 1], [0, 0, 0, 1, 1]), np.full(dy.shape, 3), (2, 2, 2, 3))
    right = np.zeros((2, 2, 2, 3))
    right[1, :, 1, 0], right[0, :, 1, 0] = [1, 2], [3, 4]  # index 3 is row 1, column 0: a row has three columns
    first, columns = np.zeros_like(right), np.zeros_like(right)
    first[0, :, 1, 0] = [4, 6]
    columns[1, :, 1, 1], columns[0, :, 1, 1] = [1, 2], [3, 4]
    mistakes = [
        (first, "all gradients go to the first image: the first number of a region is the index of its image"),
        (right[::-1], "region k does not belong to image k: the first number of a region is the index of its image"),
        (columns, "argmax is row * W + column, where W is the number of columns of x"),
    ]
    expect("dx", dx, right, mistakes)


@pytest.mark.task("2.5")
def test_roi_pool_backward_agrees_with_finite_differences(student):
    student.check("roi_pool_backward", keep=on_small_maps)


# ---- 2.6: RoIAlign --------------------------------------------------------------------------------------------------


ROW = [10, 20, 70, 40]


@pytest.mark.task("2.6")
def test_a_sample_in_the_center_of_pixel_1_is_pixel_1(student):
    # The box covers pixel 1, from 1 to 2, and one sample is in its center.
    y = student.roi_align(maps(ROW), rois([0, 1, 0, 2, 1]), 1, sampling_ratio=1)
    mistakes = [
        (
            [45],
            "half a pixel is not subtracted: with `aligned` subtract it from the corners, so that pixel 1 is at 1",
        ),
        ([15], "the sample is at the edge of the cell: it belongs in the middle, at (s + 0.5) / samples"),
        (
            [0],
            "both weights are 0 where a position is a whole number: they are 1 - share and share, share = position - "
            "floor(position)",
        ),
    ]
    expect("the sample in the center of pixel 1", y.ravel(), [20], mistakes)


@pytest.mark.task("2.6")
def test_a_sample_between_two_pixels_is_interpolated(student):
    # The center of the box is at 1.3 - 0.5. It is a little higher than the row, whose number it gets all the same.
    y = student.roi_align(maps(ROW), rois([0, 0.8, 0, 1.8, 1.2]), 1, sampling_ratio=1)
    mistakes = [
        ([20], "corners are rounded, or the nearest pixel is used: RoIAlign does not round, it interpolates"),
        ([10], "the position is rounded down: interpolate between the two pixels next to it"),
        ([12], "the two weights are swapped: the nearer pixel has the larger weight"),
        ([13], "the sample is at the edge of the cell: it belongs in the middle, at (s + 0.5) / samples"),
        ([15], "the two pixels have the same weight: the nearer pixel has the larger weight"),
        ([30], "the weights of the two pixels are missing"),
        ([35], "half a pixel is not subtracted"),
        ([11], "x and y are swapped: x1 and x2 count columns, y1 and y2 count rows"),
    ]
    expect("the number four fifths of the way from 10 to 20", y.ravel(), [18], mistakes)


@pytest.mark.task("2.6")
def test_a_cell_is_the_mean_of_its_samples(student):
    y = student.roi_align(maps(ROW), rois([0, 1, 0, 3, 1]), 1, sampling_ratio=2)  # at 1 and at 2
    mistakes = [
        ([180], "all 2 x 2 samples are added up: take their mean"),
        ([90], "the sum is divided by the number of samples in one direction only: there are 2 x 2"),
        ([70], "this is the maximum of the samples: RoIAlign takes their mean"),
        ([11.25], "the sum is divided by the number of samples twice"),
        ([30], "the samples are at the edges of their parts of the cell: each belongs in the middle of its part"),
        (
            [50],
            "both samples are half a pixel too far: subtract it from the corners; each is in the middle of its part",
        ),
    ]
    expect("the mean of 20 and 70", y.ravel(), [45], mistakes)


@pytest.mark.task("2.6")
def test_the_number_of_samples_of_a_cell(student):
    # 2.5 pixels: three samples, with the values 10, 17.5 and 20 + 50 * 7 / 12.
    many = student.roi_align(maps(ROW), rois([0, 0, 0, 2.5, 1]), 1)
    mistakes = [
        ([17.5], "sampling_ratio = -1 means as many samples as the cell has pixels, rounded up; this is one sample"),
        ([25], "sampling_ratio = -1 means as many samples as the cell has pixels, rounded up; these are two samples"),
    ]
    expect("the mean of three samples in two and a half pixels", many.ravel(), [(47.5 + 350 / 12) / 3], mistakes)
    whole = rois([0, 0, 0, 4, 1])
    one = student.roi_align(maps(ROW), whole, 1, sampling_ratio=1)
    mistakes = [([35], "sampling_ratio is ignored: it is the number of samples")]
    expect("one sample in the middle of four pixels", one.ravel(), [45], mistakes)


@pytest.mark.task("2.6")
def test_the_grid_has_rows_and_columns(student):
    x = maps([[1, 2, 3, 4], [10, 20, 30, 40]])
    y = student.roi_align(x, rois([0, 0, 0, 4, 2]), (2, 4), sampling_ratio=1)
    mistakes = [(x.reshape(4, 2).T[None, None], "rows and columns of the grid are swapped")]
    expect("y, with one sample in each pixel the same as x,", y, x, mistakes)


@pytest.mark.task("2.6")
def test_samples_outside_of_the_map(student):
    boxes = rois([0, -1, 0, 0, 1], [0, -2, 0, -1, 1], [0, 1, 0, 2, 1])
    y = student.roi_align(maps(ROW), boxes, 1, sampling_ratio=1)
    mistakes = [
        ([0, 0, 20], "up to one pixel outside of the map, the nearest pixel is used: a sample at -1 is 10"),
        ([10, 10, 20], "a sample more than one pixel outside of the map is 0"),
        ([40, 40, 20], "a negative index counts from the end: the samples are to the left of the map"),
        ([40, 70, 20], "a negative index counts from the end: the samples are to the left of the map"),
    ]
    expect("samples at -1, at -2 and at 1", y.ravel(), [10, 0, 20], mistakes)


@pytest.mark.task("2.6")
def test_aligned_false_is_the_first_version_of_roi_align(student):
    y = student.roi_align(maps(ROW), rois([0, 1, 0, 3, 1], [0, 2, 0, 2.5, 1]), 1, sampling_ratio=1, aligned=False)
    mistakes = [
        ([45, 57.5], "`aligned` is ignored: if it is False, nothing is subtracted from the corners"),
        ([45, 70], "`aligned` is ignored: if it is False, nothing is subtracted from the corners"),
        ([70, 62.5], "if `aligned` is False, a region is at least one pixel wide and high"),
    ]
    expect("samples at 2 and, in a region that is enlarged to one pixel, at 2.5", y.ravel(), [70, 55], mistakes)


@pytest.mark.task("2.6")
def test_regions_belong_to_an_image_and_are_scaled(student):
    x = np.stack([maps(np.multiply(ROW, k))[0] for k in (1, 10, 100)])
    y = student.roi_align(x, rois([1, 8, 0, 16, 8], [0, 8, 0, 16, 8], [0, 0, 0, 8, 1]), 1, spatial_scale=1 / 8)
    mistakes = [
        (
            [20, 20, 10],
            "the first number of a region is the index of its image: here all regions come from the first image",
        ),
        (
            [20, 200, 1000],
            "region k does not belong to image k: the first number of a region is the index of its image",
        ),
        ([0, 0, 40], "spatial_scale is ignored: the box is in the image, which is larger than the map"),
        (
            [418.75, 41.875, 14.375],
            "half a pixel is subtracted in the image: subtract half a pixel of the map, after scaling",
        ),
    ]
    expect("pixel 1 of image 1 and of image 0, and pixel 0 of image 0", y.ravel(), [200, 20, 10], mistakes)


@pytest.mark.task("2.6")
def test_roi_align_agrees_with_the_reference(student):
    student.check("roi_align", keep=on_small_maps)


# ---- 2.7: RoIAlign, backward ----------------------------------------------------------------------------------------


@pytest.mark.task("2.7")
def test_a_gradient_is_distributed_with_the_weights_of_the_sample(student):
    dy = np.full((1, 1, 1, 1), 10.0)
    dx = student.roi_align_backward(dy, rois([0, 0.8, 0, 1.8, 1]), (1, 1, 1, 4), sampling_ratio=1)
    mistakes = [
        ([8, 2, 0, 0], "the two weights are swapped"),
        ([7, 3, 0, 0], "the sample is at the edge of the cell: it belongs in the middle, at (s + 0.5) / samples"),
        ([5, 5, 0, 0], "the two pixels do not have the same weight: the sample is at 0.8"),
        (
            [0, 10, 0, 0],
            "the gradient goes to the nearest pixel only: distribute it with the weights of the interpolation",
        ),
        ([10, 10, 0, 0], "the weights of the two pixels are missing"),
        ([0, 7, 3, 0], "half a pixel is not subtracted"),
        (
            [0, 0, 0, 0],
            "dx is 0, or each part of a gradient overwrites the one before, and the last is 0: use +=, not =",
        ),
    ]
    expect(
        "dx for a gradient of 10 of a sample at 0.8, one fifth and four fifths of it,",
        dx.ravel(),
        [2, 8, 0, 0],
        mistakes,
    )


@pytest.mark.task("2.7")
def test_each_sample_of_a_cell_gets_a_part_of_its_gradient(student):
    dy = np.full((1, 1, 1, 1), 8.0)
    dx = student.roi_align_backward(dy, rois([0, 1, 0, 3, 1]), (1, 1, 1, 4), sampling_ratio=2)
    mistakes = [
        ([0, 16, 16, 0], "y was the mean of 2 x 2 samples: the gradient of each is dy / 4"),
        ([0, 8, 8, 0], "y was the mean of 2 x 2 samples: the gradient of each is dy / 4"),
        ([0, 1, 1, 0], "the gradient is divided by the number of samples twice"),
        ([0, 0, 2, 0], "the samples overwrite each other: use +=, not ="),
        (
            [0, 0, 0, 0],
            "dx is 0, or each part of a gradient overwrites the one before, and the last is 0: use +=, not =",
        ),
        ([0, 2, 2, 0], "samples in the same pixel overwrite each other: use +=, not ="),
    ]
    expect("dx for a gradient of 8 of two samples at pixel 1 and two at pixel 2", dx.ravel(), [0, 4, 4, 0], mistakes)


@pytest.mark.task("2.7")
def test_gradients_of_overlapping_regions_add_up(student):
    dy = np.array([1.0, 10, 100]).reshape(3, 1, 1, 1)
    regions = rois([0, 1, 0, 2, 1], [0, 1, 0, 2, 1], [1, 2, 0, 3, 1])
    dx = student.roi_align_backward(dy, regions, (2, 1, 1, 4), sampling_ratio=1)
    mistakes = [
        ([[0, 10, 0, 0], [0, 0, 100, 0]], "gradients of overlapping regions add up: use +=, not ="),
        (
            [[0, 11, 100, 0], [0, 0, 0, 0]],
            "all gradients go to the first image: the first number of a region is the index of its image",
        ),
    ]
    expect("dx for two images", dx[:, 0, 0], [[0, 11, 0, 0], [0, 0, 100, 0]], mistakes)


@pytest.mark.task("2.7")
def test_the_sum_of_a_gradient_is_kept_inside_of_the_map(student):
    rng = np.random.default_rng(0)
    corners = rng.uniform(0, 4, (5, 2))
    regions = np.column_stack([np.zeros(5), corners, corners + rng.uniform(1, 5, (5, 2))])
    dy = rng.normal(size=(5, 2, 3, 2))
    dx = student.roi_align_backward(dy, regions, (1, 2, 10, 9))
    expect("the sum of dx for each channel, equal to the sum of dy,", dx.sum(axis=(0, 2, 3)), dy.sum(axis=(0, 2, 3)))


@pytest.mark.task("2.7")
def test_roi_align_backward_agrees_with_finite_differences(student):
    # Finite differences call the function often.
    student.check("roi_align_backward", keep=lambda c: on_small_maps(c) and ("dy" in c or c.get("sampling_ratio") == 2))
