// Regions of interest. Each thread computes one element of the result; names are those of ops/regions.py. A row of rois
// is the number of the image, x1, y1, x2, y2, so that along the rows a region reaches from roi[2] to roi[4], along the
// columns from roi[1] to roi[3].

// ---- RoI pooling ----

// The first and the end of each bin, on the map: the pixels `start .. stop`, rounded, divided into bins.
__device__ void find_bin(int bin, real start, real stop, int bins, int size, int *first, int *end)
{
    int low = (int)round(start), high = (int)round(stop);  // halves away from zero
    real bin_size = (real)max(high - low + 1, 1) / bins;
    *first = min(max(low + (int)floor(bin * bin_size), 0), size);
    *end = min(max(low + (int)ceil((bin + 1) * bin_size), 0), size);
}

extern "C" __global__ void roi_pool(
    int count, const real *x, const real *rois, real *y, int *argmax,
    int C, int H, int W, int rows, int cols, real spatial_scale)
{
    int element = blockIdx.x * blockDim.x + threadIdx.x;
    if (element >= count) return;
    int j = element % cols, i = element / cols % rows, c = element / cols / rows % C;
    const real *roi = rois + 5 * (element / cols / rows / C);
    const real *plane = x + ((int)roi[0] * C + c) * H * W;

    int first_row, end_row, first_col, end_col;
    find_bin(i, roi[2] * spatial_scale, roi[4] * spatial_scale, rows, H, &first_row, &end_row);
    find_bin(j, roi[1] * spatial_scale, roi[3] * spatial_scale, cols, W, &first_col, &end_col);
    real best = 0;
    int index = -1;
    for (int row = first_row; row < end_row; row++)
        for (int col = first_col; col < end_col; col++) {
            real value = plane[row * W + col];
            if (index < 0 || value > best || value != value) {  // only NaN differs from itself
                best = value;
                index = row * W + col;
            }
        }
    y[element] = best;
    argmax[element] = index;
}

// ---- the ways back ----
//
// The textbook walks through the bins of each region and adds to the pixels that they read. Here each thread has one
// pixel and asks every region of its image what it has for it: no two threads add to one sum, and the order is always
// the same. The regions of image n are order[start[n]] .. order[start[n + 1] - 1], ascending. So that most of them are
// passed over at once, tables say which bins of region k read row (column) number `pixel`: those from
// first_bin[k, pixel] to last_bin[k, pixel].

extern "C" __global__ void bins_of_maxima(
    int count, const int *argmax, int *first_row_bin, int *last_row_bin, int *first_col_bin, int *last_col_bin,
    int C, int H, int W, int rows, int cols)
{
    int element = blockIdx.x * blockDim.x + threadIdx.x;
    if (element >= count || argmax[element] < 0) return;
    int j = element % cols, i = element / cols % rows, k = element / cols / rows / C;
    int row = k * H + argmax[element] / W, col = k * W + argmax[element] % W;
    // Looked at before it is written: of all channels, only the first few have anything to add.
    if (i < first_row_bin[row]) atomicMin(&first_row_bin[row], i);
    if (i > last_row_bin[row]) atomicMax(&last_row_bin[row], i);
    if (j < first_col_bin[col]) atomicMin(&first_col_bin[col], j);
    if (j > last_col_bin[col]) atomicMax(&last_col_bin[col], j);
}

extern "C" __global__ void roi_pool_backward(
    int count, const real *dy, const int *order, const int *start, const int *argmax,
    const int *first_row_bin, const int *last_row_bin, const int *first_col_bin, const int *last_col_bin,
    real *dx, int C, int H, int W, int rows, int cols)
{
    int element = blockIdx.x * blockDim.x + threadIdx.x;
    if (element >= count) return;
    int col = element % W, row = element / W % H, c = element / W / H % C, n = element / W / H / C;
    real sum = 0;
    for (int at = start[n]; at < start[n + 1]; at++) {
        int k = order[at];
        for (int i = first_row_bin[k * H + row]; i <= last_row_bin[k * H + row]; i++)
            for (int j = first_col_bin[k * W + col]; j <= last_col_bin[k * W + col]; j++) {
                int bin = ((k * C + c) * rows + i) * cols + j;
                if (argmax[bin] == row * W + col) sum += dy[bin];
            }
    }
    dx[element] = sum;
}

// For RoIAlign and the warp: a bilinear interpolation is one along the rows times one along the columns, and so is the
// mean over a grid of them. What bin i has of a row is row_share[k, row, i], likewise for columns.
extern "C" __global__ void add_shares(
    int count, const real *dy, const int *order, const int *start,
    const real *row_share, const int *first_row_bin, const int *last_row_bin,
    const real *col_share, const int *first_col_bin, const int *last_col_bin,
    real *dx, int C, int H, int W, int rows, int cols)
{
    int element = blockIdx.x * blockDim.x + threadIdx.x;
    if (element >= count) return;
    int col = element % W, row = element / W % H, c = element / W / H % C, n = element / W / H / C;
    real sum = 0;
    for (int at = start[n]; at < start[n + 1]; at++) {
        int k = order[at];
        for (int i = first_row_bin[k * H + row]; i <= last_row_bin[k * H + row]; i++)
            for (int j = first_col_bin[k * W + col]; j <= last_col_bin[k * W + col]; j++)
                sum += row_share[(k * H + row) * rows + i] * col_share[(k * W + col) * cols + j]
                       * dy[((k * C + c) * rows + i) * cols + j];
    }
    dx[element] = sum;
}

// ---- RoIAlign ----

// How the bins of a region lie along an axis: sample s of bin b lies at start + b * bin_size + (s + 1/2) * bin_size / samples.
struct Axis {
    real start, bin_size;
    int samples;  // in a bin; none or less in an inverted region
};

__device__ Axis align_axis(real start, real stop, int bins, int sampling_ratio, int aligned)
{
    real length = aligned ? stop - start : max(stop - start, (real)1);
    real bin_size = length / bins;
    return {start, bin_size, sampling_ratio > 0 ? sampling_ratio : (int)ceil(bin_size)};
}

// The two pixels beside a sample, and how much the second counts. Up to a pixel beyond the outermost ones, the map goes
// on as it ends; further out there is nothing, and this is false.
__device__ bool align_neighbours(Axis axis, int b, int s, int size, int *lower, int *upper, real *share)
{
    real position = axis.start + b * axis.bin_size + (s + (real)0.5) * axis.bin_size / axis.samples;
    if (position < -1 || position > size) return false;
    position = min(max(position, (real)0), (real)(size - 1));
    *lower = (int)floor(position);
    *upper = min(*lower + 1, size - 1);
    *share = position - *lower;
    return true;
}

extern "C" __global__ void roi_align(
    int count, const real *x, const real *rois, real *y,
    int C, int H, int W, int rows, int cols, real spatial_scale, int sampling_ratio, int aligned)
{
    int element = blockIdx.x * blockDim.x + threadIdx.x;
    if (element >= count) return;
    int j = element % cols, i = element / cols % rows, c = element / cols / rows % C;
    const real *roi = rois + 5 * (element / cols / rows / C);
    const real *plane = x + ((int)roi[0] * C + c) * H * W;

    real offset = aligned ? (real)0.5 : 0;
    Axis vertical = align_axis(
        roi[2] * spatial_scale - offset, roi[4] * spatial_scale - offset, rows, sampling_ratio, aligned);
    Axis horizontal = align_axis(
        roi[1] * spatial_scale - offset, roi[3] * spatial_scale - offset, cols, sampling_ratio, aligned);
    real sum = 0;
    for (int sy = 0; sy < vertical.samples; sy++) {
        int above, below;
        real down;
        if (!align_neighbours(vertical, i, sy, H, &above, &below, &down)) continue;
        for (int sx = 0; sx < horizontal.samples; sx++) {
            int left, right;
            real across;
            if (!align_neighbours(horizontal, j, sx, W, &left, &right, &across)) continue;
            real upper = plane[above * W + left] * (1 - across) + plane[above * W + right] * across;
            real lower = plane[below * W + left] * (1 - across) + plane[below * W + right] * across;
            sum += (upper * (1 - down) + lower * down) / vertical.samples / horizontal.samples;
        }
    }
    y[element] = sum;
}

// The tables of an axis, one thread for each pixel of each region. `corner` is 2 along the rows, 1 along the columns.
extern "C" __global__ void align_shares(
    int count, const real *rois, real *shares, int *first_bin, int *last_bin,
    int corner, int size, int bins, real spatial_scale, int sampling_ratio, int aligned)
{
    int element = blockIdx.x * blockDim.x + threadIdx.x;
    if (element >= count) return;
    int pixel = element % size;
    const real *roi = rois + 5 * (element / size);

    real offset = aligned ? (real)0.5 : 0;
    Axis axis = align_axis(
        roi[corner] * spatial_scale - offset, roi[corner + 2] * spatial_scale - offset, bins, sampling_ratio, aligned);
    first_bin[element] = bins;
    last_bin[element] = -1;
    for (int b = 0; b < bins; b++) {
        real sum = 0;
        for (int s = 0; s < axis.samples; s++) {
            int lower, upper;
            real share;
            if (!align_neighbours(axis, b, s, size, &lower, &upper, &share)) continue;
            if (lower == pixel) sum += (1 - share) / axis.samples;
            if (upper == pixel) sum += share / axis.samples;
        }
        shares[element * bins + b] = sum;
        if (sum != 0) {
            first_bin[element] = min(first_bin[element], b);
            last_bin[element] = b;
        }
    }
}

// ---- the warp of R-CNN ----

// Where output pixel b lies along an axis, in pixels from the centre of the first; beyond the outermost pixel centres
// of the crop it goes on as it ends.
__device__ real crop_position(int b, real start, real stop, int bins)
{
    real centre = start + (b + (real)0.5) * ((stop - start) / bins);
    real first = start + (real)0.5, last = stop - (real)0.5;
    if (first > last) first = last = (start + stop) * (real)0.5;
    return min(max(centre, first), last) - (real)0.5;
}

extern "C" __global__ void crop_and_resize(
    int count, const real *x, const real *rois, real *y,
    int C, int H, int W, int rows, int cols, real spatial_scale)
{
    int element = blockIdx.x * blockDim.x + threadIdx.x;
    if (element >= count) return;
    int j = element % cols, i = element / cols % rows, c = element / cols / rows % C;
    const real *roi = rois + 5 * (element / cols / rows / C);
    const real *plane = x + ((int)roi[0] * C + c) * H * W;

    real down = crop_position(i, roi[2] * spatial_scale, roi[4] * spatial_scale, rows);
    real across = crop_position(j, roi[1] * spatial_scale, roi[3] * spatial_scale, cols);
    int above = (int)floor(down), left = (int)floor(across);
    down -= above;
    across -= left;
    real sum = 0;
    for (int row = max(above, 0); row <= min(above + 1, H - 1); row++)
        for (int col = max(left, 0); col <= min(left + 1, W - 1); col++)
            sum += (row == above ? 1 - down : down) * (col == left ? 1 - across : across) * plane[row * W + col];
    y[element] = sum;
}

extern "C" __global__ void crop_shares(
    int count, const real *rois, real *shares, int *first_bin, int *last_bin,
    int corner, int size, int bins, real spatial_scale)
{
    int element = blockIdx.x * blockDim.x + threadIdx.x;
    if (element >= count) return;
    int pixel = element % size;
    const real *roi = rois + 5 * (element / size);

    first_bin[element] = bins;
    last_bin[element] = -1;
    for (int b = 0; b < bins; b++) {
        real position = crop_position(b, roi[corner] * spatial_scale, roi[corner + 2] * spatial_scale, bins);
        int lower = (int)floor(position);
        real share = position - lower;
        real sum = lower == pixel ? 1 - share : lower + 1 == pixel ? share : 0;
        shares[element * bins + b] = sum;
        if (sum != 0) {
            first_bin[element] = min(first_bin[element], b);
            last_bin[element] = b;
        }
    }
}
